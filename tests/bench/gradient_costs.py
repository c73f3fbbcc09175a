"""What gradients cost beside JAX's: operations and temporary memory of the same programs, both counted by XLA.

    python tests/bench/gradient_costs.py

For a ResNet-18, an LSTM and a GPT block: JAX exports the forward, the pass differentiates it, and XLA compiles that text and
JAX's own gradient; `cost_analysis` counts their operations, `memory_analysis` their temporaries. Beside them is what a call
of irc's own program takes beside inputs and results. XLA counts the body of a loop once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import jax._src.interpreters.mlir as jax_mlir
import jax.numpy as jnp
import jaxlib._jax as jaxlib
import numpy as np
from jaxlib import xla_client
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import chlo, stablehlo

import irc
from irc.passes.autodiff import value_and_grad

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray[Any, Any]:
    return (RNG.standard_normal(shape) * 0.1).astype(np.float32)


def conv(x: Any, w: Any, stride: int = 1) -> Any:
    return jax.lax.conv_general_dilated(
        x, w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def normalised(x: Any, scale: Any, axes: tuple[int, ...]) -> Any:
    mean = x.mean(axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axes, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale


def resnet18() -> tuple[Callable[..., Any], list[np.ndarray[Any, Any]]]:
    """Batch of 4, images of 64 x 64, batch normalisation by the batch's statistics."""
    widths = (64, 128, 256, 512)
    weights = [normal(7, 7, 3, 64), np.ones(64, "f")]
    plan = []
    width = 64
    for stage, wide in enumerate(widths):
        for block in range(2):
            stride = 2 if stage and not block else 1
            plan.append((stride, width != wide))
            weights += [
                normal(3, 3, width, wide),
                np.ones(wide, "f"),
                normal(3, 3, wide, wide),
                np.ones(wide, "f"),
            ]
            if width != wide:
                weights += [normal(1, 1, width, wide), np.ones(wide, "f")]
            width = wide
    weights.append(normal(512, 10))

    def loss(x: Any, y: Any, *ws: Any) -> Any:
        each = iter(ws)

        def unit(x: Any, stride: int = 1) -> Any:
            return normalised(conv(x, next(each), stride), next(each), (0, 1, 2))

        x = jax.nn.relu(unit(x, 2))
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        for stride, projected in plan:
            h = unit(jax.nn.relu(unit(x, stride)))
            x = jax.nn.relu(h + (unit(x, stride) if projected else x))
        return -(jax.nn.log_softmax(x.mean((1, 2)) @ next(each)) * y).sum()

    return loss, [normal(4, 64, 64, 3), np.eye(10, dtype="f")[:4], *weights]


def lstm() -> tuple[Callable[..., Any], list[np.ndarray[Any, Any]]]:
    """64 steps of a batch of 16 with 128 units."""

    def loss(xs: Any, y: Any, w: Any, u: Any, b: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(x @ w + h @ u + b, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((xs.shape[1], u.shape[0]), jnp.float32)
        return ((jax.lax.scan(step, (zero, zero), xs)[1] - y) ** 2).mean()

    return loss, [normal(64, 16, 64), normal(64, 16, 128), normal(64, 512), normal(128, 512), normal(512)]


def gpt() -> tuple[Callable[..., Any], list[np.ndarray[Any, Any]]]:
    """One block of 256 units with 8 heads on 4 rows of 128 tokens."""

    def loss(x: Any, y: Any, wq: Any, wk: Any, wv: Any, wo: Any, w1: Any, w2: Any, g1: Any, g2: Any) -> Any:
        t, d = x.shape[1:]
        h = normalised(x, g1, (-1,))
        q, k, v = ((h @ w).reshape(-1, t, 8, d // 8).transpose(0, 2, 1, 3) for w in (wq, wk, wv))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d // 8)
        scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), scores, -1e9)
        x = x + (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ wo
        return ((x + jax.nn.gelu(normalised(x, g2, (-1,)) @ w1) @ w2 - y) ** 2).mean()

    d = 256
    weights = [*(normal(d, d) for _ in range(4)), normal(d, 4 * d), normal(4 * d, d), *(np.ones(d, "f"),) * 2]
    return loss, [normal(4, 128, d), normal(4, 128, d), *weights]


def compiled(text: str) -> tuple[float, int]:
    """(operations, bytes of temporaries) of a text, by XLA."""
    client = jax.devices("cpu")[0].client
    context = jax_mlir.make_ir_context()
    stablehlo.register_dialect(context, load=True)
    chlo.register_dialect(context, load=True)
    with context, ir.Location.unknown(context):
        devices = jaxlib.DeviceList((client.local_devices()[0],))
        made = client.compile_and_load(str(ir.Module.parse(text)), devices, xla_client.CompileOptions())
    (module,) = made.hlo_modules()
    flops = float(jaxlib.hlo_module_cost_analysis(client, module)["flops"])
    return flops, made.get_compiled_memory_stats().temp_size_in_bytes


def main() -> None:
    print(f"{'':<10} {'GFLOP':>8} {'of JAX':>7} {'temporaries MiB':>16} {'of JAX':>7} {'irc: arena MiB':>15}")
    for name, (loss, arrays) in {"resnet18": resnet18(), "lstm": lstm(), "gpt": gpt()}.items():
        wrt = range(2, len(arrays))
        forward = jax.jit(loss, keep_unused=True).lower(*arrays).as_text()
        theirs = jax.jit(jax.value_and_grad(loss, tuple(wrt)), keep_unused=True).lower(*arrays).as_text()
        module = value_and_grad(irc.parse(forward), wrt)
        ours = str(irc.opt(module, "inline,canonicalize,cse,dce"))
        (f, m), (jf, jm) = compiled(ours), compiled(theirs)
        own = irc.compile_module(module).memory_plan.arena_bytes
        print(f"{name:<10} {f / 1e9:8.3f} {f / jf:7.3f} {m / 2**20:16.2f} {m / jm:7.3f} {own / 2**20:15.2f}")


if __name__ == "__main__":
    main()

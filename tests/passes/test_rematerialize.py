"""rematerialize: less memory, the same bits."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import irc
from irc.driver import PIPELINE, SEPARATE, compile_module
from irc.interpreter import interpret
from irc.passes.autodiff import value_and_grad

jax = pytest.importorskip("jax")
jnp = jax.numpy
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return (RNG.standard_normal(shape) * 0.1).astype(np.float32)


def gpt_block(x: Any, wq: Any, wk: Any, wv: Any, wo: Any, w1: Any, w2: Any, g1: Any, g2: Any) -> Any:
    def normalised(x: Any, scale: Any) -> Any:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale

    t, d = x.shape[1:]
    h = normalised(x, g1)
    q, k, v = ((h @ w).reshape(-1, t, 4, d // 4).transpose(0, 2, 1, 3) for w in (wq, wk, wv))
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d // 4)
    scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), scores, -1e9)
    x = x + (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ wo
    return x + jax.nn.gelu(normalised(x, g2) @ w1) @ w2


def loss(x: Any, y: Any, *weights: Any) -> Any:
    return ((gpt_block(gpt_block(x, *weights), *weights) - y) ** 2).mean()


def loss_of_one(x: Any, y: Any, *weights: Any) -> Any:
    return ((gpt_block(x, *weights) - y) ** 2).mean()


B, T, D = 2, 64, 32
WEIGHTS = [
    *(normal(D, D) for _ in range(4)),
    normal(D, 4 * D),
    normal(4 * D, D),
    np.ones(D, "f"),
    np.ones(D, "f"),
]


def step(loss: Any = loss, tokens: int = T) -> Any:
    """A training step without its update: loss and gradients."""
    arrays = [normal(B, tokens, D), normal(B, tokens, D), *WEIGHTS]
    exported = jax.jit(loss, keep_unused=True).lower(*arrays).as_text()
    return value_and_grad(irc.parse(exported), range(2, 10))


def trained(executable: Any, steps: int = 3, tokens: int = T) -> list[np.ndarray]:
    weights, rng, losses = list(WEIGHTS), np.random.default_rng(1), []
    for _ in range(steps):
        x = rng.standard_normal((B, tokens, D)).astype(np.float32)
        y = rng.standard_normal((B, tokens, D)).astype(np.float32)
        value, *gradients = executable(x, y, *weights)
        weights = [w - np.float32(0.1) * g for w, g in zip(weights, gradients, strict=True)]
        losses.append(value)
    return [*losses, *weights]


def test_gpt_blocks_train_to_the_same_bits_in_half_their_memory() -> None:
    module = step()
    plain = compile_module(module)
    budget = plain.memory_plan.new_bytes // 2
    small = compile_module(module, pipeline=f"{PIPELINE},rematerialize{{bytes={budget}}}")
    assert small.memory_plan.new_bytes <= budget
    assert small.memory_plan.steps > plain.memory_plan.steps
    for a, b in zip(trained(plain), trained(small), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("tokens", [48, 64, 96])
def test_a_memory_limit_is_kept_by_running_steps_again(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block in half of what it takes. Most of that is its attention's scores, of which two are there at the least: those
    made again, and their gradient."""
    module = step(loss_of_one, tokens)
    plain = compile_module(module)
    plan = plain.memory_plan
    limit = plan.total_bytes - plan.new_bytes // 2
    monkeypatch.setenv("IRC_MEMORY_LIMIT", str(limit))
    small = compile_module(module)
    assert small.memory_plan.total_bytes <= limit
    assert small.memory_plan.steps > plan.steps
    for a, b in zip(trained(plain, 2, tokens), trained(small, 2, tokens), strict=True):
        assert a.tobytes() == b.tobytes()
    monkeypatch.delenv("IRC_MEMORY_LIMIT")
    assert compile_module(module).memory_plan.new_bytes == plan.new_bytes
    with pytest.raises(
        irc.OutOfMemoryError, match=r"nothing was run\n.*held at the peak(.|\n)*run again.* and no less"
    ):
        compile_module(module, memory_limit=plan.input_bytes + plan.new_bytes // 5)


def test_kernels_make_again_what_they_read_and_write_over_what_ends() -> None:
    """The softmax's exponentials are not held for its gradient."""
    module = step(loss_of_one, 64)
    plain = compile_module(module, pipeline=SEPARATE)
    budget = plain.memory_plan.new_bytes // 2
    small = compile_module(module, pipeline=f"{SEPARATE},rematerialize{{bytes={budget}}}")
    assert small.memory_plan.new_bytes < plain.memory_plan.new_bytes * 3 // 5
    assert "irc.in_place" in small.stages["fused"]


STEPS = """func.func @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %a = stablehlo.sine %x : tensor<64x64xf32>
  %b = stablehlo.cosine %x : tensor<64x64xf32>
  %c = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %d = stablehlo.dot_general %c, %b, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %e = stablehlo.dot_general %d, %d, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %v = stablehlo.reshape %a : (tensor<64x64xf32>) -> tensor<4096xf32>
  %w = stablehlo.reshape %v : (tensor<4096xf32>) -> tensor<64x64xf32>
  %f = stablehlo.add %e, %w : tensor<64x64xf32>
  return %f : tensor<64x64xf32>
}"""


def test_what_is_read_late_is_made_again() -> None:
    """%a is held over two products; with less room its sine runs again, right before the sum that reads it."""
    module = irc.parse(STEPS)
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    made = irc.opt(module, "rematerialize{bytes=65536}")
    names = [op.name.partition(".")[2] for op in made.symbols["main"].block.operations]
    assert names == [
        *("sine", "cosine", "dot_general", "dot_general", "dot_general"),
        *("sine", "reshape", "reshape", "add", "return"),
    ]
    made.verify()
    np.testing.assert_array_equal(interpret(made, x)[0], interpret(module, x)[0])


def test_a_budget_that_is_kept_changes_nothing() -> None:
    module = irc.parse(STEPS)
    assert irc.opt(module, "rematerialize{bytes=1000000}") is module


def test_a_fusion_that_runs_twice_is_two_functions() -> None:
    module = step()
    fused = irc.opt(module, f"{PIPELINE},rematerialize{{bytes=200000}}")
    called = re.findall(r"call @(\w+)", str(fused))
    assert len(called) == len(set(called)) and any("_again" in name for name in called)
    assert all(name in fused.symbols for name in called)

"""One gradient for every batch size: programs that JAX exports with an unknown extent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from irc.dialects.builtin import parse
from irc.interpreter import interpret
from irc.passes.autodiff import value_and_grad

jax = pytest.importorskip("jax")
jnp = jax.numpy
RNG = np.random.default_rng(37)


def mlp(x: Any, w: Any, b: Any) -> Any:
    h = jax.nn.log_softmax(jax.nn.relu(x @ w + b))
    return jnp.mean(h * h.max(1, keepdims=True))


def cnn(x: Any, w: Any, v: Any) -> Any:
    numbers = ("NHWC", "HWIO", "NHWC")
    h = jax.lax.conv_general_dilated(x, w, (1, 2), "SAME", dimension_numbers=numbers)
    h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 1, 1), "VALID")
    h = jax.lax.reduce_window(h, 0.0, jax.lax.add, (1, 2, 1, 1), (1, 1, 1, 1), "SAME")
    return (jnp.tanh(h).sum((1, 2)) @ v).sum()


def lookup(x: Any, table: Any) -> Any:
    rows = table[(x * 2).astype(jnp.int32) % 4]
    both = jnp.concatenate([rows, jnp.sin(rows), rows[..., :1]], axis=-1)
    return (both * jnp.cos(x)[..., None]).sum()


def attention(x: Any, w: Any) -> Any:
    q = jnp.einsum("bqd,de->bqe", x, w)
    return (jnp.einsum("bqk,bkd->bqd", jax.nn.softmax(jnp.einsum("bqe,bke->bqk", q, x)), x) ** 2).sum()


PROGRAMS = {
    mlp: ((None, 3), (3, 4), (4,)),
    cnn: ((None, 4, 4, 2), (2, 2, 2, 3), (3, 2)),
    lookup: ((None, 3), (4, 2)),
    attention: ((None, 3, 2), (2, 2)),
}


def exported(f: Any, shapes: Any) -> str:
    """The text with one unknown batch size, the assertion that it is at least 1 left out."""
    (batch,) = jax.export.symbolic_shape("b")
    sizes = [tuple(batch if n is None else n for n in s) for s in shapes]
    specs = [jax.ShapeDtypeStruct(s, np.float64) for s in sizes]
    text = jax.export.export(jax.jit(f))(*specs).mlir_module()
    return "\n".join(line for line in text.splitlines() if "@shape_assertion" not in line)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_one_gradient_for_every_batch(f: Any) -> None:
    with jax.enable_x64(True):
        module = value_and_grad(parse(exported(f, PROGRAMS[f])))
        module.verify()
        for batch in (1, 3):
            arrays = [RNG.standard_normal([n or batch for n in s]) for s in PROGRAMS[f]]
            value, *gradients = interpret(module, *arrays)
            wanted, wanted_gradients = jax.jit(jax.value_and_grad(f, tuple(range(len(arrays)))))(*arrays)
            np.testing.assert_allclose(value, wanted, rtol=1e-9)
            for got, want in zip(gradients, wanted_gradients, strict=True):
                np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)

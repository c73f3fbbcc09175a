"""Programs as JAX exports them, differentiated here and by JAX: values, gradients, tangents, gradients of
gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from xla_oracle import run as run_by_xla

from irc.dialects.builtin import parse
from irc.interpreter import interpret
from irc.passes.autodiff import jvp, value_and_grad

jax = pytest.importorskip("jax")
jnp = jax.numpy
RNG = np.random.default_rng(31)


@pytest.fixture(autouse=True)
def in_f64() -> Any:
    """XLA's CPU back end gets some grouped, dilated convolutions wrong in f32, and f64 allows close
    tolerances."""
    with jax.enable_x64(True):
        yield


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def conv(x: Any, w: Any, **options: Any) -> Any:
    numbers = options.pop("dimension_numbers", ("NCHW", "OIHW", "NCHW"))
    strides = options.pop("window_strides", (1, 1))
    return jax.lax.conv_general_dilated(
        x, w, strides, options.pop("padding", "SAME"), dimension_numbers=numbers, **options
    )


def cnn(x: Any, w: Any, v: Any) -> Any:
    h = jax.nn.relu(conv(x, w))
    h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    h = jax.lax.reduce_window(h, 0.0, jax.lax.add, (1, 1, 2, 2), (1, 1, 1, 1), "SAME") / 4
    return jax.nn.logsumexp(h.reshape(h.shape[0], -1) @ v, axis=1).mean()


def cross_entropy(x: Any, w: Any) -> Any:
    logits = jax.nn.log_softmax(x @ w)
    return -jnp.take_along_axis(logits, jnp.array([[0], [2], [1], [1]]), 1).mean()


def layer_norm(x: Any, scale: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (jnp.cos((x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale)).sum()


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / 2
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return (jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v) ** 2).sum()


def embedding(table: Any, w: Any) -> Any:
    return jnp.tanh(table[jnp.array([[0, 3], [3, -1]])] @ w).sum()


def lstm(xs: Any, w: Any, u: Any) -> Any:
    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x @ w + h @ u, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = jnp.zeros((xs.shape[1], u.shape[0]))
    (h, _), out = jax.lax.scan(step, (zero, zero), xs, reverse=True)
    return (out**2).sum() + h.sum()


def nested_scans(xs: Any, w: Any) -> Any:
    def inner(c: Any, x: Any) -> Any:
        return jnp.sin(c * w + x), c * x

    def outer(c: Any, x: Any) -> Any:
        c, ys = jax.lax.scan(inner, c, jnp.stack([x, x * 2]))
        return c + x, ys.sum(0)

    c, ys = jax.lax.scan(outer, w, xs)
    return (c * w).sum() + (ys**2).sum()


def switch_in_a_loop(x: Any, y: Any) -> Any:
    branches = [jnp.sin, lambda a: a * y, lambda a: jnp.exp(-a * a)]

    def step(i: Any, a: Any) -> Any:
        a = jax.lax.switch(i % 3, branches, a)
        return jax.lax.cond(a.sum() > 0, lambda a: a * y, lambda a: a + y, a)

    return jax.lax.fori_loop(0, 5, step, x).sum()


def sorting(x: Any, y: Any) -> Any:
    values, _ = jax.lax.top_k(x, 2)
    return (
        (jnp.sort(x, 0) * y).sum()
        + (values * jnp.arange(2.0)).sum()
        + x[jnp.argsort(y[0])[0], 0]
        + y.max(1).sum()
    )


def cumulative(x: Any, y: Any) -> Any:
    return (jnp.cumsum(x * y, 1) * jax.lax.cummax(x, 0)).sum() + jnp.prod(y, 1).sum()


def updates(x: Any, y: Any) -> Any:
    x = x.at[jnp.array([0, 2, 0])].add(y[:3])
    x = x.at[1, 2].set(y.sum())
    x = x.at[jnp.array([2, 3])].max(y[:2])
    return jnp.sin(x).sum()


def fourier(x: Any, y: Any) -> Any:
    z = jnp.fft.rfft(x) * jnp.fft.rfft(y)
    return jnp.abs(jnp.fft.ifft(x + 1j * y)).sum() + (jnp.fft.irfft(z) ** 3).sum()


def special(x: Any, y: Any) -> Any:
    return (
        jax.nn.gelu(x, approximate=False) + jax.nn.softplus(y) * jnp.arctan2(x, y) + jax.lax.erf(x * y)
    ).sum()


def checkpointed(x: Any, w: Any) -> Any:
    layer = jax.checkpoint(lambda x, w: jnp.tanh(x @ w))
    return layer(layer(x, w), w).sum()


def grouped_convolutions(x: Any, w: Any, k: Any) -> Any:
    y = conv(
        x, w, window_strides=(2, 1), feature_group_count=2, padding=((1, 2), (0, 1)), rhs_dilation=(1, 2)
    )
    z = conv(y, k, lhs_dilation=(2, 2), padding=((1, 1), (2, 0)))
    return jnp.sin(z).sum()


PROGRAMS: dict[Callable[..., Any], tuple[np.ndarray, ...]] = {
    cnn: (normal(2, 3, 6, 6), normal(4, 3, 3, 3), normal(36, 5)),
    cross_entropy: (normal(4, 3), normal(3, 3)),
    layer_norm: (normal(3, 5), normal(5)),
    attention: (normal(2, 3, 2, 4), normal(2, 3, 2, 4), normal(2, 3, 2, 4)),
    embedding: (normal(5, 3), normal(3, 2)),
    lstm: (normal(4, 2, 3), normal(3, 16), normal(4, 16)),
    nested_scans: (normal(3, 4), normal(4)),
    switch_in_a_loop: (normal(3), normal(3)),
    sorting: (normal(4, 3), normal(4, 3)),
    cumulative: (normal(3, 4), normal(3, 4)),
    updates: (normal(4, 3), normal(4, 3)),
    fourier: (normal(6), normal(6)),
    special: (normal(5), normal(5)),
    checkpointed: (normal(3, 3), normal(3, 3)),
    grouped_convolutions: (normal(1, 4, 5, 6), normal(4, 2, 3, 2), normal(3, 4, 2, 2)),
}


def exported(f: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> Any:
    return parse(jax.jit(f, keep_unused=True).lower(*arrays).as_text())


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(f: Callable[..., Any]) -> None:
    arrays = PROGRAMS[f]
    positions = tuple(range(len(arrays)))
    value, *gradients = interpret(value_and_grad(exported(f, arrays)), *arrays)
    wanted, wanted_gradients = jax.jit(jax.value_and_grad(f, positions))(*arrays)
    np.testing.assert_allclose(value, wanted, rtol=1e-9)
    for got, want in zip(gradients, wanted_gradients, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_tangents(f: Callable[..., Any]) -> None:
    arrays = PROGRAMS[f]
    tangents = tuple(np.random.default_rng(1).standard_normal(a.shape) for a in arrays)
    _, got = interpret(jvp(exported(f, arrays)), *arrays, *tangents)
    np.testing.assert_allclose(
        got, jax.jit(lambda x, t: jax.jvp(f, x, t)[1])(arrays, tangents), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("f", (lstm, switch_in_a_loop, sorting, updates), ids=lambda f: f.__name__)
def test_xla_runs_the_gradient(f: Callable[..., Any]) -> None:
    """What is emitted is valid StableHLO, values that regions read from outside included."""
    arrays = PROGRAMS[f]
    module = value_and_grad(exported(f, arrays))
    for got, want in zip(run_by_xla(str(module), arrays), interpret(module, *arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


TWICE = (
    cross_entropy,
    layer_norm,
    attention,
    embedding,
    lstm,
    nested_scans,
    switch_in_a_loop,
    special,
    fourier,
)


@pytest.mark.parametrize("f", TWICE, ids=lambda f: f.__name__)
def test_gradients_of_gradients(f: Callable[..., Any]) -> None:
    """The gradient that JAX exports, differentiated here; and ours of ours."""
    arrays = PROGRAMS[f]

    def slope(*inputs: Any) -> Any:
        return sum((g * jnp.cos(g)).sum() for g in jax.grad(f, tuple(range(len(arrays))))(*inputs))

    _, *gradients = interpret(value_and_grad(exported(slope, arrays)), *arrays)
    wanted = jax.jit(jax.grad(slope, tuple(range(len(arrays)))))(*arrays)
    for got, want in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-8)

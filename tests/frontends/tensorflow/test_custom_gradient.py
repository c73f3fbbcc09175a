"""tf.custom_gradient: what the function says is what a tape gives, in chains, with variables, traced and nested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf


@tf.custom_gradient  # type: ignore[untyped-decorator]
def log1pexp(x: Any) -> Any:
    e = tf.exp(x)

    def grad(upstream: Any) -> Any:
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), grad


@tf.custom_gradient  # type: ignore[untyped-decorator]
def clipped(x: Any, most: float) -> Any:
    return tf.identity(x), lambda upstream: (tf.clip_by_norm(upstream, most), None)


def test_the_documented_example() -> None:
    """Without it the gradient at 100 is nan."""
    x = tf.constant([100.0, 1.0, -2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = log1pexp(x) * 2.0
    sigmoid = 1 / (1 + np.exp(-np.array([100.0, 1.0, -2.0])))
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), 2 * sigmoid, rtol=1e-6)


def test_chains_and_sums() -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        out = clipped(clipped(v * v, 0.5) * 4.0, 3.0) * 5.0 + v
    assert float(tape.gradient(out, v)) == 0.5 * 4.0 + 1.0  # min(min(5, 3) * 4, 0.5) * 2 * v / v + 1
    with tf.GradientTape() as tape:
        y = clipped(v, 0.5)
        out = y * y + y
    assert float(tape.gradient(out, v)) == 0.5


def test_variables_of_the_function() -> None:
    v, x = tf.Variable(2.0), tf.constant(3.0)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def scaled(x: Any) -> Any:
        return x * v, lambda upstream, variables=None: (upstream * 100.0, [upstream * 7.0 for _ in variables])

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = scaled(x)
    assert float(y) == 6.0
    assert [float(g) for g in tape.gradient(y, [x, v])] == [100.0, 7.0]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def forgets(x: Any) -> Any:
        return x * v, lambda upstream: upstream

    with tf.GradientTape(), pytest.raises(TypeError, match="its gradient has to take them"):
        forgets(x)


def test_gradients_of_gradients() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = log1pexp(x)
        dy = inner.gradient(y, x)
    s = 1 / (1 + np.exp(-3.0))
    np.testing.assert_allclose(float(dy), s, rtol=1e-6)
    np.testing.assert_allclose(float(outer.gradient(dy, x)), s * (1 - s), rtol=1e-5)


def test_traced() -> None:
    @tf.function  # type: ignore[untyped-decorator]
    def slope(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(log1pexp(x))
        return tape.gradient(y, x)

    np.testing.assert_allclose(slope(tf.constant([100.0, 0.0])).numpy(), [1.0, 0.5])

    @tf.function  # type: ignore[untyped-decorator]
    def inside(x: Any) -> Any:
        return log1pexp(x)

    x = tf.Variable(100.0)
    with tf.GradientTape() as tape:
        y = inside(x)
    assert float(tape.gradient(y, x)) == 1.0


def test_without_a_tape_it_is_the_function() -> None:
    np.testing.assert_allclose(float(log1pexp(0.0)), np.log(2), rtol=1e-6)

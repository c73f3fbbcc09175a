"""irc.vmap, jvp, vjp, hessian, stop_gradient, checkpoint: on tensors of both frontends, and on each other's results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc
import irc.tensorflow as tf
import irc.torch as t
from irc.driver import Observer, observing
from irc.frontends.errors import RecordError, RecordTypeError

RNG = np.random.default_rng(3)
A = RNG.standard_normal((4, 3)).astype(np.float32)
B = RNG.standard_normal(3).astype(np.float32)
W = RNG.standard_normal((3, 3)).astype(np.float32)


def near(found: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(
        np.asarray(found.detach().numpy() if hasattr(found, "detach") else found),
        wanted,
        tolerance,
        tolerance,
    )


def loss(a: Any, b: Any) -> Any:
    return t.tanh(a * b).sum()


def slope_of_b(a: Any, b: Any) -> Any:
    return (1 - np.tanh(a * b) ** 2) * a


def test_vmap_of_a_function_and_of_its_gradient() -> None:
    a, b = t.tensor(A), t.tensor(B)
    near(irc.vmap(loss, (0, None))(a, b), np.tanh(A * B).sum(1))
    near(irc.vmap(irc.grad(loss, 1), (0, None))(a, b), slope_of_b(A, B))
    near(irc.vmap(irc.vmap(t.sin), in_axes=1, out_axes=1)(a), np.sin(A))
    near(irc.vmap(lambda row: row * 2, in_axes=-1, out_axes=-1)(a), A * 2)


def test_gradients_and_compilation_of_vmap() -> None:
    a, b = t.tensor(A), t.tensor(B)
    near(irc.grad(lambda b: irc.vmap(loss, (0, None))(a, b).sum())(b), slope_of_b(A, B).sum(0))
    near(irc.compile(lambda a, b: irc.vmap(irc.grad(loss, 1), (0, None))(a, b))(a, b), slope_of_b(A, B))


def test_vmap_of_control_flow_that_examples_go_through_differently() -> None:
    def halved(x: Any) -> Any:
        return irc.while_loop(lambda v: v > 1.0, lambda v: v / 2, x)

    x = np.array([9.0, 0.5, 3.0], np.float32)
    near(irc.vmap(halved)(t.tensor(x)), [1.125 / 2, 0.5, 0.75])
    chosen = irc.vmap(lambda v: irc.cond(v > 1.0, lambda u: u * 2, lambda u: -u, v))
    near(chosen(t.tensor(x)), [18, -0.5, 6])


def test_jvp_and_vjp() -> None:
    a, b = t.tensor(A[0]), t.tensor(B)
    value, tangent = irc.jvp(loss, (a, b), (b, a))
    near(value, np.tanh(A[0] * B).sum())
    g = 1 - np.tanh(A[0] * B) ** 2
    near(tangent, (g * (B * B + A[0] * A[0])).sum())
    value, back = irc.vjp(loss, a, b)
    for found, wanted in zip(back(t.tensor(1.0)), (g * B, g * A[0]), strict=True):
        near(found, wanted)
    for found in back(t.tensor(2.0)):
        assert not found.requires_grad
    _, back = irc.vjp(lambda p: {"y": p["x"] * 3}, {"x": a, "unused": b})
    (gradient,) = back({"y": b})
    near(gradient["x"], B * 3)
    near(gradient["unused"], np.zeros(3))


def test_hessian() -> None:
    wanted = np.diag(2 * np.cos(B) - B * np.sin(B))
    near(irc.hessian(lambda b: (t.sin(b) * b).sum())(t.tensor(B)), wanted)
    near(irc.hessian(lambda b: (t.sin(b) * b).sum())(t.tensor(B)), irc_reverse_over_reverse(B))
    assert irc.hessian(lambda w: (w @ w).sum())(t.tensor(W)).shape == (3, 3, 3, 3)


def irc_reverse_over_reverse(b: np.ndarray) -> np.ndarray:
    def f(b: Any) -> Any:
        return (t.sin(b) * b).sum()

    rows = [irc.grad(lambda b, i=i: irc.grad(f)(b)[i])(t.tensor(b)).numpy() for i in range(len(b))]
    return np.stack(rows)


def test_stop_gradient() -> None:
    b = t.tensor(B)
    near(irc.grad(lambda b: (irc.stop_gradient(b) * b).sum())(b), B)
    near(irc.jvp(lambda b: irc.stop_gradient([b])[0] * b, (b,), (t.ones(3),))[1], B)


class Compiled(Observer):
    """Remembers the plan of the largest program that was compiled."""

    nbytes = 0

    def compiled(self, executable: Any, hooks: Any) -> None:
        self.nbytes = max(self.nbytes, executable.memory_plan.new_bytes)


def test_checkpoint_keeps_the_bits_and_runs_again() -> None:
    """Six layers of four products each: one layer's inside is held at a time."""
    x, w = (
        RNG.standard_normal((64, 32)).astype(np.float32),
        RNG.standard_normal((32, 32)).astype(np.float32) / 6,
    )

    def layer(x: Any, w: Any) -> Any:
        for _ in range(4):
            x = t.tanh(x @ w)
        return x

    def gradients(layer: Any) -> tuple[list[bytes], int]:
        def loss(x: Any, w: Any) -> Any:
            for _ in range(6):
                x = layer(x, w)
            return x.sum()

        seen = Compiled()
        with observing(seen):
            found = irc.compile(irc.grad(loss, (0, 1)))(t.tensor(x), t.tensor(w))
            return [g.numpy().tobytes() for g in found], seen.nbytes

    (plain, most), (again, least) = gradients(layer), gradients(irc.checkpoint(layer))
    assert plain == again
    assert least < 0.6 * most


def test_tensors_of_tensorflow() -> None:
    a, b = tf.constant(A), tf.constant(B)

    def total(a: Any, b: Any) -> Any:
        return tf.reduce_sum(tf.tanh(a * b))

    found = irc.vmap(irc.grad(total, 1), (0, None))(a, b)
    assert isinstance(found, tf.Tensor)
    np.testing.assert_allclose(found.numpy(), slope_of_b(A, B), 1e-5, 1e-5)
    np.testing.assert_allclose(
        irc.hessian(lambda b: tf.reduce_sum(b**3))(b).numpy(), np.diag(6 * B), 1e-4, 1e-4
    )


def test_what_does_not_fit_is_said() -> None:
    a, b = t.tensor(A), t.tensor(B)
    with pytest.raises(RecordError, match=r"one number of examples, and is given \['3', '4'\]"):
        irc.vmap(loss)(a, b)
    with pytest.raises(RecordTypeError, match=r"in_axes of irc\.vmap has 1 for 2 arguments"):
        irc.vmap(loss, (0,))(a, b)
    with pytest.raises(RecordTypeError, match="a tangent for each tensor"):
        irc.jvp(loss, (a, b), (a,))
    with pytest.raises(RecordTypeError, match="floating-point tensors of one type"):
        irc.jvp(loss, (a, b), (a, a))
    outside = t.zeros(3)
    with pytest.raises(RecordError, match="writes to a tensor from outside"):
        irc.vmap(lambda row: outside.add_(row))(a)

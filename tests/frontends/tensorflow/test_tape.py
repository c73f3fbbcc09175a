"""Tapes: what they see, for how long, and gradients of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
from irc.frontends.recorder.backend import counters


def test_gradients_of_a_network() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    shapes = (5, 4), (4,), (4, 1)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    x = rng.standard_normal((8, 5)).astype(np.float32)
    w, b, v = map(tf.Variable, arrays)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sigmoid(x @ w + b) @ v)
    found = tape.gradient(loss, {"w": w, "rest": [b, v]})
    tw, tb, tv = (torch.tensor(a, requires_grad=True) for a in arrays)
    (torch.sigmoid(torch.tensor(x) @ tw + tb) @ tv).mean().backward()
    for mine, theirs in zip([found["w"], *found["rest"]], (tw, tb, tv), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_one_program_for_a_step_and_none_without_history() -> None:
    w = tf.Variable(tf.ones([3, 3]))
    x = tf.constant(np.ones((2, 3), np.float32))
    w.numpy(), x.numpy()
    for _ in range(3):
        runs = counters.runs
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((x @ w) ** 2)
        w.assign_sub(0.1 * tape.gradient(loss, w))
        w.numpy()
        assert counters.runs == runs + 1
    assert not tf.matmul(x, w)._read().requires_grad


def test_watch() -> None:
    x, y = tf.constant(3.0), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = x * x * y
    assert tape.gradient(z, x).numpy() == 12 and tape.gradient(z, y) is None
    assert tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy() == 0
    del tape
    # Nothing stays watched after the tape is gone.
    assert not x._read().requires_grad
    with tf.GradientTape() as tape:
        z = x * x
    assert tape.gradient(z, x) is None


def test_trainable_only() -> None:
    v, fixed = tf.Variable(2.0), tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        y = v * fixed
    assert [g if g is None else g.numpy() for g in tape.gradient(y, [v, fixed])] == [3, None]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(fixed)
        y = v * fixed
    assert [g if g is None else g.numpy() for g in tape.gradient(y, [v, fixed])] == [None, 2]
    assert tape.watched_variables() == (fixed,) or tape.watched_variables()[0] is fixed


def test_a_tape_gives_one_set_of_gradients() -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    with pytest.raises(RuntimeError, match="non-persistent GradientTape"):
        tape.gradient(y, v)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
        z = y * y
    assert tape.gradient(z, v).numpy() == 32 and tape.gradient(y, v).numpy() == 4
    assert tape.gradient(z, y).numpy() == 8


def test_second_order() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3
        first = inner.gradient(y, x)
    assert first.numpy() == 27 and outer.gradient(first, x).numpy() == 18


def test_an_inner_tape_sees_only_its_own() -> None:
    w = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        y = w * w
        with tf.GradientTape() as inner:
            z = y * w
        assert inner.gradient(z, w).numpy() == 4
    assert outer.gradient(z, w).numpy() == 12


def test_stop_recording_and_stop_gradient() -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
        with tape.stop_recording():
            hidden = y * v
        kept = tf.stop_gradient(y) * v
    assert tape.gradient(hidden, v) is None
    assert tape.gradient(kept, v).numpy() == 9


def test_values_carried_from_an_earlier_tape_are_constants() -> None:
    w, state = tf.Variable(2.0), tf.constant(1.0)
    for turn in range(3):
        with tf.GradientTape() as tape:
            after = state * w
        assert tape.gradient(after, w).numpy() == 2**turn
        state = after


def test_gradients_reach_a_variable_through_all_it_was() -> None:
    w = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        first = w * 2
        w.assign_add(1.0)
        total = first + w
    assert tape.gradient(total, w).numpy() == 3


def test_looked_at_before_the_gradient() -> None:
    w = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(w * w)
        assert loss.numpy() == 5
    np.testing.assert_array_equal(tape.gradient(loss, w).numpy(), [2, 4])


def test_losses_kept_in_a_list_hold_no_history() -> None:
    w, kept = tf.Variable(1.0), []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = (w - 3.0) ** 2
        w.assign_sub(0.1 * tape.gradient(loss, w))
        kept.append(loss)
        w.numpy()
    assert all(not k._read().node or not k._read().node.inputs for k in kept)
    np.testing.assert_allclose(tf.reduce_mean(kept).numpy(), np.mean([4, 2.56, 1.6384, 1.048576]), rtol=1e-5)


def test_jacobians() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        mixed = tf.reduce_sum(y, 0)
    np.testing.assert_array_equal(tape.jacobian(mixed, x).numpy(), [[[2, 0], [6, 0]], [[0, 4], [0, 8]]])
    rows = [np.diag([2.0, 4.0]), np.diag([6.0, 8.0])]
    np.testing.assert_array_equal(tape.batch_jacobian(y, x).numpy(), rows)


def test_output_gradients() -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = v * v
    np.testing.assert_array_equal(
        tape.gradient(y, v, output_gradients=tf.constant([10.0, 1.0])).numpy(), [20, 4]
    )


@pytest.mark.parametrize("seen", [True, False])
def test_looking_changes_no_bits(seen: bool) -> None:
    def train(look: bool) -> Any:
        w = tf.Variable(np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3))
        x = tf.constant(np.arange(8, dtype=np.float32).reshape(2, 4) / 7)
        for _ in range(5):
            with tf.GradientTape() as tape:
                hidden = tf.tanh(x @ w)
                loss = tf.reduce_mean(hidden**2)
                if look:
                    hidden.numpy()
            w.assign_sub(0.3 * tape.gradient(loss, w))
        return w.numpy()

    np.testing.assert_array_equal(train(seen), train(False))


def test_a_target_that_is_the_source_itself() -> None:
    """Of any shape: nothing is recorded that would tell one from another."""
    for shape in ((3,), (2, 2), ()):
        x = tf.ones(shape)
        with tf.GradientTape() as tape:
            tape.watch(x)
        assert tape.gradient(x, x, output_gradients=x).shape == shape

"""TensorFlow 1: gradients, optimizers against NumPy, branches, loops, layers, losses, and the example programs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irc.frontends.tensorflow.compat import v1 as tf

ROOT = Path(__file__).parents[3]
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def graph() -> Iterator[Any]:
    with tf.Graph().as_default() as made:
        yield made


def run(fetches: Any, feed: Any = None) -> Any:
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feed)


def test_gradients() -> None:
    x = tf.placeholder(tf.float32, [None])
    w = tf.Variable(3.0)
    unused = tf.Variable(1.0)
    y = w * x * x
    by_w, by_x, none = tf.gradients(y, [w, x, unused])
    assert none is None
    assert tf.gradients(tf.stop_gradient(y), [w]) == [None]
    (second,) = tf.gradients(by_x, [x])
    (by_middle,) = tf.gradients(tf.square(y), [y])
    (weighted,) = tf.gradients(y, [w], grad_ys=[x])
    found = run([by_w, by_x, second, by_middle, weighted], {x: [1.0, 2.0]})
    for value, expected in zip(found, [5.0, [6, 12], [6, 6], [6, 24], 9.0], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def numpy_steps(update: Callable[[np.ndarray, np.ndarray, int], np.ndarray], steps: int = 4) -> np.ndarray:
    """Steps on the loss sum((w - 1)^2 * scale)."""
    w = np.array([0.5, -2.0, 3.0], np.float32)
    for t in range(1, steps + 1):
        w = update(w, 2 * (w - 1) * np.array([1, 2, 3], np.float32), t)
    return w


def momentum(nesterov: bool) -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    a = np.zeros(3, np.float32)

    def step(w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        a[:] = 0.9 * a + g
        return w - 0.1 * (g + 0.9 * a if nesterov else a)

    return step


def adam() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    m, v = np.zeros(3), np.zeros(3)

    def step(w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        m[:] = 0.9 * m + 0.1 * g
        v[:] = 0.999 * v + 0.001 * g * g
        return w - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)

    return step


def rmsprop() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    s = np.ones(3)

    def step(w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        s[:] = 0.9 * s + 0.1 * g * g
        return w - 0.1 * g / np.sqrt(s + 1e-10)

    return step


def adagrad() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    s = np.full(3, 0.1)

    def step(w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        s[:] = s + g * g
        return w - 0.1 * g / np.sqrt(s)

    return step


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (lambda: tf.train.GradientDescentOptimizer(0.1), lambda: lambda w, g, t: w - 0.1 * g),
        (lambda: tf.train.MomentumOptimizer(0.1, 0.9), lambda: momentum(False)),
        (lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True), lambda: momentum(True)),
        (lambda: tf.train.AdamOptimizer(0.1), adam),
        (lambda: tf.train.RMSPropOptimizer(0.1), rmsprop),
        (lambda: tf.train.AdagradOptimizer(0.1), adagrad),
    ],
)
def test_optimizers(optimizer: Any, expected: Any) -> None:
    w = tf.Variable([0.5, -2.0, 3.0], name="w")
    loss = tf.reduce_sum(tf.square(w - 1.0) * [1.0, 2.0, 3.0])
    count = tf.train.get_or_create_global_step()
    train = optimizer().minimize(loss, global_step=count)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(4):
            assert sess.run(train) is None
        np.testing.assert_allclose(sess.run(w), numpy_steps(expected()), rtol=2e-5)
        assert sess.run(count) == 4
        assert sess.executables == 4


def test_gradients_can_be_clipped_before_they_are_applied() -> None:
    w = tf.Variable([0.5, -2.0, 3.0])
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(tf.reduce_sum(tf.square(w)))
    train = optimizer.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        np.testing.assert_allclose(sess.run(w), [0.4, -1.9, 2.9], rtol=1e-6)


def test_a_learning_rate_may_be_fed_or_decay() -> None:
    rate = tf.placeholder(tf.float32, [])
    step = tf.Variable(0, trainable=False)
    decayed = tf.train.exponential_decay(1.0, step, 2, 0.5, staircase=True)
    w = tf.Variable(1.0)
    train = tf.train.GradientDescentOptimizer(rate * decayed).minimize(w * 1.0, global_step=step)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        seen = []
        for value in (0.1, 0.2, 0.4):
            sess.run(train, {rate: value})
            seen.append(sess.run(w))
        np.testing.assert_allclose(seen, [0.9, 0.7, 0.5], rtol=1e-6)


def test_nothing_to_train() -> None:
    with pytest.raises(ValueError, match="No variables to optimize"):
        tf.train.AdamOptimizer().minimize(tf.constant(1.0))
    tf.Variable(1.0)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        tf.train.AdamOptimizer().minimize(tf.constant(1.0))


def test_branches() -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(x > 0, lambda: x * 2.0, lambda: x - 1.0)
    (g,) = tf.gradients(y, [x])
    with tf.Session() as sess:
        assert sess.run([y, g], {x: 3.0}) == [6.0, 2.0]
        assert sess.run([y, g], {x: -3.0}) == [-4.0, 1.0]
        assert sess.executables == 1


def test_branches_with_effects_are_chosen_while_recording() -> None:
    v = tf.Variable(0.0)
    flag = tf.placeholder(tf.bool, [])
    up = tf.cond(flag, lambda: v.assign_add(1.0), lambda: tf.identity(v))
    computed = tf.cond(v > 0.5, lambda: v.assign(0.0), lambda: tf.identity(v))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert [sess.run(up, {flag: f}) for f in (True, False, True)] == [1.0, 1.0, 2.0]
        with pytest.raises(Exception, match="which one is taken is computed"):
            sess.run(computed)


def test_loops(graph: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    w = tf.Variable([[0.5, 0.1], [-0.2, 0.3]])
    _, h = tf.while_loop(lambda i, h: i < 5, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w))), [0, x])
    (by_w,) = tf.gradients(tf.reduce_sum(h), [w])
    data = RNG.normal(size=(3, 2)).astype(np.float32)

    def total(weights: np.ndarray) -> float:
        value = data.astype(np.float64)
        for _ in range(5):
            value = np.tanh(value @ weights)
        return float(value.sum())

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        start = sess.run(w).astype(np.float64)
        found, gradient = sess.run([tf.reduce_sum(h), by_w], {x: data})
    np.testing.assert_allclose(found, total(start), rtol=1e-5)
    for i, j in np.ndindex(2, 2):
        moved = np.zeros((2, 2))
        moved[i, j] = 1e-5
        slope = (total(start + moved) - total(start - moved)) / 2e-5
        np.testing.assert_allclose(gradient[i, j], slope, rtol=1e-3, atol=1e-5)
    assert "stablehlo.while" in graph.as_text()


def test_a_loop_ends_by_its_values_or_by_a_number() -> None:
    assert run(tf.while_loop(lambda x: x < 100.0, lambda x: x * 2.0, [3.0])) == 192.0
    assert run(tf.while_loop(lambda x: x < 100.0, lambda x: x * 2.0, [3.0], maximum_iterations=2)) == 12.0
    with pytest.raises(ValueError, match="enters the loop with shape"):
        tf.while_loop(lambda x: True, lambda x: tf.concat([x, x], 0), [tf.ones([2])])


def test_dense_layers_share_by_name() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    tf.layers.dense(x, 4, activation=tf.nn.relu)
    tf.layers.dense(x, 2)
    tf.layers.dense(x, 2, name="named")
    again = tf.layers.dense(x, 2, name="named", reuse=True)
    assert [v.name for v in tf.trainable_variables()] == [
        f"{layer}/{weight}:0" for layer in ("dense", "dense_1", "named") for weight in ("kernel", "bias")
    ]
    assert again.shape.as_list() == [None, 2]


def test_a_convolutional_network_trains() -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 1])
    y = tf.placeholder(tf.int32, [None])
    training = tf.placeholder(tf.bool, [])
    h = tf.layers.conv2d(x, 4, 3, padding="same", activation=tf.nn.relu)
    h = tf.layers.batch_normalization(h, training=training)
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.dropout(tf.layers.flatten(h), 0.25, training=training)
    assert h.shape.as_list() == [None, 64]
    logits = tf.layers.dense(h, 3)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.AdamOptimizer(0.01).minimize(loss)
    data = RNG.normal(size=(30, 8, 8, 1)).astype(np.float32)
    labels = np.arange(30) % 3
    data += labels[:, None, None, None]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([loss, train], {x: data, y: labels, training: True})[0] for _ in range(30)]
        moved = sess.run("batch_normalization/moving_mean/read:0")
        first, second = (sess.run(logits, {x: data, training: False}) for _ in range(2))
        assert sess.executables == 4
    assert losses[-1] < losses[0] / 2
    assert np.abs(moved).max() > 0.01
    np.testing.assert_array_equal(first, second)


def test_dropout_by_the_probability_to_keep() -> None:
    keep = tf.placeholder(tf.float32)
    y = tf.nn.dropout(tf.ones([1000]), keep)
    with tf.Session() as sess:
        kept = sess.run(y, {keep: 0.75})
        np.testing.assert_array_equal(sess.run(y, {keep: 1.0}), np.ones(1000))
    np.testing.assert_allclose(np.unique(kept), [0, 4 / 3], rtol=1e-6)
    assert 0.65 < (kept > 0).mean() < 0.85


def test_losses() -> None:
    labels, logits = np.eye(3, dtype=np.float32), RNG.normal(size=(3, 3)).astype(np.float32)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    weights = np.array([1.0, 0.0, 2.0], np.float32)
    entropy = -(labels * log_p).sum(1)
    pairs = [
        (tf.losses.softmax_cross_entropy(labels, logits), entropy.mean()),
        (tf.losses.softmax_cross_entropy(labels, logits, weights), (entropy * weights).sum() / 2),
        (tf.losses.mean_squared_error(labels, logits), ((labels - logits) ** 2).mean()),
        (tf.losses.absolute_difference(labels, logits), np.abs(labels - logits).mean()),
        (tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits), entropy),
    ]
    for value, expected in zip(run([v for v, _ in pairs]), [e for _, e in pairs], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert len(tf.losses.get_losses()) == 4


def test_recurrent_cells_over_time() -> None:
    x = tf.placeholder(tf.float32, [None, 6, 3])
    cell = tf.nn.rnn_cell.BasicLSTMCell(4)
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    steps, last = tf.nn.static_rnn(cell, tf.unstack(x, 6, 1), dtype=tf.float32)
    assert outputs.shape.as_list() == [None, 6, 4]
    (g,) = tf.gradients(tf.reduce_sum(state.h), [x])
    (h,) = tf.gradients(tf.reduce_sum(last.h), [x])
    dynamic, static, by_loop, by_steps = run([outputs, steps, g, h], {x: RNG.normal(size=(2, 6, 3))})
    np.testing.assert_allclose(dynamic, np.stack(static, 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_loop, by_steps, rtol=1e-4, atol=1e-6)


def test_a_saver_keeps_weights(tmp_path: Path) -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(w.initializer)
        sess.run(w.assign_add([1.0, 1.0]))
        path = saver.save(sess, str(tmp_path / "model.ckpt"), global_step=7)
    assert path == tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-7")
    with tf.Session() as sess:
        saver.restore(sess, path)
        np.testing.assert_array_equal(sess.run(w), [2, 3])


@pytest.mark.parametrize(("program", "least"), [("tf1_logistic_regression", 0.93), ("tf1_rnn", 0.93)])
def test_examples_learn_the_digits(program: str, least: float) -> None:
    command = [sys.executable, "-m", "irc.cli", "run", "--as", "tensorflow1", f"examples/seeds/{program}.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shares = [float(x) for x in re.findall(r"[Aa]ccuracy:? ([\d.]+)", done.stdout)]
    assert shares[-1] > least

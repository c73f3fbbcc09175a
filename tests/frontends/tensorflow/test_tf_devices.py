"""tf.device: operations and variables on a device, which here is the interpreter of PTX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
import irc.tensorflow.compat.v1 as tf1
from irc.frontends.recorder.backend import apart
from irc.tensorflow import keras

DEVICE = "ptx-emulated"
THERE = "/job:localhost/replica:0/task:0/device:PTX-EMULATED:0"
HERE = "/job:localhost/replica:0/task:0/device:CPU:0"


def test_what_is_made_there_stays_there() -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.device(DEVICE):
        a, b = tf.constant([3.0, 4.0, 5.0]), x * 2
        v = tf.Variable([1.0, 1.0, 1.0])
        drawn = tf.random.normal((2,))
    assert {t.device for t in (a, b, v, drawn, a + b)} == {THERE} and x.device == HERE
    v.assign_add(a)
    assert v.device == THERE and v.numpy().tolist() == [4, 5, 6]
    with tf.device("/CPU:0"):
        assert (a + b).device == HERE
    assert (a + x).numpy().tolist() == [4, 6, 8]


def test_training_there_has_the_hosts_bits() -> None:
    def losses(device: Any) -> tuple[list[float], str]:
        tf.random.set_seed(1)
        with tf.device(device):
            w = tf.Variable(tf.random.normal((3, 2)))
            x = tf.random.normal((4, 3))

            @tf.function
            def step() -> Any:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.tanh(x @ w) ** 2)
                w.assign_sub(0.5 * tape.gradient(loss, w))
                return loss

            found = [float(step()) for _ in range(3)]
        return found, w.device

    host, there = losses("/CPU:0"), losses(DEVICE)
    assert host[0] == there[0] and (host[1], there[1]) == (HERE, THERE)


def test_a_function_is_traced_for_each_device() -> None:
    @tf.function
    def double(x: Any) -> Any:
        return x * 2

    x = tf.constant([1.0, 2.0])
    assert double(x).device == HERE
    with tf.device(DEVICE):
        assert double(x).device == THERE
    assert double(x).device == HERE


def test_names_of_devices() -> None:
    assert [d.name for d in tf.config.list_physical_devices()] == ["/physical_device:CPU:0"]
    assert tf.config.list_physical_devices("GPU") == []
    with tf.device("/GPU:0"):
        assert tf.constant(1.0).device == HERE
    with tf.device(None), tf.device("/device:CPU:0"):
        assert tf.constant(1.0).device == HERE
    with pytest.raises(ValueError, match="Unknown device: '/TPU:0'"), tf.device("/TPU:0"):
        pass


def graph_losses() -> list[float]:
    """Losses of a training in a TF1 graph."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf1.float32, [None, 3])
        w = tf1.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        loss = tf1.reduce_mean(tf1.matmul(x, w) ** 2)
        train = tf1.train.GradientDescentOptimizer(0.01).minimize(loss)
        session.run(tf1.global_variables_initializer())
        return [float(session.run([train, loss], {x: np.ones((4, 3), np.float32)})[1]) for _ in range(3)]


def keras_losses() -> list[float]:
    tf.random.set_seed(0)
    model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    x, y = np.ones((16, 5), np.float32), np.arange(16) % 3
    return list(model.fit(x, y, epochs=2, batch_size=8, verbose=0).history["loss"])


@pytest.mark.parametrize("train", [graph_losses, keras_losses])
def test_a_program_that_names_no_device_runs_on_the_target(
    train: Callable[[], list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with apart():
        host = train()
    monkeypatch.setenv("IRC_TARGET", DEVICE)
    with apart():
        assert train() == host

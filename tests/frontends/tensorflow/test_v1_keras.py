"""Keras layers and models inside TensorFlow 1 graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from irc.errors import UnsupportedError
from irc.frontends.tensorflow.compat import v1 as tf

L = tf.keras.layers


@pytest.fixture(autouse=True)
def graph() -> Iterator[Any]:
    with tf.Graph().as_default() as made:
        yield made


def test_layers_on_placeholders() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    hidden = L.Dense(3, activation="relu", kernel_initializer="ones")
    y = L.Dense(1, kernel_initializer="ones")(hidden(x))
    assert y.shape.as_list() == [None, 1]
    assert [v.shape.as_list() for v in tf.trainable_variables()] == [[4, 3], [3], [3, 1], [1]]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(y, {x: np.ones((2, 4))}), [[12.0], [12.0]])
        np.testing.assert_array_equal(sess.run(hidden.kernel), np.ones((4, 3)))


def test_they_train() -> None:
    """Three steps by hand; the losses are those of TensorFlow."""
    x, t = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None, 1])
    y = L.Dense(1, kernel_initializer="zeros")(L.Flatten()(x))
    loss = tf.reduce_mean((y - t) ** 2)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        found = [sess.run([train, loss], {x: [[1, 2], [3, 4]], t: [[1], [2]]})[1] for _ in range(3)]
    np.testing.assert_allclose(found, [2.5, 11.68, 54.592], rtol=1e-5)


def test_a_layer_called_twice_shares_its_variables() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    layer = L.Dense(3)
    layer(layer(x))
    assert len(tf.global_variables()) == 2


def test_a_model_is_one_operation() -> None:
    model = tf.keras.Sequential([L.Dense(2, kernel_initializer="ones", input_shape=(3,)), L.Dense(2)])
    y = model(tf.placeholder(tf.float32, [None, 3], name="x"))
    assert y.op.type == "Sequential"
    assert len(tf.trainable_variables()) == 4


def test_state_that_a_call_changes_is_refused() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    L.BatchNormalization()(x, training=False)
    with pytest.raises(UnsupportedError, match="batch_normalization"):
        L.BatchNormalization()(x, training=True)

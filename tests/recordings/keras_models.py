"""Models of all kinds, as functions of a `tf`: TensorFlow records what their `summary()` prints, and irc prints the same."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np


def chain(keras: Any) -> None:
    L = keras.layers
    image = keras.Input((28, 28, 1))
    layers = [L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dropout(0.5), L.Dense(10)]
    keras.Sequential([image, *layers]).summary()


def unbuilt_chain(keras: Any) -> None:
    keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)]).summary()


def frozen_layers(keras: Any) -> None:
    L = keras.layers
    model = keras.Sequential([keras.Input((8,)), L.Dense(4), L.BatchNormalization(), L.Dense(1)])
    model.layers[0].trainable = False
    model.summary()
    model.summary(show_trainable=True)


def two_inputs(keras: Any) -> None:
    L = keras.layers
    a, b = keras.Input((6,), name="a"), keras.Input((3,), name="b")
    both = L.Concatenate()([L.Dense(5, activation="relu")(a), b])
    keras.Model([a, b], [L.Dense(4, name="kind")(both), L.Dense(1, name="size")(both)], name="two").summary()


def residual(keras: Any) -> None:
    L = keras.layers
    image = keras.Input((32, 32, 3))
    x = L.Conv2D(16, 3, padding="same")(image)
    y = L.Activation("relu")(L.BatchNormalization()(x))
    keras.Model(image, L.Dense(10)(L.GlobalAveragePooling2D()(L.Add()([x, y])))).summary()


def subclassed(keras: Any) -> None:
    class Net(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a = keras.layers.Dense(4)
            self.b = keras.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.b(self.a(x))

    net = Net()
    net.summary()
    net(np.zeros((2, 3), np.float32))
    net.summary()


def trained(keras: Any) -> None:
    L = keras.layers
    model = keras.Sequential([keras.Input((3,)), L.Dense(4, activation="relu"), L.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), verbose=0)
    model.summary()


def recurrent(keras: Any) -> None:
    L = keras.layers
    words = [L.Embedding(1000, 16), L.Bidirectional(L.LSTM(8, return_sequences=True)), L.GRU(4), L.Dense(1)]
    keras.Sequential([keras.Input((None,)), *words]).summary()


def nested(keras: Any) -> None:
    L = keras.layers
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(3)], name="inner")
    x = keras.Input((4,))
    model = keras.Model(x, L.Dense(1)(inner(x)))
    model.summary()
    model.summary(expand_nested=True)


def long_names(keras: Any) -> None:
    L = keras.layers
    name = "a_rather_long_name_for_a_layer_which_wraps"
    keras.Sequential(
        [keras.Input((784,)), L.Dense(4096, name=name), L.Dense(4096), L.Dense(10)], name="large"
    ).summary()


def narrow(keras: Any) -> None:
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)]).summary(line_length=60)


def several_results(keras: Any) -> None:
    x = keras.Input((5, 4))
    keras.Model(x, keras.layers.LSTM(3, return_state=True)(x)).summary()


def attention(keras: Any) -> None:
    x = keras.Input((6, 8))
    y = keras.layers.MultiHeadAttention(2, 4)(x, x)
    keras.Model(x, keras.layers.LayerNormalization()(y + x)).summary()


MODELS: dict[str, Callable[[Any], None]] = {
    f.__name__: f
    for f in (
        chain, unbuilt_chain, frozen_layers, two_inputs, residual, subclassed, trained, recurrent, nested, long_names,
        narrow, several_results, attention,
    )
}  # fmt: skip


def printed(keras: Any, name: str) -> str:
    """What the model prints on a terminal of 100 columns, without colours."""
    keras.utils.clear_session()
    shown = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": "100"}), contextlib.redirect_stdout(shown):
        MODELS[name](keras)
    return re.sub("\x1b\\[[0-9;]*m", "", shown.getvalue())

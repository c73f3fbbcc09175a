"""A recurrent classifier in Keras style: SimpleRNN, a loop of the program, then Dense; cross entropy, SGD."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow as tf
from irc.tensorflow import keras
from irc.tensorflow.keras import layers


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = keras.Sequential([keras.Input((8, 8)), layers.SimpleRNN(32), layers.Dense(10)])
    names = ("w", "u", "b", "w_out", "b_out")
    model.set_weights([weights[name] for name in names])
    loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(learning_rate=0.1)

    def forward(x: np.ndarray) -> np.ndarray:
        return model(x).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        with tf.GradientTape() as tape:
            loss = loss_fn(tf.one_hot(y, 10), model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return float(loss)

    def read() -> starts.Arrays:
        return dict(zip(names, model.get_weights(), strict=True))

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.rnn())

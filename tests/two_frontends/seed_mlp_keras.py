"""The seed of 10 -> 10 -> 10 -> 1 in Keras style: a GradientTape, binary cross entropy of logits, Adam.

Keras adds Adam's epsilon to the root of the uncorrected second moment, PyTorch to that of the corrected one: epsilon is 0
here, where both are one definition."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow as tf
from irc.tensorflow.keras import Sequential
from irc.tensorflow.keras.layers import Dense, Input


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = Sequential(
        [Input(shape=(10,)), Dense(10, activation="relu"), Dense(10, activation="relu"), Dense(1)]
    )
    names = ("w1", "b1", "w2", "b2", "w3", "b3")
    model.set_weights([weights[name] for name in names])
    loss_fn = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    optimizer = tf.keras.optimizers.Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=0.0)

    def forward(x: np.ndarray) -> np.ndarray:
        return model(x).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return float(loss)

    def read() -> starts.Arrays:
        return dict(zip(names, model.get_weights(), strict=True))

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.seed_mlp())

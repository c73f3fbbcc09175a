"""The MLP in Keras style: 64 -> 32 -> 10, ReLU, cross entropy of logits and rows of class probabilities, SGD."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow as tf
from irc.tensorflow import keras
from irc.tensorflow.keras import layers


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = keras.Sequential([keras.Input((64,)), layers.Dense(32, activation="relu"), layers.Dense(10)])
    model.set_weights([weights[name] for name in ("w1", "b1", "w2", "b2")])
    loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(learning_rate=0.1)

    def forward(x: np.ndarray) -> np.ndarray:
        return model(x).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return float(loss)

    def read() -> starts.Arrays:
        return dict(zip(("w1", "b1", "w2", "b2"), model.get_weights(), strict=True))

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.mlp())

"""The seed CNN in Keras style: NCHW by data_format, so that the reshape meets the channels first; a loss that leaves out
class -100 and takes the mean over what is left, as PyTorch's does by default; SGD."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow as tf
from irc.tensorflow import keras
from irc.tensorflow.keras import layers


class SimpleCNN(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = layers.Conv2D(64, 3, padding="same", activation="relu", data_format="channels_first")
        self.pool = layers.MaxPooling2D(data_format="channels_first")
        self.fc1 = layers.Dense(128, activation="relu")
        self.fc2 = layers.Dense(10)

    def call(self, x: Any) -> Any:
        x = self.conv1(x)
        x = self.pool(x)
        x = tf.reshape(x, (-1, 64 * 16 * 16))
        x = self.fc1(x)
        return self.fc2(x)


def cross_entropy(labels: Any, logits: Any) -> Any:
    values = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True, ignore_class=-100)
    counts = tf.cast(tf.not_equal(labels, -100), tf.float32)
    return tf.reduce_sum(values) / tf.reduce_sum(counts)


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = SimpleCNN()
    model.build((None, 3, 32, 32))
    names = ("w0", "b0", "w1", "b1", "w2", "b2")
    model.set_weights([weights[name] for name in names])
    optimizer = keras.optimizers.SGD(learning_rate=0.01)

    def forward(x: np.ndarray) -> np.ndarray:
        return model(x).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        labels = tf.constant(y)
        with tf.GradientTape() as tape:
            loss = cross_entropy(labels, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return float(loss)

    def read() -> starts.Arrays:
        return dict(zip(names, model.get_weights(), strict=True))

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.seed_cnn())

"""The seed programs in Keras, as functions of a `tf`: the same lines run on TensorFlow, which records, and on irc.

Weights and data are drawn by NumPy from seeds, so that both start from the same numbers and none are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def drawn_weights(model: Any, seed: int) -> list[Array]:
    """Glorot-uniform kernels and small biases for every weight of a built model."""
    rng = np.random.default_rng(seed)
    made = []
    for shape in [tuple(w.shape) for w in model.weights]:
        if len(shape) == 1:
            made.append(rng.uniform(-0.05, 0.05, shape).astype(np.float32))
            continue
        field = int(np.prod(shape[:-2]))
        bound = np.sqrt(6.0 / (field * (shape[-2] + shape[-1])))
        made.append(rng.uniform(-bound, bound, shape).astype(np.float32))
    return made


def cnn(tf: Any) -> Any:
    """The seed network, channels last, with drawn weights."""
    L = tf.keras.layers

    class SimpleCNN(tf.keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = L.Conv2D(64, 3, padding="same", activation="relu")
            self.pool = L.MaxPooling2D()
            self.fc1 = L.Dense(128, activation="relu")
            self.fc2 = L.Dense(10)

        def call(self, x: Any) -> Any:
            x = self.pool(self.conv1(x))
            x = tf.reshape(x, (-1, 64 * 16 * 16))
            return self.fc2(self.fc1(x))

    model = SimpleCNN()
    model(np.zeros((1, 32, 32, 3), np.float32))
    model.set_weights(drawn_weights(model, 1))
    return model


def cnn_data(rows: int) -> tuple[Array, Array]:
    """Images and labels."""
    rng = np.random.default_rng(2)
    return rng.standard_normal((rows, 32, 32, 3)).astype(np.float32), rng.integers(0, 10, rows)


def cnn_fit(tf: Any) -> list[float]:
    """`fit` on one batch of 32, 20 epochs of one step: the loss of each."""
    keras = tf.keras
    model = cnn(tf)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    images, labels = cnn_data(32)
    history = model.fit(images, labels, batch_size=32, epochs=20, shuffle=False, verbose=0)
    return [float(x) for x in history.history["loss"]]


def cnn_fit_adam(tf: Any) -> list[float]:
    """`fit` with Adam on four batches, the last one short, for six epochs: loss and accuracy of each."""
    model = cnn(tf)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(1e-3),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images, labels = cnn_data(56)
    found = model.fit(images, labels, batch_size=16, epochs=6, shuffle=False, verbose=0).history
    return [float(x) for pair in zip(found["loss"], found["accuracy"], strict=True) for x in pair]


def cnn_tape(tf: Any) -> list[float]:
    """24 steps with a tape and momentum, over three batches of 16: the loss of each."""
    model = cnn(tf)
    loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)
    images, labels = cnn_data(48)
    losses = []
    for step in range(24):
        rows = slice(step % 3 * 16, step % 3 * 16 + 16)
        with tf.GradientTape() as tape:
            loss = loss_fn(labels[rows], model(images[rows], training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
    return losses


def mlp(tf: Any) -> Any:
    """10 → 10 → 10 → 1 with drawn weights."""
    L = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input(shape=(10,)),
            L.Dense(10, activation="relu"),
            L.Dense(10, activation="relu"),
            L.Dense(1, activation="sigmoid"),
        ]
    )
    model.set_weights(drawn_weights(model, 3))
    return model


def mlp_tape(tf: Any, rate: float, random_labels: bool) -> list[float]:
    """1,000 epochs with a tape, BinaryCrossentropy and Adam on 100 rows: the loss of each."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 10)).astype(np.float32)
    y = (X.sum(axis=1, keepdims=True) > 0).astype(np.float32)
    if random_labels:
        y = rng.integers(0, 2, (100, 1)).astype(np.float32)
    model = mlp(tf)
    loss_fn = tf.keras.losses.BinaryCrossentropy()
    optimizer = tf.keras.optimizers.Adam(learning_rate=rate)
    losses = []
    for _ in range(1000):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(X, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
    return losses


RUNS: dict[str, Callable[[Any], list[float]]] = {
    "cnn_fit": cnn_fit,
    "cnn_fit_adam": cnn_fit_adam,
    "cnn_tape": cnn_tape,
    "mlp_tape": lambda tf: mlp_tape(tf, 0.01, random_labels=False),
    "mlp_tape_random_labels": lambda tf: mlp_tape(tf, 0.001, random_labels=True),
}

"""A recurrent network that reads handwritten digits row by row: the loop over time is a `while` of the IR.

    irc run --as tensorflow examples/seeds/keras_rnn.py"""

from pathlib import Path

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

with np.load(Path(__file__).parent.parent / "data" / "digits.npz") as data:
    images = (data["images"].reshape(-1, 8, 8) / 16.0).astype("float32")
    labels = data["labels"].astype("int64")
order = np.random.default_rng(0).permutation(len(images))
train, test = order[360:], order[:360]

keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input(shape=(8, 8)),
    layers.SimpleRNN(64),
    layers.Dense(10),
])
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.005),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(
    images[train], labels[train], batch_size=64, epochs=15, validation_data=(images[test], labels[test])
)
for epoch, (loss, right) in enumerate(zip(history.history["loss"], history.history["val_accuracy"]), 1):
    print(f"epoch {epoch}: loss {loss:.4f} accuracy {100 * right:.1f}%")

"""An MLP as one writes it in Keras, with its defaults."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

tf.random.set_seed(0)
images = tf.random.normal((32, 64))
labels = tf.random.uniform((32,), maxval=10, dtype=tf.int32)

model = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
model.fit(images, labels, batch_size=32, epochs=3, verbose=0)

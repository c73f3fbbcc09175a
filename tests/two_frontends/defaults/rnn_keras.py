"""A recurrent classifier as one writes it in Keras, with its defaults."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

tf.random.set_seed(0)
rows = tf.random.normal((16, 8, 8))
digits = tf.random.uniform((16,), maxval=10, dtype=tf.int32)

model = keras.Sequential([layers.SimpleRNN(32), layers.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(rows, digits, batch_size=16, epochs=3, verbose=0)

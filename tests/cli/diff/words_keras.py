"""The same classifier as one writes it in Keras."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

tf.random.set_seed(0)
words = tf.random.uniform((8, 6), maxval=50, dtype=tf.int32)
answers = tf.random.uniform((8, 1))

net = keras.Sequential(
    [
        layers.Embedding(50, 16),
        layers.LSTM(12),
        layers.LayerNormalization(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
net.compile(optimizer=keras.optimizers.RMSprop(0.001), loss="binary_crossentropy")
net.fit(words, answers, batch_size=8, epochs=3, verbose=0)

"""The same classifier as one writes it in Keras."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

tf.random.set_seed(0)
images = tf.random.normal((8, 8, 8, 3))
labels = tf.random.uniform((8,), maxval=10, dtype=tf.int32)

net = keras.Sequential(
    [
        layers.Conv2D(16, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
net.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
net.fit(images, labels, batch_size=8, epochs=3, verbose=0)

"""The seed CNN as one writes it in Keras, with its defaults."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class SimpleCNN(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv1 = layers.Conv2D(64, 3, padding="same", activation="relu")
        self.pool = layers.MaxPooling2D()
        self.fc1 = layers.Dense(128, activation="relu")
        self.fc2 = layers.Dense(10, activation="softmax")

    def call(self, x):
        x = self.conv1(x)
        x = self.pool(x)
        x = tf.reshape(x, (-1, 64 * 16 * 16))
        x = self.fc1(x)
        return self.fc2(x)


tf.random.set_seed(0)
model = SimpleCNN()
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="sparse_categorical_crossentropy")

images = tf.random.normal((4, 32, 32, 3))
labels = tf.random.uniform((4,), maxval=10, dtype=tf.int32)

model.fit(images, labels, batch_size=4, epochs=3, verbose=0)

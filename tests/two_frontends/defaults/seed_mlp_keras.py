"""The seed of 10 -> 10 -> 10 -> 1 as one writes it in Keras, with its defaults."""

import tensorflow as tf
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense, Input

tf.random.set_seed(0)
inputs = tf.random.normal((100, 10))
targets = tf.cast(tf.random.uniform((100, 1)) > 0.5, tf.float32)

model = Sequential(
    [
        Input(shape=(10,)),
        Dense(10, activation="relu"),
        Dense(10, activation="relu"),
        Dense(1, activation="sigmoid"),
    ]
)
loss_fn = tf.keras.losses.BinaryCrossentropy()
optimizer = tf.keras.optimizers.Adam()

for _ in range(3):
    with tf.GradientTape() as tape:
        loss = loss_fn(targets, model(inputs, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

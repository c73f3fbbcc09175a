import irc.tensorflow as tf
from irc.tensorflow import keras
from irc.tensorflow.keras import layers

model = keras.Sequential(
    [
        layers.Conv2D(8, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10),
    ]
)
model(tf.zeros((32, 28, 28)))

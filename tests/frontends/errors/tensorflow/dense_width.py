import irc.tensorflow as tf
from irc.tensorflow import keras
from irc.tensorflow.keras import layers

model = keras.Sequential(
    [
        keras.Input(shape=(784,)),
        layers.Dense(128, activation="relu"),
        layers.Dense(10),
    ]
)
model(tf.zeros((32, 28, 28)))

from irc.tensorflow import keras
from irc.tensorflow.keras import layers

inputs = keras.Input((4,))
other = keras.Input((4,))
outputs = layers.Dense(1)(other)
model = keras.Model(inputs, outputs)

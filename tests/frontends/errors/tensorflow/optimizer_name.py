from irc.tensorflow import keras
from irc.tensorflow.keras import layers

model = keras.Sequential([keras.Input((4,)), layers.Dense(10)])
model.compile(optimizer="adamm", loss="mse")

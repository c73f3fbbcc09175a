import numpy as np

from irc.tensorflow import keras
from irc.tensorflow.keras import layers

model = keras.Sequential([keras.Input((4,)), layers.Dense(10)])
model.compile(optimizer="adam", loss="mse", metrics=["acuracy"])
model.fit(np.zeros((8, 4)), np.zeros((8, 10)), verbose=0)

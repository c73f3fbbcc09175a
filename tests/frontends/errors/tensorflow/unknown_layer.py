from irc.tensorflow import keras

model = keras.Sequential([keras.layers.Conv2d(8, 3), keras.layers.Dense(10)])

from irc.tensorflow.keras import layers

layer = layers.Dense(10, activation="rleu")

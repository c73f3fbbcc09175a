from irc.tensorflow import keras
from irc.tensorflow.keras import layers

model = keras.Sequential(
    [
        keras.Input((8, 8, 3)),
        layers.Conv2D(8, 3),
        layers.MaxPooling2D(4),
        layers.Conv2D(8, 3),
    ]
)

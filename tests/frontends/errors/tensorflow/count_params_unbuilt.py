from irc.tensorflow import keras
from irc.tensorflow.keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.fc = layers.Dense(10)

    def call(self, x):
        return self.fc(x)


model = Net()
model.count_params()

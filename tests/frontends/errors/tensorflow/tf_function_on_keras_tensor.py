import irc.tensorflow as tf
from irc.tensorflow import keras

inputs = keras.Input((4, 4))
outputs = tf.reshape(inputs, (-1, 16))
model = keras.Model(inputs, outputs)

import irc.tensorflow as tf
from irc.tensorflow.keras import layers

x = tf.zeros((32, 10))
y = layers.LSTM(16)(x)

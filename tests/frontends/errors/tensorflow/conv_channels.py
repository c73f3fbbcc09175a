import irc.tensorflow as tf
from irc.tensorflow.keras import layers

conv = layers.Conv2D(8, 3)
conv(tf.zeros((2, 28, 28, 1)))
conv(tf.zeros((2, 28, 28, 3)))

import irc.tensorflow as tf
from irc.tensorflow.keras import layers

layer = layers.Dense(4)
y = layer(tf.constant([1.0, 2.0, 3.0]))

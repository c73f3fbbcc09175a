import irc.tensorflow as tf

x = tf.zeros((3, 4))
row = x[5]

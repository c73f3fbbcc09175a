import irc.tensorflow as tf

a = tf.zeros((4, 3))
b = tf.zeros((5, 2))
both = tf.concat([a, b], axis=1)

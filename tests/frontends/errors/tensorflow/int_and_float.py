import irc.tensorflow as tf

count = tf.constant(3)
total = tf.constant([1.5, 2.5])
mean = total / count

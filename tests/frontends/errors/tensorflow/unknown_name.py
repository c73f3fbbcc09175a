import irc.tensorflow as tf

x = tf.constant([1.0, 2.0])
y = tf.reduce_avg(x)

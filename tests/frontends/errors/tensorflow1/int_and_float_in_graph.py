import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

x = tf.placeholder(tf.float32, [None])
n = tf.placeholder(tf.int32, [])
mean = tf.reduce_sum(x) / n

import numpy as np

import irc.tensorflow as tf

x = tf.constant(np.random.rand(4, 3))
w = tf.Variable(tf.ones((3, 2)))
y = tf.matmul(x, w)

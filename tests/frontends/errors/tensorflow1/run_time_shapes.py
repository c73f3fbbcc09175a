import numpy as np

import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

a = tf.placeholder(tf.float32, [None, 3], name="a")
b = tf.placeholder(tf.float32, [None, 3], name="b")
total = a + b

with tf.Session() as sess:
    sess.run(total, {a: np.zeros((4, 3)), b: np.zeros((5, 3))})

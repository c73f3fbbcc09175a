import numpy as np

import irc.tensorflow as tf

w = tf.Variable([[1.0], [2.0]])
with tf.GradientTape() as tape:
    y = tf.matmul([[3.0, 4.0]], w).numpy()
    loss = np.mean(y**2)
grad = tape.gradient(loss, w)

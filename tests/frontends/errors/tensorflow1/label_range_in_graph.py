import numpy as np

import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

logits = tf.placeholder(tf.float32, [None, 10])
labels = tf.placeholder(tf.int64, [None])
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
with tf.Session() as sess:
    print(sess.run(loss, {logits: np.zeros((2, 10)), labels: [3, 10]}))

"""A recurrent classifier as one writes it as a TensorFlow 1 graph, with its defaults."""

import numpy as np
import tensorflow as tf

steps, pixels, hidden, classes = 8, 8, 32, 10
rng = np.random.default_rng(0)
images = rng.standard_normal((16, steps, pixels)).astype(np.float32)
answers = rng.integers(0, classes, 16).astype(np.int32)

rows = tf.placeholder(tf.float32, [None, steps, pixels])
digit = tf.placeholder(tf.int32, [None])
cell = tf.nn.rnn_cell.BasicRNNCell(hidden)
_, last = tf.nn.dynamic_rnn(cell, rows, dtype=tf.float32)
logits = tf.layers.dense(last, classes)
loss = tf.losses.sparse_softmax_cross_entropy(digit, logits)
train = tf.train.AdamOptimizer().minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train, {rows: images, digit: answers})

"""The seed of 10 -> 10 -> 10 -> 1 as one writes it as a TensorFlow 1 graph, with its defaults."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
rows = rng.standard_normal((100, 10)).astype(np.float32)
answers = (rows.sum(axis=1, keepdims=True) > 0).astype(np.float32)

inputs = tf.placeholder(tf.float32, [None, 10])
targets = tf.placeholder(tf.float32, [None, 1])
hidden = tf.layers.dense(inputs, 10, activation=tf.nn.relu)
hidden = tf.layers.dense(hidden, 10, activation=tf.nn.relu)
logits = tf.layers.dense(hidden, 1)
loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))
train = tf.train.AdamOptimizer().minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train, {inputs: rows, targets: answers})

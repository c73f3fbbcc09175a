"""An MLP as one writes it as a TensorFlow 1 graph, with its defaults."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
pixels = rng.standard_normal((32, 64)).astype(np.float32)
classes = rng.integers(0, 10, 32).astype(np.int32)

images = tf.placeholder(tf.float32, [None, 64])
labels = tf.placeholder(tf.int32, [None])
hidden = tf.layers.dense(images, 32, activation=tf.nn.relu)
logits = tf.layers.dense(hidden, 10)
loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train, {images: pixels, labels: classes})

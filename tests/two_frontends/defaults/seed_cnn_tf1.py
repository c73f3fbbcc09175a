"""The seed CNN as one writes it as a TensorFlow 1 graph, with its defaults."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
pixels = rng.standard_normal((4, 32, 32, 3)).astype(np.float32)
classes = rng.integers(0, 10, 4).astype(np.int32)

images = tf.placeholder(tf.float32, [None, 32, 32, 3])
labels = tf.placeholder(tf.int32, [None])
x = tf.layers.conv2d(images, 64, 3, padding="same", activation=tf.nn.relu)
x = tf.layers.max_pooling2d(x, 2, 2)
x = tf.reshape(x, [-1, 64 * 16 * 16])
x = tf.layers.dense(x, 128, activation=tf.nn.relu)
logits = tf.layers.dense(x, 10)
loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train, {images: pixels, labels: classes})

"""The same classifier as a TensorFlow 1 graph."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
pixels = rng.standard_normal((8, 8, 8, 3)).astype(np.float32)
classes = rng.integers(0, 10, 8).astype(np.int32)

images = tf.placeholder(tf.float32, [None, 8, 8, 3])
labels = tf.placeholder(tf.int32, [None])
x = tf.layers.conv2d(images, 16, 3, strides=2, padding="same")
x = tf.layers.batch_normalization(x, training=True)
x = tf.nn.leaky_relu(x)
x = tf.nn.dropout(x, keep_prob=0.5)
logits = tf.layers.dense(tf.layers.flatten(x), 10)
loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
with tf.control_dependencies(updates):
    train = tf.train.AdamOptimizer().minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train, {images: pixels, labels: classes})

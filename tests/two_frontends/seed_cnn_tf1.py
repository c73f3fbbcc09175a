"""The seed CNN as a TensorFlow 1 graph: NHWC, with the channels moved to the front before the reshape, so that the first
dense layer meets them as PyTorch's does; a loss that leaves out class -100; SGD."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow.compat.v1 as tf


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    graph = tf.Graph()
    with graph.as_default():
        images = tf.placeholder(tf.float32, [None, 32, 32, 3])
        labels = tf.placeholder(tf.int64, [None])
        held = {name: tf.Variable(array) for name, array in weights.items()}
        h = tf.nn.conv2d(images, held["w0"], strides=[1, 1, 1, 1], padding=[[0, 0], [1, 1], [1, 1], [0, 0]])
        h = tf.nn.relu(tf.nn.bias_add(h, held["b0"]))
        h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
        h = tf.reshape(tf.transpose(h, [0, 3, 1, 2]), [-1, 64 * 16 * 16])
        h = tf.nn.relu(tf.matmul(h, held["w1"]) + held["b1"])
        logits = tf.matmul(h, held["w2"]) + held["b2"]

        counts = tf.not_equal(labels, -100)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        losses = tf.where(counts, losses, tf.zeros_like(losses))
        loss = tf.reduce_sum(losses) / tf.reduce_sum(tf.cast(counts, tf.float32))
        global_step = tf.train.get_or_create_global_step()
        optimizer = tf.train.GradientDescentOptimizer(0.01)
        pairs = optimizer.compute_gradients(loss)
        train = optimizer.apply_gradients(pairs, global_step=global_step)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def forward(x: np.ndarray) -> np.ndarray:
        return session.run(logits, {images: x.transpose(0, 2, 3, 1)})

    def step(x: np.ndarray, y: np.ndarray) -> float:
        fed = {images: x.transpose(0, 2, 3, 1), labels: y}
        _, value, _ = session.run([train, loss, [g for g, _ in pairs]], fed)
        return float(value)

    def read() -> starts.Arrays:
        return session.run(held)

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.seed_cnn())

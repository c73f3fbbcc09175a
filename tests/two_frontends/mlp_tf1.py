"""The MLP as a TensorFlow 1 graph: 64 -> 32 -> 10, ReLU, cross entropy of logits and rows of class probabilities, SGD."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow.compat.v1 as tf


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    graph = tf.Graph()
    with graph.as_default():
        images = tf.placeholder(tf.float32, [None, 64])
        labels = tf.placeholder(tf.float32, [None, 10])
        held = {name: tf.Variable(array) for name, array in weights.items()}
        hidden = tf.nn.relu(tf.matmul(images, held["w1"]) + held["b1"])
        logits = tf.matmul(hidden, held["w2"]) + held["b2"]
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        global_step = tf.train.get_or_create_global_step()
        optimizer = tf.train.GradientDescentOptimizer(learning_rate=0.1)
        pairs = optimizer.compute_gradients(loss)
        train = optimizer.apply_gradients(pairs, global_step=global_step)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def forward(x: np.ndarray) -> np.ndarray:
        return session.run(logits, {images: x})

    def step(x: np.ndarray, y: np.ndarray) -> float:
        _, value, _ = session.run([train, loss, [g for g, _ in pairs]], {images: x, labels: y})
        return float(value)

    def read() -> starts.Arrays:
        return session.run(held)

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.mlp())

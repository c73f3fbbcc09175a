"""The seed of 10 -> 10 -> 10 -> 1 as a TensorFlow 1 graph: binary cross entropy of logits, Adam.

TensorFlow adds Adam's epsilon to the root of the uncorrected second moment, PyTorch to that of the corrected one: epsilon
is 0 here, where both are one definition."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow.compat.v1 as tf


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    graph = tf.Graph()
    with graph.as_default():
        inputs = tf.placeholder(tf.float32, [None, 10], name="inputs")
        targets = tf.placeholder(tf.float32, [None, 1], name="targets")
        held = {name: tf.Variable(array) for name, array in weights.items()}
        h = tf.nn.relu(tf.matmul(inputs, held["w1"]) + held["b1"])
        h = tf.nn.relu(tf.matmul(h, held["w2"]) + held["b2"])
        logits = tf.matmul(h, held["w3"]) + held["b3"]
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))
        optimizer = tf.train.AdamOptimizer(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=0.0)
        pairs = optimizer.compute_gradients(loss)
        train = optimizer.apply_gradients(pairs)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def forward(x: np.ndarray) -> np.ndarray:
        return session.run(logits, feed_dict={inputs: x})

    def step(x: np.ndarray, y: np.ndarray) -> float:
        fetches = [train, loss, [g for g, _ in pairs]]
        _, value, _ = session.run(fetches, feed_dict={inputs: x, targets: y})
        return float(value)

    def read() -> starts.Arrays:
        return session.run(held)

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.seed_mlp())

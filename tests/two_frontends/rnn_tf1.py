"""A recurrent classifier as a TensorFlow 1 graph: h = tanh(x W + b + h U) by tf.while_loop, cross entropy, SGD."""

from typing import Any

import numpy as np
import starts

import irc.tensorflow.compat.v1 as tf

STEPS, HIDDEN, CLASSES = 8, 32, 10


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    graph = tf.Graph()
    with graph.as_default():
        rows = tf.placeholder(tf.float32, [None, STEPS, 8], name="rows")
        digit = tf.placeholder(tf.int64, [None], name="digit")
        held = {name: tf.Variable(array) for name, array in weights.items()}
        parts = tf.tensordot(tf.transpose(rows, [1, 0, 2]), held["w"], 1) + held["b"]
        start = tf.zeros([tf.shape(rows)[0], HIDDEN])

        def turn(t: Any, h: Any) -> Any:
            return t + 1, tf.tanh(tf.gather(parts, t) + tf.matmul(h, held["u"]))

        _, last = tf.while_loop(lambda t, h: t < STEPS, turn, [tf.constant(0), start])
        logits = tf.matmul(last, held["w_out"]) + held["b_out"]
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=tf.one_hot(digit, CLASSES), logits=logits)
        loss = tf.reduce_mean(losses)
        global_step = tf.train.get_or_create_global_step()
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        pairs = optimizer.compute_gradients(loss)
        train = optimizer.apply_gradients(pairs, global_step=global_step)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def forward(x: np.ndarray) -> np.ndarray:
        return session.run(logits, {rows: x})

    def step(x: np.ndarray, y: np.ndarray) -> float:
        _, value, _ = session.run([train, loss, [g for g, _ in pairs]], {rows: x, digit: y})
        return float(value)

    def read() -> starts.Arrays:
        return session.run(held)

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.rnn())

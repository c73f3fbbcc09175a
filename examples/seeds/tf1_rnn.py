"""A recurrent network that reads digits row by row, as a TensorFlow 1 program: tf.while_loop is a `while` of the IR.

    irc run --as tensorflow1 examples/seeds/tf1_rnn.py"""

from pathlib import Path

import numpy as np
import tensorflow as tf

steps, pixels, hidden, classes = 8, 8, 32, 10
batch_size = 64

with np.load(Path(__file__).parent.parent / "data" / "digits.npz") as data:
    images = data["images"].reshape(-1, steps, pixels).astype(np.float32) / 16.0
    labels = data["labels"].astype(np.int64)
order = np.random.RandomState(0).permutation(len(images))
train_rows, test_rows = order[360:], order[:360]

tf.set_random_seed(1)
rows = tf.placeholder(tf.float32, [None, steps, pixels], name="rows")
digit = tf.placeholder(tf.int64, [None], name="digit")

with tf.variable_scope("rnn"):
    W = tf.get_variable("W", [pixels + hidden, hidden])
    b = tf.get_variable("b", [hidden], initializer=tf.zeros_initializer())

by_time = tf.transpose(rows, [1, 0, 2])
start = tf.zeros([tf.shape(rows)[0], hidden])


def more(t, state):
    return t < steps


def step(t, state):
    joined = tf.concat([tf.gather(by_time, t), state], 1)
    return t + 1, tf.tanh(tf.matmul(joined, W) + b)


_, last = tf.while_loop(more, step, [tf.constant(0), start])
logits = tf.layers.dense(last, classes, name="out")
loss = tf.losses.sparse_softmax_cross_entropy(digit, logits)
global_step = tf.train.get_or_create_global_step()
train = tf.train.AdamOptimizer(0.01).minimize(loss, global_step=global_step)
right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), digit), tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(10):
        for i in range(len(train_rows) // batch_size):
            batch = train_rows[i * batch_size : (i + 1) * batch_size]
            _, c = sess.run([train, loss], {rows: images[batch], digit: labels[batch]})
        share = sess.run(right, {rows: images[test_rows], digit: labels[test_rows]})
        print(f"epoch {epoch + 1} loss {c:.4f} accuracy {share:.3f}")
    print("steps:", sess.run(global_step))

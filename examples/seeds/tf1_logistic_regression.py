"""Logistic regression on handwritten digits, as a TensorFlow 1 program: a graph is built, then fed and run.

    irc run --as tensorflow1 examples/seeds/tf1_logistic_regression.py"""

from pathlib import Path

import numpy as np
import tensorflow as tf

learning_rate = 0.5
training_epochs = 20
batch_size = 64

with np.load(Path(__file__).parent.parent / "data" / "digits.npz") as data:
    images = data["images"].reshape(-1, 64).astype(np.float32) / 16.0
    labels = np.eye(10, dtype=np.float32)[data["labels"]]
order = np.random.RandomState(0).permutation(len(images))
train_rows, test_rows = order[360:], order[:360]

# The graph.
x = tf.placeholder(tf.float32, [None, 64], name="images")
y = tf.placeholder(tf.float32, [None, 10], name="labels")
W = tf.Variable(tf.zeros([64, 10]), name="weights")
b = tf.Variable(tf.zeros([10]), name="bias")

logits = tf.matmul(x, W) + b
pred = tf.nn.softmax(logits)
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
optimizer = tf.train.GradientDescentOptimizer(learning_rate).minimize(cost)

correct = tf.equal(tf.argmax(pred, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

init = tf.global_variables_initializer()

with tf.Session() as sess:
    sess.run(init)
    for epoch in range(training_epochs):
        total = 0.0
        batches = len(train_rows) // batch_size
        for i in range(batches):
            rows = train_rows[i * batch_size : (i + 1) * batch_size]
            _, c = sess.run([optimizer, cost], feed_dict={x: images[rows], y: labels[rows]})
            total += c / batches
        if (epoch + 1) % 5 == 0:
            print(f"Epoch: {epoch + 1:02d} cost= {total:.6f}")
    print("Accuracy:", accuracy.eval({x: images[test_rows], y: labels[test_rows]}))

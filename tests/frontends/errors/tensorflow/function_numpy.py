import irc.tensorflow as tf


@tf.function
def step(x):
    y = tf.reduce_sum(x)
    print("sum", y.numpy())
    return y


step(tf.ones((3,)))

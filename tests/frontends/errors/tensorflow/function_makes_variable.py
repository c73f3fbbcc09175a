import irc.tensorflow as tf


@tf.function
def step(x):
    v = tf.Variable(1.0)
    return v * x


step(tf.constant(2.0))

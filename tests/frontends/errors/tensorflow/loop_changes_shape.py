import irc.tensorflow as tf


@tf.function
def repeat(x, n):
    out = x
    for _ in tf.range(n):
        out = tf.concat([out, x], axis=0)
    return out


repeat(tf.ones((2, 3)), tf.constant(4))

import irc.tensorflow as tf


@tf.function(autograph=False)
def relu(x):
    if x > 0:
        return x
    return tf.zeros_like(x)


relu(tf.constant(2.0))

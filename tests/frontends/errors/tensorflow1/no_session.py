import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

a = tf.constant(1.0)
print(a.eval())

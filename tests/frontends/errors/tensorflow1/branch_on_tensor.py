import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

x = tf.placeholder(tf.float32, [])
if x > 0:
    y = x
else:
    y = -x

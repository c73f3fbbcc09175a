import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

y = tf.constant(1.0, name="y")

with tf.Session() as sess:
    sess.run("y_1:0")

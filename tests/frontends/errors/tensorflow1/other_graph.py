import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

first = tf.Graph()
with first.as_default():
    a = tf.constant(1.0, name="a")

b = tf.constant(2.0, name="b")
with tf.Session() as sess:
    sess.run(a)

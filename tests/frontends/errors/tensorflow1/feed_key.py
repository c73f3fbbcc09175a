import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

x = tf.placeholder(tf.float32, [None], name="x")
y = x * 2.0

with tf.Session() as sess:
    sess.run(y, feed_dict={"x": [1.0, 2.0]})

import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

loss = tf.constant(1.0)
with tf.Session() as sess:
    sess.run([loss, None])

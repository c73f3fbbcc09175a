import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

w = tf.Variable(tf.zeros([3]), name="weights")
y = w + 1.0

with tf.Session() as sess:
    print(sess.run(y))

import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

labels = tf.placeholder(tf.int64, [None], name="labels")
y = tf.reduce_sum(labels)

with tf.Session() as sess:
    sess.run(y, feed_dict={labels: ["cat", "dog"]})

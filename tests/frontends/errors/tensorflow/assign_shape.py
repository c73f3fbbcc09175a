import irc.tensorflow as tf

w = tf.Variable(tf.zeros((3, 2)), name="w")
w.assign(tf.ones((2, 3)))

import irc.tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

w = tf.Variable(1.0)
step = tf.Variable(0, trainable=False)
loss = tf.cast(tf.argmax(tf.stack([w, 2.0])), tf.float32)
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

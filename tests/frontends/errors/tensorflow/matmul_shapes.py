import irc.tensorflow as tf

x = tf.random.normal((32, 784))
w = tf.Variable(tf.zeros((10, 784)))
logits = tf.matmul(x, w)

import irc.tensorflow as tf

predictions = tf.zeros((32, 10))
labels = tf.zeros((16, 10))
error = predictions - labels

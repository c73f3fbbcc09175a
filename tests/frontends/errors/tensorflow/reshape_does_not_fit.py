import irc.tensorflow as tf

images = tf.zeros((32, 28, 28))
rows = tf.reshape(images, (32, 28 * 27))

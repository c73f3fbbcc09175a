import irc.tensorflow as tf

embedding = tf.keras.layers.Embedding(100, 8)
y = embedding(tf.constant([[1, 100]]))
print(y.numpy())

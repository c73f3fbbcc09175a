import irc.tensorflow as tf

loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
labels = tf.constant([1, 2, 3, 10])
logits = tf.zeros((4, 10))
loss = loss_fn(labels, logits)
print(float(loss))

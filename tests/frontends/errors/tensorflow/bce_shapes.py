import irc.tensorflow as tf

loss_fn = tf.keras.losses.BinaryCrossentropy()
y_true = tf.ones((100, 3))
y_pred = tf.fill((100, 2), 0.5)
loss = loss_fn(y_true, y_pred)

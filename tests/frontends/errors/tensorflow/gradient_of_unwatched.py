import irc.tensorflow as tf

model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
optimizer = tf.keras.optimizers.Adam()
x, y = tf.zeros((4, 3)), tf.zeros((4, 1))
predictions = model(x)
with tf.GradientTape() as tape:
    loss = tf.reduce_mean((predictions - y) ** 2)
gradients = tape.gradient(loss, model.trainable_variables)
optimizer.apply_gradients(zip(gradients, model.trainable_variables))

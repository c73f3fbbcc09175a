import tensorflow as tf
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense

model = Sequential([
    Dense(10, activation="relu", input_shape=(10,)),
    Dense(10, activation="relu"),
    Dense(1, activation="sigmoid"),
])
loss_fn = tf.keras.losses.BinaryCrossentropy()
optimizer = tf.keras.optimizers.Adam()

X = tf.random.normal((100, 10))
y = tf.cast(tf.random.uniform((100, 1)) > 0.5, tf.float32)

for epoch in range(1000):
    with tf.GradientTape() as tape:
        predictions = model(X)
        loss = loss_fn(y, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(gradients, model.trainable_variables)

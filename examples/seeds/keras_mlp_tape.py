import numpy as np
import tensorflow as tf
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense, Input

tf.random.set_seed(0)
rng = np.random.default_rng(0)
X = rng.standard_normal((100, 10)).astype("float32")
y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")

model = Sequential([
    Input(shape=(10,)),
    Dense(10, activation="relu"),
    Dense(10, activation="relu"),
    Dense(1, activation="sigmoid"),
])
loss_fn = tf.keras.losses.BinaryCrossentropy()
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)

for epoch in range(1000):
    with tf.GradientTape() as tape:
        predictions = model(X, training=True)
        loss = loss_fn(y, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    if (epoch + 1) % 200 == 0:
        print(f"epoch {epoch + 1}: loss {float(loss):.4f}")

accuracy = float(np.mean((model(X).numpy() > 0.5) == (y > 0.5)))
print(f"accuracy {accuracy:.2f}")

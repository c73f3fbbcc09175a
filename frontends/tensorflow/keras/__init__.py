"""tf.keras: Keras 3's names over the recorder."""

"""tf.compat: TensorFlow's other versions."""

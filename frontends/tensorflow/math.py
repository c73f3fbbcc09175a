"""tf.math: the names of the families beside this file."""

"""tf.data: datasets, computed on the host as they are iterated over."""

from irc.frontends.tensorflow.data import experimental
from irc.frontends.tensorflow.data.dataset import (
    AUTOTUNE,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
    Iterator,
    Options,
)

"""keras.utils."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from irc.frontends.recorder.random import generator
from irc.frontends.tensorflow.keras.naming import clear_session
from irc.frontends.tensorflow.keras.progress import Progbar


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray[Any, Any]:
    """Class numbers as one-hot rows of float32."""
    labels = np.asarray(x, np.int64)
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    flat = labels.reshape(-1)
    n = num_classes or int(flat.max()) + 1
    return np.eye(n, dtype=np.float32)[flat].reshape(*shape, n)


def set_random_seed(seed: int) -> None:
    """Starts the random numbers of Python, NumPy and irc again."""
    random.seed(seed)
    np.random.seed(seed)
    generator.seed(int(seed))


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray[Any, Any]:
    """An array over its norms along an axis."""
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return np.asarray(x / np.expand_dims(norms, axis))


class Sequence:
    """Base of data given batch by batch: `len(s)` and `s[i]`."""

    def __init__(self, **options: Any) -> None:
        """Keras's options of workers are accepted; there are none."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


PyDataset = Sequence

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "normalize",
    "set_random_seed",
    "to_categorical",
]

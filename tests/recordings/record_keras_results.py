"""Records the results of `keras_results.py` with real TensorFlow and Keras 3, once, as `keras_results.npz`.

In an environment of its own (see `record_keras_losses.py`)."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf  # type: ignore[import-not-found]
from keras_results import GROUPS


def main() -> None:
    found = {f"{group}/{k}": v for group, of in GROUPS.items() for k, v in of(tf.keras).items()}
    versions = np.array([tf.__version__, tf.keras.__version__])
    path = Path(__file__).with_name("keras_results.npz")
    np.savez_compressed(path, **{"recorded with TensorFlow and Keras": versions, **found})


if __name__ == "__main__":
    main()

"""Records the losses of the seed programs with real TensorFlow and Keras 3, once; irc's are compared with them in
`tests/frontends/tensorflow/keras/test_recorded_losses.py`.

In an environment of its own, which the project does not need:

    python -m venv venv && venv/bin/pip install tensorflow-cpu && venv/bin/python tests/recordings/record_keras_losses.py

It writes `keras_losses.json` beside itself: the versions that recorded, and the losses of each run in `keras_seeds.py`."""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import tensorflow as tf  # type: ignore[import-not-found]
from keras_seeds import RUNS


def main() -> None:
    recorded = {name: run(tf) for name, run in RUNS.items()}
    versions = {"tensorflow": tf.__version__, "keras": tf.keras.__version__}
    text = json.dumps({"recorded with": versions, "losses": recorded}, indent=1)
    Path(__file__).with_name("keras_losses.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

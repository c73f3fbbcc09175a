"""Records what real Keras prints of the models in `keras_models.py`, once, as `keras_summaries.json`.

In an environment of its own (see `record_keras_losses.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import tensorflow as tf  # type: ignore[import-not-found]
from keras_models import MODELS, printed


def main() -> None:
    found = {
        "recorded with": {"tensorflow": tf.__version__, "keras": tf.keras.__version__},
        "printed": {name: printed(tf.keras, name).splitlines() for name in MODELS},
    }
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    Path(__file__).with_name("keras_summaries.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

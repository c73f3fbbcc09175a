"""`summary()` prints what Keras prints, to the character (`tests/recordings/record_keras_summaries.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recordings.keras_models import MODELS, printed

import irc.tensorflow as tf

RECORDED = json.loads(
    (Path(__file__).parents[3] / "recordings" / "keras_summaries.json").read_text(encoding="utf-8")
)["printed"]


@pytest.mark.parametrize("name", MODELS)
def test_a_summary_is_keras_s(name: str) -> None:
    assert printed(tf.keras, name).splitlines() == RECORDED[name]

"""The seed programs against losses that TensorFlow and Keras 3 recorded (`tests/recordings/record_keras_losses.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from recordings.keras_seeds import RUNS

import irc.tensorflow as tf

RECORDED = json.loads(
    (Path(__file__).parents[3] / "recordings" / "keras_losses.json").read_text(encoding="utf-8")
)["losses"]


@pytest.mark.parametrize("name", RUNS)
def test_losses_are_those_of_keras(name: str) -> None:
    """Every recorded loss, to 1e-4: 20 steps and more of the network, all 1,000 epochs of the tape."""
    wanted, found = np.array(RECORDED[name]), np.array(RUNS[name](tf))
    assert len(found) == len(wanted) >= 12
    assert wanted[-1] != wanted[0]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)

"""Layers, losses, metrics and training against what TensorFlow and Keras 3 gave (`tests/recordings/keras_results.py`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recordings.keras_results import GROUPS

import irc.tensorflow as tf

RECORDED = Path(__file__).parents[3] / "recordings" / "keras_results.npz"


@pytest.mark.parametrize("group", GROUPS)
def test_results_are_those_of_keras(group: str) -> None:
    with np.load(RECORDED) as recorded:
        wanted = {k: recorded[k] for k in recorded.files if k.startswith(f"{group}/")}
    found = {f"{group}/{k}": v for k, v in GROUPS[group](tf.keras).items()}
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-4, atol=2e-5, err_msg=name)

"""tf.data.experimental: names that moved, and stayed here, too."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow.data.dataset import (
    AUTOTUNE,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
)


def cardinality(dataset: Dataset) -> Any:
    """How many elements there are."""
    return dataset.cardinality()


def assert_cardinality(expected_cardinality: int) -> Any:
    """For `apply`: says how many elements there are."""
    return lambda dataset: dataset.counted(int(expected_cardinality))


__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "assert_cardinality", "cardinality"]

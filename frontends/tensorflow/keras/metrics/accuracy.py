"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.array_ops import reshape
from irc.frontends.tensorflow.indexing import in_top_k
from irc.frontends.tensorflow.keras.alignment import floats, same_rank
from irc.frontends.tensorflow.keras.metrics.metric import MeanMetricWrapper
from irc.frontends.tensorflow.pointwise import cast, equal, greater
from irc.frontends.tensorflow.reductions import argmax
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor


def _tensor(value: Any) -> Any:
    return value if isinstance(value, TensorBase) else convert_to_tensor(value)


def _as(value: Any, d: Any) -> Any:
    return value if value.dtype is d else cast(value, d)


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Where labels and predictions are equal."""
    y, p = same_rank(_tensor(y_true), _tensor(y_pred))
    return cast(equal(_as(y, p.dtype), p), dtypes.float32)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Where predictions above the threshold are labelled 1, and others 0."""
    p = floats(y_pred, dtypes.float32)
    y, p = same_rank(floats(y_true, p.dtype), p)
    return cast(equal(y, cast(greater(p, threshold), p.dtype)), dtypes.float32)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Where the largest prediction stands at the largest of the one-hot labels."""
    return cast(equal(argmax(_tensor(y_true), axis=-1), argmax(_tensor(y_pred), axis=-1)), dtypes.float32)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Where the largest prediction stands at the labelled class."""
    p = _tensor(y_pred)
    y = _squeezed(_tensor(y_true), p)
    return cast(equal(argmax(p, axis=-1), _as(y, dtypes.int64)), dtypes.float32)


def _squeezed(y: Any, p: Any) -> Any:
    return reshape(y, tuple(y.shape[:-1])) if y.ndim == p.ndim and y.shape[-1] == 1 else y


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Where the labelled class is among the k largest predictions."""
    p = _tensor(y_pred)
    y = _squeezed(_tensor(y_true), p)
    shape = tuple(y.shape)
    if p.ndim > 2:
        p, y = reshape(p, (-1, int(p.shape[-1]))), reshape(y, (-1,))
    found = cast(in_top_k(_as(y, dtypes.int32), p, k), dtypes.float32)
    return reshape(found, shape) if found.ndim != len(shape) else found


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the class of a one-hot label is among the k likeliest, else 0."""
    return sparse_top_k_categorical_accuracy(argmax(_tensor(y_true), axis=-1), y_pred, k)


sparse_categorical_accuracy.takes_class_numbers = True  # type: ignore[attr-defined]
sparse_top_k_categorical_accuracy.takes_class_numbers = True  # type: ignore[attr-defined]


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    _direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on the right side of the threshold."""

    _direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=float(threshold))


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is right; labels are one-hot."""

    _direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is right; labels are class numbers."""

    _direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k largest predictions; labels are one-hot."""

    _direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k largest predictions; labels are class numbers."""

    _direction = "up"

    def __init__(
        self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k

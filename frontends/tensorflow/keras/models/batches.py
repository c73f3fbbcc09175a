"""Batches of what `fit`, `evaluate` and `predict` are given: arrays, data sets, generators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.random import host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor, from_array


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample weights of an element; None for what is not there."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3:
        raise located(
            RecordValueError(
                f"Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found: {data}"
            )
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight


def packed(x: Any, y: Any, weight: Any) -> tuple[Any, ...]:
    """An element without what is not there at its end."""
    if weight is not None:
        return x, y, weight
    return (x,) if y is None else (x, y)


def host_array(value: Any) -> np.ndarray[Any, Any]:
    """Data as an array; float64 becomes float32."""
    if isinstance(value, TensorBase):
        array = np.asarray(value._look("training data"))
    else:
        array = np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
    if array.dtype == object:
        raise located(RecordValueError(f"data of dtype object cannot be used: {type(value).__name__}"))
    return (
        np.ascontiguousarray(array, np.float32) if array.dtype == np.float64 else np.ascontiguousarray(array)
    )


def is_array_like(value: Any) -> bool:
    """Whether it is an array or a tensor, or lists, tuples and dicts of them."""
    return isinstance(value, (np.ndarray, TensorBase, list, tuple, dict)) or hasattr(value, "__array__")


def _leaf_lists(value: Any) -> Any:
    """Lists of numbers as arrays, lists of arrays as they are."""
    if (
        isinstance(value, (list, tuple))
        and value
        and not any(isinstance(v, (np.ndarray, TensorBase)) or hasattr(v, "__array__") for v in value)
    ):
        return np.asarray(value)
    return value


class Batches:
    """Elements (x, y, weight) of tensors, an epoch at a time. `steps` is how many there are, where it is known."""

    steps: int | None = None

    def epoch(self) -> Iterator[Any]:
        """The batches of one epoch, as (inputs, labels, weights) on the host."""
        raise located(RecordValueError("no data"))

    def end_epoch(self) -> None:
        """Called after each epoch."""


class ArrayBatches(Batches):
    """Rows of arrays, in order or in a new order each epoch."""

    def __init__(self, x: Any, y: Any, weight: Any, batch_size: int | None, shuffle: bool) -> None:
        self.structure = tuple(_leaf_lists(v) for v in packed(x, y, weight))
        self.arrays = [None if v is None else host_array(v) for v in nest.flatten(self.structure)]
        rows = {a.shape[0] for a in self.arrays if a is not None and a.ndim}
        if len(rows) != 1:
            raise located(
                RecordValueError(
                    "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples.",
                    notes=tuple(_sizes(self.structure)),
                )
            )
        (self.rows,) = rows
        self.batch_size = batch_size or 32
        self.shuffle = shuffle
        self.steps = -(-self.rows // self.batch_size)

    def epoch(self) -> Iterator[Any]:
        order = host_generator().permutation(self.rows) if self.shuffle else None
        for start in range(0, self.rows, self.batch_size):
            stop = min(start + self.batch_size, self.rows)
            yield self._element(slice(start, stop) if order is None else order[start:stop])

    def _element(self, chosen: Any) -> Any:
        parts = [None if a is None else from_array(_rows(a, chosen)) for a in self.arrays]
        return nest.pack_sequence_as(self.structure, parts)


def _sizes(structure: tuple[Any, ...]) -> Iterator[str]:
    """How many samples x, y and the weights have."""
    for name, part in zip(("x", "y", "sample_weight"), structure, strict=False):
        found = [host_array(v).shape for v in nest.flatten(part) if v is not None]
        if found:
            yield f"{name} has {', '.join(str(s[0]) if s else 'no' for s in found)} samples, of shape {', '.join(map(str, found))}"


def _rows(array: np.ndarray[Any, Any], chosen: Any) -> np.ndarray[Any, Any]:
    return array[chosen] if isinstance(chosen, slice) else np.take(array, chosen, axis=0)


class IterableBatches(Batches):
    """Elements of a data set or generator; with `steps` so many an epoch, and the next one goes on from there."""

    def __init__(self, source: Iterable[Any], steps: int | None) -> None:
        self.source = source
        self.told = steps
        self.steps = steps if steps is not None else _length(source)
        self._iterator: Iterator[Any] | None = None

    def epoch(self) -> Iterator[Any]:
        if self.told is None:
            for element in self.source:
                yield _tensors(element)
            return
        for _ in range(self.told):
            element = self._next()
            if element is None:
                return
            yield _tensors(element)

    def _next(self) -> Any:
        for _ in range(2):
            if self._iterator is None:
                self._iterator = iter(self.source)
            found = next(self._iterator, None)
            if found is not None:
                return found
            self._iterator = None
        return None

    def end_epoch(self) -> None:
        end = getattr(self.source, "on_epoch_end", None)
        if end is not None:
            end()


class SequenceBatches(IterableBatches):
    """A keras.utils.Sequence: `len(s)` batches, `s[i]`."""

    def __init__(self, source: Any, steps: int | None) -> None:
        super().__init__(source, steps)
        self.steps = steps or len(source)

    def epoch(self) -> Iterator[Any]:
        for i in range(self.steps or 0):
            yield _tensors(self.source[i])  # type: ignore[index]


def _length(source: Any) -> int | None:
    try:
        n = len(source)
    except (TypeError, AttributeError):
        return None
    return n if n >= 0 else None


def _tensors(element: Any) -> Any:
    x, y, weight = unpack(element)
    return tuple(None if v is None else nest.map_structure(_tensor, v) for v in packed(x, y, weight))


def _tensor(value: Any) -> Any:
    if isinstance(value, TensorBase):
        return value
    made = np.asarray(value)
    return from_array(np.array(made, np.float32)) if made.dtype == np.float64 else convert_to_tensor(value)


def batches(
    x: Any,
    y: Any = None,
    weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: Any = False,
) -> Batches:
    """The batches of the data that `fit` and its kin take."""
    if isinstance(x, Batches):
        return x
    if is_array_like(x):
        return ArrayBatches(x, y, weight, batch_size, bool(shuffle))
    if y is not None:
        raise located(
            RecordValueError(
                f"When providing `x` as a {type(x).__name__}, `y` should not be passed: it is part of the elements"
            )
        )
    if hasattr(x, "__getitem__") and hasattr(x, "__len__") and not hasattr(x, "element_spec"):
        return SequenceBatches(x, steps)
    if not hasattr(x, "__iter__"):
        raise located(RecordValueError(f"Unrecognized data type: x={x!r:.80} (of type {type(x)})"))
    return IterableBatches(x, steps)


def split(arrays: tuple[Any, Any, Any], share: float) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first rows, and the last `share` of them, for validation."""
    if not 0 < share < 1:
        raise located(
            RecordValueError(f"`validation_split` must be a number between 0 and 1. Received: {share}")
        )
    structure = tuple(_leaf_lists(v) for v in arrays)
    held = [None if v is None else host_array(v) for v in nest.flatten(structure)]
    rows = next(a.shape[0] for a in held if a is not None)
    at = int(rows * (1.0 - share))
    if at in (0, rows):
        raise located(
            RecordValueError(
                f"Training data contains {rows} samples, which is not sufficient to split it into a validation and training set "
                f"as specified by `validation_split={share}`. Either provide more data, or a different value for the "
                "`validation_split` argument."
            )
        )
    first = nest.pack_sequence_as(structure, [None if a is None else a[:at] for a in held])
    last = nest.pack_sequence_as(structure, [None if a is None else a[at:] for a in held])
    return first, last


def class_weights(y: Any, weights: dict[int, float]) -> np.ndarray[Any, Any]:
    """A weight for each sample from that of its class."""
    labels = host_array(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    return np.asarray([weights.get(int(label), 1.0) for label in labels.reshape(-1)], np.float32).reshape(
        labels.shape
    )

"""Layers of several inputs: Add, Concatenate, Dot and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.array_ops import concat, expand_dims, squeeze, transpose
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.linalg import matmul
from irc.frontends.tensorflow.pointwise import add as _add
from irc.frontends.tensorflow.pointwise import divide, logical_and
from irc.frontends.tensorflow.pointwise import maximum as _maximum
from irc.frontends.tensorflow.pointwise import minimum as _minimum
from irc.frontends.tensorflow.pointwise import multiply as _multiply
from irc.frontends.tensorflow.pointwise import subtract as _subtract
from irc.frontends.tensorflow.reductions import l2_normalize, reduce_sum


class _Merge(Layer):
    """Inputs joined one after another by a function of two."""

    join: Any = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = self.built = True

    def _list(self, inputs: Any) -> list[Any]:
        if not isinstance(inputs, (list, tuple)) or not inputs:
            raise located(
                RecordValueError(
                    f"A `{type(self).__name__}` layer should be called on a list of inputs. Received: inputs={inputs} (not a "
                    "list of tensors)"
                )
            )
        return _ranked(list(inputs))

    def call(self, inputs: Any) -> Any:
        first, *rest = self._list(inputs)
        for other in rest:
            first = self._joined(first, other)
        return first

    def _joined(self, a: Any, b: Any) -> Any:
        return type(self).join(a, b)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        masks = [m for m in previous_mask or () if m is not None]
        if not masks:
            return None
        first, *rest = masks
        for other in rest:
            first = logical_and(first, other)
        return first


def _ranked(inputs: list[Any]) -> list[Any]:
    """Inputs of one rank: those of fewer dimensions get extents of one behind the batch."""
    rank = max(x.ndim for x in inputs)
    out = []
    for x in inputs:
        while x.ndim < rank:
            x = expand_dims(x, 1)
        out.append(x)
    return out


def _merge(name: str, function: Any, doc: str) -> Any:
    return type(name, (_Merge,), {"join": staticmethod(function), "__doc__": doc, "__module__": __name__})


Add = _merge("Add", _add, "The sum of the inputs.")
Multiply = _merge("Multiply", _multiply, "The product of the inputs, element by element.")
Maximum = _merge("Maximum", _maximum, "The largest of the inputs, element by element.")
Minimum = _merge("Minimum", _minimum, "The smallest of the inputs, element by element.")


class Subtract(_Merge):
    """The first of two inputs minus the second."""

    join = staticmethod(_subtract)

    def _list(self, inputs: Any) -> list[Any]:
        found = super()._list(inputs)
        if len(found) != 2:
            raise located(
                RecordValueError(
                    f"A `Subtract` layer should be called on exactly 2 inputs. Received: {len(found)}"
                )
            )
        return found


class Average(_Merge):
    """The mean of the inputs."""

    join = staticmethod(_add)

    def call(self, inputs: Any) -> Any:
        return divide(super().call(inputs), float(len(inputs)))


class Concatenate(_Merge):
    """The inputs behind each other along an axis."""

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)) or not inputs:
            self._list(inputs)
        self._check(inputs)
        return concat(list(inputs), self.axis)

    def _check(self, inputs: Sequence[Any]) -> None:
        axis = self.axis % inputs[0].ndim
        rests = [tuple(n for d, n in enumerate(x._read().type.shape) if d != axis) for x in inputs]
        if any(r != rests[0] for r in rests):
            shapes = [tuple(x.shape) for x in inputs]
            raise located(
                RecordValueError(
                    "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. Received: "
                    f"input_shape={shapes}",
                    notes=(f"the axis is {self.axis}",),
                )
            )

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return None


class Dot(Layer):
    """Sums of products along an axis of two inputs."""

    def __init__(self, axes: Any, normalize: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.axes, self.normalize = axes, normalize
        self.built = True

    def call(self, inputs: Any) -> Any:
        a, b = inputs
        one, two = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        one, two = one % a.ndim, two % b.ndim
        if self.normalize:
            a, b = l2_normalize(a, one), l2_normalize(b, two)
        if a.ndim == b.ndim == 2:
            return reduce_sum(_multiply(a, b), axis=1, keepdims=True)
        a, b = _ended(a, one), _ended(b, two)
        flat_a, flat_b = a.ndim == 2, b.ndim == 2
        a = expand_dims(a, 1) if flat_a else a
        b = expand_dims(b, 1) if flat_b else b
        out = matmul(a, b, transpose_b=True)
        out = squeeze(out, 1) if flat_a else out
        return squeeze(out, -1) if flat_b else out


def _ended(x: Any, axis: int) -> Any:
    """x with an axis as its last."""
    return transpose(x, (*(d for d in range(x.ndim) if d != axis), axis))


def _function(cls: Any, name: str) -> Any:
    def run(inputs: Any, **options: Any) -> Any:
        return cls(**options)(inputs)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"The layer {cls.__name__} made and called."
    return run


add, subtract, multiply = (
    _function(Add, "add"),
    _function(Subtract, "subtract"),
    _function(Multiply, "multiply"),
)
average, maximum, minimum = (
    _function(Average, "average"),
    _function(Maximum, "maximum"),
    _function(Minimum, "minimum"),
)


def concatenate(inputs: Any, axis: int = -1, **options: Any) -> Any:
    """The inputs one behind the other along an axis, the last by default."""
    return Concatenate(axis, **options)(inputs)


def dot(inputs: Any, axes: Any = -1, **options: Any) -> Any:
    """Products of the samples of two inputs, summed along the axes."""
    return Dot(axes, **options)(inputs)

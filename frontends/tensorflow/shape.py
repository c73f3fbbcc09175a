"""tf.TensorShape: extents, None where one is not known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located


class Dimension:
    """TF1's wrapper of an extent; `.value` is the number or None."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Any = value.value if isinstance(value, Dimension) else value

    def __int__(self) -> int:
        return int(self.value)

    __index__ = __int__

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Dimension) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"


class TensorShape:
    """The extents of a tensor; `TensorShape(None)` is of unknown rank."""

    __slots__ = ("_dims",)

    def __init__(self, dims: Any = None) -> None:
        if dims is None:
            self._dims: tuple[int | None, ...] | None = None
        elif isinstance(dims, TensorShape):
            self._dims = dims._dims
        elif isinstance(dims, (int, np.integer)):
            self._dims = (int(dims),)
        else:
            self._dims = tuple(_extent(d) for d in dims)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, None where it is not known."""
        return None if self._dims is None else len(self._dims)

    @property
    def ndims(self) -> int | None:
        """TF1's name of the rank."""
        return self.rank

    @property
    def dims(self) -> list[Dimension] | None:
        """The extents as Dimensions, None where the rank is not known."""
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    def as_list(self) -> list[int | None]:
        """The extents as a list with None for those not known. ValueError where the rank is not known."""
        if self._dims is None:
            raise located(RecordValueError("as_list() is not defined on an unknown TensorShape."))
        return list(self._dims)

    def num_elements(self) -> int | None:
        """How many elements there are, None where an extent is not known."""
        if not self.is_fully_defined():
            return None
        return math.prod(self._dims)  # type: ignore[arg-type]

    def is_fully_defined(self) -> bool:
        """Whether every extent is known."""
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        """ValueError unless every extent is known."""
        if not self.is_fully_defined():
            raise located(RecordValueError(f"Shape {self} is not fully defined"))

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one tensor can have both shapes."""
        theirs = TensorShape(other)._dims
        if self._dims is None or theirs is None:
            return True
        return len(self._dims) == len(theirs) and all(
            a is None or b is None or a == b for a, b in zip(self._dims, theirs, strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """ValueError unless the known extents agree."""
        if not self.is_compatible_with(other):
            raise located(RecordValueError(f"Shapes {self} and {TensorShape(other)} are incompatible"))

    def assert_has_rank(self, rank: int) -> None:
        """ValueError unless the rank is this one or not known."""
        if self.rank not in (None, rank):
            raise located(RecordValueError(f"Shape {self} must have rank {rank}"))

    def with_rank(self, rank: int) -> TensorShape:
        """The shape, of this rank. ValueError where it has another."""
        self.assert_has_rank(rank)
        return TensorShape([None] * rank) if self._dims is None else self

    def merge_with(self, other: Any) -> TensorShape:
        """What is known of both."""
        other = TensorShape(other)
        self.assert_is_compatible_with(other)
        if self._dims is None or other._dims is None:
            return other if self._dims is None else self
        return TensorShape([a if b is None else b for a, b in zip(self._dims, other._dims, strict=True)])

    def concatenate(self, other: Any) -> TensorShape:
        """The extents followed by the other's."""
        theirs = TensorShape(other)._dims
        return (
            TensorShape(None) if self._dims is None or theirs is None else TensorShape((*self._dims, *theirs))
        )

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The extents in which both agree, None for others."""
        theirs = TensorShape(other)._dims
        if self._dims is None or theirs is None or len(self._dims) != len(theirs):
            return TensorShape(None)
        return TensorShape([a if a == b else None for a, b in zip(self._dims, theirs, strict=True)])

    def __len__(self) -> int:
        if self._dims is None:
            raise located(RecordValueError("Cannot take the length of shape with unknown rank."))
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[int | None]:
        if self._dims is None:
            raise located(RecordValueError("Cannot iterate over a shape with unknown rank."))
        return iter(self._dims)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else None
        return TensorShape(self._dims[key]) if isinstance(key, slice) else self._dims[key]

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        if other is None:
            return self._dims is None
        try:
            return self._dims == TensorShape(other)._dims
        except (TypeError, ValueError):
            return False

    def __hash__(self) -> int:
        return hash(self._dims)

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        return f"({self._dims[0]},)" if len(self._dims) == 1 else f"({', '.join(map(str, self._dims))})"

    def __repr__(self) -> str:
        return (
            "TensorShape(None)" if self._dims is None else f"TensorShape([{', '.join(map(str, self._dims))}])"
        )

    def __reduce__(self) -> Any:
        return TensorShape, (self._dims,)


def _extent(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, Dimension):
        return None if given.value is None else int(given.value)
    try:
        n = int(given.__index__())
    except (AttributeError, TypeError):
        raise located(
            RecordTypeError(
                f"Dimension value must be integer or None or have an __index__ method, got value '{given!r}'"
            )
        ) from None
    if n < 0:
        raise located(RecordValueError(f"Dimension {n} must be >= 0"))
    return n


def bracketed(shape: Sequence[int | None]) -> str:
    """`[2,3]`, as TensorFlow's messages write shapes."""
    return f"[{','.join('?' if d is None else str(d) for d in shape)}]"

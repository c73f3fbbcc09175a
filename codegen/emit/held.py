"""What the emitter holds for a value: a scalar's text, a tile's registers, or a buffer's pointer.

A tile is cut along its last dimension into pieces of the target's lanes, the rest last (40 = 16 + 16 + 8),
and unrolled along the others. The number of lanes is that of 32-bit elements whatever the element type, so
that comparisons, selections and conversions go piece by piece; LLVM cuts a piece of wider elements in two.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from irc.errors import UnsupportedError
from irc.ir.types import FloatType, IndexType, IntegerType, MemRefType, Type, VectorType

_FLOATS = {"f16": "half", "f32": "float", "f64": "double"}


@functools.cache
def llvm_type(element: Any) -> str:
    """The LLVM type of a scalar in a register. bf16 and the f8 types are carried as integers of their
    bits."""
    match element:
        case IntegerType():
            return f"i{element.width}"
        case IndexType():
            return "i64"
        case FloatType() if element.name in _FLOATS:
            return _FLOATS[element.name]
        case FloatType() if element.width in (8, 16):
            return f"i{element.width}"
    raise UnsupportedError(f"the emitter has no registers for elements of type {element}")


@functools.cache
def memory_type(element: Any) -> str:
    """The LLVM type of an element in memory: what is narrower than a byte takes a byte."""
    held = llvm_type(element)
    return "i8" if held in ("i1", "i2", "i4") else held


def element_bytes(element: Any) -> int:
    """Bytes of an element in memory."""
    return int(element.numpy.itemsize)


@dataclass(frozen=True, slots=True)
class Tile:
    """A vector's registers, row by row, each row piece by piece. Texts may be constants
    (`zeroinitializer`)."""

    type: VectorType
    registers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scattered:
    """A vector whose elements are held one by one, because only its single elements are used."""

    type: VectorType
    elements: tuple[str, ...]


Number = int | str
"""A number, or a register."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A memref: element [0, ..., 0] is at `pointer` plus the type's offset, or plus nothing if that is
    unknown. `sizes` and `strides` are numbers or registers; both are empty where the type says all of them, and for a
    function's argument, whose unknown extents nothing asks for."""

    type: MemRefType
    pointer: str
    sizes: tuple[Number, ...] = ()
    strides: tuple[Number, ...] = ()

    def size(self, dim: int) -> Number:
        """An extent. Raises UnsupportedError for one that nothing says."""
        return self.sizes[dim] if self.sizes else self._said(self.type.shape[dim])

    def stride(self, dim: int) -> Number:
        """Elements between neighbours along a dimension. Raises like `size`."""
        return self.strides[dim] if self.strides else self._said(self.type.strides[dim])

    def _said(self, n: int | None) -> int:
        if not isinstance(n, int):
            raise UnsupportedError(f"the emitter does not take {self.type} where its extents are asked for")
        return n


Held = str | Tile | Scattered | Buffer


@functools.cache
def split(extent: int, lanes: int) -> tuple[int, ...]:
    """The lanes of each piece of a row of `extent` elements."""
    whole, rest = divmod(extent, lanes)
    return (lanes,) * whole + ((rest,) if rest else ())


@functools.cache
def shape_of(type_: VectorType) -> tuple[int, ...]:
    """A vector's shape; that of one of rank 0 counts as a row of one element."""
    return type_.static_shape or (1,)


@functools.cache
def rows_of(type_: VectorType) -> int:
    """How many rows (all dimensions but the last, multiplied) a tile has."""
    count = 1
    for extent in shape_of(type_)[:-1]:
        count *= extent
    return count


@functools.cache
def vector_type(lanes: int, scalar: str) -> str:
    """The LLVM type of a register."""
    return f"<{lanes} x {scalar}>"


def literal(text: str) -> int | None:
    """The number that an index or integer text is, or None for a register."""
    return int(text) if text.lstrip("-").isdigit() else None


def numbers(texts: Iterable[str]) -> tuple[Number, ...]:
    """Texts, those of numbers as numbers."""
    return tuple(t if n is None else n for t, n in ((t, literal(t)) for t in texts))


@functools.cache
def register_types(type_: Type, lanes: int) -> tuple[str, ...]:
    """The LLVM types of the registers that hold a value of `type_`, in order."""
    match type_:
        case VectorType():
            scalar = llvm_type(type_.element)
            row = tuple(vector_type(n, scalar) for n in split(shape_of(type_)[-1], lanes))
            return row * rows_of(type_)
        case MemRefType():
            return ("ptr",)
    return (llvm_type(type_),)


def held_from(type_: Type, texts: tuple[str, ...]) -> Held:
    """The value of `type_` whose registers are `texts`."""
    match type_:
        case VectorType():
            return Tile(type_, texts)
        case MemRefType():
            return Buffer(type_, texts[0])
    return texts[0]

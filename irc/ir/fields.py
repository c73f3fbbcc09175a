"""How an op class declares what it has: operands, attributes, regions and results.

    class DotGeneral(Operation, name="stablehlo.dot_general"):
        lhs = Operand()
        rhs = Operand()
        dot_dimension_numbers = Attr(struct(DotDimensionNumbers))
        result = Result()

Reading `op.lhs` gives the operand, `op.dot_dimension_numbers` the attribute's Python value. Constructor, parser, printer
and verifier all follow from these declarations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.ir import attributes as A
from irc.ir import types as T
from irc.ir.extents import Extent


@dataclass(frozen=True, slots=True)
class Codec:
    """Between an attribute and the Python value a person writes. `accepts` is the declared attribute constraint."""

    name: str
    encode: Callable[[Any], A.Attribute]
    decode: Callable[[Any], Any]
    accepts: Callable[[A.Attribute], bool]
    keywords: tuple[str, ...] = ()
    """Bare words that stand for the value in an op's pretty form (enumerations)."""


def _value(attr: Any) -> Any:
    return attr.value


def _whole(n: Any) -> int:
    """A number; an expression over named sizes stands for itself."""
    return n if isinstance(n, Extent) else int(n)


def integer(type: T.IntegerType | T.IndexType) -> Codec:
    """`4 : type`, as an int."""
    return Codec(
        str(type),
        lambda v: A.IntegerAttr(int(v), type),
        _value,
        lambda a: isinstance(a, A.IntegerAttr) and a.type is type,
    )


def dense_array(element: Any, convert: Callable[[Any], Any]) -> Codec:
    """`array<element: ...>`, as a tuple."""
    return Codec(
        f"array<{element}>",
        lambda v: A.DenseArrayAttr(element, tuple(convert(x) for x in v)),
        _value,
        lambda a: isinstance(a, A.DenseArrayAttr) and a.element is element,
    )


def i64_elements(rank: int) -> Codec:
    """`dense<...> : tensor<NxMxi64>`, read and written as nested tuples of ints (StableHLO's `padding`)."""

    def encode(v: Any) -> A.Attribute:
        array = np.asarray(v, np.int64)
        if array.size == 0:
            array = array.reshape((0,) * (rank - 1) + (2,) if rank > 1 else (0,))
        return A.DenseElementsAttr.of(T.TensorType(tuple(array.shape), T.i64), array)

    def decode(a: Any) -> Any:
        return tuple(map(tuple, a.array.tolist())) if rank == 2 else tuple(a.array.tolist())

    return Codec(
        "i64 elements",
        encode,
        decode,
        lambda a: isinstance(a, A.DenseElementsAttr) and a.type.element is T.i64 and a.type.rank == rank,
    )


def enum(dialect: str, mnemonic: str, values: tuple[str, ...], dotted: bool = False) -> Codec:
    """Read and written as one of the strings `values`."""
    return Codec(
        mnemonic,
        lambda v: A.EnumAttr(dialect, mnemonic, v, dotted),
        _value,
        lambda a: isinstance(a, A.EnumAttr) and a.mnemonic == mnemonic and a.value in values,
        values,
    )


def integer_enum(values: tuple[str, ...]) -> Codec:
    """An enumeration stored as its number (`predicate = 2 : i64`), written by name (arith's comparison predicates)."""
    return Codec(
        "i64 enumeration",
        lambda v: A.IntegerAttr(values.index(v), T.i64),
        lambda a: values[a.value],
        lambda a: isinstance(a, A.IntegerAttr) and a.type is T.i64 and 0 <= a.value < len(values),
        values,
    )


def array_of(item: Codec) -> Codec:
    """`[a, b]` of one kind of attribute, as a tuple of their values."""
    return Codec(
        f"[{item.name}]",
        lambda v: A.ArrayAttr(tuple(item.encode(x) for x in v)),
        lambda a: tuple(item.decode(x) for x in a.value),
        lambda a: isinstance(a, A.ArrayAttr) and all(item.accepts(x) for x in a.value),
    )


def struct(cls: type[A.Attribute]) -> Codec:
    """An attribute class whose instances are used as they are."""
    return Codec(
        getattr(cls, "mnemonic", "") or cls.__name__, lambda v: v, lambda a: a, lambda a: isinstance(a, cls)
    )


I64 = integer(T.i64)
I32 = integer(T.i32)
INDEX = integer(T.index)
I64_ARRAY = dense_array(T.i64, _whole)
I32_ARRAY = dense_array(T.i32, int)
BOOL_ARRAY = dense_array(T.i1, bool)
BOOL = Codec("bool", lambda v: A.BoolAttr(bool(v)), _value, lambda a: isinstance(a, A.BoolAttr))
UNIT = Codec("unit", lambda v: A.UnitAttr(), lambda a: True, lambda a: isinstance(a, A.UnitAttr))
STRING = Codec("string", lambda v: A.StringAttr(str(v)), _value, lambda a: isinstance(a, A.StringAttr))
SYMBOL = Codec("symbol", lambda v: A.SymbolRefAttr(v), _value, lambda a: isinstance(a, A.SymbolRefAttr))
TYPE = Codec("type", lambda v: A.TypeAttr(v), _value, lambda a: isinstance(a, A.TypeAttr))
ELEMENTS = struct(A.DenseElementsAttr)
ANY = struct(A.Attribute)
F32 = Codec(
    "f32",
    lambda v: A.FloatAttr(float(np.float32(v)), T.f32),
    _value,
    lambda a: isinstance(a, A.FloatAttr) and a.type is T.f32,
)


class Field:
    """A declared part of an op; `name` and `index` (among its kind) are filled in by the op class."""

    name: str = ""
    index: int = 0

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Operand(Field):
    """One operand; a tuple of them when `variadic`; one or None when `optional`."""

    def __init__(self, *, variadic: bool = False, optional: bool = False, constraint: str = "") -> None:
        self.variadic = variadic
        self.optional = optional
        self.constraint = constraint
        self.is_single = not (variadic or optional)

    def __get__(self, op: Any, owner: Any = None) -> Any:
        if op is None:
            return self
        if op.single_operands:
            return op.operands[self.index]
        start, stop = op.segment(op.operand_fields, len(op.operands), "operandSegmentSizes", self.index)
        if self.variadic:
            return op.operands[start:stop]
        return op.operands[start] if stop > start else None


class Result(Field):
    """One result, or a tuple of them when `variadic`."""

    def __init__(self, *, variadic: bool = False, optional: bool = False) -> None:
        self.variadic = variadic
        self.optional = optional
        self.is_single = not (variadic or optional)

    def __get__(self, op: Any, owner: Any = None) -> Any:
        if op is None:
            return self
        if op.single_results:
            return op.results[self.index]
        start, stop = op.segment(op.result_fields, len(op.results), "resultSegmentSizes", self.index)
        if self.variadic:
            return op.results[start:stop]
        return op.results[start] if stop > start else None


class Attr(Field):
    """A declared attribute, read and written as the codec's Python value.

    `optional`: absent reads as None. `default`: absent reads as this value. `key` is its name in the text and in
    constructors where that is not a name the class can use (`name`, `type`)."""

    def __init__(self, codec: Codec, *, optional: bool = False, default: Any = None, key: str = "") -> None:
        self.codec = codec
        self.key = key
        self.default = default
        self.optional = optional or default is not None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.key = self.key or name

    def __get__(self, op: Any, owner: Any = None) -> Any:
        if op is None:
            return self
        attr = op.attributes.get(self.key)
        return self.default if attr is None else self.codec.decode(attr)


class RegionField(Field):
    """One region, or all remaining ones as a tuple when `variadic`."""

    def __init__(self, *, variadic: bool = False) -> None:
        self.variadic = variadic

    def __get__(self, op: Any, owner: Any = None) -> Any:
        if op is None:
            return self
        return op.regions[self.index :] if self.variadic else op.regions[self.index]

"""Attributes: the constants an op carries. They compare and hash by content and print as MLIR text."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from irc.ir.cursor import quote
from irc.ir.types import FloatType, IndexType, IntegerType, TensorType, Type, VectorType


@dataclass(frozen=True)
class Attribute:
    """A constant; `str` gives its MLIR text."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class UnitAttr(Attribute):
    """Present or absent, nothing else: `attr` in a dictionary."""

    value: ClassVar[bool] = True

    def __str__(self) -> str:
        return "unit"


@dataclass(frozen=True, repr=False)
class BoolAttr(Attribute):
    """`true` or `false`: the integers of type i1."""

    value: bool

    @property
    def type(self) -> IntegerType:
        return IntegerType(1)

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, repr=False)
class IntegerAttr(Attribute):
    """`4 : i64`."""

    value: int
    type: IntegerType | IndexType

    def __str__(self) -> str:
        return f"{self.value} : {self.type}"


@dataclass(frozen=True, repr=False)
class FloatAttr(Attribute):
    """`1.0 : f32`."""

    value: float
    type: FloatType

    def __str__(self) -> str:
        return f"{float_text(self.value, self.type)} : {self.type}"

    def __eq__(self, other: object) -> bool:
        # Bits decide: NaN equals itself, and -0.0 is not 0.0.
        return isinstance(other, FloatAttr) and self._bits == other._bits and self.type is other.type

    def __hash__(self) -> int:
        return hash((self._bits, self.type))

    @property
    def _bits(self) -> bytes:
        return np.float64(self.value).tobytes()


@dataclass(frozen=True, repr=False)
class StringAttr(Attribute):
    """`"text"`."""

    value: str

    def __str__(self) -> str:
        return string_text(self.value)


@dataclass(frozen=True, repr=False)
class TypeAttr(Attribute):
    """A type as an attribute."""

    value: Type

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, repr=False)
class SymbolRefAttr(Attribute):
    """`@name` or `@outer::@inner`."""

    value: str
    nested: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "::".join(symbol_text(name) for name in (self.value, *self.nested))


@dataclass(frozen=True, repr=False)
class ArrayAttr(Attribute):
    """`[a, b]`: attributes of any kinds."""

    value: tuple[Attribute, ...]

    def __str__(self) -> str:
        return f"[{', '.join(map(item_text, self.value))}]"


@dataclass(frozen=True, repr=False)
class DictionaryAttr(Attribute):
    """Names to attributes, sorted by name."""

    value: tuple[tuple[str, Attribute], ...]

    def __str__(self) -> str:
        return dictionary_text(dict(self.value))

    def __getitem__(self, name: str) -> Attribute:
        return dict(self.value)[name]

    def get(self, name: str) -> Attribute | None:
        return dict(self.value).get(name)


@dataclass(frozen=True, repr=False)
class DenseArrayAttr(Attribute):
    """`array<i64: 1, 2>`: integers, booleans or floats of one element type."""

    element: Any
    value: tuple[Any, ...]

    def __str__(self) -> str:
        if not self.value:
            return f"array<{self.element}>"
        if isinstance(self.element, FloatType):
            return f"array<{self.element}: {', '.join(float_text(v, self.element) for v in self.value)}>"
        items = ("true" if v is True else "false" if v is False else str(v) for v in self.value)
        return f"array<{self.element}: {', '.join(items)}>"


@dataclass(frozen=True, repr=False, eq=False)
class DenseElementsAttr(Attribute):
    """`dense<...> : tensor<...>`. `array` is read-only and has the type's shape; a splat is a broadcast view of one element."""

    type: TensorType | VectorType
    array: np.ndarray[Any, Any]

    def __post_init__(self) -> None:
        self.array.flags.writeable = False

    @staticmethod
    def of(type: Any, value: Any) -> DenseElementsAttr:
        """From an array or a scalar; equal elements throughout become a splat, so that content alone decides the text."""
        array = np.asarray(value)
        dtype = type.element.numpy
        if array.size and not any(array.strides):
            array = array[(0,) * array.ndim]  # a broadcast view of one element, however large
        if array.dtype != dtype:
            array = array.astype(dtype)
        if array.size and (array.size == 1 or _all_equal_bits(array)):
            one = np.asarray(array.reshape(-1)[0], dtype)
            return DenseElementsAttr(type, np.broadcast_to(one, type.static_shape))
        if array.shape != type.static_shape:
            array = array.reshape(type.static_shape)
        return DenseElementsAttr(type, np.array(array, order="C", copy=True))

    @cached_property
    def is_splat(self) -> bool:
        return self.array.size > 0 and (self.array.ndim == 0 or not any(self.array.strides))

    @cached_property
    def key(self) -> bytes:
        """A digest of the content (one element for a splat)."""
        data = self.splat_array.tobytes() if self.is_splat else np.ascontiguousarray(self.array).tobytes()
        return data if len(data) <= 64 else hashlib.sha256(data).digest()

    @property
    def splat_array(self) -> np.ndarray[Any, Any]:
        """The one element of a splat as a 0-d array."""
        return (
            self.array[(0,) * self.array.ndim]
            if self.array.ndim == 0
            else self.array[(0,) * self.array.ndim].reshape(())
        )

    @property
    def value(self) -> np.ndarray[Any, Any]:
        return self.array

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DenseElementsAttr)
            and self.type is other.type
            and self.is_splat == other.is_splat
            and self.key == other.key
        )

    def __hash__(self) -> int:
        return hash((self.type, self.key))

    def __str__(self) -> str:
        return f"dense<{elements_text(self)}> : {self.type}"


def _all_equal_bits(array: np.ndarray[Any, Any]) -> bool:
    if array.size < 2 or not array.dtype.itemsize:
        return False
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(array.size, -1)
    return bool((flat[:64] == flat[0]).all() and (flat == flat[0]).all())


@dataclass(frozen=True, repr=False)
class DenseResourceAttr(Attribute):
    """`dense_resource<name> : type`: elements kept in the module's resource section or a side file."""

    name: str
    type: Any

    def __str__(self) -> str:
        return f"dense_resource<{self.name}> : {self.type}"


@dataclass(frozen=True, repr=False)
class EnumAttr(Attribute):
    """`#stablehlo<comparison_direction EQ>`, or `#vector.kind<add>` when `dotted`."""

    dialect: str
    mnemonic: str
    value: str
    dotted: bool = False

    def __str__(self) -> str:
        if self.dotted:
            return f"#{self.dialect}.{self.mnemonic}<{self.value}>"
        return f"#{self.dialect}<{self.mnemonic} {self.value}>"


@dataclass(frozen=True, repr=False)
class StructAttr(Attribute):
    """Base of attributes with named fields: `#stablehlo.gather<offset_dims = [1], index_vector_dim = 1>`.

    A subclass is a frozen dataclass whose fields are ints, bools or tuples of ints, and names itself in `mnemonic`;
    empty tuples are left out of the text, as MLIR does. Subclasses with a text of their own override `body`
    (and are parsed by the classmethod `parse_body(text)`)."""

    mnemonic: ClassVar[str] = ""

    def body(self) -> str:
        parts = []
        for f in fields(self):
            v = getattr(self, f.name)
            if v == () or v is None:
                continue
            text = (
                f"[{', '.join(map(str, v))}]"
                if isinstance(v, tuple)
                else str(v).lower()
                if isinstance(v, bool)
                else str(v)
            )
            parts.append(f"{f.name} = {text}")
        return ", ".join(parts)

    def __str__(self) -> str:
        return f"#{self.mnemonic}<{self.body()}>"


@dataclass(frozen=True, repr=False)
class OpaqueAttr(Attribute):
    """A dialect's attribute that is carried but not understood: `#dialect.text`, kept letter for letter."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class LocationAttr(Attribute):
    """`loc(...)`: a location as an attribute."""

    value: Any

    def __str__(self) -> str:
        return f"loc({self.value})"


def item_text(attr: Attribute) -> str:
    """An attribute inside an array, where i64 and f64 are the types that numbers have anyway."""
    text = str(attr)
    if isinstance(attr, IntegerAttr | FloatAttr):
        return text.removesuffix(" : i64").removesuffix(" : f64")
    return text


string_text = quote
"""A quoted MLIR string."""

_BARE = re.compile(r"[A-Za-z_][\w$.]*\Z", re.ASCII)


def symbol_text(name: str) -> str:
    """`@name`, quoted where it is not a bare identifier."""
    return f"@{name}" if _BARE.match(name) else f"@{string_text(name)}"


def float_text(value: float, type: Any) -> str:
    """Decimal when it reads back exactly, otherwise the bits in hexadecimal, as MLIR prints."""
    dtype = type.numpy
    scalar = np.asarray(value, dtype)
    number = float(scalar)
    if math.isfinite(number):
        text = f"{number:.6e}"
        if np.asarray(float(text), dtype).tobytes() == scalar.tobytes():
            return text
        text = f"{number:.17g}" if dtype.itemsize == 8 else f"{number:.9g}"
        if dtype.itemsize >= 4 and np.asarray(float(text), dtype).tobytes() == scalar.tobytes():
            mantissa, _, exponent = text.partition("e")
            mantissa = mantissa if "." in mantissa else mantissa + ".0"
            return f"{mantissa}e{exponent}" if exponent else mantissa
    bits = int.from_bytes(scalar.tobytes(), "little")
    return f"0x{bits:0{2 * dtype.itemsize}X}"


def _scalar_text(value: Any, element: Any) -> str:
    if isinstance(element, FloatType):
        return float_text(value, element)
    if hasattr(element, "element"):
        return f"({float_text(value.real, element.element)},{float_text(value.imag, element.element)})"
    if element.width == 1:
        return "true" if value else "false"
    return str(int(value))


def _nested(array: np.ndarray[Any, Any], element: Any) -> str:
    if array.ndim == 0:
        return _scalar_text(array[()], element)
    return f"[{', '.join(_nested(sub, element) for sub in array)}]"


def elements_text(attr: DenseElementsAttr) -> str:
    """What stands between `dense<` and `>`: one scalar for a splat, nested lists up to 100 elements, else hexadecimal bytes."""
    array, element = attr.array, attr.type.element
    if attr.is_splat:
        return _scalar_text(array[(0,) * array.ndim], element)
    if array.size == 0:
        return ""
    if array.size <= 100 or element.width < 8:
        return _nested(array, element)
    data = np.ascontiguousarray(array)
    return f'"0x{data.tobytes().hex().upper()}"'


def dictionary_text(attrs: dict[str, Attribute]) -> str:
    """`{a = 1 : i64, flag}`, sorted by name."""
    return "{" + ", ".join(entry_text(k, attrs[k]) for k in sorted(attrs)) + "}"


def entry_text(name: str, value: Attribute) -> str:
    """One entry of a dictionary; a unit attribute is its name alone."""
    key = name if _BARE.match(name) else string_text(name)
    return key if isinstance(value, UnitAttr) else f"{key} = {value}"

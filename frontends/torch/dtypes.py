"""Element types under PyTorch's names, and PyTorch's type promotion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np

from irc.ir import types as T


class dtype:
    """`torch.float32` and so on."""

    __slots__ = ("element", "is_complex", "is_floating_point", "name")

    def __init__(self, name: str, element: Any) -> None:
        self.name = name
        self.element = element
        self.is_floating_point = isinstance(element, T.FloatType)
        self.is_complex = isinstance(element, T.ComplexType)

    @property
    def itemsize(self) -> int:
        return int(self.element.numpy.itemsize)

    @property
    def is_signed(self) -> bool:
        return self is not bool_ and not (
            isinstance(self.element, T.IntegerType) and self.element.is_unsigned
        )

    @property
    def numpy(self) -> np.dtype[Any]:
        return self.element.numpy

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name if self is not bool_ else "bool_"


bool_ = dtype("bool", T.i1)
uint8, int8 = dtype("uint8", T.ui8), dtype("int8", T.i8)
int16, int32, int64 = dtype("int16", T.i16), dtype("int32", T.i32), dtype("int64", T.i64)
float16, bfloat16 = dtype("float16", T.f16), dtype("bfloat16", T.bf16)
float32, float64 = dtype("float32", T.f32), dtype("float64", T.f64)
complex64, complex128 = dtype("complex64", T.ComplexType(T.f32)), dtype("complex128", T.ComplexType(T.f64))

ALL = (
    bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip
_BY_ELEMENT = {d.element: d for d in ALL}
_BY_ELEMENT |= {
    T.ui16: dtype("uint16", T.ui16),
    T.ui32: dtype("uint32", T.ui32),
    T.ui64: dtype("uint64", T.ui64),
}
uint16, uint32, uint64 = (_BY_ELEMENT[e] for e in (T.ui16, T.ui32, T.ui64))

SCALAR_TYPE_NAMES = {
    bool_: "Bool", uint8: "Byte", int8: "Char", int16: "Short", int32: "Int", int64: "Long",
    float16: "Half", bfloat16: "BFloat16", float32: "Float", float64: "Double",
    complex64: "ComplexFloat", complex128: "ComplexDouble",
}  # fmt: skip
"""What PyTorch's messages call them."""


def of_element(element: Any) -> dtype:
    """The dtype of an IR element type."""
    return _BY_ELEMENT[element]


def of_numpy(kind: Any) -> dtype:
    """The dtype of a NumPy dtype; KeyError where there is none."""
    return _BY_ELEMENT[T.element_of(kind)]


class _Default:
    """The dtype of floats that nobody gave one: `torch.set_default_dtype`."""

    floating = float32


default = _Default()


def get_default_dtype() -> dtype:
    return default.floating


def set_default_dtype(d: dtype) -> None:
    default.floating = d


def of_number(value: Any) -> dtype:
    """The dtype that a Python number has by itself."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (complex, np.complexfloating)):
        return complex64 if default.floating is not float64 else complex128
    return default.floating


def category(d: dtype) -> int:
    """0 bool, 1 integer, 2 float, 3 complex: a higher one wins whatever the ranks are."""
    if d is bool_:
        return 0
    return 3 if d.is_complex else 2 if d.is_floating_point else 1


_INTEGERS = (uint8, int8, int16, int32, int64)


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype that holds both, by PyTorch's table."""
    if a is b:
        return a
    low, high = sorted((a, b), key=category)
    if category(low) != category(high):
        if category(high) == 3 and low in (float64,):
            return complex128
        return high
    if category(a) == 1:
        if uint8 in (a, b) and int8 in (a, b):
            return int16
        return max(a, b, key=lambda d: (d.itemsize, d.is_signed))
    if {a, b} == {float16, bfloat16}:
        return float32
    return max(a, b, key=lambda d: d.itemsize)


def result_of(operands: Iterable[tuple[dtype, int]]) -> dtype:
    """The dtype of an operation on operands given as (dtype, priority): 2 for tensors with dimensions, 1 for tensors
    without, 0 for Python numbers. A lower priority counts only where its category is higher."""
    best: dict[int, dtype] = {}
    for d, priority in operands:
        best[priority] = promote_types(best[priority], d) if priority in best else d
    result = None
    for priority in sorted(best, reverse=True):
        d = best[priority]
        if result is None:
            result = d
        elif category(d) > category(result):
            # A Python float next to integers becomes the default float, a tensor keeps its own type.
            result = d
    assert result is not None
    return result


class finfo:
    """The limits of a float dtype: torch.finfo."""

    def __init__(self, type: dtype | None = None) -> None:
        self.dtype = type or default.floating
        limits = ml_dtypes.finfo(self.dtype.numpy)
        self.bits = self.dtype.itemsize * 8
        self.min, self.max = float(limits.min), float(limits.max)
        self.eps, self.tiny, self.resolution = float(limits.eps), float(limits.tiny), float(limits.resolution)
        self.smallest_normal = self.tiny


class iinfo:
    """The limits of an integer dtype: torch.iinfo."""

    def __init__(self, type: dtype) -> None:
        self.dtype = type
        limits = ml_dtypes.iinfo(type.numpy)
        self.bits = type.itemsize * 8
        self.min, self.max = int(limits.min), int(limits.max)

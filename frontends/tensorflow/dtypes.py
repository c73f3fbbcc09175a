"""tf.DType and the element types under TensorFlow's names. Nothing promotes: operands of an operation have one dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
from ml_dtypes import finfo, iinfo

from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.storage import located
from irc.ir import types as T


class DType:
    """`tf.float32` and so on; equal to what `tf.as_dtype` makes the same (`"float32"`, `np.float32`)."""

    __slots__ = ("_word", "element", "name")

    def __init__(self, name: str, element: Any, word: str | None = None) -> None:
        self.name = name
        self.element = element
        self._word = word or name

    @property
    def word(self) -> str:
        """What TensorFlow's messages call it: `float`, `double`, `half`."""
        return self._word

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype (of ml_dtypes where NumPy has none)."""
        return self.element.numpy

    @property
    def as_numpy_dtype(self) -> Any:
        """NumPy's class of scalars of this dtype."""
        return self.numpy.type

    @property
    def base_dtype(self) -> DType:
        """The dtype itself: there are no reference dtypes."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The dtype of the real part."""
        return of_element(self.element.element) if self.is_complex else self

    @property
    def is_floating(self) -> bool:
        """Whether it is a real floating dtype."""
        return isinstance(self.element, T.FloatType)

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer dtype; bool is none."""
        return isinstance(self.element, T.IntegerType) and self is not bool_

    @property
    def is_bool(self) -> bool:
        """Whether it is bool."""
        return self is bool_

    @property
    def is_complex(self) -> bool:
        """Whether it is complex64 or complex128."""
        return isinstance(self.element, T.ComplexType)

    @property
    def is_unsigned(self) -> bool:
        """Whether it is an integer dtype without negative numbers."""
        return self.is_integer and self.element.is_unsigned

    @property
    def is_numeric(self) -> bool:
        """Whether there is arithmetic on it: all but bool."""
        return not self.is_bool

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return int(self.numpy.itemsize)

    @property
    def min(self) -> Any:
        """The smallest finite number."""
        return (
            self._limits().min.item()
            if self.is_floating
            else False
            if self.is_bool
            else int(self._limits().min)
        )

    @property
    def max(self) -> Any:
        """The largest finite number."""
        return (
            self._limits().max.item()
            if self.is_floating
            else True
            if self.is_bool
            else int(self._limits().max)
        )

    @property
    def limits(self) -> tuple[Any, Any]:
        """The smallest and the largest finite number."""
        return self.min, self.max

    def _limits(self) -> Any:
        return finfo(self.numpy) if self.is_floating else iinfo(self.numpy)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether the other names the same dtype."""
        return self == other

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType) or other is None:
            return self is other
        return self is _find(other)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


bool_ = DType("bool", T.i1)
int8, int16 = DType("int8", T.i8), DType("int16", T.i16)
int32, int64 = DType("int32", T.i32), DType("int64", T.i64)
uint8, uint16 = DType("uint8", T.ui8), DType("uint16", T.ui16)
uint32, uint64 = DType("uint32", T.ui32), DType("uint64", T.ui64)
float16, bfloat16 = DType("float16", T.f16, "half"), DType("bfloat16", T.bf16)
float32, float64 = DType("float32", T.f32, "float"), DType("float64", T.f64, "double")
complex64, complex128 = DType("complex64", T.ComplexType(T.f32)), DType("complex128", T.ComplexType(T.f64))

ALL = (
    bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, bfloat16, float32, float64, complex64,
    complex128,
)  # fmt: skip
_BY_ELEMENT = {d.element: d for d in ALL}
_BY_NAME = {d.name: d for d in ALL} | {"half": float16, "float": float32, "double": float64}
_BY_PYTHON = {bool: bool_, int: int32, float: float32, complex: complex128}


def of_element(element: Any) -> DType:
    """The dtype of an IR element type."""
    return _BY_ELEMENT[element]


def of_numpy(kind: Any) -> DType:
    """The dtype of a NumPy dtype; KeyError where there is none."""
    return _BY_ELEMENT[T.element_of(np.dtype(kind))]


def _find(given: Any) -> DType | None:
    if isinstance(given, DType):
        return given
    if isinstance(given, str):
        return _BY_NAME.get(given)
    if isinstance(given, type) and given in _BY_PYTHON:
        return _BY_PYTHON[given]
    try:
        return of_numpy(given)
    except (TypeError, KeyError):
        return None


def as_dtype(type_value: Any) -> DType:
    """The DType of a name, a NumPy dtype or a Python type. Raises TypeError."""
    found = _find(type_value)
    if found is None:
        raise located(
            RecordTypeError(
                f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
            )
        )
    return found


def of_number(value: Any) -> DType:
    """The dtype of a Python number that has no other: int32, float32, bool, complex128."""
    if isinstance(value, np.generic):
        return of_numpy(value.dtype)
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int32 if -(2**31) <= value < 2**31 else int64
    return complex128 if isinstance(value, complex) else float32

"""Types: what a value is. Equal types are one object, so `is`, `==` and hashing agree and are fast.

Names and text are MLIR's (builtin dialect)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, overload
from weakref import WeakValueDictionary

import ml_dtypes
import numpy as np

Dim = int | None
"""An extent: a number, an expression over named sizes (`irc.ir.extents`), or None for one that is not known (both `?`)."""


class _Uniqued(type):
    """Makes one object per (class, arguments), as MLIR uniques types in its context."""

    _instances: ClassVar[WeakValueDictionary[tuple[Any, ...], Any]] = WeakValueDictionary()
    """A type that nothing refers to any more goes: programs may meet any number of shapes."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        key = (cls, *args, *sorted(kwargs.items()))
        found = cls._instances.get(key)
        if found is None:
            made = super().__call__(*args, **kwargs)
            # Defaults spelled out and left out must meet in one object.
            canonical = (cls, *(getattr(made, f) for f in made.__dataclass_fields__))
            found = cls._instances.setdefault(canonical, made)
            cls._instances[key] = found
        return found


@dataclass(frozen=True, eq=False, repr=False)
class Type(metaclass=_Uniqued):
    """A type; `str` gives its MLIR text."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, eq=False, repr=False)
class IntegerType(Type):
    """`i32` (signless, StableHLO's signed), `ui32` (unsigned), `si32` (MLIR's explicitly signed; rare)."""

    width: int
    signedness: str = "signless"

    def __str__(self) -> str:
        return {"signless": "i", "unsigned": "ui", "signed": "si"}[self.signedness] + str(self.width)

    @property
    def is_unsigned(self) -> bool:
        return self.signedness == "unsigned"

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype that holds it; i2, i4 and their unsigned forms come from ml_dtypes."""
        if self.width == 1:
            return np.dtype(bool)
        prefix = "uint" if self.is_unsigned else "int"
        module: Any = ml_dtypes if self.width < 8 else np
        return np.dtype(getattr(module, f"{prefix}{self.width}"))


_FLOAT_NUMPY: dict[str, Any] = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "f32": np.float32,
    "f64": np.float64,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
    "f8E4M3": ml_dtypes.float8_e4m3,
    "f8E3M4": ml_dtypes.float8_e3m4,
    "f8E8M0FNU": ml_dtypes.float8_e8m0fnu,
    "f4E2M1FN": ml_dtypes.float4_e2m1fn,
    "f6E2M3FN": ml_dtypes.float6_e2m3fn,
    "f6E3M2FN": ml_dtypes.float6_e3m2fn,
}
FLOAT_NAMES = (*_FLOAT_NUMPY, "tf32", "f80", "f128")


@dataclass(frozen=True, eq=False, repr=False)
class FloatType(Type):
    """A floating-point type by its MLIR name: f16, bf16, f32, f64, f8E4M3FN, ..."""

    name: str

    def __str__(self) -> str:
        return self.name

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(_FLOAT_NUMPY[self.name])

    @cached_property
    def width(self) -> int:
        digits = "".join(c for c in self.name.split("E")[0] if c.isdigit())
        return int(digits)


@dataclass(frozen=True, eq=False, repr=False)
class ComplexType(Type):
    """`complex<f32>` or `complex<f64>`."""

    element: FloatType

    def __str__(self) -> str:
        return f"complex<{self.element}>"

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(np.complex64 if self.element.name == "f32" else np.complex128)

    @property
    def width(self) -> int:
        return 2 * self.element.width


@dataclass(frozen=True, eq=False, repr=False)
class IndexType(Type):
    """A loop counter or an extent; 64 bits wide on every target here."""

    width: ClassVar[int] = 64
    numpy: ClassVar[np.dtype[Any]] = np.dtype(np.int64)

    def __str__(self) -> str:
        return "index"


@dataclass(frozen=True, eq=False, repr=False)
class NoneType(Type):
    """MLIR's `none`."""

    def __str__(self) -> str:
        return "none"


def _shape_text(shape: tuple[Dim, ...]) -> str:
    return "".join(f"{d if isinstance(d, int) else '?'}x" for d in shape)


class _Shaped:
    """What tensors, vectors and memrefs share."""

    shape: tuple[Dim, ...]
    element: Any

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        return None not in self.shape

    @cached_property
    def size(self) -> int:
        """The number of elements; every extent must be known."""
        n = 1
        for d in self.shape:
            assert d is not None, "the type has unknown extents"
            n *= d
        return n

    @property
    def is_fixed(self) -> bool:
        """Whether every extent is a number."""
        return all(isinstance(d, int) for d in self.shape)

    @property
    def static_shape(self) -> tuple[int, ...]:
        """The shape, every extent known."""
        assert None not in self.shape, "the type has unknown extents"
        return self.shape  # type: ignore[return-value]

    @property
    def nbytes(self) -> int:
        """Bytes of the dense row-major form; sub-byte elements take one byte each."""
        return self.size * int(self.element.numpy.itemsize)


@dataclass(frozen=True, eq=False, repr=False)
class TensorType(_Shaped, Type):
    """`tensor<2x?xf32>`; `encoding` is an attribute (bounds, sparsity) or None."""

    shape: tuple[Dim, ...]
    element: Any
    encoding: Any = None

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        tail = f", {self.encoding}" if self.encoding is not None else ""
        return f"tensor<{_shape_text(self.shape)}{self.element}{tail}>"

    def with_shape(self, shape: tuple[Dim, ...]) -> TensorType:
        return TensorType(shape, self.element)

    def with_element(self, element: Type) -> TensorType:
        return TensorType(self.shape, element)


def compatible_shapes(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> bool:
    """Whether two shapes can be one: equal ranks, and extents equal where both are known."""
    return len(a) == len(b) and all(m == n or m is None or n is None for m, n in zip(a, b, strict=True))


@dataclass(frozen=True, eq=False, repr=False)
class UnrankedTensorType(Type):
    """`tensor<*xf32>`: a tensor of any shape."""

    element: Any

    def __str__(self) -> str:
        return f"tensor<*x{self.element}>"


@dataclass(frozen=True, eq=False, repr=False)
class VectorType(_Shaped, Type):
    """`vector<6x64xf32>`: a tile held by the machine, as large as the schedule says."""

    shape: tuple[Dim, ...]
    element: Any
    scalable: tuple[bool, ...] = ()

    def __str__(self) -> str:
        dims = "".join(
            f"[{d}]x" if i < len(self.scalable) and self.scalable[i] else f"{d}x"
            for i, d in enumerate(self.shape)
        )
        return f"vector<{dims}{self.element}>"


@dataclass(frozen=True, eq=False, repr=False)
class StridedLayout(Type):
    """`strided<[64, 1], offset: 3>` of a memref; None is a stride or offset not known (`?`)."""

    strides: tuple[Dim, ...]
    offset: Dim = 0

    def __str__(self) -> str:
        strides = ", ".join(str(s) if isinstance(s, int) else "?" for s in self.strides)
        tail = "" if self.offset == 0 else f", offset: {self.offset if isinstance(self.offset, int) else '?'}"
        return f"strided<[{strides}]{tail}>"


@overload
def row_major_strides(shape: tuple[int, ...]) -> tuple[int, ...]: ...
@overload
def row_major_strides(shape: tuple[Dim, ...]) -> tuple[Dim, ...]: ...
def row_major_strides(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Strides in elements of a dense array whose last dimension is contiguous."""
    strides: list[Dim] = []
    step: Dim = 1
    for d in reversed(shape):
        strides.append(step)
        step = None if step is None or d is None else step * d
    return tuple(reversed(strides))


@dataclass(frozen=True, eq=False, repr=False)
class MemRefType(_Shaped, Type):
    """`memref<32x784xf32, strided<[784, 1]>, 3>`. Layout None is dense row-major; space None is main memory."""

    shape: tuple[Dim, ...]
    element: Any
    layout: Any = None
    space: Any = None

    def __str__(self) -> str:
        layout = f", {self.layout}" if self.layout is not None else ""
        space = f", {self.space}" if self.space is not None else ""
        return f"memref<{_shape_text(self.shape)}{self.element}{layout}{space}>"

    @cached_property
    def strides(self) -> tuple[Dim, ...]:
        """Strides in elements."""
        return (
            self.layout.strides if isinstance(self.layout, StridedLayout) else row_major_strides(self.shape)
        )

    @property
    def offset(self) -> Dim:
        return self.layout.offset if isinstance(self.layout, StridedLayout) else 0


@dataclass(frozen=True, eq=False, repr=False)
class UnrankedMemRefType(Type):
    """`memref<*xf32>`: a buffer of any shape."""

    element: Any
    space: Any = None

    def __str__(self) -> str:
        return f"memref<*x{self.element}{f', {self.space}' if self.space is not None else ''}>"


@dataclass(frozen=True, eq=False, repr=False)
class TupleType(Type):
    """`tuple<tensor<f32>, i1>`."""

    elements: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple<{', '.join(map(str, self.elements))}>"


@dataclass(frozen=True, eq=False, repr=False)
class FunctionType(Type):
    """`(inputs) -> results`."""

    inputs: tuple[Type, ...]
    results: tuple[Type, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.inputs))}) -> {result_text(self.results)}"


@dataclass(frozen=True, eq=False, repr=False)
class OpaqueType(Type):
    """A dialect's type that is carried but not understood: `!dialect.text`."""

    text: str

    def __str__(self) -> str:
        return f"!{self.text}"


@dataclass(frozen=True, eq=False, repr=False)
class TokenType(Type):
    """StableHLO's `!stablehlo.token`."""

    def __str__(self) -> str:
        return "!stablehlo.token"


@dataclass(frozen=True, eq=False, repr=False)
class FutureType(Type):
    """`!stablehlo.future<tensor<2xf32>>`: what an op that runs beside others will give."""

    types: tuple[Type, ...]

    def __str__(self) -> str:
        return f"!stablehlo.future<{', '.join(map(str, self.types))}>"


def result_text(types: tuple[Type, ...]) -> str:
    """The text after `->`: one type bare, otherwise parenthesised."""
    if len(types) == 1 and not isinstance(types[0], FunctionType):
        return str(types[0])
    return f"({', '.join(map(str, types))})"


i1, i8, i16, i32, i64 = (IntegerType(w) for w in (1, 8, 16, 32, 64))
ui8, ui16, ui32, ui64 = (IntegerType(w, "unsigned") for w in (8, 16, 32, 64))
f16, bf16, f32, f64 = (FloatType(n) for n in ("f16", "bf16", "f32", "f64"))
index = IndexType()


def element_types() -> Iterator[Any]:
    """Every element type that NumPy (with ml_dtypes) can hold."""
    for name in _FLOAT_NUMPY:
        yield FloatType(name)
    for width in (1, 2, 4, 8, 16, 32, 64):
        yield IntegerType(width)
        if width > 1:
            yield IntegerType(width, "unsigned")
    yield ComplexType(f32)
    yield ComplexType(f64)


_FROM_NUMPY: dict[np.dtype[Any], Any] = {t.numpy: t for t in element_types()}


def element_of(dtype: Any) -> Any:
    """The element type of a NumPy dtype; raises KeyError where there is none."""
    return _FROM_NUMPY[np.dtype(dtype)]


def tensor_of(array: np.ndarray[Any, Any]) -> TensorType:
    """The tensor type of a NumPy array."""
    return TensorType(tuple(array.shape), element_of(array.dtype))

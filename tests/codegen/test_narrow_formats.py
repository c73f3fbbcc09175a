"""Elements kept in a byte: conversions are ml_dtypes', and arithmetic is the reference's, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.driver import compile_module
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import FloatType, IntegerType, element_types, tensor_of

Array = np.ndarray[Any, Any]
FLOATS = [t for t in element_types() if isinstance(t, FloatType) and t.width <= 8]
INTEGERS = [t for t in element_types() if isinstance(t, IntegerType) and 1 < t.width < 8]


def module(build: Any, *inputs: Array) -> Module:
    def body(b: Builder, *arguments: Value) -> None:
        b.emit(Return([build(b, *arguments)]))

    return Module.of([Func.of("main", Builder().region([tensor_of(x) for x in inputs], body).block)])


def assert_same(build: Any, *inputs: Array) -> None:
    """Compiled code and the reference agree to the bit; any NaN is any other."""
    made = module(build, *inputs)
    with np.errstate(all="ignore"):
        (found,), (expected,) = compile_module(made)(*inputs), interpret(made, *inputs)
        nan = (found != found) & (expected != expected)
    assert found.dtype == expected.dtype
    raw = f"u{found.dtype.itemsize}"
    wrong = ~((found.view(raw) == expected.view(raw)) | nan)
    assert not wrong.any(), f"{found[wrong][:4]} instead of {expected[wrong][:4]}"


def every_code(element: Any) -> Array:
    return np.arange(2**element.width, dtype=np.uint8).view(element.numpy)


def near_every_rounding(element: FloatType) -> Array:
    """The format's numbers, what lies halfway between two, and the neighbours of that; sizes of all kinds."""
    rng = np.random.default_rng(element.width)
    with np.errstate(all="ignore"):
        values = every_code(element).astype(np.float64)
        values = np.sort(values[np.isfinite(values)])
        halves = ((values[1:] + values[:-1]) / 2).astype(np.float32)
        around = [np.nextafter(halves, np.float32(s * np.inf)) for s in (-1, 1)]
        bits = rng.integers(0, 2**32, 4000, dtype=np.uint64).astype(np.uint32).view(np.float32)
        special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e9, -1e9], np.float32)
        return np.concatenate([values.astype(np.float32), halves, *around, bits, special])


def to(dtype: Any) -> Any:
    def build(b: Builder, x: Value) -> Any:
        element = tensor_of(np.zeros(0, dtype)).element
        return b.emit(S.Convert(x, result_types=[x.type.with_element(element)]))

    return build


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_conversion_of_floats(element: FloatType) -> None:
    for dtype in (np.float32, np.float64, np.float16, np.int8):
        assert_same(to(dtype), every_code(element))
    for dtype in (np.float32, np.float64):
        assert_same(to(element.numpy), near_every_rounding(element).astype(dtype))


@pytest.mark.parametrize("element", INTEGERS, ids=str)
def test_conversion_of_integers(element: IntegerType) -> None:
    for dtype in (np.int8, np.uint8, np.int32, np.float32, bool):
        assert_same(to(dtype), every_code(element))
    assert_same(to(element.numpy), np.arange(-300, 300, dtype=np.int32))
    assert_same(
        to(element.numpy), np.array([-9.5, -8.5, -1.5, 0.5, 7.9, 8, 15.9, 16, 1e9, np.nan], np.float32)
    )


COMMON = (S.Add, S.Subtract, S.Multiply, S.Divide, S.Remainder, S.Maximum, S.Minimum)
OF_INTEGERS = (S.And, S.Xor, S.ShiftLeft, S.ShiftRightArithmetic, S.ShiftRightLogical)


@pytest.mark.parametrize("element", [*FLOATS, *INTEGERS], ids=str)
def test_arithmetic(element: Any) -> None:
    """All pairs of codes (of an 8-bit format, of every fifth)."""
    codes = every_code(element)[:: 5 if element.width == 8 else 1]
    x, y = (v.reshape(-1) for v in np.meshgrid(np.arange(len(codes)), np.arange(len(codes))))
    for cls in (*COMMON, *(OF_INTEGERS if isinstance(element, IntegerType) else ())):
        assert_same(lambda b, p, q, cls=cls: b.emit(cls(p, q)), codes[x], codes[y])


@pytest.mark.parametrize("element", INTEGERS, ids=str)
@pytest.mark.parametrize("cls", [S.Popcnt, S.CountLeadingZeros, S.Not, S.Negate])
def test_bits(cls: Any, element: IntegerType) -> None:
    assert_same(lambda b, x: b.emit(cls(x)), every_code(element))


@pytest.mark.parametrize("element", [*FLOATS[:3], *INTEGERS], ids=str)
def test_product_and_reduction(element: Any) -> None:
    rng = np.random.default_rng(7)
    x, y = (rng.integers(0, 4, shape).astype(element.numpy) for shape in ((5, 9), (9, 3)))
    numbers = S.DotDimensionNumbers(lhs_contracting_dimensions=(1,), rhs_contracting_dimensions=(0,))
    assert_same(lambda b, p, q: b.emit(S.DotGeneral(p, q, dot_dimension_numbers=numbers)), x, y)

    def total(b: Builder, v: Value, start: Value) -> Any:
        scalar = start.type
        body = b.region([scalar, scalar], lambda r, p, q: r.emit(S.Return([r.emit(S.Add(p, q))])))
        return b.emit(S.Reduce([v], [start], dimensions=(1,), regions=[body]))

    assert_same(total, x, np.zeros((), element.numpy))

"""Elements that are kept in a byte: integers of 2 and 4 bits, floats of 4, 6 and 8. Kernels move them as i8 and compute
in what they convert to: i8 for the integers, f32 for the floats.

An integer is the low bits of its byte. A float's code is its sign above exponent and mantissa; what lies beyond the
largest number, and what a NaN becomes, is each format's own, and is asked of ml_dtypes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.narrow import splat
from irc.dialects import arith, math
from irc.ir.operation import Value
from irc.ir.types import FloatType, IntegerType, f32, i8, i32, ui8


def is_byte_format(element: Any) -> bool:
    """Whether elements of this type are kept in a byte that holds no integer of 8 bits."""
    if isinstance(element, FloatType):
        return element.width <= 8
    return isinstance(element, IntegerType) and 1 < element.width < 8


def computed_in(element: Any) -> Any:
    """The type that such elements are computed in."""
    return f32 if isinstance(element, FloatType) else ui8 if element.is_unsigned else i8


def stored(value: Any, element: Any) -> Any:
    """A NumPy number as kernels hold it: a byte format by its bits."""
    return np.asarray(value).view(np.int8) if is_byte_format(element) else value


def decode(b: KernelBuilder, x: Value, element: Any) -> Value:
    """Bytes of a format as the type it is computed in."""
    if isinstance(element, FloatType):
        return _decode_unsigned(b, x) if element.name == "f8E8M0FNU" else _decode_float(b, x, element)
    if element.is_unsigned:
        return masked(b, x, element)
    unused = splat(b, 8 - element.width, x)
    return b.emit(arith.ShRSI(b.emit(arith.ShLI(x, unused)), unused))


def encode(b: KernelBuilder, x: Value, element: FloatType) -> Value:
    """f32 as the bytes of a format, rounded to nearest even."""
    return _encode_unsigned(b, x) if element.name == "f8E8M0FNU" else _encode_float(b, x, element)


def masked(b: KernelBuilder, x: Value, element: IntegerType) -> Value:
    """The low bits of bytes."""
    return b.emit(arith.AndI(x, splat(b, (1 << element.width) - 1, x)))


@dataclass(frozen=True, slots=True)
class _Format:
    """A float format with a sign. Codes are without it, but for that of NaN."""

    mantissa: int
    bias: int
    sign: int
    """The bit of the sign."""
    largest: int
    infinity: int | None
    beyond: int
    """What rounds beyond the largest."""
    nan: int
    first_nan: int | None
    """From this code on, NaN."""
    one_zero: bool
    """There is no negative zero: its code is the only NaN."""


@cache
def _format(element: FloatType) -> _Format:
    dtype, width = element.numpy, element.width
    sign = 1 << (width - 1)
    values = np.arange(sign, dtype=np.uint8).view(dtype).astype(np.float32)
    # f8E4M3FN: exponent and mantissa are named; the step from one power of two to the next has 2**mantissa codes.
    mantissa = int(element.name.partition("M")[2][0])
    one = int(np.argmax(values == 1.0))
    with np.errstate(all="ignore"):
        beyond, nan = (int(v) for v in np.array([1e9, np.nan], np.float32).astype(dtype).view(np.uint8))
    infinite, unknown = np.flatnonzero(np.isinf(values)), np.flatnonzero(np.isnan(values))
    negative_zero = np.array([sign], np.uint8).view(dtype).astype(np.float32)[0]
    return _Format(
        mantissa,
        one >> mantissa,
        sign,
        int(np.nanargmax(np.where(np.isfinite(values), values, np.nan))),
        int(infinite[0]) if len(infinite) else None,
        beyond,
        nan,
        int(unknown[0]) if len(unknown) else None,
        bool(np.isnan(negative_zero)),
    )


def _bits(b: KernelBuilder, x: Value) -> Value:
    return b.emit(arith.ExtUI(x, result_types=[arith.like(x.type, i32)]))


def _float(b: KernelBuilder, bits: Value) -> Value:
    return b.emit(arith.Bitcast(bits, result_types=[arith.like(bits.type, f32)]))


def _integer(b: KernelBuilder, x: Value) -> Value:
    return b.emit(arith.Bitcast(x, result_types=[arith.like(x.type, i32)]))


def _byte(b: KernelBuilder, bits: Value) -> Value:
    return b.emit(arith.TruncI(bits, result_types=[arith.like(bits.type, i8)]))


def _where(b: KernelBuilder, predicate: str, x: Value, code: int, then: Value, otherwise: Value) -> Value:
    holds = b.emit(arith.CmpI(x, splat(b, code, x), predicate=predicate))
    return b.emit(arith.Select(holds, then, otherwise))


def _decode_float(b: KernelBuilder, x: Value, element: FloatType) -> Value:
    """The code at the top of an f32's exponent and mantissa, times the power of two between the biases."""
    form = _format(element)
    bits = _bits(b, x)
    code = b.emit(arith.AndI(bits, splat(b, form.sign - 1, bits)))
    placed = _float(b, b.emit(arith.ShLI(code, splat(b, 23 - form.mantissa, bits))))
    value = b.emit(arith.MulF(placed, splat(b, 2.0 ** (127 - form.bias), placed)))
    if form.infinity is not None:
        value = _where(b, "eq", code, form.infinity, splat(b, np.inf, value), value)
    if form.first_nan is not None:
        value = _where(b, "uge", code, form.first_nan, splat(b, np.nan, value), value)
    signed = b.emit(arith.AndI(bits, splat(b, form.sign, bits)))
    value = _where(b, "ne", signed, 0, b.emit(arith.NegF(value)), value)
    if form.one_zero:
        whole = b.emit(arith.AndI(bits, splat(b, 2 * form.sign - 1, bits)))
        value = _where(b, "eq", whole, form.sign, splat(b, np.nan, value), value)
    return value


def _encode_float(b: KernelBuilder, x: Value, element: FloatType) -> Value:
    """Normal numbers are rounded as integers, subnormal ones by adding a number whose last place is theirs."""
    form = _format(element)
    size = b.emit(math.AbsF(x))
    bits = _integer(b, size)
    dropped = 23 - form.mantissa
    odd = b.emit(arith.AndI(b.emit(arith.ShRUI(bits, splat(b, dropped, bits))), splat(b, 1, bits)))
    half = b.emit(arith.AddI(odd, splat(b, (1 << (dropped - 1)) - 1, bits)))
    rounded = b.emit(arith.ShRUI(b.emit(arith.AddI(bits, half)), splat(b, dropped, bits)))
    normal = b.emit(arith.SubI(rounded, splat(b, (127 - form.bias) << form.mantissa, bits)))
    step = splat(b, 2.0 ** (1 - form.bias + dropped), size)
    small = b.emit(arith.SubI(_integer(b, b.emit(arith.AddF(size, step))), _integer(b, step)))
    is_small = b.emit(arith.CmpF(size, splat(b, 2.0 ** (1 - form.bias), size), predicate="olt"))
    code = b.emit(arith.Select(is_small, small, normal))
    code = _where(b, "sgt", code, form.largest, splat(b, form.beyond, code), code)
    unknown = b.emit(arith.CmpF(x, x, predicate="uno"))
    code = b.emit(arith.Select(unknown, splat(b, form.nan, code), code))
    negative = b.emit(arith.CmpI(_integer(b, x), splat(b, 0, bits), predicate="slt"))
    signed = b.emit(arith.XOrI(code, splat(b, form.sign, code)))
    if form.one_zero:
        keeps = b.emit(
            arith.CmpI(
                b.emit(arith.AndI(code, splat(b, form.sign - 1, code))), splat(b, 0, code), predicate="ne"
            )
        )
        negative = b.emit(arith.AndI(negative, keeps))
    return _byte(b, b.emit(arith.Select(negative, signed, code)))


_UNSIGNED_NAN = 255


def _decode_unsigned(b: KernelBuilder, x: Value) -> Value:
    """f8E8M0FNU is the exponent of an f32; the lowest is a subnormal number there."""
    bits = _bits(b, x)
    value = _float(b, b.emit(arith.ShLI(bits, splat(b, 23, bits))))
    value = _where(b, "eq", bits, 0, splat(b, 2.0**-127, value), value)
    return _where(b, "eq", bits, _UNSIGNED_NAN, splat(b, np.nan, value), value)


def _encode_unsigned(b: KernelBuilder, x: Value) -> Value:
    """The nearest power of two, halves up, as ml_dtypes has it; NaN for what is not a positive number."""
    bits = _integer(b, x)
    # Only 2**-127 itself, and what is below, becomes the lowest power.
    half = _where(b, "ult", bits, 1 << 23, splat(b, (1 << 22) - 1, bits), splat(b, 1 << 22, bits))
    code = b.emit(arith.ShRUI(b.emit(arith.AddI(bits, half)), splat(b, 23, bits)))
    positive = b.emit(arith.CmpF(x, splat(b, 0.0, x), predicate="ogt"))
    code = b.emit(arith.Select(positive, code, splat(b, _UNSIGNED_NAN, code)))
    return _byte(b, code)

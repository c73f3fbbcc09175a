"""Arithmetic of the reference: what NumPy does not do, or does differently from the numerics contract.

Slow and obvious. Narrow floats are computed in f32 and rounded once; 2- and 4-bit integers in 8 bits and wrapped.
Transcendental functions are computed in f64 and rounded once, so that they are right to half a unit in the last place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]


def arithmetic_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type an element is computed in: itself for what NumPy has, f32 for narrower floats, 8 bits for i2 and i4."""
    if dtype.kind in "biuc" and dtype.itemsize >= 1 and dtype.name in np.sctypeDict:
        return dtype
    if dtype in (np.float32, np.float64):
        return dtype
    if dtype.name.startswith("int"):
        return np.dtype(np.int8)
    if dtype.name.startswith("uint"):
        return np.dtype(np.uint8)
    return np.dtype(np.float32)


def native(function: Callable[..., Any], *arrays: Array) -> Array:
    """`function` in the arithmetic type of the operands, rounded or wrapped back once."""
    dtype = arrays[0].dtype
    wide = arithmetic_dtype(dtype)
    with np.errstate(all="ignore"):
        return narrow(np.asarray(function(*(a.astype(wide, copy=False) for a in arrays))), dtype)


def precise(function: Callable[..., Any], *arrays: Array) -> Array:
    """`function` in f64 (complex128 for complex operands), rounded back once."""
    dtype = arrays[0].dtype
    wide = np.complex128 if dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        return narrow(np.asarray(function(*(a.astype(wide) for a in arrays))), dtype)


def narrow(array: Array, dtype: np.dtype[Any]) -> Array:
    """Back to the element type: integers wrap, floats round to nearest even."""
    if dtype in (np.dtype(ml_dtypes.int2), np.dtype(ml_dtypes.int4)):
        bits = 2 if dtype == ml_dtypes.int2 else 4
        half = 1 << (bits - 1)
        array = ((array.astype(np.int8) + half) & (2 * half - 1)) - half
    elif dtype in (np.dtype(ml_dtypes.uint2), np.dtype(ml_dtypes.uint4)):
        array = array.astype(np.uint8) & (3 if dtype == ml_dtypes.uint2 else 15)
    return array.astype(dtype, copy=False)


def width_of(dtype: np.dtype[Any]) -> int:
    """Bits of an integer element."""
    return int(ml_dtypes.iinfo(dtype).bits)


def is_float(array: Array) -> bool:
    return arithmetic_dtype(array.dtype).kind == "f"


def truncated_divide(x: Array, y: Array) -> Array:
    """Integer division toward zero. x / 0 is -1 (all bits set), INT_MIN / -1 is INT_MIN."""
    safe = np.where(y == 0, np.ones_like(y), y)
    quotient = np.floor_divide(x, safe)
    remainder = x - quotient * safe
    quotient = np.where((remainder != 0) & ((x < 0) != (safe < 0)), quotient + np.ones_like(x), quotient)
    return np.where(y == 0, ~np.zeros_like(x), quotient)


def divide(x: Array, y: Array) -> Array:
    return truncated_divide(x, y) if x.dtype.kind in "iu" else np.divide(x, y)


def remainder(x: Array, y: Array) -> Array:
    """The sign of the dividend; x % 0 is x for integers."""
    if x.dtype.kind in "iu":
        return np.where(y == 0, x, np.fmod(x, np.where(y == 0, np.ones_like(y), y)))
    if x.dtype.kind == "c":
        quotient = x / y
        return np.asarray(x - multiply(of_parts(np.trunc(quotient.real), np.trunc(quotient.imag)), y))
    return np.fmod(x, y)


def maximum(x: Array, y: Array) -> Array:
    """NaN if either is NaN; +0.0 > -0.0; complex numbers by real, then imaginary part."""
    if x.dtype.kind == "c":
        return np.where(lexicographic(np.greater_equal, x, y), x, y)
    chosen = np.maximum(x, y)
    return np.where((x == 0) & (y == 0), x + y, chosen) if x.dtype.kind == "f" else chosen


def minimum(x: Array, y: Array) -> Array:
    """NaN if either is NaN; -0.0 < +0.0; complex numbers by real, then imaginary part."""
    if x.dtype.kind == "c":
        return np.where(lexicographic(np.less_equal, x, y), x, y)
    chosen = np.minimum(x, y)
    return np.where((x == 0) & (y == 0), -(-x - y), chosen) if x.dtype.kind == "f" else chosen


def lexicographic(relation: Callable[..., Array], x: Array, y: Array) -> Array:
    """A relation on complex numbers: on real parts where they differ, else on imaginary parts."""
    return np.where(x.real == y.real, relation(x.imag, y.imag), relation(x.real, y.real))


def power(x: Array, y: Array) -> Array:
    """Integer powers wrap; a negative exponent gives 0 except for bases 1 and -1."""
    if x.dtype.kind not in "iu":
        return np.power(x, y)
    result, base, exponent = np.ones_like(x), x, np.where(y < 0, np.zeros_like(y), y)
    while np.any(exponent):
        result = np.where(exponent & exponent.dtype.type(1), result * base, result)
        base, exponent = base * base, exponent >> exponent.dtype.type(1)
    of_negative = np.where(
        x == 1, x, np.where((x == -1) & (x < 0), np.where(y & y.dtype.type(1), x, -x), np.zeros_like(x))
    )
    return np.where(y < 0, of_negative, result)


def sign(x: Array) -> Array:
    """-1, 0 or 1; zeros and NaN as they are."""
    if x.dtype.kind == "f":
        return np.where((x == 0) | np.isnan(x), x, np.copysign(np.ones_like(x), x))
    return np.sign(x)


def round_half_away(x: Array) -> Array:
    """To the nearest integer, halves away from zero."""
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(np.ones_like(x), x), whole)


def of_parts(re: Array, im: Array) -> Array:
    """re + i im."""
    out = np.empty(np.broadcast_shapes(re.shape, im.shape), np.result_type(re.dtype, np.complex64))
    out.real, out.imag = re, im
    return out


def multiply(x: Array, y: Array) -> Array:
    """The product. Parts of complex ones are rounded after each multiplication and addition."""
    if x.dtype.kind != "c":
        return np.asarray(np.multiply(x, y))
    return of_parts(x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real)


def absolute(x: Array) -> Array:
    """The size; that of complex<f32> through f64."""
    if x.dtype.kind != "c":
        return np.asarray(np.abs(x))
    return np.hypot(x.real.astype(np.float64), x.imag).astype(x.real.dtype)


def complex_sign(z: Array) -> Array:
    """z / |z|, 0 for 0."""
    size = np.hypot(z.real, z.imag)
    divisor = np.where(size == 0, 1.0, size)
    return of_parts(z.real / divisor, z.imag / divisor)


def complex_exp(z: Array) -> Array:
    """numpy.exp, but NaN where the imaginary part is infinite, whatever the real part."""
    return np.where(np.isinf(z.imag), complex(np.nan, np.nan), np.exp(z))


def complex_log1p(z: Array) -> Array:
    """log(1 + z); near 0 its real part is log1p(|1 + z|**2 - 1) / 2."""
    x, y = z.real, z.imag
    near = 0.5 * np.log1p(x * (2 + x) + y * y)
    real = np.where(np.hypot(x, y) < 2, near, np.log(np.hypot(1 + x, y)))
    return of_parts(real, np.arctan2(y, 1 + x))


def complex_square(z: Array) -> Array:
    """z * z with a real part that is 0 on the diagonals, and overflows as late as it can."""
    x, y = z.real, z.imag
    diagonal = (np.abs(x) == np.abs(y)) & np.isfinite(x)
    return of_parts(np.where(diagonal, np.zeros_like(x), (x - y) * (x + y)), x * y * 2)


def reduce_precision(x: Array, exponent_bits: int, mantissa_bits: int) -> Array:
    """f32 or f64 rounded to fewer mantissa bits; exponents too large give infinity, too small ones zero (no
    subnormals), as in XLA."""
    mantissa, exponent = np.frexp(x)
    scale = x.dtype.type(2.0 ** (mantissa_bits + 1))
    rounded = np.ldexp(np.rint(mantissa * scale) / scale, exponent)
    bias = 2 ** (exponent_bits - 1) - 1
    _, exponent = np.frexp(rounded)
    # frexp's mantissa lies in [0.5, 1): its exponent is one more than IEEE's.
    large, small = exponent - 1 > bias, exponent - 1 < 1 - bias
    signed = np.copysign(np.where(large, x.dtype.type(np.inf), x.dtype.type(0)), x)
    return np.where(np.isfinite(x) & (large | small), signed, np.where(np.isfinite(x), rounded, x))


def shift(x: Array, amount: Array, bits: int, kind: str) -> Array:
    """`left`, `arithmetic` or `logical`; an amount outside [0, bits) shifts everything out."""
    outside = (amount < 0) | (amount >= bits)
    safe = np.where(outside, np.zeros_like(amount), amount)
    if kind == "left":
        return np.where(outside, np.zeros_like(x), x << safe)
    if kind == "arithmetic":
        signed = x.view(f"i{x.dtype.itemsize}")
        if bits < 8 * x.dtype.itemsize:
            half = signed.dtype.type(1 << (bits - 1))
            signed = ((signed & signed.dtype.type((1 << bits) - 1)) ^ half) - half
        by = np.where(outside, amount.dtype.type(bits - 1), safe).view(signed.dtype)
        return np.asarray((signed >> by).view(x.dtype))
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    mask = unsigned.type((1 << bits) - 1)
    shifted = ((x.view(unsigned) & mask) >> safe.view(unsigned)).view(x.dtype)
    return np.where(outside, np.zeros_like(x), shifted)


def bits_of(x: Array) -> list[Array]:
    """The bits of integers, lowest first, as boolean arrays."""
    width = width_of(x.dtype)
    wide = x.astype(arithmetic_dtype(x.dtype))
    return [((wide >> wide.dtype.type(i)) & wide.dtype.type(1)).astype(bool) for i in range(width)]


def total_order(x: Array) -> Array:
    """Integers in the order of IEEE totalOrder: -NaN < -inf < ... < -0 < +0 < ... < +inf < +NaN."""
    signed = np.dtype(f"i{x.dtype.itemsize}")
    bits = x.view(signed)
    return np.where(bits < 0, np.bitwise_xor(bits, np.iinfo(signed).max), bits)


def convert(x: Array, dtype: np.dtype[Any]) -> Array:
    """Element conversion. Floats to integers truncate, saturate, and take NaN to 0; integers to narrower ones wrap;
    complex to real drops the imaginary part; anything to i1 is `!= 0`."""
    with np.errstate(all="ignore"):
        if x.dtype.kind == "c" and dtype.kind != "c":
            x = x.real
        if dtype.kind == "b":
            return np.asarray(x.astype(arithmetic_dtype(x.dtype)) != 0)
        integral = arithmetic_dtype(dtype).kind in "iu"
        if integral and is_float(x):
            return _float_to_integer(x, dtype)
        if integral:
            return narrow(x.astype(arithmetic_dtype(x.dtype)).astype(arithmetic_dtype(dtype)), dtype)
        return x.astype(arithmetic_dtype(x.dtype), copy=False).astype(dtype)


def _float_to_integer(x: Array, dtype: np.dtype[Any]) -> Array:
    whole = np.trunc(x.astype(np.float64))
    limits = ml_dtypes.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    # float(high) may be high + 1: compare with >= so that what does not fit saturates.
    inside = (
        (whole >= low) & (whole < float(high)) if float(high) > high else (whole >= low) & (whole <= high)
    )
    wide = arithmetic_dtype(dtype)
    converted = np.where(inside, whole, 0).astype(wide)
    converted = np.where(~inside & (whole > 0), wide.type(high), converted)
    converted = np.where(~inside & (whole < 0), wide.type(low), converted)
    return narrow(converted, dtype)


def fma(a: Array, b: Array, c: Array) -> Array:
    """a * b + c with one rounding, in f32 or f64 (all of one dtype); bit for bit the hardware's."""
    with np.errstate(all="ignore"):
        if a.dtype == np.float32:
            return _fma32(a, b, c)
        return _fma64(a, b, c)


def _fma32(a: Array, b: Array, c: Array) -> Array:
    """The product is exact in f64; the sum is rounded to odd there, which makes the second rounding harmless."""
    product = a.astype(np.float64) * b
    return _sum_to_odd(product, c.astype(np.float64)).astype(np.float32)


def _sum_to_odd(x: Array, y: Array) -> Array:
    """x + y in f64, rounded to odd: an inexact sum takes the neighbour whose last bit is set (Boldo, Melquiond 2008)."""
    total = np.asarray(x + y)
    error = _sum_error(x, y, total)
    bits = total.view(np.int64)
    inexact = np.isfinite(error) & (error != 0) & (bits & 1 == 0)
    step = np.where((error > 0) == (total > 0), np.int64(1), np.int64(-1))
    return np.where(inexact, bits + step, bits).view(np.float64)


def _sum_error(x: Array, y: Array, total: Array) -> Array:
    """What `total` = fl(x + y) lost (Knuth's two-sum)."""
    second = total - x
    return np.asarray((x - (total - second)) + (y - second))


def _fma64(a: Array, b: Array, c: Array) -> Array:
    """Exact product as a pair (Dekker), exact sums, and the low parts rounded to odd before the last addition."""
    high = a * b
    low = _product_error(a, b, high)
    middle = np.asarray(c + low)
    top = np.asarray(high + middle)
    rest = _sum_to_odd(_sum_error(high, middle, top), _sum_error(c, low, middle))
    result = top + rest
    return np.where(np.isfinite(result), result, high + c)


def _product_error(a: Array, b: Array, product: Array) -> Array:
    """What `product` = fl(a * b) lost, by splitting factors into halves (Veltkamp)."""
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    return np.asarray(a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low))


def _upper_half(x: Array) -> Array:
    scaled = x * 134217729.0
    return scaled - (scaled - x)

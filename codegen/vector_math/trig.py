"""Sine, cosine and tangent.

The argument is reduced to ``|r| <= pi/4`` and a quadrant. Up to 2**16 (f32) or 2**30 (f64): Cody and Waite's
subtraction of multiples of pi/2 in three words. Beyond: Payne and Hanek's method, where only the bits of 2/pi
that matter are multiplied; here these are a few floats, chosen by the exponent of x. Coefficients: minimax for
the relative error of the result, by tests/codegen/fit_vector_math.py.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import NamedTuple

from irc.codegen.vector_math.builder import FORMATS, Builder, DType, Value
from irc.codegen.vector_math.pair import fast_two_sum, two_product, two_sum
from irc.codegen.vector_math.polynomial import Table, horner, round_scaled
from irc.codegen.vector_math.words import words

# The first 1280 bits of 2/pi after the binary point.
_TWO_OVER_PI_BITS = 1280
_TWO_OVER_PI = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d",
    16,
)
# pi/2 in three words
_HALF_PI: Table = {
    "f32": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    "f64": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
_TWO_OVER_PI_FLOAT = 0.6366197723675814
# (sin(r) - r) / r**3 in powers of r**2
_SIN: Table = {
    "f32": (-0.16666654, 0.008332122, -0.00019510026),
    "f64": (
        *(-0.1666666666666663, 0.00833333333332184, -0.00019841269829363195, 2.7557313541855046e-06),
        *(-2.5050735155334178e-08, 1.5895490094805625e-10),
    ),
}
# (cos(r) - 1 + r**2/2) / r**4 in powers of r**2
_COS: Table = {
    "f32": (0.041666646, -0.0013887326, 2.4433824e-05),
    "f64": (
        *(0.04166666666666659, -0.0013888888888872186, 2.480158728829523e-05, -2.755731401502031e-07),
        *(2.0875678063400757e-09, -1.1357335251873349e-11),
    ),
}
# (tan(r) - r) / r**3 in powers of r**2
_TAN: Table = {
    "f32": (
        *(0.3333335, 0.13332652, 0.054061443, 0.021273334, 0.010860822),
        *(5.560964e-05, 0.0043939706),
    ),
    "f64": (
        *(0.33333333333332743, 0.1333333333341939, 0.05396825392439319, 0.021869489663468526),
        *(0.008863218397666, 0.003592295990946344, 0.0014547159799018145, 0.0005952414795585531),
        *(0.00022185816744301325, 0.00013760169254820102, -2.7905740642884413e-05, 9.085155669300058e-05),
        *(-4.5633364064555096e-05, 2.1045612111876013e-05),
    ),
}


class _Windows(NamedTuple):
    """Windows of the bits of 2/pi: the k-th serves ``2**(start + k*width) <= |x| < 2**(start + (k+1)*width)``."""

    start: int
    width: int
    number: int
    words: int


_WINDOWS: dict[DType, _Windows] = {"f32": _Windows(16, 28, 4, 5), "f64": _Windows(30, 100, 10, 6)}


@cache
def _window(shift: int, count: int, dtype: DType) -> tuple[float, ...]:
    """``2**shift * 2/pi`` modulo 4, in ``[-2, 2)``, as a sum of `count` floats."""
    scaled = Fraction(_TWO_OVER_PI, 1 << _TWO_OVER_PI_BITS) * Fraction(2) ** shift
    return words((scaled + 2) % 4 - 2, count, dtype)


class Reduced(NamedTuple):
    """``x = (n mod 4)*pi/2 + r + low``; n is in the low bits of the float `quadrant`, low below an ulp of r."""

    quadrant: Value
    r: Value
    low: Value


# Where x - n*p1 is smaller, subtracting n*p2 may cancel, and its rounding error need not be a float.
_NO_CANCELLATION = {"f32": 2.0**-8, "f64": 2.0**-20}


def reduce(b: Builder, x: Value) -> Reduced:
    """x modulo pi/2. NaN and infinities give NaN."""
    p1, p2, p3 = (b.const(-word) for word in _HALF_PI[b.dtype])
    n, quadrant = round_scaled(b, x, _TWO_OVER_PI_FLOAT)
    first = b.fma(n, p1, x)
    r = b.fma(n, p2, first)
    error = b.fma(n, p2, b.subf(first, r))
    known = b.cmpf("ogt", b.absf(first), b.const(_NO_CANCELLATION[b.dtype]))
    low = b.fma(n, p3, b.select(known, error, b.const(0.0)))
    large = b.cmpf("oge", b.absf(x), b.const(2.0 ** _WINDOWS[b.dtype].start))
    return Reduced(*b.select_rare(large, lambda: _reduce_large(b, x), (quadrant, r, low)))


# So many of the products with the words of a window, the largest first, may exceed 1.
_LARGE_TERMS = 5


def _reduce_large(b: Builder, x: Value) -> Reduced:
    """x modulo pi/2 for ``|x| >= 2**start``: the product with a window of 2/pi, modulo 4, without loss."""
    integer, window = _choose_window(b, x)
    terms = [part for word in window[:-1] for part in two_product(b, integer, word)]
    total, rest = _modulo_4(b, terms[0]), []
    for term in terms[1:_LARGE_TERMS]:
        total, error = two_sum(b, total, _modulo_4(b, term))
        rest.append(error)
    n, quadrant = round_scaled(b, total, 1.0)
    fraction, tail = b.subf(total, n), b.mulf(integer, window[-1])
    for term in rest + terms[_LARGE_TERMS:]:
        fraction, error = two_sum(b, fraction, term)
        tail = b.addf(tail, error)
    fraction, tail = fast_two_sum(b, fraction, tail)
    p1, p2, _ = (b.const(word) for word in _HALF_PI[b.dtype])
    product = two_product(b, fraction, p1)
    low = b.fma(fraction, p2, b.fma(tail, p1, product.low))
    return Reduced(quadrant, *fast_two_sum(b, product.high, low))


def _choose_window(b: Builder, x: Value) -> tuple[Value, list[Value]]:
    """x scaled to an integer below ``2**(fraction bits + width)``, and the words of 2/pi that go with it."""
    windows = _WINDOWS[b.dtype]
    shifts = [windows.start + k * windows.width for k in range(windows.number)]
    fraction_bits = FORMATS[b.dtype].fraction_bits
    rows = [(2.0 ** (fraction_bits - s), *_window(s - fraction_bits, windows.words, b.dtype)) for s in shifts]
    chosen = [b.const(value) for value in rows[0]]
    magnitude = b.absf(x)
    for shift, row in zip(shifts[1:], rows[1:], strict=True):
        beyond = b.cmpf("oge", magnitude, b.const(2.0**shift))
        chosen = [b.select(beyond, b.const(value), old) for value, old in zip(row, chosen, strict=True)]
    return b.mulf(x, chosen[0]), chosen[1:]


def _modulo_4(b: Builder, x: Value) -> Value:
    """``x - 4*roundeven(x/4)``, exactly."""
    return b.fma(b.roundeven(b.mulf(x, b.const(0.25))), b.const(-4.0), x)


def _sin_kernel(b: Builder, r: Value, low: Value, square: Value) -> Value:
    """``sin(r + low)``."""
    return b.addf(r, b.fma(b.mulf(r, square), horner(b, square, _SIN[b.dtype]), low))


def _cos_kernel(b: Builder, square: Value) -> Value:
    """``cos(r + low)``, where low no longer matters."""
    return b.fma(square, horner(b, square, (-0.5, *_COS[b.dtype])), b.const(1.0))


def _sin_or_cos(b: Builder, x: Value, shift: int) -> Value:
    """``sin(x + shift*pi/2)``."""
    quadrant, r, low = reduce(b, x)
    square = b.mulf(r, r)
    n = b.addi(b.bitcast_int(quadrant), b.iconst(shift))
    odd = b.cmpi("ne", b.andi(n, b.iconst(1)), b.iconst(0))
    value = b.select(odd, _cos_kernel(b, square), _sin_kernel(b, r, low, square))
    sign = b.shli(b.andi(n, b.iconst(2)), b.iconst(FORMATS[b.dtype].sign_bit - 1))
    return b.bitcast_float(b.xori(b.bitcast_int(value), sign))


def sin(b: Builder, x: Value) -> Value:
    """Sine. Error: 1.25 ulp in f32, 1.25 in f64."""
    return _preserve_zero(b, x, _sin_or_cos(b, x, 0))


def cos(b: Builder, x: Value) -> Value:
    """Cosine. Error: 1.25 ulp in f32, 1.25 in f64."""
    return _sin_or_cos(b, x, 1)


def tan(b: Builder, x: Value) -> Value:
    """Tangent. Error: 1.5 ulp in f32, 1.5 in f64.

    In odd quadrants -1/tan(r), of which one Newton step takes in what tan(r) lost by rounding.
    """
    quadrant, r, low = reduce(b, x)
    square = b.mulf(r, r)
    low = b.fma(low, square, low)
    tangent = fast_two_sum(b, r, b.fma(b.mulf(r, square), horner(b, square, _TAN[b.dtype]), low))
    inverse = b.divf(b.const(-1.0), tangent.high)
    residual = b.fma(inverse, tangent.low, b.fma(inverse, tangent.high, b.const(1.0)))
    odd = b.cmpi("ne", b.andi(b.bitcast_int(quadrant), b.iconst(1)), b.iconst(0))
    return _preserve_zero(b, x, b.select(odd, b.fma(inverse, residual, inverse), tangent.high))


def _preserve_zero(b: Builder, x: Value, value: Value) -> Value:
    """`value`, but x where x is a zero, whose sign sums lose."""
    return b.select(b.cmpf("oeq", x, b.const(0.0)), x, value)

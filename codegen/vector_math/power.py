"""Powers and roots."""

from __future__ import annotations

from fractions import Fraction

from irc.codegen.vector_math.builder import FORMATS, Builder, Value
from irc.codegen.vector_math.exp_log import exp2_kernel
from irc.codegen.vector_math.pair import Pair, fast_two_sum, two_product
from irc.codegen.vector_math.polynomial import Table, clamp, horner
from irc.codegen.vector_math.words import words

# (atanh(s)/s - 1 - s**2/3) / s**4 in powers of s**2, for -1/7 <= s <= 1/5
_ATANH: Table = {
    "f32": (0.20000196, 0.14262821, 0.11936136),
    "f64": (
        *(0.19999999999999862, 0.1428571428578876, 0.1111111109559481, 0.09090910766378159),
        *(0.07692203126743344, 0.06670578542257406, 0.05796076202110875, 0.06286393773028946),
    ),
}
_TWO_OVER_LN2: Table = {
    "f32": (2.885390043258667, 3.851925982253235e-08),
    "f64": (2.8853900817779268, 4.0710547481862066e-17),
}
# Exponents of two beyond this give infinity or zero.
_EXPONENT_LIMIT = {"f32": 200.0, "f64": 1500.0}


def sqrt(b: Builder, x: Value) -> Value:
    """Square root, correctly rounded."""
    return b.sqrt(x)


def rsqrt(b: Builder, x: Value) -> Value:
    """``1/sqrt(x)`` by two rounded operations. ULP."""
    return b.divf(b.const(1.0), b.sqrt(x))


def log2_pair(b: Builder, x: Value) -> Pair:
    """``log2(x)`` for x >= 0, to some ten bits more than one float; `high` is infinite for zero and infinity.

    ``log2(m) = 2/ln2 * atanh(s)``, ``s = (m-1)/(m+1)`` a pair, ``atanh(s) = s + s**3*(1/3 + s**2*polynomial)``.
    """
    one = b.const(1.0)
    m, e = b.split_exponent(x)
    numerator = b.subf(m, one)
    denominator = fast_two_sum(b, one, m)
    inverse = b.divf(one, denominator.high)
    s = b.mulf(numerator, inverse)
    remainder = b.fma(b.negf(s), denominator.low, b.fma(b.negf(s), denominator.high, numerator))
    s_low = b.mulf(remainder, inverse)
    square = two_product(b, s, s)
    square_low = b.fma(b.addf(s, s), s_low, square.low)

    third, third_low = words(Fraction(1, 3), 2, b.dtype)
    rest = b.mulf(square.high, horner(b, square.high, _ATANH[b.dtype]))
    factor = fast_two_sum(b, b.const(third), rest)
    factor_low = b.addf(factor.low, b.const(third_low))
    cube = two_product(b, square.high, factor.high)
    cube_low = b.fma(square.high, factor_low, b.fma(square_low, factor.high, cube.low))
    tail = two_product(b, s, cube.high)
    tail_low = b.fma(s, cube_low, b.fma(s_low, cube.high, tail.low))
    atanh = fast_two_sum(b, s, tail.high)
    atanh_low = b.addf(b.addf(s_low, tail_low), atanh.low)

    scale, scale_low = (b.const(word) for word in _TWO_OVER_LN2[b.dtype])
    scaled = two_product(b, atanh.high, scale)
    scaled_low = b.fma(atanh_low, scale, b.fma(atanh.high, scale_low, scaled.low))
    total = fast_two_sum(b, e, scaled.high)
    finite = b.cmpf("olt", b.absf(e), b.const(float("inf")))
    low = b.select(finite, b.addf(total.low, scaled_low), b.const(0.0))
    return fast_two_sum(b, total.high, low)


def powf(b: Builder, x: Value, y: Value) -> Value:
    """``x**y`` with the special cases of C99 and IEEE 754. ULP. ``2**(y*log2|x|)``, where y*log2|x| is a pair."""
    form, one, zero = FORMATS[b.dtype], b.const(1.0), b.const(0.0)
    magnitude = b.absf(x)
    log = log2_pair(b, magnitude)
    limit = _EXPONENT_LIMIT[b.dtype]
    product = b.mulf(y, log.high)
    low = b.fma(y, log.low, b.fma(y, log.high, b.negf(product)))
    low = b.select(b.cmpf("olt", b.absf(product), b.const(limit)), low, zero)
    product = clamp(b, product, -limit, limit)
    n = b.roundeven(product)
    power = b.ldexp(exp2_kernel(b, b.addf(b.subf(product, n), low)), n)
    power = b.select(b.cmpf("oeq", magnitude, one), one, power)

    half = b.mulf(y, b.const(0.5))
    integral = b.cmpf("oeq", b.floor(y), y)
    odd = b.and_(integral, b.cmpf("one", b.floor(half), half))
    sign = b.select(odd, b.andi(b.bitcast_int(x), b.iconst(form.sign_mask)), b.iconst(0))
    power = b.bitcast_float(b.xori(b.bitcast_int(power), sign))
    negative = b.and_(b.cmpf("olt", x, zero), b.cmpf("ogt", x, b.const(float("-inf"))))
    power = b.select(b.and_(negative, b.not_(integral)), b.const(float("nan")), power)
    return b.select(b.or_(b.cmpf("oeq", x, one), b.cmpf("oeq", y, zero)), one, power)

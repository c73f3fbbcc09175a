"""Exponentials and logarithms.

Exponentials: ``x = n*ln2 + r`` by a two-step Cody-Waite reduction with fused multiply-adds, a polynomial on
``|r| <= ln2/2``, then scaling by ``2**n``. Logarithms: ``x = m * 2**e`` with ``0.75 <= m < 1.5``, a polynomial
around 1.
Coefficients: minimax for the relative error of the result, by tests/codegen/fit_vector_math.py.
"""

from __future__ import annotations

from fractions import Fraction

from irc.codegen.vector_math.builder import FORMATS, Builder, Value, power_of_two
from irc.codegen.vector_math.pair import Pair, fast_two_sum, two_product
from irc.codegen.vector_math.polynomial import Table, clamp, horner, round_scaled
from irc.codegen.vector_math.words import words

LOG2_E = 1.4426950408889634
LN2_HIGH: dict[str, float] = {"f32": 0.6931471228599548, "f64": 0.6931471805599453}
LN2_LOW: dict[str, float] = {"f32": 5.7699990475432854e-08, "f64": 2.3190468138462996e-17}

# (exp(r) - 1 - r) / r**2
_EXP: Table = {
    "f32": (0.49999994, 0.16666517, 0.04166826, 0.008369064, 0.0013821771),
    "f64": (
        *(0.500000000000001, 0.1666666666666542, 0.04166666666652981, 0.008333333333735142),
        *(0.0013888888946607988, 0.00019841269635366296, 2.4801487212028505e-05, 2.7557014988719593e-06),
        *(2.7633173961330193e-07, 2.5297289758571666e-08),
    ),
}
# Below the first argument exp rounds to zero, above the second to infinity.
_EXP_RANGE = {"f32": (-104.0, 89.0), "f64": (-746.0, 710.0)}
# (2**r - 1) / r
_EXP2: Table = {
    "f32": (
        *(0.6931472, 0.24022648, 0.055503603, 0.009618425, 0.0013391317),
        0.00015362371,
    ),
    "f64": (
        *(0.6931471805599453, 0.24022650695910122, 0.055504108664818745, 0.009618129107595883),
        *(0.0013333558146782544, 0.00015403530458363944, 1.5252733857094485e-05, 1.3215433117212128e-06),
        *(1.0177912356369127e-07, 7.074368310285934e-09, 4.4948195020175683e-10),
    ),
}
_EXP2_RANGE = {"f32": (-151.0, 129.0), "f64": (-1076.0, 1025.0)}
# (exp(r) - 1 - r) / r**2 for the relative error of exp(r) - 1
_EXPM1: Table = {
    "f32": (
        *(0.5, 0.16666636, 0.04166651, 0.008341552, 0.0013930673),
        0.00014974416,
    ),
    "f64": (
        *(0.5, 0.16666666666666677, 0.041666666666666685, 0.008333333333321789),
        *(0.001388888888889361, 0.00019841269885391451, 2.4801587279866002e-05, 2.7557245081199747e-06),
        *(2.7557327901731003e-07, 2.510871635887722e-08, 2.08947062238999e-09),
    ),
}
# Below the first argument expm1 rounds to -1.
_EXPM1_RANGE = {"f32": (-18.0, 89.0), "f64": (-38.0, 710.0)}


def reduce_exp(b: Builder, x: Value) -> tuple[Value, Value]:
    """``(n, r)`` with ``x = n*ln2 + r``, n integral, ``|r| <= ln2/2``."""
    n, _ = round_scaled(b, x, LOG2_E)
    r = b.fma(n, b.const(-LN2_HIGH[b.dtype]), x)
    return n, b.fma(n, b.const(-LN2_LOW[b.dtype]), r)


def exp_tail(b: Builder, r: Value) -> Value:
    """``(exp(r) - 1 - r) / r**2`` for ``|r| <= ln2/2``."""
    return horner(b, r, _EXP[b.dtype])


def exp(b: Builder, x: Value) -> Value:
    """e**x. Error: 0.9 ulp in f32, 1.0 in f64."""
    n, r = reduce_exp(b, clamp(b, x, *_EXP_RANGE[b.dtype]))
    return b.ldexp(horner(b, r, (1.0, 1.0, *_EXP[b.dtype])), n)


def exp2_kernel(b: Builder, r: Value) -> Value:
    """``2**r`` for ``|r| <= 1/2``."""
    return horner(b, r, (1.0, *_EXP2[b.dtype]))


def exp2(b: Builder, x: Value) -> Value:
    """2**x. Error: 0.9 ulp in f32, 0.9 in f64."""
    x = clamp(b, x, *_EXP2_RANGE[b.dtype])
    n, _ = round_scaled(b, x, 1.0)
    return b.ldexp(exp2_kernel(b, b.subf(x, n)), n)


def expm1(b: Builder, x: Value) -> Value:
    """e**x - 1. Error: 1.3 ulp in f32, 1.5 in f64.

    Half the result is ``t*(r + q) + (t - 1/2)``, ``t = 2**(n-1)``, which never overflows.
    """
    clamped = clamp(b, x, *_EXPM1_RANGE[b.dtype])
    n, r = reduce_exp(b, clamped)
    q = b.mulf(b.mulf(r, r), horner(b, r, _EXPM1[b.dtype]))
    t = power_of_two(b, b.subf(n, b.const(1.0)))
    half = b.fma(t, q, b.fma(t, r, b.subf(t, b.const(0.5))))
    tiny = b.cmpf("olt", b.absf(x), b.const(2.0 ** -(FORMATS[b.dtype].fraction_bits + 2)))
    return b.select(tiny, x, b.addf(half, half))


# f32: (log(1+r) - r) / r**2 on [-1/4, 1/2]; f64: (2*atanh(s)/s - 2) / s**2 in powers of s**2 on [-1/7, 1/5]
_LOG: Table = {
    "f32": (
        *(-0.5, 0.33333462, -0.2500019, 0.19990373, -0.16642658),
        *(0.14475998, -0.13210432, 0.10591945, -0.046036772),
    ),
    "f64": (
        *(0.6666666666667276, 0.3999999999613599, 0.2857142939989321, 0.22222138125755553),
        *(0.18186371459247178, 0.1524988061724972, 0.15370586772922037),
    ),
}


def _log_near_one(b: Builder, r: Value) -> Value:
    """``log(1 + r)`` for r in [-1/4, 1/2]; in f64 by fdlibm's series in ``s = r/(2 + r)``, which is shorter."""
    square = b.mulf(r, r)
    if b.dtype == "f32":
        return b.fma(square, horner(b, r, _LOG["f32"]), r)
    s = b.divf(r, b.addf(r, b.const(2.0)))
    s_square = b.mulf(s, s)
    half_square = b.mulf(square, b.const(0.5))
    series = b.fma(s_square, horner(b, s_square, _LOG["f64"]), half_square)
    return b.addf(r, b.fma(s, series, b.negf(half_square)))


def _add_exponent(b: Builder, logarithm: Value, e: Value) -> Value:
    """``logarithm + e*ln2``."""
    low = b.fma(e, b.const(LN2_LOW[b.dtype]), logarithm)
    return b.fma(e, b.const(LN2_HIGH[b.dtype]), low)


def log(b: Builder, x: Value) -> Value:
    """Natural logarithm. Error: 0.95 ulp in f32, 1.4 in f64."""
    m, e = b.split_exponent(x)
    return _add_exponent(b, _log_near_one(b, b.subf(m, b.const(1.0))), e)


def log_corrected(b: Builder, x: Value, correction: Value, doublings: Value) -> Value:
    """``log(x) + correction + doublings*ln2``, for a correction below an ulp."""
    m, e = b.split_exponent(x)
    near_one = b.addf(_log_near_one(b, b.subf(m, b.const(1.0))), correction)
    return _add_exponent(b, near_one, b.addf(e, doublings))


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x). Error: 0.95 ulp in f32, 1.4 in f64.

    The exponent e is that of ``1 + x``, and ``r = x*2**-e + (2**-e - 1)`` loses nothing of x. Powers of two are
    multiplied in by subtracting from exponent bits; ``4 * 2**-e`` stays a normal number for every e.
    """
    form = FORMATS[b.dtype]
    u = b.addf(x, b.const(1.0))
    three_quarters = form.bits_of_power(-1) | 1 << (form.fraction_bits - 1)
    above = b.subi(b.bitcast_int(u), b.iconst(three_quarters))
    e_bits = b.andi(above, b.iconst(form.sign_mask | form.exponent_mask))
    m = b.bitcast_float(b.subi(b.bitcast_int(x), e_bits))
    quadruple = b.bitcast_float(b.subi(b.iconst(form.bits_of_power(2)), e_bits))
    r = b.addf(m, b.fma(quadruple, b.const(0.25), b.const(-1.0)))
    e = b.sitofp(b.shrsi(above, b.iconst(form.fraction_bits)))
    result = _add_exponent(b, _log_near_one(b, r), e)
    infinity = b.const(float("inf"))
    result = b.select(b.cmpf("olt", b.absf(x), b.const(2.0 ** -(form.fraction_bits + 2))), x, result)
    result = b.select(b.cmpf("oeq", x, infinity), x, result)
    result = b.select(b.cmpf("ogt", u, b.const(0.0)), result, b.const(float("nan")))
    return b.select(b.cmpf("oeq", u, b.const(0.0)), b.const(float("-inf")), result)


# (atanh(s)/s - 1 - s**2/3) / s**4 in powers of s**2, for -1/7 <= s <= 1/5
_ATANH: Table = {
    "f32": (0.20000196, 0.14262784, 0.11936773),
    "f64": (
        *(0.19999999999999862, 0.1428571428578876, 0.11111111095594726, 0.0909091076639146),
        *(0.07692203125948202, 0.0667057856475164, 0.05796075900567254, 0.06286395293306825),
    ),
}
_THIRD: Table = {"f32": words(Fraction(1, 3), 2, "f32"), "f64": words(Fraction(1, 3), 2, "f64")}
_TWO_OVER_LN2: Table = {
    "f32": (2.885390043258667, 3.851925982253235e-08),
    "f64": (2.8853900817779268, 4.0710547481862066e-17),
}


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

    third, third_low = _THIRD[b.dtype]
    series = horner(b, square.high, _ATANH[b.dtype])
    rest = two_product(b, square.high, series)
    factor = fast_two_sum(b, b.const(third), rest.high)
    factor_low = b.addf(b.addf(factor.low, b.const(third_low)), b.fma(square_low, series, rest.low))
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


def log2(b: Builder, x: Value) -> Value:
    """Logarithm to base 2. Error: 0.51 ulp in f32, 0.51 in f64."""
    return log2_pair(b, x).high

"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import NamedTuple

from irc.codegen.vector_math.builder import FORMATS, Builder, Value, power_of_two
from irc.codegen.vector_math.exp_log import LOG2_E, exp2_kernel, log_corrected, reduce_exp
from irc.codegen.vector_math.pair import fast_two_sum, two_product, two_sum
from irc.codegen.vector_math.polynomial import Table, at_least, at_most, copysign, horner, round_scaled

# (tanh(x) - x) / x**3 in powers of x**2, for |x| <= _TANH_SMALL
_TANH_SMALL = {"f32": 0.65, "f64": 0.6}
_TANH: Table = {
    "f32": (-0.3333326, 0.13330834, -0.05368828, 0.020470124, -0.005515829),
    "f64": (
        *(-0.33333333333333126, 0.13333333333299763, -0.05396825394933236, 0.02186948800327448),
        *(-0.008863226785740355, 0.0035920374406988045, -0.0014552156596007286, 0.0005871893356586399),
        *(-0.00023039863648772967, 7.931598845027391e-05, -1.7179712859399845e-05),
    ),
}
# From here on tanh rounds to 1.
_TANH_ONE = {"f32": 9.5, "f64": 20.0}


def tanh(b: Builder, x: Value) -> Value:
    """tanh x. Error: 1.45 ulp in f32, 1.45 in f64.

    An odd polynomial near zero; elsewhere ``1 - 2/(exp(2|x|) + 1)``, where the error of the exponential,
    reduced in base 2 by one fused multiply-add, hardly matters.
    """
    magnitude = at_most(b, b.absf(x), _TANH_ONE[b.dtype])
    n, _ = round_scaled(b, magnitude, 2 * LOG2_E)
    r = b.fma(magnitude, b.const(2 * LOG2_E), b.negf(n))
    denominator = b.fma(exp2_kernel(b, r), power_of_two(b, n), b.const(1.0))
    large = b.subf(b.const(1.0), b.divf(b.const(2.0), denominator))
    square = b.mulf(magnitude, magnitude)
    small = b.fma(b.mulf(square, horner(b, square, _TANH[b.dtype])), magnitude, magnitude)
    return copysign(b, b.select(b.cmpf("olt", magnitude, b.const(_TANH_SMALL[b.dtype])), small, large), x)


# (sinh(r) - r) / r**3 and (cosh(r) - 1) / r**2 in powers of r**2, for |r| <= ln2/2
_SINH: Table = {
    "f32": (0.16666543, 0.0083666),
    "f64": (
        0.16666666666666677,
        0.008333333333321376,
        0.00019841269886802993,
        2.755724352267332e-06,
        2.5109275165401313e-08,
    ),
}
_COSH: Table = {
    "f32": (0.5, 0.04166646, 0.0013935373),
    "f64": (
        *(0.5, 0.041666666666666685, 0.0013888888888873264, 2.4801587349281677e-05),
        *(2.7557251718532916e-07, 2.092181062262414e-09),
    ),
}
# From here on both round to infinity.
_SINH_INFINITE = {"f32": 89.7, "f64": 710.7}


class _Expansion(NamedTuple):
    """``|x| = n*ln2 + r``, with ``sinh(r) - r``, ``cosh(r) - 1``, a quarter of ``2**n`` and a quarter of ``2**-n``."""

    r: Value
    sinh_rest: Value
    cosh_rest: Value
    power: Value
    inverse: Value


def _expand(b: Builder, x: Value) -> _Expansion:
    n, r = reduce_exp(b, at_most(b, b.absf(x), _SINH_INFINITE[b.dtype]))
    square = b.mulf(r, r)
    sinh_rest = b.mulf(b.mulf(r, square), horner(b, square, _SINH[b.dtype]))
    cosh_rest = b.mulf(square, horner(b, square, _COSH[b.dtype]))
    two = b.const(2.0)
    power = power_of_two(b, b.subf(n, two))
    inverse = power_of_two(b, at_least(b, b.subf(b.negf(n), two), 1.0 - FORMATS[b.dtype].bias))
    return _Expansion(r, sinh_rest, cosh_rest, power, inverse)


def sinh(b: Builder, x: Value) -> Value:
    """sinh x. Error: 1.5 ulp in f32, 1.7 in f64. ``sinh(n*ln2)*cosh(r) + cosh(n*ln2)*sinh(r)``."""
    r, sinh_rest, cosh_rest, power, inverse = _expand(b, x)
    half_sinh, half_cosh = fast_two_sum(b, power, b.negf(inverse)), fast_two_sum(b, power, inverse)
    low = b.fma(r, half_cosh.low, half_sinh.low)
    rest = b.fma(cosh_rest, half_sinh.high, b.fma(sinh_rest, half_cosh.high, low))
    half = b.addf(b.fma(r, half_cosh.high, half_sinh.high), rest)
    tiny = b.cmpf("olt", b.absf(x), b.const(2.0 ** -(FORMATS[b.dtype].fraction_bits // 2 + 2)))
    return b.select(tiny, x, copysign(b, b.addf(half, half), x))


def cosh(b: Builder, x: Value) -> Value:
    """cosh x. Error: 1.5 ulp in f32, 1.5 in f64. ``cosh(n*ln2)*cosh(r) + sinh(n*ln2)*sinh(r)``."""
    r, sinh_rest, cosh_rest, power, inverse = _expand(b, x)
    half_cosh, half_sinh = fast_two_sum(b, power, inverse), b.subf(power, inverse)
    rest = b.fma(cosh_rest, half_cosh.high, b.fma(sinh_rest, half_sinh, half_cosh.low))
    half = b.addf(b.fma(r, half_sinh, half_cosh.high), rest)
    return b.addf(half, half)


# (asinh(x) - x) / x**3 and (atanh(x) - x) / x**3 in powers of x**2, for |x| <= 1/2
_ASINH: Table = {
    "f32": (-0.16666643, 0.07498626, -0.044381298, 0.02815407, -0.013213538),
    "f64": (
        *(-0.1666666666666661, 0.07499999999984416, -0.04464285712782977, 0.030381943716278885),
        *(-0.022372138354769658, 0.017352386895266296, -0.013960231616345454, 0.011512979625388723),
        *(-0.009534122254663848, 0.007465541393774877, -0.004747416331436918, 0.0017180151936697539),
    ),
}
_ATANH_SMALL: Table = {
    "f32": (
        *(0.33333302, 0.20002434, 0.14224072, 0.11814388, 0.05167014),
        0.17629588,
    ),
    "f64": (
        *(0.3333333333333399, 0.19999999999794488, 0.14285714308098357, 0.11111109885392606),
        *(0.09090948580782346, 0.07691492966231045, 0.0667796661550214, 0.05774207997387483),
        *(0.0598348730781196, 0.014523067087015664, 0.14503073791642432, -0.15304122624314517),
        0.22486818454921967,
    ),
}
# (acosh(1+t) - sqrt(2t)) / sqrt(2t) / t, for 0 <= t <= 1/2
_ACOSH: Table = {
    "f32": (-0.08333322, 0.018746663, -0.005548236, 0.0017609404, -0.0004139554),
    "f64": (
        *(-0.08333333333332847, 0.018749999999427815, -0.005580357119413648, 0.0018988710475816505),
        *(-0.0006991242350937195, 0.00027109360279892425, -0.00010888387188759621, 4.43944539299478e-05),
        *(-1.740071628255416e-05, 5.658982527074012e-06, -1.0667882783868528e-06),
    ),
}
# From here on asinh and acosh round to log(2x).
_LOG_ONLY = {"f32": 2.0**14, "f64": 2.0**29}


def asinh(b: Builder, x: Value) -> Value:
    """asinh x. Error: 1.5 ulp in f32, 1.5 in f64. A polynomial near zero, else ``log(x + sqrt(x**2 + 1))``."""
    a = b.absf(x)
    square = b.mulf(a, a)
    small = b.fma(b.mulf(a, square), horner(b, square, _ASINH[b.dtype]), a)
    large = _log_of_sum_with_root(b, a, 1.0)
    return copysign(b, b.select(b.cmpf("olt", a, b.const(0.5)), small, large), x)


def acosh(b: Builder, x: Value) -> Value:
    """acosh x. Error: 1.6 ulp in f32, 1.6 in f64. ``sqrt(2t)*polynomial`` near 1, else ``log(x + sqrt(x**2 - 1))``."""
    t = b.subf(x, b.const(1.0))
    root = b.sqrt(b.addf(t, t))
    small = b.fma(b.mulf(root, t), horner(b, t, _ACOSH[b.dtype]), root)
    return b.select(b.cmpf("ogt", t, b.const(0.5)), _log_of_sum_with_root(b, x, -1.0), small)


def _log_of_sum_with_root(b: Builder, x: Value, one: float) -> Value:
    """``log(x + sqrt(x**2 + one))`` for x >= 1/2; what the sum and the root lose by rounding is added to the logarithm."""
    square = two_product(b, x, x)
    radicand = two_sum(b, square.high, b.const(one))
    root = b.sqrt(radicand.high)
    missing = b.addf(b.addf(radicand.low, square.low), b.fma(b.negf(root), root, radicand.high))
    total = two_sum(b, x, root)
    low = b.fma(missing, b.divf(b.const(0.5), root), total.low)
    huge = b.cmpf("ogt", x, b.const(_LOG_ONLY[b.dtype]))
    zero = b.const(0.0)
    correction = b.select(huge, zero, b.divf(low, total.high))
    return log_corrected(b, b.select(huge, x, total.high), correction, b.select(huge, b.const(1.0), zero))


def atanh(b: Builder, x: Value) -> Value:
    """atanh x. Error: 1.5 ulp in f32, 1.5 in f64. A polynomial near zero, else half of ``log((1+x)/(1-x))``."""
    a, one = b.absf(x), b.const(1.0)
    square = b.mulf(a, a)
    small = b.fma(b.mulf(a, square), horner(b, square, _ATANH_SMALL[b.dtype]), a)
    numerator, denominator = two_sum(b, one, a), b.subf(one, a)
    quotient = b.divf(numerator.high, denominator)
    missing = b.addf(numerator.low, b.fma(b.negf(quotient), denominator, numerator.high))
    finite = b.cmpf("olt", quotient, b.const(float("inf")))
    correction = b.select(finite, b.divf(missing, numerator.high), b.const(0.0))
    large = b.mulf(b.const(0.5), log_corrected(b, quotient, correction, b.const(0.0)))
    return copysign(b, b.select(b.cmpf("olt", a, b.const(0.5)), small, large), x)

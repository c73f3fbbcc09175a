"""The error function and its complement."""

from __future__ import annotations

from irc.codegen.vector_math.builder import Builder, Value, power_of_two
from irc.codegen.vector_math.exp_log import LN2_HIGH, LN2_LOW, LOG2_E, exp2_kernel, exp_tail
from irc.codegen.vector_math.pair import fast_two_sum, two_product, two_sum
from irc.codegen.vector_math.polynomial import Table, at_most, copysign, horner, round_scaled

# erf(x)/x - 1 in powers of x**2, for |x| <= 1
_ERF_SMALL: Table = {
    "f32": (
        *(0.12837917, -0.37612647, 0.11283787, -0.026861355),
        *(0.0052016075, -0.00081207714, 8.20498e-05),
    ),
    "f64": (
        *(0.12837916709551256, -0.37612638903183343, 0.11283791670936955, -0.026866170641960584),
        *(0.0052239775967525765, -0.0008548325485865355, 0.00012055280519194699, -1.4924465918206343e-05),
        *(1.644415104721261e-06, -1.6183964820804717e-07, 1.3616425092869888e-08, -7.606945972624358e-10),
    ),
}
# log2(1 - erf(x)) for 1 <= x
_ERF_LARGE: Table = {
    "f32": (
        *(-0.0004927023, -1.6260461, -0.92064804, -0.14875208, 0.031506002),
        *(-0.004252689, 0.00026890432),
    ),
    "f64": (
        *(-7.253704724074306e-07, -1.6278997039674818, -0.91848260159765, -0.14816975191732132),
        *(0.02739705309828143, 0.0005923896369732547, -0.0027641011974842205, 0.0011117876267124987),
        *(-0.00019482756028136163, -2.924260186829913e-05, 3.292729109406351e-05, -1.250444023270788e-05),
        *(3.081203626412362e-06, -5.385724481366309e-07, 6.697502429529633e-08, -5.675987340878817e-09),
        *(2.950265576105353e-10, -7.11046882612821e-12),
    ),
}
# From here on erf rounds to 1.
_ERF_ONE = {"f32": 3.95, "f64": 6.0}


def erf(b: Builder, x: Value) -> Value:
    """The error function. Error: 1.3 ulp in f32, 1.3 in f64.

    Near zero an odd polynomial, elsewhere 1 minus two to a polynomial (N. Juffa's form).
    """
    magnitude = at_most(b, b.absf(x), _ERF_ONE[b.dtype])
    exponent = horner(b, magnitude, _ERF_LARGE[b.dtype])
    n, _ = round_scaled(b, exponent, 1.0)
    tail = exp2_kernel(b, b.subf(exponent, n))
    large = copysign(b, b.fma(b.negf(tail), power_of_two(b, n), b.const(1.0)), x)
    small = b.fma(horner(b, b.mulf(x, x), _ERF_SMALL[b.dtype]), x, x)
    return b.select(b.cmpf("olt", magnitude, b.const(1.0)), small, large)


# (x + 1) * exp(x**2) * erfc(x) in powers of (x - k)/(x + k), for x >= 0: the constant as a pair, then the rest
_ERFCX_CENTRE = {"f32": 2.5, "f64": 4.0}
_ERFCX_CONSTANT: Table = {
    "f32": (0.7378223, -3.062626e-08),
    "f64": (0.6849972881253069, 3.6966002354603597e-17),
}
_ERFCX: Table = {
    "f32": (
        *(-0.24704674, 0.076344766, 0.01629822, -0.031528715, 0.014383756),
        *(-0.0008213062, -0.0017428168, 0.00028536542, 0.00020996714),
    ),
    "f64": (
        *(-0.19934458280036724, 0.11704966551044214, -0.04808038122129245, 0.00396205568131802),
        *(0.015312509678788624, -0.0175156546473008, 0.01216178476145063, -0.006068735208712895),
        *(0.0021164215061306364, -0.0003897675802145861, -6.0136344502611234e-05, 6.403325443433084e-05),
        *(-1.3152584418221533e-05, -4.140347587592591e-06, 2.6532749199266263e-06, 8.637599102623394e-09),
        *(-3.6775505684741926e-07, 4.453572268382586e-08, 4.879980437078165e-08, -5.7293214501534555e-09),
        *(-5.575402574940274e-09, -4.916316494550581e-10),
    ),
}
# From here on erfc rounds to 0.
_ERFC_ZERO = {"f32": 10.5, "f64": 28.0}


def erfc(b: Builder, x: Value) -> Value:
    """1 - erf(x). Error: 1.4 ulp in f32, 1.4 in f64.

    For x >= 0: ``exp(-x**2) * P((x-k)/(x+k)) / (x+1)`` (N. Juffa's form of erfcx). What a product, a sum or the
    quotient loses by rounding is carried along in a second word; 2 minus that for x < 0.
    """
    a = at_most(b, b.absf(x), _ERFC_ZERO[b.dtype])
    power, rest, n = _exp_of_negated_square(b, a)

    one, centre = b.const(1.0), b.const(_ERFCX_CENTRE[b.dtype])
    shifted, above_one = b.addf(a, centre), two_sum(b, a, one)
    inverse = b.divf(one, b.mulf(shifted, above_one.high))
    of_shifted, inverse = b.mulf(above_one.high, inverse), b.mulf(shifted, inverse)
    q = b.mulf(b.subf(a, centre), of_shifted)
    missing = b.fma(b.negf(q), a, b.fma(b.addf(q, one), b.negf(centre), a))
    q = b.fma(missing, of_shifted, q)
    constant, constant_low = (b.const(c) for c in _ERFCX_CONSTANT[b.dtype])
    scaled = fast_two_sum(b, constant, b.mulf(q, horner(b, q, _ERFCX[b.dtype])))
    scaled_low = b.addf(scaled.low, constant_low)

    product = two_product(b, power, scaled.high)
    product_rest = b.fma(power, scaled_low, b.fma(rest, scaled.high, product.low))
    quotient = b.mulf(product.high, inverse)
    negated = b.negf(quotient)
    remainder = b.fma(negated, above_one.high, product.high)
    remainder = b.addf(product_rest, b.fma(negated, above_one.low, remainder))
    positive = b.ldexp(b.fma(remainder, inverse, quotient), n)
    return b.select(b.cmpf("olt", x, b.const(0.0)), b.subf(b.const(2.0), positive), positive)


def _exp_of_negated_square(b: Builder, a: Value) -> tuple[Value, Value, Value]:
    """``(p, q, n)`` with ``exp(-a**2) = (p + q) * 2**n``, to more bits than one float has."""
    square = two_product(b, a, a)
    negated = b.negf(square.high)
    n, _ = round_scaled(b, negated, LOG2_E)
    low = b.fma(n, b.const(LN2_LOW[b.dtype]), square.low)
    r = b.subf(b.fma(n, b.const(-LN2_HIGH[b.dtype]), negated), low)
    power = fast_two_sum(b, b.const(1.0), r)
    return power.high, b.fma(b.mulf(r, r), exp_tail(b, r), power.low), n

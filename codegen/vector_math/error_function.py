"""The error function and its complement."""

from __future__ import annotations

from irc.codegen.vector_math.builder import Builder, Value, power_of_two
from irc.codegen.vector_math.exp_log import LN2_HIGH, LN2_LOW, LOG2_E, exp2_kernel, exp_tail
from irc.codegen.vector_math.pair import fast_two_sum, two_product, two_sum
from irc.codegen.vector_math.polynomial import Table, at_most, copysign, horner, round_scaled

# erf(x)/x - 1 in powers of x**2, for |x| <= 1
_ERF_SMALL: Table = {
    "f32": (0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806903e-05),
    "f64": (
        *(0.12837916709551256, -0.37612638903183343, 0.1128379167093695, -0.02686617064195914),
        *(0.005223977596735929, -0.0008548325485005281, 0.00012055280496945796, -1.4924465650758796e-05),
        *(1.6444150751232753e-06, -1.61839928212644e-07, 1.3616707036707375e-08, -7.607826793297561e-10),
    ),
}
# log2(1 - erf(x)) for 1 <= x
_ERF_LARGE: Table = {
    "f32": (-0.00049286487, -1.6260453, -0.92064947, -0.14875066, 0.031505227, -0.004252468, 0.0002688786),
    "f64": (
        *(-7.253704724074306e-07, -1.6278997039674818, -0.91848260159765, -0.14816975191732132),
        *(0.02739705309828143, 0.0005923896369732524, -0.0027641011974842097, 0.001111787626712474),
        *(-0.00019482756028132872, -2.9242601868326284e-05, 3.292729109407737e-05, -1.2504440232711638e-05),
        *(3.0812036264123306e-06, -5.385724481361968e-07, 6.697502429512802e-08, -5.675987340846199e-09),
        *(2.950265576071875e-10, -7.110468825983081e-12),
    ),
}
# From here on erf rounds to 1.
_ERF_ONE = {"f32": 3.95, "f64": 6.0}


def erf(b: Builder, x: Value) -> Value:
    """The error function. Error: 1.2 ulp in f32, 1.2 in f64.

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
    "f32": (0.7378223, -2.4860618e-08),
    "f64": (0.6849972881253069, 3.69723229458408e-17),
}
_ERFCX: Table = {
    "f32": (
        *(-0.24704674, 0.07634476, 0.016298186, -0.031528622, 0.014383938),
        *(-0.0008215317, -0.0017431767, 0.00028545698, 0.00021012922),
    ),
    "f64": (
        *(-0.19934458280036724, 0.11704966551044214, -0.04808038122128907, 0.003962055681310923),
        *(0.015312509678635327, -0.017515654647091, 0.012161784763866567, -0.006068735211159608),
        *(0.00211642148650657, -0.0003897675653130173, -6.013624901242024e-05, 6.40332030003851e-05),
        *(-1.315288243704955e-05, -4.14025049990906e-06, 2.653884190280521e-06, 8.568116815298223e-09),
        *(-3.685519919413873e-07, 4.446160278978197e-08, 4.940830779220812e-08, -5.554743149885497e-09),
        *(-5.7820043889482126e-09, -5.865689034228842e-10),
    ),
}
# From here on erfc rounds to 0.
_ERFC_ZERO = {"f32": 10.5, "f64": 28.0}


def erfc(b: Builder, x: Value) -> Value:
    """1 - erf(x). Error: 1.25 ulp in f32, 1.4 in f64.

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

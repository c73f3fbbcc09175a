"""Powers and roots."""

from __future__ import annotations

from irc.codegen.vector_math.builder import FORMATS, Builder, Value, power_of_two
from irc.codegen.vector_math.exp_log import exp2_kernel, log2_pair
from irc.codegen.vector_math.pair import two_product
from irc.codegen.vector_math.polynomial import Table, clamp, copysign, horner

# Exponents of two beyond this give infinity or zero.
_EXPONENT_LIMIT = {"f32": 200.0, "f64": 1500.0}


def sqrt(b: Builder, x: Value) -> Value:
    """Square root, correctly rounded. Error: 0.5 ulp in f32, 0.5 in f64."""
    return b.sqrt(x)


def rsqrt(b: Builder, x: Value) -> Value:
    """``1/sqrt(x)`` by two rounded operations. Error: 1.5 ulp in f32, 1.5 in f64."""
    return b.divf(b.const(1.0), b.sqrt(x))


def powf(b: Builder, x: Value, y: Value) -> Value:
    """``x**y`` with the special cases of C99 and IEEE 754. Error: 1.0 ulp in f32, 1.2 in f64.

    ``2**(y*log2|x|)``, where the exponent is a pair.
    """
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


# m**(-1/3) for 3/4 <= m <= 3/2
_INVERSE_CBRT: Table = {
    "f32": (1.8380824, -1.7212371, 1.3608605, -0.5772009, 0.09945749),
    "f64": (
        1.8380824619625418,
        -1.7212373496726945,
        1.3608608434704939,
        -0.5772010565277506,
        0.0994575020531561,
    ),
}
_INVERSE_CBRT_STEPS = {"f32": 1, "f64": 2}


def cbrt(b: Builder, x: Value) -> Value:
    """Cube root. Error: 0.51 ulp in f32, 0.51 in f64.

    ``x = m * 2**(3n)``; Newton's iteration for m**(-1/3), then one step with an exact residual for m**(1/3).
    """
    magnitude = b.absf(x)
    m, e = b.split_exponent(magnitude)
    n = b.roundeven(b.mulf(e, b.const(1.0 / 3.0)))
    k = b.fma(n, b.const(-3.0), e)
    w = horner(b, m, _INVERSE_CBRT[b.dtype])
    m = b.mulf(m, power_of_two(b, k))
    sign = b.cmpf("ogt", k, b.const(0.5)), b.cmpf("olt", k, b.const(-0.5))
    root_of_two = b.select(sign[1], b.const(2.0 ** (1 / 3)), b.const(1.0))
    w = b.mulf(w, b.select(sign[0], b.const(2.0 ** (-1 / 3)), root_of_two))
    third = b.const(1.0 / 3.0)
    for _ in range(_INVERSE_CBRT_STEPS[b.dtype]):
        residual = b.fma(b.negf(b.mulf(b.mulf(w, w), w)), m, b.const(1.0))
        w = b.fma(b.mulf(w, third), residual, w)
    w_square = b.mulf(w, w)
    y = b.mulf(m, w_square)
    y_square = two_product(b, y, y)
    residual = b.fma(b.negf(y), y_square.low, b.fma(b.negf(y), y_square.high, m))
    y = b.fma(residual, b.mulf(w_square, third), y)
    positive = b.cmpf("ogt", magnitude, b.const(0.0))
    regular = b.and_(positive, b.cmpf("olt", magnitude, b.const(float("inf"))))
    return b.select(regular, copysign(b, b.mulf(y, power_of_two(b, n)), x), x)

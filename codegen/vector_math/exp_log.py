"""Exponentials and logarithms.

Exponentials: ``x = n*ln2 + r`` by a two-step Cody-Waite reduction with fused multiply-adds, a polynomial on
``|r| <= ln2/2``, then scaling by ``2**n``. Logarithms: ``x = m * 2**e`` with ``0.75 <= m < 1.5``, a polynomial around 1.
Coefficients: minimax for the relative error of the result (Remez, tests/codegen/fit_vector_math.py), each rounded in turn.
"""

from __future__ import annotations

from irc.codegen.vector_math.builder import FORMATS, Builder, Value, power_of_two
from irc.codegen.vector_math.polynomial import Table, at_least, at_most, clamp, horner, round_scaled

LOG2_E = 1.4426950408889634
LN2_HIGH: dict[str, float] = {"f32": 0.6931471228599548, "f64": 0.6931471805599453}
LN2_LOW: dict[str, float] = {"f32": 5.7699990475432854e-08, "f64": 2.3190468138462996e-17}

# (exp(r) - 1 - r) / r**2
_EXP: Table = {
    "f32": (0.49999994, 0.16666517, 0.04166825, 0.008369095, 0.0013822241),
}
# Below the first argument exp rounds to zero, above the second to infinity.
_EXP_RANGE = {"f32": (-104.0, 89.0), "f64": (-746.0, 710.0)}
# (2**r - 1) / r
_EXP2: Table = {
    "f32": (0.6931472, 0.24022648, 0.05550359, 0.009618483, 0.0013391426, 0.00015338864),
}
_EXP2_RANGE = {"f32": (-151.0, 129.0), "f64": (-1076.0, 1025.0)}
# (exp(r) - 1 - r) / r**2 for the relative error of exp(r) - 1
_EXPM1: Table = {
    "f32": (0.5, 0.16666636, 0.04166651, 0.008341606, 0.0013930523, 0.00014933609),
}
# Below the first argument expm1 rounds to -1.
_EXPM1_RANGE = {"f32": (-18.0, 89.0), "f64": (-38.0, 710.0)}


def reduce_exp(b: Builder, x: Value) -> tuple[Value, Value]:
    """``(n, r)`` with ``x = n*ln2 + r``, n integral, ``|r| <= ln2/2``."""
    n, _ = round_scaled(b, x, LOG2_E)
    r = b.fma(n, b.const(-LN2_HIGH[b.dtype]), x)
    return n, b.fma(n, b.const(-LN2_LOW[b.dtype]), r)


def exp(b: Builder, x: Value) -> Value:
    """e**x. ULP."""
    n, r = reduce_exp(b, clamp(b, x, *_EXP_RANGE[b.dtype]))
    return b.ldexp(horner(b, r, (1.0, 1.0, *_EXP[b.dtype])), n)


def exp2_kernel(b: Builder, r: Value) -> Value:
    """``2**r`` for ``|r| <= 1/2``."""
    return horner(b, r, (1.0, *_EXP2[b.dtype]))


def exp2(b: Builder, x: Value) -> Value:
    """2**x. ULP."""
    x = clamp(b, x, *_EXP2_RANGE[b.dtype])
    n, _ = round_scaled(b, x, 1.0)
    return b.ldexp(exp2_kernel(b, b.subf(x, n)), n)


def expm1(b: Builder, x: Value) -> Value:
    """e**x - 1. ULP. Half the result is ``t*(r + q) + (t - 1/2)``, ``t = 2**(n-1)``, which never overflows."""
    clamped = clamp(b, x, *_EXPM1_RANGE[b.dtype])
    n, r = reduce_exp(b, clamped)
    q = b.mulf(b.mulf(r, r), horner(b, r, _EXPM1[b.dtype]))
    t = power_of_two(b, b.subf(n, b.const(1.0)))
    half = b.fma(t, q, b.fma(t, r, b.subf(t, b.const(0.5))))
    tiny = b.cmpf("olt", b.absf(x), b.const(2.0 ** -(FORMATS[b.dtype].fraction_bits + 2)))
    return b.select(tiny, x, b.addf(half, half))


# (log(1+r) - r) / r**2 on [-1/4, 1/2]
_LOG: Table = {
    "f32": (
        *(-0.5, 0.33333462, -0.25000194, 0.19990376, -0.16642638),
        *(0.14475642, -0.13207613, 0.10584251, -0.045969296),
    ),
}


def log_kernel(b: Builder, r: Value, e: Value) -> Value:
    """``log(1 + r) + e*ln2``."""
    q = b.fma(b.mulf(r, r), horner(b, r, _LOG[b.dtype]), r)
    return b.fma(e, b.const(LN2_HIGH[b.dtype]), b.fma(e, b.const(LN2_LOW[b.dtype]), q))


def log(b: Builder, x: Value) -> Value:
    """Natural logarithm. ULP."""
    m, e = b.split_exponent(x)
    return log_kernel(b, b.subf(m, b.const(1.0)), e)


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x). ULP. The exponent e is that of ``1 + x``, and ``r = x*2**-e + (2**-e - 1)`` loses nothing of x.

    Powers of two are multiplied in by subtracting from exponent bits; ``4 * 2**-e`` stays a normal number for every e.
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
    result = log_kernel(b, r, e)
    infinity = b.const(float("inf"))
    result = b.select(b.cmpf("olt", b.absf(x), b.const(2.0 ** -(form.fraction_bits + 2))), x, result)
    result = b.select(b.cmpf("oeq", x, infinity), x, result)
    result = b.select(b.cmpf("ogt", u, b.const(0.0)), result, b.const(float("nan")))
    return b.select(b.cmpf("oeq", u, b.const(0.0)), b.const(float("-inf")), result)

"""Inverse trigonometric functions."""

from __future__ import annotations

from irc.codegen.vector_math.builder import Builder, Value
from irc.codegen.vector_math.pair import fast_two_sum
from irc.codegen.vector_math.polynomial import Table, copysign, horner

# (atan(q) - q) / q**3 in powers of q**2, for 0 <= q <= 1
_ATAN: Table = {
    "f32": (
        *(-0.333333, 0.1999857, -0.14264439, 0.109531045, -0.08405901),
        *(0.057996586, -0.031214433, 0.010933288, -0.0017976246),
    ),
    "f64": (
        *(-0.3333333333333307, 0.1999999999995174, -0.142857142825874, 0.11111111007321892),
        *(-0.09090907007465153, 0.07692279885355387, -0.06666404397307206, 0.05880529673537899),
        *(-0.05253526287454284, 0.04722347109232859, -0.042192416027753976, 0.03664315067575785),
        *(-0.029905788305056538, 0.021987203843244218, -0.013902773786194773, 0.0071980821023510414),
        *(-0.0028857423729590015, 0.0008316183482147702, -0.00015222658622349907, 1.3231833541593967e-05),
    ),
}
_PI: Table = {
    "f32": (3.1415927410125732, -8.742277657347586e-08),
    "f64": (3.141592653589793, 1.2246467991473532e-16),
}


def atan2(b: Builder, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), with the special cases of C99. Error: 1.5 ulp in f32, 1.4 in f64.

    The quotient of the smaller by the larger coordinate, a pair, goes into an odd polynomial; multiples of
    pi/2 are added as pairs.
    """
    a, c = b.absf(y), b.absf(x)
    steep = b.cmpf("ogt", a, c)
    larger, smaller = b.select(steep, a, c), b.select(steep, c, a)
    zero, one = b.const(0.0), b.const(1.0)
    q = b.select(b.cmpf("oeq", smaller, larger), one, b.divf(smaller, larger))
    q = b.select(b.cmpf("oeq", smaller, zero), zero, q)
    missing = b.divf(b.fma(b.negf(q), larger, smaller), larger)
    missing = b.select(b.cmpf("ord", missing, missing), missing, zero)
    square = b.mulf(q, q)
    rest = b.fma(b.mulf(q, square), horner(b, square, _ATAN[b.dtype]), missing)

    # The angle is base + q + rest, or base - (q + rest) where exactly one of `steep` and `left` holds.
    left = b.cmpi("slt", b.bitcast_int(x), b.iconst(0))
    sign = b.select(left, b.select(steep, one, b.const(-1.0)), b.select(steep, b.const(-1.0), one))
    base, base_low = (
        b.select(steep, b.const(word / 2), b.select(left, b.const(word), zero)) for word in _PI[b.dtype]
    )
    high = fast_two_sum(b, base, b.mulf(sign, q))
    direct = b.addf(q, rest)
    shifted = b.addf(high.high, b.fma(sign, rest, b.addf(base_low, high.low)))
    angle = b.select(b.or_(steep, left), shifted, direct)
    known = b.cmpf("ord", x, y)
    return b.select(known, copysign(b, angle, y), b.const(float("nan")))


def atan(b: Builder, x: Value) -> Value:
    """Inverse tangent. Error: 1.5 ulp in f32, 1.5 in f64. ``pi/2 - atan(1/x)`` beyond 1."""
    a, one, zero = b.absf(x), b.const(1.0), b.const(0.0)
    steep = b.cmpf("ogt", a, one)
    q = b.select(steep, b.divf(b.const(-1.0), a), a)
    square = b.mulf(q, q)
    rest = b.mulf(b.mulf(q, square), horner(b, square, _ATAN[b.dtype]))
    half, half_low = (b.select(steep, b.const(word / 2), zero) for word in _PI[b.dtype])
    high = fast_two_sum(b, half, q)
    return copysign(b, b.addf(high.high, b.addf(rest, b.addf(half_low, high.low))), x)


# (asin(s) - s) / s**3 in powers of s**2, for 0 <= s <= 1/2
_ASIN: Table = {
    "f32": (0.16666752, 0.074953124, 0.04546885, 0.02418602, 0.04215648),
    "f64": (
        *(0.16666666666665408, 0.07500000000337144, 0.044642856828232706, 0.030381959139996403),
        *(0.022371758004691426, 0.017359705028251557, 0.01388523693263828, 0.012169176944035768),
        *(0.006528224272568381, 0.01952734039603883, -0.016222461734151587, 0.03191083632928896),
    ),
}


def asin(b: Builder, x: Value) -> Value:
    """Inverse sine, NaN beyond 1. Error: 1.5 ulp in f32, 1.5 in f64."""
    large, s, rest = _half_angle(b, x)
    zero = b.const(0.0)
    base, base_low = (b.select(large, b.const(word / 2), zero) for word in _PI[b.dtype])
    factor = b.select(large, b.const(-2.0), b.const(1.0))
    high = fast_two_sum(b, base, b.mulf(factor, s))
    return copysign(b, b.addf(high.high, b.fma(factor, rest, b.addf(base_low, high.low))), x)


def acos(b: Builder, x: Value) -> Value:
    """Inverse cosine, NaN beyond 1. Error: 1.5 ulp in f32, 1.5 in f64."""
    large, s, rest = _half_angle(b, x)
    negative = b.cmpf("olt", x, b.const(0.0))
    factor = b.select(large, b.const(2.0), b.const(-1.0))
    factor = b.select(negative, b.negf(factor), factor)
    base, base_low = (
        b.select(large, b.select(negative, b.const(word), b.const(0.0)), b.const(word / 2))
        for word in _PI[b.dtype]
    )
    high = fast_two_sum(b, base, b.mulf(factor, s))
    return b.addf(high.high, b.fma(factor, rest, b.addf(base_low, high.low)))


def _half_angle(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """``(large, s, rest)``: ``asin(s) = s + rest`` where s is ``|x|``, or ``sqrt((1-|x|)/2)`` for large ``|x|``.

    For these ``asin|x| = pi/2 - 2*asin(s)``.
    """
    a, half = b.absf(x), b.const(0.5)
    large = b.cmpf("ogt", a, half)
    square = b.select(large, b.fma(a, b.const(-0.5), half), b.mulf(a, a))
    s = b.select(large, b.sqrt(square), a)
    return large, s, b.mulf(b.mulf(s, square), horner(b, square, _ASIN[b.dtype]))

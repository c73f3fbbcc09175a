"""Inverse tangents."""

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
    """The angle of the point (x, y), with the special cases of C99. Error: 1.6 ulp in f32, 1.6 in f64.

    The quotient of the smaller by the larger coordinate goes into an odd polynomial; multiples of pi/2 are
    added as pairs.
    """
    a, c = b.absf(y), b.absf(x)
    steep = b.cmpf("ogt", a, c)
    larger, smaller = b.select(steep, a, c), b.select(steep, c, a)
    zero, one = b.const(0.0), b.const(1.0)
    q = b.select(b.cmpf("oeq", smaller, larger), one, b.divf(smaller, larger))
    q = b.select(b.cmpf("oeq", smaller, zero), zero, q)
    square = b.mulf(q, q)
    rest = b.mulf(b.mulf(q, square), horner(b, square, _ATAN[b.dtype]))

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

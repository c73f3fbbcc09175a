"""Inverse tangents."""

from __future__ import annotations

from irc.codegen.vector_math.builder import Builder, Value
from irc.codegen.vector_math.pair import fast_two_sum
from irc.codegen.vector_math.polynomial import Table, copysign, horner

# (atan(q) - q) / q**3 in powers of q**2, for 0 <= q <= 1
_ATAN: Table = {
    "f32": (
        *(-0.333333, 0.1999853, -0.14264014, 0.10950861, -0.083992094),
        *(0.05787895, -0.031093685, 0.010866399, -0.0017821842),
    ),
    "f64": (
        *(-0.3333333333333307, 0.19999999999951748, -0.14285714282588047, 0.11111111007342082),
        *(-0.09090907007815485, 0.0769227988923539, -0.06666404427376761, 0.05880529848668618),
        *(-0.052535270952223635, 0.047223501387468565, -0.0421925083769302, 0.03664337578986304),
        *(-0.029906218561891035, 0.0219878370068481, -0.013903478298980703, 0.0071986615564987545),
        *(-0.002886082929665687, 0.0008317534089781173, -0.00015225894165648275, 1.3235368294733464e-05),
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

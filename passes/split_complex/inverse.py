"""Inverse trigonometric and hyperbolic functions of complex numbers.

The sine and cosine follow Hull, Fairgrieve and Tang (Implementing the complex arcsine and arccosine functions using
exception handling, 1997): nothing that cancels is subtracted. Parts are f64."""

from __future__ import annotations

import math
from typing import NamedTuple

from irc.passes import expression as E
from irc.passes.expression import Expr, select
from irc.passes.split_complex.exact import LOG_2, length
from irc.passes.split_complex.number import Number

_LARGE, _SMALL = 2.0**508, 2.0**-508
"""Beyond these, squares of sums overflow or underflow, and limits are as good."""


class _Angles(NamedTuple):
    """sin(asin z) and cos(asin z) as lengths of which atan2 gives the real part, and |imag asin z|."""

    opposite: Expr
    adjacent: Expr
    imag: Expr


def _angles(z: Number) -> _Angles:
    x, y = E.absolute(z.re), E.absolute(z.im)
    above, below = x + 1.0, x - 1.0
    r, s = length(Number(above, y, z.exact)), length(Number(below, y, z.exact))
    a = (r + s) * 0.5
    yy, inside = y * y, x <= 1.0
    over_r = yy / (r + above)
    half_sum = (a + x) * 0.5
    # a² - x², taken apart so that nothing cancels
    adjacent = select(
        inside,
        E.sqrt(half_sum * (over_r + (s - below))),
        y * E.sqrt(half_sum / (r + above) + half_sum / (s + below)),
    )
    # a - 1
    excess = select(x < 1.0, (over_r + yy / (s - below)) * 0.5, (over_r + (s + below)) * 0.5)
    imag = E.log1p(excess + E.sqrt(excess * (a + 1.0)))
    if not z.exact:
        tiny = (y < _SMALL) & (x < 1.0)
        imag = select(tiny, y / E.sqrt((1.0 - x) * above), imag)
    return _far(x, y, _Angles(x, adjacent, imag))


def _far(x: Expr, y: Expr, near: _Angles) -> _Angles:
    """Where a part is very large: a is half of the sum of squares, and 1 does not count."""
    largest, least = E.maximum(x, y), E.minimum(x, y)
    infinite = E.is_infinite(x) | E.is_infinite(y)
    far = (largest >= _LARGE) | infinite
    ratio = least / largest
    imag = E.log(largest) + LOG_2 + E.log1p(ratio * ratio) * 0.5
    imag = select(infinite, math.inf, imag)
    return _Angles(x, select(far, y, near.adjacent), select(far, imag, near.imag))


def asin(z: Number) -> Number:
    """The inverse sine, from the angles that all these functions share."""
    opposite, adjacent, imag = _angles(z)
    return Number(E.copysign(E.atan2(opposite, adjacent), z.re), E.copysign(imag, z.im))


def acos(z: Number) -> Number:
    """The inverse cosine."""
    _, adjacent, imag = _angles(z)
    return Number(E.atan2(adjacent, z.re), -E.copysign(imag, z.im))


def asinh(z: Number) -> Number:
    return asin(z.turned).turned_back


def acosh(z: Number) -> Number:
    """The inverse hyperbolic cosine."""
    _, adjacent, imag = _angles(z)
    return Number(imag, E.copysign(E.atan2(adjacent, z.re), z.im))


def atanh(z: Number) -> Number:
    """log1p(4x / ((1 - x)² + y²)) / 4 + i atan2(2y, (1 - x)(1 + x) - y²) / 2, for x >= 0."""
    x, y = E.absolute(z.re), E.absolute(z.im)
    beside, yy = 1.0 - x, y * y
    re = E.log1p(x * 4.0 / (beside * beside + yy)) * 0.25
    im = E.atan2(z.im * 2.0, beside * (x + 1.0) - yy) * 0.5
    if not z.exact:
        re = select(E.eq(x, 1.0) & (y < _SMALL), (LOG_2 - E.log(y)) * 0.5, re)
    largest = E.maximum(x, y)
    infinite = E.is_infinite(x) | E.is_infinite(y)
    far = (largest > _LARGE) | infinite
    u, v = x / largest, y / largest
    limit = select(infinite, E.full_like(x, 0.0), u / (u * u + v * v) / largest)
    quarter = E.copysign(E.full_like(y, math.pi / 2), z.im)
    return Number(E.copysign(select(far, limit, re), z.re), select(far, quarter, im))


def atan(z: Number) -> Number:
    return atanh(z.turned).turned_back

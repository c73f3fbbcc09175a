"""Functions of complex numbers from functions of their parts. Parts are f64; those that came from f32 are exact."""

from __future__ import annotations

import math

from irc.passes import expression as E
from irc.passes.expression import Expr, select
from irc.passes.split_complex.exact import length, log_length, total_of_squares
from irc.passes.split_complex.number import Number, where

_LARGEST_EXPONENT = 709.0
"""e to more than this is taken in two halves, whose product with a sine may still be a number."""


def _grown(x: Expr, factor: Expr, exact: bool) -> Expr:
    """e to the x, times `factor`, which overflows only where the product does."""
    plain = E.exp(x) * factor
    if exact:
        return plain
    half = E.exp(x * 0.5)
    return select(x > _LARGEST_EXPONENT, (half * factor) * half, plain)


def exp(z: Number) -> Number:
    """e to the x, times cos y + i sin y; NaN where y is infinite."""
    re, im = _grown(z.re, E.cos(z.im), z.exact), _grown(z.re, E.sin(z.im), z.exact)
    result = Number(re, select(E.eq(z.im, 0.0), z.im, im))
    unknown = E.is_nan(z.im)
    zero = E.full_like(z.re, 0.0)
    result = where(unknown & E.eq(z.re, -math.inf), Number(zero, zero), result)
    return Number(select(unknown & E.eq(z.re, math.inf), z.re, result.re), result.im)


def expm1(z: Number) -> Number:
    """e^z - 1, the real part without cancellation near 0."""
    half = E.sin(z.im * 0.5)
    re = E.expm1(z.re) * E.cos(z.im) - half * half * 2.0
    return Number(re, select(E.eq(z.im, 0.0), z.im, _grown(z.re, E.sin(z.im), z.exact)))


def log(z: Number) -> Number:
    return Number(log_length(z), E.atan2(z.im, z.re))


def log1p(z: Number) -> Number:
    """Near z = 0 (where |1 + z| is close to 1) through |1 + z|² - 1."""
    moved = Number(z.re + 1.0, z.im, z.exact)
    size = length(moved)
    near = E.log1p(total_of_squares(z.re * 2.0, z.re, z.im, z.exact)) * 0.5
    re = select((size > 0.5) & (size < 3.0), near, log_length(moved))
    return Number(re, E.atan2(moved.im, moved.re))


def logistic(z: Number) -> Number:
    """1 / (1 + e^-z), whose parts are over |1 + q e^(iy)|² = ((1 + q) cos y/2)² + ((1 - q) sin y/2)² with q = e^-|x|: sums of
    what has one sign, where the poles are too."""
    cosine, sine = E.cos(z.im * 0.5), E.sin(z.im * 0.5)
    distance = -E.absolute(z.re)
    q, beside = E.exp(distance), -E.expm1(distance)
    along, across = (q + 1.0) * cosine, beside * sine
    bottom = along * along + across * across
    first, second = along * cosine, across * sine
    re = select(z.re < 0.0, q * ((first - second) / bottom), (first + second) / bottom)
    return Number(re, q * (sine * cosine * 2.0 / bottom))


def sqrt(z: Number) -> Number:
    """The root with a real part that is not negative; its imaginary part has the sign of z's."""
    if z.exact:
        found = _root(z)
    else:
        size = E.maximum(E.absolute(z.re), E.absolute(z.im))
        scale = _at_ends(size, 2.0**-2, 2.0**108)
        back = _at_ends(size, 2.0, 2.0**-54)
        near = _root(Number(z.re * scale, z.im * scale))
        found = Number(near.re * back, near.im * back)
    zero = E.eq(z.re, 0.0) & E.eq(z.im, 0.0)
    return _at_infinity(z, where(zero, Number(E.full_like(z.re, 0.0), z.im), found))


def _root(z: Number) -> Number:
    root = E.sqrt((E.absolute(z.re) + length(z)) * 0.5)
    other = z.im / (root * 2.0)
    negative = z.re < 0.0
    re = select(negative, E.absolute(other), root)
    return Number(re, select(negative, E.copysign(root, z.im), other))


def _at_ends(size: Expr, large: float, small: float) -> Expr:
    """`large` or `small` where numbers of this size are so large or small that sums fail, else 1."""
    return select(size > 2.0**1020, large, select(size < 2.0**-1000, E.full_like(size, small), 1.0))


def _at_infinity(z: Number, root: Number) -> Number:
    """The root of what has an infinite part; an infinite imaginary part counts most."""
    zero, infinity = E.full_like(z.re, 0.0), E.full_like(z.re, math.inf)
    root = where(E.eq(z.re, math.inf), Number(z.re, E.copysign(zero, z.im)), root)
    root = where(E.eq(z.re, -math.inf), Number(zero, E.copysign(infinity, z.im)), root)
    return where(E.is_infinite(z.im), Number(infinity, z.im), root)


def rsqrt(z: Number) -> Number:
    return Number.like(E.full_like(z.re, 1.0)) / sqrt(z)


def cbrt(z: Number) -> Number:
    """The principal root."""
    angle = E.atan2(z.im, z.re) / 3.0
    size = E.cbrt(length(z))
    return Number(size * E.cos(angle), size * E.sin(angle))


def power(z: Number, w: Number) -> Number:
    """exp(w log z); 0 to the 0 is 1, and 0 to what has a positive real part is 0."""
    log_size, angle = log_length(z), E.atan2(z.im, z.re)
    grown = E.exp(w.re * log_size - w.im * angle)
    turn = w.im * log_size + w.re * angle
    result = Number(grown * E.cos(turn), grown * E.sin(turn))
    zero, one = E.full_like(z.re, 0.0), E.full_like(z.re, 1.0)
    of_zero = where(w.re > 0.0, Number(zero, zero), Number.like(E.full_like(z.re, math.nan), math.nan))
    result = where(E.eq(z.re, 0.0) & E.eq(z.im, 0.0), of_zero, result)
    return where(E.eq(w.re, 0.0) & E.eq(w.im, 0.0), Number(one, zero), result)


def sinh(z: Number) -> Number:
    """sinh x cos y + i cosh x sin y."""
    sine, cosine = E.sin(z.im), E.cos(z.im)
    re, im = _hyperbolic(E.sinh, z, cosine), _hyperbolic(E.cosh, z, sine)
    return Number(select(E.eq(z.re, 0.0), z.re, re), select(E.eq(z.im, 0.0), z.im, im))


def cosh(z: Number) -> Number:
    """cosh x cos y + i sinh x sin y."""
    sine, cosine = E.sin(z.im), E.cos(z.im)
    re, im = _hyperbolic(E.cosh, z, cosine), _hyperbolic(E.sinh, z, sine)
    on_axis = E.eq(z.re, 0.0) | E.eq(z.im, 0.0)
    return Number(re, select(on_axis, E.sign(z.re) * E.sign(z.im), im))


def _hyperbolic(function: object, z: Number, factor: Expr) -> Expr:
    """sinh x or cosh x, times `factor`, which overflows only where the product does."""
    plain = function(z.re) * factor  # type: ignore[operator]
    if z.exact:
        return plain
    size = E.absolute(z.re)
    half = E.exp(size * 0.5)
    large = (half * factor * 0.5) * half
    if function is E.sinh:
        large = select(z.re < 0.0, -large, large)
    return select(size > _LARGEST_EXPONENT, large, plain)


def sine(z: Number) -> Number:
    return sinh(z.turned).turned_back


def cosine(z: Number) -> Number:
    return cosh(z.turned)


_TANH_IS_ONE = 22.0


def tanh(z: Number) -> Number:
    """(t (1 + u²) + i u (1 - t²)) / (1 + t² u²) with t = tanh x and u = tan y (W. Kahan, Branch cuts, 1987)."""
    t, u = E.tanh(z.re), E.tan(z.im)
    below = 1.0 / E.cosh(z.re)
    product = t * u
    bottom = product * product + 1.0
    re, im = t * ((u * u + 1.0) / bottom), ((u / bottom) * below) * below
    decay = E.exp(E.absolute(z.re) * -2.0)
    far = E.sin(z.im) * E.cos(z.im) * 4.0 * decay
    far = select(E.is_infinite(z.re), E.full_like(far, 0.0), far)
    one = E.sign(z.re)
    one = select(E.is_infinite(z.re), one, one + (u - u))  # NaN where the angle is no number
    large = E.absolute(z.re) > _TANH_IS_ONE
    return Number(select(large, one, re), select(large, far, im))


def tan(z: Number) -> Number:
    return tanh(z.turned).turned_back


def sign(z: Number) -> Number:
    """z / |z|, 0 for 0."""
    size = length(z)
    zero = E.eq(size, 0.0)
    return Number(select(zero, z.re, z.re / size), select(zero, z.im, z.im / size))


def square(z: Number) -> Number:
    """Its real part is exactly 0 on the diagonals, and overflows as late as it can."""
    x, y = z.re, z.im
    diagonal = E.eq(E.absolute(x), E.absolute(y)) & ~E.is_infinite(x)
    re = select(diagonal, E.full_like(x, 0.0), (x - y) * (x + y))
    return Number(re, x * y * 2.0)


def remainder(z: Number, w: Number) -> Number:
    """z - t w, where t is the quotient with its parts cut toward zero."""
    quotient = z / w
    return z - Number(_truncated(quotient.re), _truncated(quotient.im)) * w


def _truncated(x: Expr) -> Expr:
    return select(x < 0.0, -E.floor(-x), E.floor(x))


def atan2(y: Number, x: Number) -> Number:
    """-i log((x + i y) / sqrt(x² + y²)) = atan(y / x), but for a turn of pi.

    With p = x + i y and m = x - i y: half the angle between p and m, and half the logarithm of |m| / |p|."""
    scale = _towards_one(x, y)
    x, y = (Number(n.re * scale, n.im * scale) for n in (x, y))
    long, short = length(x), length(y)
    cross = x.im * y.re - x.re * y.im
    side = E.copysign(E.full_like(cross, 1.0), cross)
    near = Number(x.re + y.im * side, x.im - y.re * side)
    far = Number(x.re - y.im * side, x.im + y.re * side)
    gap = length(near)
    im = E.log1p(E.absolute(cross) * 4.0 / gap / gap) * side * -0.25
    # p times conj m: from |x|² - |y|² where y is small, from the factors where one of them is
    close = gap < long * 0.5
    sine = select(close, (far.im * near.re - far.re * near.im) * side, (x.re * y.re + x.im * y.im) * 2.0)
    cosine = select(close, far.re * near.re + far.im * near.im, (long - short) * (long + short))
    angle = E.atan2(sine, cosine) * 0.5
    root = sqrt(x * x + y * y)
    ahead = y.re * root.re + y.im * root.im
    turn = E.copysign(E.full_like(angle, math.pi), ahead)
    behind = x.re * root.re + x.im * root.im < 0.0
    # Between the two a zero has no sign to say which way.
    across = E.eq(sine, 0.0) & (cosine < 0.0)
    re = select(across, turn * 0.5, select(behind, angle + turn, angle))
    nowhere = E.eq(root.re, 0.0) & E.eq(root.im, 0.0)
    return Number(
        select(nowhere, E.full_like(re, math.nan), re + (root.re - root.re)),
        select(nowhere, E.full_like(im, math.nan), im),
    )


def _towards_one(x: Number, y: Number) -> Expr:
    """A power of two that brings the largest part where squares neither overflow nor lose bits."""
    parts = [E.absolute(part) for n in (x, y) for part in (n.re, n.im)]
    largest = E.maximum(E.maximum(*parts[:2]), E.maximum(*parts[2:]))
    small = select(largest < 2.0**-400, E.full_like(largest, 2.0**500), 1.0)
    return select(largest > 2.0**400, 2.0**-500, small)

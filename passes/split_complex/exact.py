"""Sums and products of reals with what rounding took from them (Knuth's two-sum, Dekker's product), and lengths."""

from __future__ import annotations

import math

from irc.passes import expression as E
from irc.passes.expression import Expr, select
from irc.passes.split_complex.number import Number

_SPLITTER = 2.0**27 + 1
"""Cuts an f64 into halves whose products are exact (Veltkamp)."""
_LARGE, _SMALL, _SHIFT = 2.0**510, 2.0**-510, 600
"""Beyond these a square overflows or loses bits; numbers are then moved by 2**_SHIFT."""
LOG_2 = 0.6931471805599453


def two_sum(x: Expr, y: Expr) -> tuple[Expr, Expr]:
    """x + y, and what rounding took from it."""
    total = x + y
    second = total - x
    return total, (x - (total - second)) + (y - second)


def square(x: Expr, exact: bool) -> tuple[Expr, Expr | float]:
    """x * x, and what rounding took from it: nothing where `exact` says that squares fit."""
    product = x * x
    if exact:
        return product, 0.0
    scaled = x * _SPLITTER
    high = scaled - (scaled - x)
    low = x - high
    return product, ((high * high - product) + (high * low) * 2.0) + low * low


def total_of_squares(first: Expr, x: Expr, y: Expr, exact: bool) -> Expr:
    """first + x * x + y * y, right even where the three nearly cancel."""
    xx, x_rest = square(x, exact)
    yy, y_rest = square(y, exact)
    total, rest = two_sum(first, xx)
    total, more = two_sum(total, yy)
    rest = rest + more
    return total + (rest if exact else rest + (x_rest + y_rest))


def _scaled_length(z: Number) -> tuple[Expr, Expr | None]:
    """(length * 2**-n, n); n is None where it is 0 throughout."""
    if z.exact:
        return E.sqrt(z.re * z.re + z.im * z.im), None
    largest = E.maximum(E.absolute(z.re), E.absolute(z.im))
    shift = select(
        largest > _LARGE, float(_SHIFT), select(largest < _SMALL, E.full_like(largest, -_SHIFT), 0.0)
    )
    scale = _power_of_two(shift, -1)
    x, y = z.re * scale, z.im * scale
    return E.sqrt(x * x + y * y), shift


def _power_of_two(shift: Expr, sign: int) -> Expr:
    """2**(sign * shift), for a shift of 0 or plus or minus _SHIFT."""
    up, down = 2.0 ** (sign * _SHIFT), 2.0 ** (-sign * _SHIFT)
    return select(shift > 0.0, up, select(shift < 0.0, E.full_like(shift, down), 1.0))


def length(z: Number) -> Expr:
    """The square root of re² + im², within one unit of its last place; infinite where a part is."""
    root, shift = _scaled_length(z)
    found = root if shift is None else root * _power_of_two(shift, 1)
    return select(E.is_infinite(z.re) | E.is_infinite(z.im), math.inf, found)


def log_length(z: Number) -> Expr:
    """log |z|, relatively accurate also where |z| is close to 1."""
    x, y = E.absolute(z.re), E.absolute(z.im)
    large, small = E.maximum(x, y), E.minimum(x, y)
    root, shift = _scaled_length(z)
    far, is_near = E.log(root), (root > 0.5) & (root < 2.0)
    if shift is not None:
        far = far + shift * LOG_2
        is_near = is_near & E.eq(shift, 0.0)
    minus_one = E.full_like(large, -1.0)
    near = E.log1p(total_of_squares(minus_one, large, small, z.exact)) * 0.5
    found = select(is_near, near, far)
    return select(E.is_infinite(z.re) | E.is_infinite(z.im), math.inf, found)

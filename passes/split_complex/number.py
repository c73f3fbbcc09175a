"""A complex number as its two parts, and arithmetic on such numbers."""

from __future__ import annotations

from dataclasses import dataclass

from irc.ir.types import f64
from irc.passes import expression as E
from irc.passes.expression import Expr, select


@dataclass(frozen=True, slots=True)
class Number:
    """re + i im; the parts are tensors of one float type.

    `exact`: they are f64 that came from f32, so that squares neither overflow nor lose bits."""

    re: Expr
    im: Expr
    exact: bool = False

    @staticmethod
    def like(re: Expr, im: float = 0.0) -> Number:
        """A real number, or one whose imaginary part is a constant."""
        return Number(re, E.full_like(re, im))

    def __neg__(self) -> Number:
        return Number(-self.re, -self.im, self.exact)

    def __add__(self, other: Number) -> Number:
        return Number(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Number) -> Number:
        return Number(self.re - other.re, self.im - other.im)

    def __mul__(self, other: Number) -> Number:
        return Number(
            self.re * other.re - self.im * other.im,
            self.re * other.im + self.im * other.re,
        )

    def __truediv__(self, other: Number) -> Number:
        """By the larger part of the divisor (R. L. Smith, Algorithm 116), as NumPy does. Infinite where that is 0."""
        a, b, c, d = self.re, self.im, other.re, other.im
        by_real = E.absolute(c) >= E.absolute(d)
        large, small = select(by_real, c, d), select(by_real, d, c)
        ratio = small / large
        scale = 1.0 / (large + small * ratio)
        first, second = select(by_real, a, b), select(by_real, b, a)
        re = (first + second * ratio) * scale
        im = select(by_real, b - a * ratio, b * ratio - a) * scale
        zero = E.eq(c, 0.0) & E.eq(d, 0.0)
        return where(zero, Number(a / E.absolute(c), b / E.absolute(c)), Number(re, im))

    @property
    def turned(self) -> Number:
        """i times this."""
        return Number(-self.im, self.re, self.exact)

    @property
    def turned_back(self) -> Number:
        """-i times this."""
        return Number(self.im, -self.re, self.exact)

    def to(self, element: object) -> Number:
        """The parts as another type of float."""
        exact = self.re.element is not f64 and element is f64
        return Number(E.convert(self.re, element), E.convert(self.im, element), exact)


def where(condition: Expr, z: Number, w: Number) -> Number:
    return Number(select(condition, z.re, w.re), select(condition, z.im, w.im))


def equal(z: Number, w: Number) -> Expr:
    return E.eq(z.re, w.re) & E.eq(z.im, w.im)


def compared(z: Number, direction: str, w: Number) -> Expr:
    """One of six relations. Order is that of the real parts; where they are equal, of the imaginary parts."""
    if direction == "EQ":
        return equal(z, w)
    if direction == "NE":
        return ~equal(z, w)
    by_imag, by_real = E.compare(z.im, direction, w.im), E.compare(z.re, direction, w.re)
    return (E.eq(z.re, w.re) & by_imag) | (E.compare(z.re, "NE", w.re) & by_real)

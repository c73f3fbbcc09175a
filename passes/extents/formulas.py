"""What a number of a program is in terms of the sizes of its arguments, found from its values at two sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from irc.ir.extents import at, size
from irc.ir.types import FloatType, IntegerType
from irc.passes.extents.skeleton import Number


@dataclass(frozen=True, slots=True)
class Size:
    """A size of the arguments: its name, where it is said, and what it was at both times."""

    name: str
    argument: int
    dimension: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """(numerator, or 1) / (denominator, or 1) as a constant of an element type: what a mean divides by or multiplies with."""

    element: Any
    numerator: int | None
    denominator: int | None

    def at(self, sizes: Mapping[str, int]) -> Number:
        """As the program computes it: both converted, then divided."""
        with np.errstate(all="ignore"):
            above, below = (
                np.asarray(1 if e is None else at(e, sizes)).astype(self.element.numpy)
                for e in (self.numerator, self.denominator)
            )
            number = above if self.denominator is None else np.asarray(above / below)
        return self.element, number.tobytes()


def extent_of(first: int, second: int, sizes: Sequence[Size]) -> int | None:
    """The simplest extent with these two values: a multiple of one size or of two, else a size and something more."""
    for s in sizes:
        if first % s.first == 0 and first // s.first * s.second == second:
            return size(s.name) * (first // s.first)
    for i, s in enumerate(sizes):
        for t in sizes[: i + 1]:
            one, two = s.first * t.first, s.second * t.second
            if first % one == 0 and first // one * two == second:
                return size(s.name) * size(t.name) * (first // one)
    for s in sizes:
        factor, rest = divmod(second - first, s.second - s.first)
        if rest == 0:
            return size(s.name) * factor + (first - factor * s.first)
    return None


def ratio_of(first: Number, second: Number, sizes: Sequence[Size]) -> Ratio | None:
    """The constant with these two values: an extent n, 1 / n, or n / (n - 1) (a variance without bias)."""
    assert not isinstance(first, int)
    assert not isinstance(second, int)
    element = first[0]
    if not isinstance(element, FloatType | IntegerType):
        return None
    a, b = (float(np.frombuffer(n[1], element.numpy)[0]) for n in (first, second))
    for made in _ratios(element, a, b, sizes):
        if (
            made.at({s.name: s.first for s in sizes}) == first
            and made.at({s.name: s.second for s in sizes}) == second
        ):
            return made
    return None


def _ratios(element: Any, a: float, b: float, sizes: Sequence[Size]) -> Iterator[Ratio]:
    """Candidates, near these values."""
    if not (isfinite(a) and isfinite(b) and a and b):
        return
    if (n := _near(a, b, sizes)) is not None:
        yield Ratio(element, n, None)
    if (n := _near(1 / a, 1 / b, sizes)) is not None:
        yield Ratio(element, None, n)
    if a > 1 and b > 1 and (n := _near(1 / (a - 1), 1 / (b - 1), sizes)) is not None:
        yield Ratio(element, n + 1, n)


def _near(a: float, b: float, sizes: Sequence[Size]) -> int | None:
    one, two = round(a), round(b)
    return extent_of(one, two, sizes) if one != two else None


def number_of(first: Number, second: Number, sizes: Sequence[Size]) -> int | Ratio | None:
    """What gives these two numbers, or None."""
    if isinstance(first, int) and isinstance(second, int):
        return extent_of(first, second, sizes)
    return ratio_of(first, second, sizes)

"""Double-word arithmetic: an unevaluated sum ``high + low`` of two floats, twice the precision of one.

Source: M. Joldes, J.-M. Muller, V. Popescu, Tight and rigorous error bounds for basic building blocks of
double-word arithmetic, 2017.
"""

from __future__ import annotations

from typing import NamedTuple

from irc.codegen.vector_math.builder import Builder, Value


class Pair(NamedTuple):
    """``high + low``, where `low` is at most half a unit in the last place of `high`."""

    high: Value
    low: Value


def two_sum(b: Builder, x: Value, y: Value) -> Pair:
    """``x + y`` exactly."""
    s = b.addf(x, y)
    v = b.subf(s, x)
    return Pair(s, b.addf(b.subf(x, b.subf(s, v)), b.subf(y, v)))


def fast_two_sum(b: Builder, x: Value, y: Value) -> Pair:
    """``x + y`` exactly, where x is zero or not smaller than y in exponent."""
    s = b.addf(x, y)
    return Pair(s, b.subf(y, b.subf(s, x)))


def two_product(b: Builder, x: Value, y: Value) -> Pair:
    """``x * y`` exactly, unless the low word underflows."""
    p = b.mulf(x, y)
    return Pair(p, b.fma(x, y, b.negf(p)))

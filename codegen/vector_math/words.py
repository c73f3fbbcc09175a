"""Real constants as unevaluated sums of floats, computed exactly when the module is loaded."""

from __future__ import annotations

import struct
from fractions import Fraction

from irc.codegen.vector_math.builder import DType


def nearest(value: Fraction, dtype: DType) -> float:
    """The number of `dtype` nearest to `value`; f32 is rounded twice, which is harmless in a sum of words."""
    return float(struct.unpack("f", struct.pack("f", float(value)))[0]) if dtype == "f32" else float(value)


def words(value: Fraction, count: int, dtype: DType) -> tuple[float, ...]:
    """`count` floats, each the part of `value` that those before it leave."""
    result: list[float] = []
    for _ in range(count):
        result.append(nearest(value, dtype))
        value -= Fraction(result[-1])
    return tuple(result)

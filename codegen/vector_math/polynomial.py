"""Polynomials, and what several families share."""

from __future__ import annotations

from collections.abc import Sequence

from irc.codegen.vector_math.builder import FORMATS, Builder, DType, Value

Table = dict[DType, tuple[float, ...]]
"""Coefficients by float type, the lowest power first."""


def horner(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """``c[0] + c[1]*x + c[2]*x**2 + ...``, one fused multiply-add a step."""
    result = b.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = b.fma(result, x, b.const(c))
    return result


def round_scaled(b: Builder, x: Value, scale: float) -> tuple[Value, Value]:
    """``n = roundeven(x * scale)``, at most 2**21 in f32, and a float with n in its low bits."""
    rounder = b.const(FORMATS[b.dtype].rounder)
    rounded = b.fma(x, b.const(scale), rounder)
    return b.subf(rounded, rounder), rounded


def clamp(b: Builder, x: Value, low: float, high: float) -> Value:
    """`x` limited to ``[low, high]``; NaN stays NaN. Each side is one vmaxps or vminps."""
    return at_least(b, at_most(b, x, high), low)


def at_least(b: Builder, x: Value, low: float) -> Value:
    """The larger of `x` and `low`; NaN stays NaN."""
    bound = b.const(low)
    return b.select(b.cmpf("ogt", bound, x), bound, x)


def at_most(b: Builder, x: Value, high: float) -> Value:
    """The smaller of `x` and `high`; NaN stays NaN."""
    bound = b.const(high)
    return b.select(b.cmpf("olt", bound, x), bound, x)


def copysign(b: Builder, magnitude: Value, sign: Value) -> Value:
    """`magnitude`, which is not negative, with the sign bit of `sign`."""
    bit = b.andi(b.bitcast_int(sign), b.iconst(FORMATS[b.dtype].sign_mask))
    return b.bitcast_float(b.ori(b.bitcast_int(magnitude), bit))

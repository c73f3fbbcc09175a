"""Rounding to integers, and the other operations of MLIR's ``math`` dialect that are exact."""

from __future__ import annotations

from irc.codegen.vector_math import polynomial
from irc.codegen.vector_math.builder import Builder, Value


def absf(b: Builder, x: Value) -> Value:
    """``|x|``."""
    return b.absf(x)


def floor(b: Builder, x: Value) -> Value:
    """The largest integer not above x."""
    return b.floor(x)


def roundeven(b: Builder, x: Value) -> Value:
    """The nearest integer, halves to even."""
    return b.roundeven(x)


def ceil(b: Builder, x: Value) -> Value:
    """The smallest integer not below x."""
    return b.negf(b.floor(b.negf(x)))


def trunc(b: Builder, x: Value) -> Value:
    """The integer next to x towards zero, with the sign of x."""
    return polynomial.copysign(b, b.floor(b.absf(x)), x)


def round(b: Builder, x: Value) -> Value:
    """The nearest integer, halves away from zero."""
    magnitude = b.absf(x)
    below = b.floor(magnitude)
    up = b.cmpf("oge", b.subf(magnitude, below), b.const(0.5))
    return polynomial.copysign(b, b.select(up, b.addf(below, b.const(1.0)), below), x)


def fma(b: Builder, x: Value, y: Value, z: Value) -> Value:
    """``x * y + z``, rounded once."""
    return b.fma(x, y, z)


def copysign(b: Builder, x: Value, y: Value) -> Value:
    """``|x|`` with the sign bit of y."""
    return polynomial.copysign(b, b.absf(x), y)

"""StableHLO ops on the bits of integers and booleans, element by element."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from irc.dialects.stablehlo import numerics as N
from irc.dialects.stablehlo.base import (
    BOOL,
    INTEGER,
)
from irc.dialects.stablehlo.elementwise import BinaryElementwise, UnaryElementwise
from irc.dialects.stablehlo.numerics import Array, native


class Not(UnaryElementwise, name="stablehlo.not"):
    """Bitwise, or logical for i1."""

    domain = (*BOOL, *INTEGER)

    def evaluate(self, x: Array) -> Array:
        return native(np.invert, x)


class Popcnt(UnaryElementwise, name="stablehlo.popcnt"):
    """How many bits are set."""

    domain = INTEGER

    def evaluate(self, x: Array) -> Array:
        return np.asarray(np.sum(N.bits_of(x), axis=0).astype(x.dtype))


class CountLeadingZeros(UnaryElementwise, name="stablehlo.count_leading_zeros"):
    """How many zero bits stand above the highest set one."""

    domain = INTEGER

    def evaluate(self, x: Array) -> Array:
        from_the_top = N.bits_of(x)[::-1]
        return np.asarray(
            np.sum(np.logical_not(np.logical_or.accumulate(from_the_top)), axis=0).astype(x.dtype)
        )


class _Bitwise(BinaryElementwise):
    domain: ClassVar[tuple[str, ...]] = (*BOOL, *INTEGER)
    commutative: ClassVar[bool] = True


class And(_Bitwise, name="stablehlo.and"):
    """Bitwise, or logical for i1."""

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.bitwise_and, x, y)


class Or(_Bitwise, name="stablehlo.or"):
    """Bitwise, or logical for i1."""

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.bitwise_or, x, y)


class Xor(_Bitwise, name="stablehlo.xor"):
    """Bitwise, or logical for i1."""

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.bitwise_xor, x, y)


class ShiftLeft(BinaryElementwise, name="stablehlo.shift_left"):
    """0 for amounts outside [0, width)."""

    domain = INTEGER

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(lambda a, b: N.shift(a, b, N.width_of(x.dtype), "left"), x, y)


class ShiftRightArithmetic(BinaryElementwise, name="stablehlo.shift_right_arithmetic"):
    """Copies of the sign move in; nothing but them for amounts outside [0, width)."""

    domain = INTEGER

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(lambda a, b: N.shift(a, b, N.width_of(x.dtype), "arithmetic"), x, y)


class ShiftRightLogical(BinaryElementwise, name="stablehlo.shift_right_logical"):
    """Zeros move in; 0 for amounts outside [0, width)."""

    domain = INTEGER

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(lambda a, b: N.shift(a, b, N.width_of(x.dtype), "logical"), x, y)

"""The builder over which every vector math function is written, once.

A function such as ``exp(b, x)`` is plain Python: it calls methods of a builder, named after MLIR's ``arith``
and ``math`` operations, on values it never looks into. The emitter of LLVM IR brings a builder that writes
instructions; the kernel emulator brings ``NumpyBuilder``. Each method is exact in the sense of IEEE 754 (one
rounding, to nearest even, denormals kept), so every builder yields the same bits. Only the sign and payload of a
NaN may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias

DType: TypeAlias = Literal["f32", "f64"]
Value: TypeAlias = Any
"""A vector of floats (``f32`` or ``f64``), of integers of the same width, or of ``i1`` (a mask)."""


class Builder(Protocol):
    """Primitive operations on vectors of one float type. Subclass it to inherit the methods at the end."""

    @property
    def dtype(self) -> DType:
        """The float type of the vectors."""
        ...

    def const(self, value: float) -> Value:
        """A splat of `value` rounded to the nearest number of `dtype`; infinities and NaN are allowed."""
        ...

    def iconst(self, value: int) -> Value:
        """An integer splat of `value`, taken modulo 2**32 (f32) or 2**64 (f64)."""
        ...

    def addf(self, x: Value, y: Value) -> Value: ...
    def subf(self, x: Value, y: Value) -> Value: ...
    def mulf(self, x: Value, y: Value) -> Value: ...
    def divf(self, x: Value, y: Value) -> Value: ...
    def negf(self, x: Value) -> Value: ...
    def absf(self, x: Value) -> Value: ...

    def fma(self, x: Value, y: Value, z: Value) -> Value:
        """``x * y + z`` with a single rounding."""
        ...

    def sqrt(self, x: Value) -> Value: ...
    def roundeven(self, x: Value) -> Value: ...
    def floor(self, x: Value) -> Value: ...

    def cmpf(self, predicate: str, x: Value, y: Value) -> Value:
        """A mask; predicates are MLIR's: oeq ogt oge olt ole one ord ueq ugt uge ult ule une uno."""
        ...

    def cmpi(self, predicate: str, x: Value, y: Value) -> Value:
        """A mask; predicates are MLIR's: eq ne slt sle sgt sge ult ule ugt uge."""
        ...

    def select(self, mask: Value, x: Value, y: Value) -> Value:
        """`x` where `mask` holds, else `y`; both floats, integers or masks."""
        ...

    def and_(self, x: Value, y: Value) -> Value: ...
    def or_(self, x: Value, y: Value) -> Value: ...
    def not_(self, x: Value) -> Value: ...

    def sitofp(self, i: Value) -> Value: ...
    def bitcast_int(self, x: Value) -> Value: ...
    def bitcast_float(self, i: Value) -> Value: ...
    def addi(self, x: Value, y: Value) -> Value: ...
    def subi(self, x: Value, y: Value) -> Value: ...
    def andi(self, x: Value, y: Value) -> Value: ...
    def ori(self, x: Value, y: Value) -> Value: ...
    def xori(self, x: Value, y: Value) -> Value: ...
    def shli(self, x: Value, y: Value) -> Value: ...
    def shrsi(self, x: Value, y: Value) -> Value: ...

    def ldexp(self, x: Value, n: Value) -> Value:
        """``x * 2**n`` rounded once, for an integral float `n`.

        Domain: ``x`` is 0, NaN, infinite or ``2**-24 <= |x| <= 2**24``; ``|n| <= 252`` (f32) or ``2044`` (f64);
        NaN gives NaN. AVX-512: ``vscalefps``, ``vscalefpd``.
        """
        return ldexp_by_multiplication(self, x, n)

    def split_exponent(self, x: Value) -> tuple[Value, Value]:
        """``(m, e)``, both floats, ``x = m * 2**e`` with ``0.75 <= m < 1.5`` and ``e`` integral, for ``x > 0``.

        Denormals are split like other numbers. The rest is what logarithms want: ``(1, -inf)`` for zeros,
        ``(1, inf)`` for +inf, and a NaN ``m`` for NaN and for ``x < 0`` (``e`` is then arbitrary).
        AVX-512: ``m = vgetmantps(x, 0b1011)``; ``e = vgetexpps(x)``, plus 1 where ``m < 1``.
        """
        return split_exponent_by_bits(self, x)

    def select_rare(
        self, mask: Value, rare: Callable[[], tuple[Value, ...]], usual: tuple[Value, ...]
    ) -> tuple[Value, ...]:
        """``select(mask, r, u)`` for each r of ``rare()`` and u of `usual`.

        A builder may branch around `rare` where no lane of `mask` holds. `rare` does not call `select_rare`.
        """
        return tuple(self.select(mask, r, u) for r, u in zip(rare(), usual, strict=True))


class FloatFormat:
    """The layout of an IEEE binary format; adding `rounder` rounds a float to an integer."""

    def __init__(self, fraction_bits: int, bias: int) -> None:
        self.fraction_bits = fraction_bits
        self.bias = bias
        self.sign_bit = fraction_bits + 1 + bias.bit_length()
        self.sign_mask = 1 << self.sign_bit
        self.exponent_mask = self.sign_mask - (1 << fraction_bits)
        self.min_normal = 2.0 ** (1 - bias)
        self.rounder = 1.5 * 2.0**fraction_bits

    def bits_of_power(self, exponent: int) -> int:
        """The bit pattern of ``2.0**exponent``, a normal number."""
        return (exponent + self.bias) << self.fraction_bits


FORMATS: dict[DType, FloatFormat] = {"f32": FloatFormat(23, 127), "f64": FloatFormat(52, 1023)}


def power_of_two(b: Builder, n: Value) -> Value:
    """``2**n`` for an integral float `n` of a normal result: adding a large number leaves n in the low bits.

    NaN gives an arbitrary number, not a poisoned one as ``fptosi`` would.
    """
    form = FORMATS[b.dtype]
    biased = b.addf(n, b.const(form.rounder + form.bias))
    return b.bitcast_float(b.shli(b.bitcast_int(biased), b.iconst(form.fraction_bits)))


def ldexp_by_multiplication(b: Builder, x: Value, n: Value) -> Value:
    """`Builder.ldexp` by two multiplications; the first is exact where the result is not zero or infinite."""
    form = FORMATS[b.dtype]
    shift, biased_zero = b.iconst(form.fraction_bits), b.const(form.rounder + form.bias)
    first = b.fma(n, b.const(0.5), biased_zero)
    rest = b.addf(b.subf(n, b.subf(first, biased_zero)), biased_zero)
    first_power = b.bitcast_float(b.shli(b.bitcast_int(first), shift))
    rest_power = b.bitcast_float(b.shli(b.bitcast_int(rest), shift))
    return b.mulf(b.mulf(x, first_power), rest_power)


def split_exponent_by_bits(b: Builder, x: Value) -> tuple[Value, Value]:
    """`Builder.split_exponent` in integer operations; a denormal is scaled to a normal number first."""
    form = FORMATS[b.dtype]
    denormal = b.cmpf("olt", x, b.const(form.min_normal))
    scale = form.fraction_bits + 1
    bits = b.bitcast_int(b.select(denormal, b.mulf(x, b.const(2.0**scale)), x))
    three_quarters = form.bits_of_power(-1) | 1 << (form.fraction_bits - 1)
    above = b.subi(bits, b.iconst(three_quarters))
    e = b.sitofp(b.shrsi(above, b.iconst(form.fraction_bits)))
    e = b.select(denormal, b.addf(e, b.const(-scale)), e)
    m = b.bitcast_float(b.subi(bits, b.andi(above, b.iconst(form.sign_mask | form.exponent_mask))))
    infinite = b.cmpf("oeq", x, b.const(float("inf")))
    zero = b.cmpf("oeq", x, b.const(0.0))
    e = b.select(infinite, x, b.select(zero, b.const(float("-inf")), e))
    m = b.select(b.or_(infinite, zero), b.const(1.0), m)
    return b.select(b.cmpf("oge", x, b.const(0.0)), m, b.const(float("nan"))), e

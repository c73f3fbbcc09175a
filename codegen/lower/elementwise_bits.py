"""Elementwise ops on the bits of floats and on halves of products."""

from __future__ import annotations

import math as numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.narrow import in_f32, splat
from irc.dialects import arith, math
from irc.ir.operation import Operation, Value
from irc.ir.types import IntegerType, f32, i64

_MANTISSA = {16: 10, 32: 23, 64: 52}
_BIAS = {32: 127, 64: 1023}


def infinite(sign: int) -> Any:
    """Whether x is infinite; `sign` +1 or -1 asks for one infinity, 0 for either."""

    def lower(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
        def emit(v: Value) -> Value:
            size = v if sign else b.emit(math.AbsF(v))
            return b.emit(arith.CmpF(size, splat(b, numbers.copysign(numbers.inf, sign), v), predicate="oeq"))

        return in_f32(b, emit, x)

    return lower


def next_after(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """One step of the bits toward y: the sign and size of a float order like an integer's."""
    start, goal = x
    bits = [_bits(b, v) for v in x]
    one = splat(b, 1, bits[0])
    less = _compare(b, "olt", start, goal)
    positive = b.emit(arith.CmpI(bits[0], splat(b, 0, bits[0]), predicate="sgt"))
    away = b.emit(arith.CmpI(less, positive, predicate="eq"))
    step = b.emit(arith.Select(away, one, splat(b, -1, bits[0])))
    moved = b.emit(arith.AddI(bits[0], step))
    sign = b.emit(arith.AndI(bits[1], splat(b, -(1 << (arith.element(start.type).width - 1)), bits[0])))
    least = b.emit(arith.OrI(sign, one))
    from_zero = _compare(b, "oeq", start, splat(b, 0.0, start))
    moved = b.emit(arith.Select(from_zero, least, moved))
    result = b.emit(arith.Bitcast(moved, result_types=[start.type]))
    result = b.emit(arith.Select(_compare(b, "oeq", start, goal), goal, result))
    nan = splat(b, numbers.nan, start)
    return b.emit(arith.Select(_compare(b, "uno", start, goal), nan, result))


def _bits(b: KernelBuilder, v: Value) -> Value:
    width = arith.element(v.type).width
    return b.emit(arith.Bitcast(v, result_types=[arith.like(v.type, IntegerType(width))]))


def _compare(b: KernelBuilder, predicate: str, x: Value, y: Value) -> Value:
    return in_f32(b, lambda p, q: b.emit(arith.CmpF(p, q, predicate=predicate)), (x, y))


def reduce_precision(b: KernelBuilder, op: Any, x: Sequence[Value]) -> Value:
    """Rounds to `mantissa_bits`, ties to even; what is too large becomes infinite, what is too small zero."""
    return in_f32(b, lambda v: _reduced(b, v, op.exponent_bits, op.mantissa_bits), x)


def _reduced(b: KernelBuilder, v: Value, exponent_bits: int, mantissa_bits: int) -> Value:
    width = arith.element(v.type).width
    bias = 2 ** (exponent_bits - 1) - 1
    result = _rounded(b, v, _MANTISSA[width] - mantissa_bits)
    if bias < _BIAS[width]:
        limit = splat(b, 2.0 ** (bias + 1), v)
        large = b.emit(arith.CmpF(b.emit(math.AbsF(result)), limit, predicate="oge"))
        infinity = b.emit(math.CopySign(splat(b, numbers.inf, v), v))
        result = b.emit(arith.Select(large, infinity, result))
    if bias <= _BIAS[width]:
        # Just below the least normal number, what rounds up to it is kept.
        threshold = _at_least(2.0 ** (1 - bias) * (1 - 2.0 ** -(mantissa_bits + 2)), v)
        small = b.emit(arith.CmpF(b.emit(math.AbsF(v)), splat(b, threshold, v), predicate="olt"))
        zero = b.emit(math.CopySign(splat(b, 0.0, v), v))
        result = b.emit(arith.Select(small, zero, result))
    known = b.emit(arith.CmpF(v, v, predicate="ord"))
    return b.emit(arith.Select(known, result, v))


def _rounded(b: KernelBuilder, v: Value, dropped: int) -> Value:
    """`v` with its last `dropped` mantissa bits rounded away, ties to even; a carry goes into the exponent."""
    if dropped <= 0:
        return v
    bits = _bits(b, v)
    odd = b.emit(arith.AndI(b.emit(arith.ShRUI(bits, splat(b, dropped, bits))), splat(b, 1, bits)))
    half = b.emit(arith.AddI(odd, splat(b, (1 << (dropped - 1)) - 1, bits)))
    kept = b.emit(arith.AndI(b.emit(arith.AddI(bits, half)), splat(b, -(1 << dropped), bits)))
    return b.emit(arith.Bitcast(kept, result_types=[v.type]))


def _at_least(value: float, like: Value) -> float:
    """The least number of `like`'s type that is not below `value`."""
    if arith.element(like.type) is not f32:
        return value
    near = np.float32(value)
    return float(near if near >= value else np.nextafter(near, np.float32(np.inf)))


def mulhi(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """The upper half of the product; that of 64 bits comes from products of 32-bit halves."""
    element = op.operands[0].type.element
    if element.width == 64:
        return _mulhi64(b, x, signed=not element.is_unsigned)
    wide = arith.like(x[0].type, IntegerType(2 * element.width))
    extend = arith.ExtUI if element.is_unsigned else arith.ExtSI
    product = b.emit(arith.MulI(*(b.emit(extend(v, result_types=[wide])) for v in x)))
    upper = b.emit(arith.ShRUI(product, splat(b, element.width, product)))
    return b.emit(arith.TruncI(upper, result_types=[x[0].type]))


def _mulhi64(b: KernelBuilder, x: Sequence[Value], signed: bool) -> Value:
    def mul(p: Value, q: Value) -> Value:
        return b.emit(arith.MulI(p, q))

    def add(p: Value, q: Value) -> Value:
        return b.emit(arith.AddI(p, q))

    assert arith.element(x[0].type) is i64
    half, mask = splat(b, 32, x[0]), splat(b, (1 << 32) - 1, x[0])
    low = [b.emit(arith.AndI(v, mask)) for v in x]
    high = [b.emit(arith.ShRUI(v, half)) for v in x]
    middle = add(mul(high[0], low[1]), b.emit(arith.ShRUI(mul(low[0], low[1]), half)))
    cross = add(mul(low[0], high[1]), b.emit(arith.AndI(middle, mask)))
    result = add(
        mul(high[0], high[1]), add(b.emit(arith.ShRUI(middle, half)), b.emit(arith.ShRUI(cross, half)))
    )
    if not signed:
        return result
    zero = splat(b, 0, x[0])
    for p, q in ((x[0], x[1]), (x[1], x[0])):  # a negative factor stands 2**64 too high
        negative = b.emit(arith.CmpI(p, zero, predicate="slt"))
        result = b.emit(arith.SubI(result, b.emit(arith.Select(negative, q, zero))))
    return result

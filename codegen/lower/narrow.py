"""Narrow floats are computed in f32 and rounded once an op, as the reference does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.codegen.lower.builder import KernelBuilder
from irc.dialects import arith
from irc.ir.operation import Value
from irc.ir.types import bf16, f16, f32


def splat(b: KernelBuilder, value: Any, like: Value) -> Value:
    """A constant of `like`'s type."""
    return b.constant(value, like.type)


def in_f32(b: KernelBuilder, emit: Callable[..., Value], operands: Sequence[Value]) -> Value:
    """`emit(*operands)`, computed in f32 and rounded once where the operands are narrower floats."""
    narrow = arith.element(operands[0].type)
    if narrow not in (f16, bf16):
        return emit(*operands)
    wide = arith.like(operands[0].type, f32)
    result = emit(*(b.emit(arith.ExtF(x, result_types=[wide])) for x in operands))
    if arith.element(result.type) is not f32:
        return result
    return b.emit(arith.TruncF(result, result_types=[operands[0].type]))

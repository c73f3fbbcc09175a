"""Constant folding: ops on constants are evaluated while compiling, where the reference and the machine agree to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import FloatType, IntegerType
from irc.passes.canonicalize import REWRITES
from irc.passes.constants import constant, constant_array, splat
from irc.passes.manager import Context, FunctionPass

MOVES = (
    S.BroadcastInDim,
    S.BitcastConvert,
    S.Complex,
    S.Concatenate,
    S.DynamicSlice,
    S.DynamicUpdateSlice,
    S.Imag,
    S.Iota,
    S.Pad,
    S.Real,
    S.Reshape,
    S.Reverse,
    S.Select,
    S.Slice,
    S.Transpose,
)
"""Ops that compute no element: exact for every element type."""

EXACT = (
    S.Abs,
    S.Add,
    S.And,
    S.Ceil,
    S.Clamp,
    S.Compare,
    S.Convert,
    S.CountLeadingZeros,
    S.Divide,
    S.Floor,
    S.IsFinite,
    S.Maximum,
    S.Minimum,
    S.Multiply,
    S.Negate,
    S.Not,
    S.Or,
    S.Popcnt,
    S.Remainder,
    S.RoundNearestAfz,
    S.RoundNearestEven,
    S.Rsqrt,
    S.ShiftLeft,
    S.ShiftRightArithmetic,
    S.ShiftRightLogical,
    S.Sign,
    S.Sqrt,
    S.Subtract,
    S.Xor,
)
"""Ops whose result IEEE 754 or integer arithmetic fixes to the bit, for real element types. Exponentials and the like are
not: compiled code has polynomials of its own, and a folded one would differ from one computed at run time."""

ONLY_INTEGER = (S.Power,)

_PLAIN_FLOATS = ("f16", "bf16", "f32", "f64")
SMALL = 1024
"""Bytes up to which a constant may come of less (an iota, a broadcast)."""


@dataclass(frozen=True)
class Fold(FunctionPass, name="fold"):
    """Given  `%0 = constant dense<2>; %1 = constant dense<3>; add %0, %1`.  Result  `constant dense<5>`.

    Canonicalization runs in the same walk, since each makes work for the other. A folded constant is at most
    `max_bytes` large (a splat counts as one element), and larger than its operands only if it is small."""

    max_bytes: int = 1 << 20

    def function(self, func: Func, module: Module, context: Context) -> Func:
        rewrites = RewriteSet(REWRITES, folding(self.max_bytes))
        block = Rewriter(rewrites, context.rewrites).block_of(func.block)
        return func if block is func.block else func.with_block(block)


def folding(max_bytes: int) -> RewriteSet:
    """The rewrite that evaluates ops on constants."""
    rules = RewriteSet()

    @rules.rewrite("an op on constants = its value", *MOVES, *EXACT, *ONLY_INTEGER)
    def evaluated(op: Any, b: Rewriter) -> Value | None:
        (type,) = op.result_types
        arrays = [constant_array(v) for v in op.operands]
        if any(a is None for a in arrays) or not type.is_static or not _is_exact(op):
            return None
        scalars = [splat(v) for v in op.operands]
        if (
            getattr(op, "elementwise", False)
            and scalars
            and all(s is not None for s in scalars)
            and type.size
        ):
            return constant(b, type, op.evaluate(*(np.asarray(s) for s in scalars)))
        before = sum(v.type.nbytes for v in op.operands)
        if type.nbytes > max_bytes or type.nbytes > max(before, SMALL):
            return None
        return constant(b, type, op.evaluate(*arrays))

    return rules


def _is_exact(op: Operation) -> bool:
    if isinstance(op, MOVES):
        return True
    elements = [v.type.element for v in (*op.operands, *op.results)]
    if isinstance(op, ONLY_INTEGER):
        return all(isinstance(e, IntegerType) for e in elements)
    return all(_is_plain(e) for e in elements)


def _is_plain(element: Any) -> bool:
    return isinstance(element, IntegerType) or (
        isinstance(element, FloatType) and element.name in _PLAIN_FLOATS
    )

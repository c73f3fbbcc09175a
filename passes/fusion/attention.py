"""Attention among fused groups: a product, the rows of it, and the product of those rows.

    scores  = dot_general(q, k), and elementwise ops on it             [batch..., rows, keys]
    weights = rows of it: maximum, exponentials, sum, division         the same
    result  = dot_general(weights, v) over the keys, and what follows

One kernel computes a block of rows of all three, as long as these are the dimensions; what the rows compute is any row
kernel (a softmax, or its gradient)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Operation, Value
from irc.ir.types import FloatType, TensorType
from irc.passes.fusion.reasons import Reason

LEAST_ROWS = 8
LEAST_KEYS = 16
MOST_KEYS = 1 << 13
"""Of eight rows so long, a block takes a quarter of a second-level cache."""


def refusal(
    first: Sequence[Operation], rows: Sequence[Operation], last: Sequence[Operation]
) -> Reason | None:
    """Why the ops of a product, of rows and of another product are not one kernel; None where they are."""
    one, other = first[0], last[0]
    if not isinstance(one, hlo.DotGeneral) or not isinstance(other, hlo.DotGeneral):
        return Reason.ATTENTION
    if not _are_scores(one) or not _takes_rows(one, other) or not _keep_their_place(one, first, rows, last):
        return Reason.ATTENTION
    *_, count, keys = one.result.type.static_shape
    if keys > MOST_KEYS:
        return Reason.CACHE
    return Reason.FEW if count < LEAST_ROWS or keys < LEAST_KEYS else None


def _are_scores(op: Any) -> bool:
    """One free dimension on each side, of numbers known when compiling."""
    t, batch = op.result.type, len(op.dot_dimension_numbers.lhs_batching_dimensions)
    plain = t.rank == batch + 2 and isinstance(t.element, FloatType) and t.element.width >= 16
    return plain and all(isinstance(n, int) for v in (op.lhs, op.rhs, op.result) for n in v.type.shape)


def _takes_rows(one: Any, other: Any) -> bool:
    """Rows are the free dimension of `other`'s left side, keys are summed over."""
    rank, d = one.result.type.rank, other.dot_dimension_numbers
    if other.lhs.type.shape != one.result.type.shape or other.result.type.rank != rank:
        return False
    same = sorted(d.lhs_batching_dimensions) == list(range(rank - 2))
    static = all(isinstance(n, int) for n in other.rhs.type.shape)
    return same and static and tuple(d.lhs_contracting_dimensions) == (rank - 1,)


def _keep_their_place(
    one: Any, first: Sequence[Operation], rows: Sequence[Operation], last: Sequence[Operation]
) -> bool:
    """Every op between the products works on scores element by element, or reduces their rows."""
    rank, shape = one.result.type.rank, one.result.type.shape
    made = [v for op in (*first, *rows) for v in op.results]
    for op in (*first[1:], *rows):
        if isinstance(op, hlo.Reduce):
            if tuple(op.dimensions) != (rank - 1,) or any(v.type.shape != shape for v in op.inputs):
                return False
        elif not getattr(op, "elementwise", False):
            return False
    # The last part knows what the rows made, not what they were made of.
    scores = dict.fromkeys(v for op in first for v in op.results)
    if any(v in scores for op in last for v in op.operands):
        return False
    return all(_is_row_value(v, shape) for v in made)


def _is_row_value(value: Value, shape: Sequence[Any]) -> bool:
    t = value.type
    return isinstance(t, TensorType) and tuple(t.shape) in (tuple(shape), tuple(shape[:-1]))

"""Masks that a kernel counts itself: comparisons of positions, which cost less than reading them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Operation, Value
from irc.ir.types import i1

CHEAP = (
    hlo.Add, hlo.And, hlo.Compare, hlo.Convert, hlo.Maximum, hlo.Minimum, hlo.Multiply, hlo.Negate, hlo.Not, hlo.Or,
    hlo.Select, hlo.Subtract, hlo.Xor,
)  # fmt: skip
CHOOSING = (hlo.And, hlo.Not, hlo.Or, hlo.Select, hlo.Xor)
"""Ops that take a mask element by element."""


def counted_masks(operations: Sequence[Operation], free: Container[Operation]) -> dict[Operation, None]:
    """The ops that compute masks from positions and single numbers alone, where nobody but elementwise ops takes them."""
    known: dict[Value, None] = {}
    for op in operations:
        counts = op in free and isinstance(op, hlo.Iota | hlo.Constant)
        spreads = isinstance(op, hlo.BroadcastInDim) and op in free and op.operand in known
        combines = isinstance(op, CHEAP) and _is_static(op) and all(v in known for v in op.operands)
        if counts or spreads or combines:
            known.update(dict.fromkeys(op.results))
    users: dict[Value, list[Operation]] = {}
    for op in operations:
        for inner in op.walk():
            for v in inner.operands:
                users.setdefault(v, []).append(op)
    masks: dict[Operation, None] = {}
    for op in reversed(operations):
        if op.results and op.results[0] in known and isinstance(op, (*CHEAP, hlo.BroadcastInDim)):
            mine = users.get(op.results[0], [])
            if mine and all(u in masks or _chooses(u, op.results[0]) for u in mine):
                masks[op] = None
    return {op: None for op in masks if op not in free}


def _chooses(op: Any, mask: Value) -> bool:
    t: Any = mask.type
    return isinstance(op, CHOOSING) and t.element is i1 and t.rank == op.results[0].type.rank


def _is_static(op: Operation) -> bool:
    return all(isinstance(n, int) for v in (*op.operands, *op.results) for n in v.type.shape)

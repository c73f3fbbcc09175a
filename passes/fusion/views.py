"""Parts of tensors that a product reads where they lie: slices, and reshapes of those.

qkv = reshape(...)  [batch, position, 3 heads, channel]
q   = slice(qkv) [.., .., 0:heads, ..]      a product takes it by strides, so that nobody has to copy it"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Operation, Value
from irc.ir.types import row_major_strides

Layout = tuple[int, tuple[int, ...]]
"""Where the first element lies, and how far neighbours along each dimension are apart."""
LEAST_RUN = 8
"""Elements beside each other that are worth reading in place."""


def viewed(op: Operation, layout: Layout) -> Layout | None:
    """The layout of an op's result in the memory of its operand, where every element of it has a place by strides."""
    offset, strides = layout
    match op:
        case hlo.Slice():
            offset += sum(i * s for i, s in zip(op.start_indices, strides, strict=True))
            return offset, tuple(s * n for s, n in zip(strides, op.strides, strict=True))
        case hlo.Transpose():
            return offset, tuple(strides[d] for d in op.permutation)
        case hlo.Reshape():
            found = _reshaped(op.operand.type.shape, strides, op.result.type.shape)
            return None if found is None else (offset, found)
    return None


def _reshaped(shape: Sequence[Any], strides: Sequence[int], target: Sequence[Any]) -> tuple[int, ...] | None:
    """The strides of the same elements in another shape: dimensions are cut, or put together where they are one run."""
    if not all(isinstance(n, int) and n > 0 for n in (*shape, *target)):
        return None
    runs: list[list[int]] = []
    for n, s in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * s:
            runs[-1] = [runs[-1][0] * n, s]
        else:
            runs.append([n, s])
    found: list[int] = []
    left, step = 1, 0
    for n in reversed(target):
        if n != 1 and left == 1:
            left, step = runs.pop() if runs else [1, 0]
        if left % n:
            return None
        found.append(step)
        left, step = left // n, step * n
    return tuple(reversed(found))


def product_views(
    operations: Sequence[Operation], users: Mapping[Value, Sequence[Operation]]
) -> dict[Operation, None]:
    """The slices, and reshapes of slices, that only products take, of values that somebody else wants as well."""
    layouts: dict[Value, Layout] = {}
    for op in operations:
        if not isinstance(op, hlo.Slice | hlo.Reshape) or not _is_static(op):
            continue
        operand = op.operand
        known = layouts.get(operand)
        if known is None and isinstance(op, hlo.Slice) and _stays(operand, users):
            known = (0, row_major_strides(operand.type.static_shape))
        found = None if known is None else viewed(op, known)
        if found is not None and _has_runs(op.result.type.static_shape, found[1]):
            layouts[op.result] = found
    views: dict[Operation, None] = {}
    for op in reversed(operations):
        if not op.results or op.results[0] not in layouts:
            continue
        mine = users.get(op.results[0], ())
        if mine and all(u in views or _is_product_of(u, op.results[0]) for u in mine):
            views[op] = None
    # A reshape of a slice that is none of them is no view either.
    for op in operations:
        source = op.operands[0].op if op in views else None
        if isinstance(op, hlo.Reshape) and op in views and source not in views:
            del views[op]
    return views


def _is_static(op: Any) -> bool:
    return all(isinstance(n, int) and n > 0 for v in (op.operand, op.result) for n in v.type.shape)


def _stays(value: Value, users: Mapping[Value, Sequence[Operation]]) -> bool:
    """Whether a value is in memory as a whole, whoever takes a part of it."""
    while len(users.get(value, ())) < 2 and isinstance(value.op, hlo.Reshape):
        value = value.op.operand
    return len(users.get(value, ())) > 1 or not getattr(value.op, "elementwise", False)


def _has_runs(shape: Sequence[int], strides: Sequence[int]) -> bool:
    return prod(n for n, s in zip(shape, strides, strict=True) if s == 1) >= LEAST_RUN


def _is_product_of(op: Any, value: Value) -> bool:
    return isinstance(op, hlo.DotGeneral) and value in (op.lhs, op.rhs)

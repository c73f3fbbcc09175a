"""Long reductions cut into blocks: a reduction of blocks' results, and the blocks' results as values of their own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from irc.codegen.lower.tree import BLOCK
from irc.dialects import stablehlo as hlo
from irc.ir.extents import at_most
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType


def below(values: Sequence[Value]) -> list[Operation]:
    """The ops that `values` depend on, each after its operands."""
    seen: dict[Operation, None] = {}
    stack = [(v.op, False) for v in reversed(values) if v.op is not None]
    while stack:
        op, done = stack.pop()
        if op in seen:
            continue
        if done:
            seen[op] = None
        else:
            stack.append((op, True))
            stack.extend((o.op, False) for o in reversed(op.operands) if o.op is not None)
    return list(seen)


def reductions(values: Sequence[Value]) -> list[Any]:
    """The reductions that `values` depend on."""
    return [op for op in below(values) if isinstance(op, hlo.Reduce)]


def extent(op: Any) -> int:
    """How many elements a reduction takes."""
    return prod(op.inputs[0].type.static_shape[d] for d in op.dimensions)


def long_reductions(returned: Sequence[Value]) -> list[Any]:
    """The reductions of more than a block, or of who knows how many elements, none where one of them feeds another: those
    run block after block."""
    found = [op for op in reductions(returned) if not at_most(extent(op), BLOCK)]
    chained = any(other is not op for op in found for other in reductions(op.operands))
    return [] if chained else found


def even_reductions(returned: Sequence[Value]) -> list[Any]:
    """The reductions, where they are of one shape, none feeds another, and nothing else that large is computed."""
    found = reductions(returned)
    chained = any(other is not op for op in found for other in reductions(op.operands))
    alike = len({(op.inputs[0].type.shape, tuple(sorted(op.dimensions))) for op in found}) == 1
    narrow = found and all(v.type.size == found[0].results[0].type.size for v in returned)
    return found if alike and narrow and not chained else []


def in_parts(
    ops: Sequence[Any], returned: Sequence[Value], count: int
) -> tuple[list[Value], tuple[Value, ...]]:
    """(the values that stand for the results of `count` parts of each op, the results in terms of those).

    A value that stands for parts' results has the shape of the reduction's result after a leading dimension of parts."""
    known: dict[Value, Value] = {}
    partials: list[Value] = []
    for op in ops:
        mine = [
            Value(TensorType((count, *r.type.shape), r.type.element), location=r.location) for r in op.results
        ]
        known.update(zip(op.results, again(op, mine, 0), strict=True))
        partials += mine
    for op in below(returned):
        operands = [known.get(o, o) for o in op.operands]
        if op not in ops and any(a is not b for a, b in zip(op.operands, operands, strict=True)):
            known.update(zip(op.results, op.with_operands(operands).results, strict=True))
    return partials, tuple(known.get(v, v) for v in returned)


def again(op: Any, values: Sequence[Value], dimension: int) -> Sequence[Value]:
    """Parts' results reduced as a reduction reduces its elements."""
    starts = [_converted(v, r.type.element) for v, r in zip(op.init_values, op.results, strict=True)]
    made = hlo.Reduce(list(values), starts, dimensions=(dimension,), regions=op.regions, location=op.location)
    return made.results


def _converted(start: Value, element: Any) -> Value:
    """An initial value in the type that the reduction's body works in."""
    if start.type.element is element:
        return start
    return hlo.Convert(start, result_types=[start.type.with_element(element)]).result

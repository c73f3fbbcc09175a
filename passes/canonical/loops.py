"""Loops carry what changes; what stays is seen from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from irc.dialects.stablehlo import Return, While
from irc.ir.operation import Block, Region, Value
from irc.ir.rewriting import Rewriter, RewriteSet, fresh_copy

rules = RewriteSet()


@rules.rewrite("a value that a loop carries unchanged is seen from outside", While)
def unchanged_value(op: While, b: Rewriter) -> list[Value] | None:
    body = op.regions[1].block
    pairs = zip(body.arguments, body.terminator.operands, strict=True)
    kept = [i for i, (argument, end) in enumerate(pairs) if end is not argument]
    if not kept or len(kept) == len(op.operands):
        return None
    regions = [
        _without_arguments(region, op.operands, kept, ends)
        for region, ends in zip(op.regions, ([0], kept), strict=True)
    ]
    types = [op.results[i].type for i in kept]
    made = While.create([op.operands[i] for i in kept], types, op.attributes, regions, op.location)
    b.emit(made)
    values: Mapping[int, Value] = dict(zip(kept, made.results, strict=True))
    return [values.get(i, v) for i, v in enumerate(op.operands)]


def _without_arguments(region: Region, outside: Sequence[Value], kept: list[int], ends: list[int]) -> Region:
    """The region with arguments `kept` and results `ends`; the values from outside stand for the other arguments."""
    local: dict[Value, Value] = dict(zip(region.arguments, outside, strict=True))
    arguments = [
        Value(region.arguments[i].type, None, n, "", region.arguments[i].location) for n, i in enumerate(kept)
    ]
    local.update(zip((region.arguments[i] for i in kept), arguments, strict=True))
    operations = []
    for op in region.operations[:-1]:
        made = fresh_copy(op, local)
        operations.append(made)
        local.update(zip(op.results, made.results, strict=True))
    end = region.block.terminator
    returned = [local.get(end.operands[i], end.operands[i]) for i in ends]
    operations.append(Return.create(returned, (), end.attributes, (), end.location))
    return Region([Block(arguments, operations)])

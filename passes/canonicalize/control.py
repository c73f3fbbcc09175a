"""Control flow whose way is known."""

from __future__ import annotations

from irc.dialects.stablehlo import Case, Constant, GetTupleElement, If, Tuple, While
from irc.ir.operation import Block, Region, Value
from irc.ir.rewriting import Rewriter, RewriteSet, fresh_copy
from irc.passes.constants import splat

rules = RewriteSet()
rewrite = rules.rewrite


@rewrite("if true then x else y = x, if false then x else y = y", If)
def if_known(op: If, b: Rewriter) -> tuple[Value, ...] | None:
    chosen = splat(op.pred)
    return None if chosen is None else b.inline(op.regions[0 if chosen else 1].block, ())


@rewrite("case of a known index = that branch, or the last one for an index outside", Case)
def case_known(op: Case, b: Rewriter) -> tuple[Value, ...] | None:
    last = len(op.regions) - 1
    index = splat(op.index) if last else 0
    if index is None:
        return None
    return b.inline(op.regions[int(index) if 0 <= index <= last else last].block, ())


@rewrite("while false do x = x", While)
def while_false(op: While, b: Rewriter) -> tuple[Value, ...] | None:
    condition = splat(op.regions[0].block.terminator.operands[0])
    return op.operands if condition is not None and not condition else None


@rewrite("a constant that a loop carries unchanged is a constant in the loop", While)
def while_constant(op: While, b: Rewriter) -> list[Value] | None:
    body = op.regions[1].block
    fixed = [
        isinstance(start.op, Constant) and end is argument
        for start, argument, end in zip(op.operands, body.arguments, body.terminator.operands, strict=True)
    ]
    if not any(fixed):
        return None
    kept = [i for i, is_fixed in enumerate(fixed) if not is_fixed]
    regions = [
        _without_arguments(b, region, op, kept, ends)
        for region, ends in zip(op.regions, ([0], kept), strict=True)
    ]
    made = While.create(
        [op.operands[i] for i in kept],
        [op.results[i].type for i in kept],
        op.attributes,
        regions,
        op.location,
    )
    emitted = b.emit(made)
    values = dict(zip(kept, made.results if emitted is made.results else _tuple(emitted), strict=True))
    return [values.get(i, op.operands[i]) for i in range(len(fixed))]


def _tuple(values: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return (values,) if isinstance(values, Value) else values


def _without_arguments(b: Rewriter, region: Region, op: While, kept: list[int], ends: list[int]) -> Region:
    """The region with arguments `kept` and the results `ends`; for the other arguments stand copies of their constants."""
    inner = b.nested()
    arguments: list[Value] = []
    local: dict[Value, Value] = {}
    for i, old in enumerate(region.arguments):
        if i in kept:
            local[old] = Value(old.type, None, len(arguments), old.name, old.location)
            arguments.append(local[old])
        else:
            constant = op.operands[i].op
            assert constant is not None
            local[old] = inner.emit(fresh_copy(constant, {}))
    for nested in region.operations[:-1]:
        made = inner.emit(fresh_copy(nested, local))
        local.update(zip(nested.results, _tuple(made), strict=True))
    end = region.block.terminator
    inner.emit(
        type(end).create(
            [local.get(end.operands[i], end.operands[i]) for i in ends], (), end.attributes, (), end.location
        )
    )
    return Region([Block(arguments, inner.operations)])


@rewrite("element i of tuple(x0, x1, ...) = xi", GetTupleElement)
def element_of_tuple(op: GetTupleElement, b: Rewriter) -> Value | None:
    match op:
        case GetTupleElement(operand=Value(Tuple(val=values)), index=i):
            return values[i]
    return None

"""Functions of scalars inside ops, brought to what kernels apply: elementwise ops on the function's own arguments.

a choice      if(p) {x} else {y}            =  select(p, x, y): both are computed
from outside  reduce(x) { min(a + b, c) }   =  reduce(x, broadcast c) with c beside every element, the same in all"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType
from irc.passes import expression as E
from irc.passes.expression import Scope

rules = RewriteSet()

VARIADIC = (hlo.Reduce, hlo.ReduceWindow, hlo.Scatter, hlo.Sort)
"""Ops that take any number of values along."""


@rules.rewrite("a choice between scalars = both, and a select", *VARIADIC, hlo.SelectAndScatter, hlo.Map)
def _choices(op: Any, b: Rewriter) -> Sequence[Value] | None:
    if not any(isinstance(inner, hlo.If | hlo.Case) for region in op.regions for inner in region.operations):
        return None
    regions = [_without_choices(b, region) for region in op.regions]
    return _results(b, op.with_operands(op.operands, regions))


def _results(b: Rewriter, op: Operation) -> Sequence[Value]:
    made = b.emit(op)
    return [made] if isinstance(made, Value) else list(made)


def _without_choices(b: Rewriter, region: Region) -> Region:
    inner = b.nested()
    _replay(inner, region.operations)
    return Region([Block(region.arguments, inner.operations)])


def _replay(b: Rewriter, operations: Sequence[Operation]) -> None:
    """Ops as they are, those of arms in line; a choice of which an arm has effects stays."""
    for op in operations:
        if isinstance(op, hlo.If | hlo.Case) and all(inner.pure or inner.terminator for inner in op.walk()):
            b.map.update(zip(op.results, _chosen(b, op), strict=True))
        else:
            b.replay(op)


def _chosen(b: Rewriter, op: Any) -> list[Value]:
    selector, scope = b.value(op.operands[0]), Scope(b)
    arms: list[list[Value]] = []
    for region in op.regions:
        *inside, last = region.operations
        _replay(b, inside)
        arms.append([b.value(v) for v in last.operands])
    if isinstance(op, hlo.If):
        conditions = [scope.of(selector)]
    else:
        conditions = [E.eq(scope.of(selector), number) for number in range(len(arms) - 1)]
    chosen = list(map(scope.of, arms[-1]))
    for condition, arm in reversed(list(zip(conditions, arms, strict=False))):
        chosen = [E.select(condition, scope.of(x), y) for x, y in zip(arm, chosen, strict=True)]
    return [x.value for x in chosen]


@rules.rewrite("a scalar from outside the function = one more value beside every element", *VARIADIC)
def _captured(op: Any, b: Rewriter) -> Sequence[Value] | None:
    (region,) = op.regions
    outside = values_from_outside(region)
    if not outside or not all(v.type.is_static for v in op.operands):
        return None
    constants = [v for v in outside if isinstance(v.op, hlo.Constant)]
    others = [v for v in outside if not isinstance(v.op, hlo.Constant)]
    if any(not isinstance(v.type, TensorType) or v.type.rank for v in others):
        return None
    body = _enclosing(op, region, constants, others)
    types = [r.type for r in op.results] + [op.results[0].type.with_element(v.type.element) for v in others]
    made = type(op).create(_operands(op, b, others), types, op.attributes, [body], op.location)
    return _results(b, made)[: len(op.results)]


def values_from_outside(region: Region) -> list[Value]:
    """What the ops of a region use that neither they make nor it is given."""
    inside = dict.fromkeys(region.arguments)
    used: dict[Value, None] = {}
    for op in (inner for outer in region.operations for inner in outer.walk()):
        inside.update(dict.fromkeys(op.results))
        for nested in op.regions:
            inside.update(dict.fromkeys(nested.arguments))
        used.update(dict.fromkeys(op.operands))
    return [v for v in used if v not in inside]


def _operands(op: Any, b: Rewriter, others: Sequence[Value]) -> list[Value]:
    """The op's operands with every one of `others` along, in each of their groups."""
    scope = Scope(b)

    def beside(values: Sequence[Value]) -> list[Value]:
        shape = values[0].type.static_shape
        return [*values, *(E.broadcast(scope.of(v), shape, ()).value for v in others)]

    match op:
        case hlo.Sort():
            return beside(op.inputs)
        case hlo.Scatter():
            return [*beside(op.inputs), op.scatter_indices, *beside(op.updates)]
    return [*beside(op.inputs), *op.init_values, *others]


def _enclosing(op: Any, region: Region, constants: Sequence[Value], others: Sequence[Value]) -> Region:
    """The region with constants inside, and two arguments for each of `others`: of a comparator both at the end, else one
    after each half. It gives the first of them back, a comparator only what it gave."""
    is_comparator, old, more = isinstance(op, hlo.Sort), list(region.arguments), [v.type for v in others]
    half = len(old) if is_comparator else len(old) // 2
    types = [a.type for a in old]
    if is_comparator:
        types += [t for t in more for _ in range(2)]
    else:
        types = [*types[:half], *more, *types[half:], *more]
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    given = arguments[half::2] if is_comparator else arguments[half : half + len(more)]
    kept = arguments[:half] if is_comparator else [*arguments[:half], *arguments[half + len(more) :]]
    inner = Rewriter(mapping=dict(zip([*old, *others], [*kept[: len(old)], *given], strict=True)))
    for value in constants:
        inner.map[value] = inner.emit(hlo.Constant(value=value.op.value))  # type: ignore[union-attr]
    for inside in region.operations[:-1]:
        inner.replay(inside)
    returned = [inner.value(v) for v in region.operations[-1].operands]
    inner.operations.append(hlo.Return(returned if is_comparator else [*returned, *given]))
    return Region([Block(arguments, inner.operations)])

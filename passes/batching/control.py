"""Control flow over examples. Which results differ is found first: those of a loop by walking its body until nothing
is added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.passes.batching.batcher import Batcher, control
from irc.passes.expression import Expr, broadcast, eq, reduce_with, select


@control(hlo.OptimizationBarrier)
def optimization_barrier(b: Batcher, op: Any) -> None:
    made = hlo.OptimizationBarrier([b.value(v) for v in op.operands])
    b.builder.emit(made)
    for old, new, operand in zip(op.results, made.results, op.operands, strict=True):
        b.define(old, new, b.is_batched(operand))


def _differing(b: Batcher, block: Block, arguments: Sequence[bool]) -> list[bool]:
    """Which results of a block differ, when these of its arguments do."""
    trial = b.inside(Builder())
    for argument, differs in zip(block.arguments, arguments, strict=True):
        trial.define(argument, Value(b.wide(argument.type) if differs else argument.type), differs)
    trial.run(block.operations[:-1])
    return [trial.is_batched(v) for v in block.terminator.operands]


def _returned(b: Batcher, block: Block, differs: Sequence[bool]) -> list[Value]:
    """What a block returns, repeated where only other ways differ."""
    b.run(block.operations[:-1])
    ends = zip(block.terminator.operands, differs, strict=True)
    return [b.batched(v) if d else b.value(v) for v, d in ends]


@control(hlo.If, hlo.Case)
def branch(b: Batcher, op: Any) -> None:
    """The same way for all: a branch. Else every way is gone, and each example takes its own result."""
    if b.is_batched(op.operands[0]):
        _chosen(b, op)
        return
    ways = [_differing(b, r.block, ()) for r in op.regions]
    differs = [any(flags) for flags in zip(*ways, strict=True)]

    def region(block: Block) -> Any:
        def fill(inner: Batcher, _: tuple[Value, ...]) -> None:
            inner.builder.emit(hlo.Return(_returned(inner, block, differs)))

        return b.region([], fill)

    types = [b.wide(r.type) if d else r.type for r, d in zip(op.results, differs, strict=True)]
    made = type(op)(
        b.value(op.operands[0]), regions=[region(r.block) for r in op.regions], result_types=types
    )
    b.builder.emit(made)
    for old, new, d in zip(op.results, made.results, differs, strict=True):
        b.define(old, new, d)


def _chosen(b: Batcher, op: Any) -> None:
    index = b.scope.of(b.value(op.operands[0]))
    ways = []
    for region in op.regions:
        inner = b.inside(b.builder)
        ways.append(_returned(inner, region.block, [True] * len(op.results)))
    results = ways[-1]
    for i, way in enumerate(ways[:-1]):
        here = eq(index, i) if isinstance(op, hlo.Case) else index
        results = [_choice(b, here, b.scope.of(x), b.scope.of(y)) for x, y in zip(way, results, strict=True)]
    for old, new in zip(op.results, results, strict=True):
        b.define(old, new)


def _choice(b: Batcher, holds: Expr, x: Expr, y: Expr) -> Value:
    """x where an example's flag holds, else y."""
    flags = broadcast(b.scope.of(holds.value), x.shape, (0,))
    return select(flags, x, y).value


@control(hlo.While)
def loop(b: Batcher, op: Any) -> None:
    """While the condition of any example holds; those for which it does not any more keep what they have."""
    body, test = op.body.block, op.cond.block
    differs = [b.is_batched(v) for v in op.operands]
    while True:
        own = _differing(b, test, differs)[0]
        after = _differing(b, body, differs)
        grown = [d or a or own for d, a in zip(differs, after, strict=True)]
        if grown == differs:
            break
        differs = grown
    types = [b.wide(v.type) if d else v.type for v, d in zip(op.operands, differs, strict=True)]

    def asked(inner: Batcher, arguments: Sequence[Value]) -> Value:
        for argument, new, d in zip(test.arguments, arguments, differs, strict=True):
            inner.define(argument, new, d)
        return _returned(inner, test, [own])[0]

    def condition(inner: Batcher, arguments: tuple[Value, ...]) -> None:
        flag = inner.scope.of(asked(inner, arguments))
        whole = reduce_with(hlo.Or, flag, range(flag.rank), False)
        inner.builder.emit(hlo.Return([whole.value]))

    def turn(inner: Batcher, arguments: tuple[Value, ...]) -> None:
        going = asked(inner.inside(inner.builder), arguments) if own else None
        for argument, new, d in zip(body.arguments, arguments, differs, strict=True):
            inner.define(argument, new, d)
        ends = _returned(inner, body, differs)
        if going is not None:
            flags = inner.scope.of(going)
            pairs = zip(ends, arguments, strict=True)
            ends = [_choice(inner, flags, inner.scope.of(new), inner.scope.of(old)) for new, old in pairs]
        inner.builder.emit(hlo.Return(ends))

    starts = [b.batched(v) if d else b.value(v) for v, d in zip(op.operands, differs, strict=True)]
    made = hlo.While(starts, regions=[b.region(types, condition), b.region(types, turn)])
    b.builder.emit(made)
    for old, new, d in zip(op.results, made.results, differs, strict=True):
        b.define(old, new, d)

"""Loop-invariant code motion: what every iteration would compute again is computed once, before the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import BroadcastInDim, Constant, Iota, Reshape, Return, While
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import Rewriter, RewriteSet, fresh_copy
from irc.passes.effects import Effects
from irc.passes.manager import Context, FunctionPass

FREE = (Constant, Iota, BroadcastInDim, Reshape)
"""Ops that cost nothing where they are used: they stay in the loop, and go out only with what needs them."""

MOST_GROWTH = 2
"""An op moves if its results are at most so many times as big as its operands: to read them must be cheaper."""

MOVED = "what every iteration computes alike is computed before the loop"

rules = RewriteSet()


def unchanged(op: While) -> list[int]:
    """The carried values that the body returns as it got them."""
    body = op.regions[1].block
    pairs = zip(body.arguments, body.terminator.operands, strict=True)
    return [i for i, (argument, end) in enumerate(pairs) if end is argument]


@rules.rewrite("a value that a loop carries unchanged is seen from outside; a constant is one inside", While)
def unchanged_value(op: While, b: Rewriter) -> list[Value] | None:
    fixed = unchanged(op)
    kept = [i for i in range(len(op.operands)) if i not in fixed]
    if not kept or not fixed:
        return None
    regions = [
        _without_arguments(region, op.operands, kept, ends)
        for region, ends in zip(op.regions, ([0], kept), strict=True)
    ]
    types = [op.results[i].type for i in kept]
    made = While.create([op.operands[i] for i in kept], types, op.attributes, regions, op.location)
    values: Mapping[int, Value] = dict(zip(kept, _emitted(b, made), strict=True))
    return [values.get(i, v) for i, v in enumerate(op.operands)]


@rules.rewrite("two values that a loop begins with and changes alike are one", While)
def carried_twice(op: While, b: Rewriter) -> list[Value] | None:
    body = op.regions[1].block
    arguments, ends = body.arguments, body.terminator.operands
    count = len(arguments)
    first: dict[int, int] = {}
    for j in range(count):
        for i in range(j):
            same_start = i not in first and op.operands[i] is op.operands[j]
            if same_start and _alike(ends[i], ends[j], {arguments[j]: arguments[i]}):
                first[j] = i
                break
    if not first:
        return None
    kept = [i for i in range(count) if i not in first]
    # For a value that goes, the one it is equal to stands in: the kept value's own place in the new regions.
    regions = [
        _without_arguments(region, op.operands, kept, ends, first)
        for region, ends in zip(op.regions, ([0], kept), strict=True)
    ]
    types = [op.results[i].type for i in kept]
    made = While.create([op.operands[i] for i in kept], types, op.attributes, regions, op.location)
    values = dict(zip(kept, _emitted(b, made), strict=True))
    return [values[first.get(i, i)] for i in range(count)]


def _emitted(b: Rewriter, op: Operation) -> tuple[Value, ...]:
    """The values of an op once it stands: other rewrites may have made another op of it."""
    given = b.emit(op)
    return given if isinstance(given, tuple) else (given,)


DEPTH = 4
"""How many ops deep two expressions are compared."""


def _alike(x: Value, y: Value, equal: Mapping[Value, Value], depth: int = DEPTH) -> bool:
    """Whether two values are computed by the same ops from the same values, those of `equal` taken for one."""
    if x is y or equal.get(y) is x:
        return True
    a, b = x.op, y.op
    if a is None or b is None or depth == 0 or type(a) is not type(b) or x.index != y.index:
        return False
    if a.regions or not a.pure or a.attributes != b.attributes or x.type is not y.type:
        return False
    return len(a.operands) == len(b.operands) and all(
        _alike(p, q, equal, depth - 1) for p, q in zip(a.operands, b.operands, strict=True)
    )


def _without_arguments(
    region: Region,
    outside: Sequence[Value],
    kept: list[int],
    ends: list[int],
    stand_ins: Mapping[int, int] | None = None,
) -> Region:
    """The region with arguments `kept` and results `ends`; the values from outside stand for the other arguments (copies
    of constants: they cost nothing where they are used), or those arguments that `stand_ins` names."""
    local: dict[Value, Value] = dict(zip(region.arguments, outside, strict=True))
    arguments = [
        Value(region.arguments[i].type, None, n, region.arguments[i].name, region.arguments[i].location)
        for n, i in enumerate(kept)
    ]
    local.update(zip((region.arguments[i] for i in kept), arguments, strict=True))
    local.update((region.arguments[j], local[region.arguments[i]]) for j, i in (stand_ins or {}).items())
    operations: list[Operation] = []
    for i, argument in enumerate(region.arguments):
        constant = outside[i].op
        if i not in kept and i not in (stand_ins or {}) and isinstance(constant, Constant):
            operations.append(fresh_copy(constant, {}))
            local[argument] = operations[-1].results[0]
    for op in region.operations[:-1]:
        made = fresh_copy(op, local)
        operations.append(made)
        local.update(zip(op.results, made.results, strict=True))
    end = region.block.terminator
    returned = [local.get(end.operands[i], end.operands[i]) for i in ends]
    operations.append(Return.create(returned, (), end.attributes, (), end.location))
    return Region([Block(arguments, operations)])


@dataclass(frozen=True)
class LoopInvariantCodeMotion(FunctionPass, name="loop_invariant_code_motion"):
    """Given  `while (%i, %w = %w0) do { %t = transpose %w; ... yield %i1, %w }`.
    Result  `%t = transpose %w0; while (%i) do { ... yield %i1 }`.

    A loop that runs no iteration computes it too: only ops without effects move, and those that cost nothing stay."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        block = Rewriter(rules, context.rewrites).block_of(func.block)
        block = Motion(Effects(module), context).block_of(block)
        return func if block is func.block else func.with_block(block)


class Motion(Rewriter):
    """Moves ops out of regions. Replays ops; of a loop, whose inner loops have been seen to, first what its regions need not compute."""

    def __init__(self, effects: Effects, context: Context) -> None:
        super().__init__(log=context.rewrites)
        self.effects = effects

    def replay(self, op: Operation) -> None:
        made = self.mapped(op)
        if isinstance(made, While):
            regions = [self.lightened(region) for region in made.regions]
            if any(new is not old for new, old in zip(regions, made.regions, strict=True)):
                made = made.with_operands(made.operands, regions)
        self.operations.append(made)
        if made is not op:
            self.replace(op, made.results)

    def lightened(self, region: Region) -> Region:
        """The region without what moved, which is emitted here; the same object when nothing moved."""
        inside: dict[Value, None] = dict.fromkeys(region.arguments)
        free: dict[Value, Operation] = {}
        moved: dict[Value, Value] = {}
        renamed: dict[
            Value, Value
        ] = {}  # what the region reads now: what moved, and what was made anew for it
        kept: list[Operation] = []
        for op in region.operations:
            stays = self._stays(op, inside)
            if not stays and not isinstance(op, FREE):
                self.log.record(MOVED, op.location)
                self._emit_outside(op, free, moved)
                renamed.update((old, moved[old]) for old in op.results)
                continue
            if stays:
                inside.update(dict.fromkeys(op.results))
            else:
                free[op.results[0]] = op
            kept.append(_with(op, renamed))
            if kept[-1] is not op:
                renamed.update(zip(op.results, kept[-1].results, strict=True))
        return region if len(kept) == len(region.operations) else Region([Block(region.arguments, kept)])

    def _stays(self, op: Operation, inside: Mapping[Value, None]) -> bool:
        if op.terminator or not self.effects.is_pure(op):
            return True
        if any(v in inside for inner in op.walk() for v in inner.operands):
            return True
        return not isinstance(op, FREE) and _bytes(op.results) > MOST_GROWTH * _bytes(op.operands)

    def _emit_outside(
        self, op: Operation, free: Mapping[Value, Operation], moved: dict[Value, Value]
    ) -> None:
        """The op before the loop, with copies of the free ops that it reads."""
        local = dict(moved)
        queue = [v for inner in op.walk() for v in inner.operands if v in free and v not in local]
        for value in _in_order(queue, free):
            copied = fresh_copy(free[value], local)
            self.operations.append(copied)
            local[value] = copied.results[0]
        made = fresh_copy(op, local)
        self.operations.append(made)
        moved.update(zip(op.results, made.results, strict=True))


def _in_order(values: Sequence[Value], free: Mapping[Value, Operation]) -> list[Value]:
    """The values and the free ones that they are made of, each after those it reads."""
    found: dict[Value, None] = {}

    def visit(value: Value) -> None:
        if value in free and value not in found:
            for operand in free[value].operands:
                visit(operand)
            found[value] = None

    for value in values:
        visit(value)
    return list(found)


def _with(op: Operation, moved: Mapping[Value, Value]) -> Operation:
    """The op reading what moved: the same object when it reads nothing of it."""
    if moved and any(v in moved for inner in op.walk() for v in inner.operands):
        return fresh_copy(op, moved)
    return op


def _bytes(values: Sequence[Value]) -> int:
    return sum(v.type.nbytes for v in values if getattr(v.type, "is_static", False))

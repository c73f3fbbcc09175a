"""Gradients of control flow: the forward op is made again so that it also returns what the reverse reads.

A branch returns its residuals, zeros standing for those of the branches not taken, and the reverse is a
branch on the same predicate. A loop whose trip count is known writes each iteration's residuals into
stacks `[trip, ...]`, and the reverse is a loop that reads them from the last to the first. What is cheap
to make again is made again: constants, the counter, what does not change from one iteration to the next,
and slices and shapes of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import IntegerType, TensorType, i32
from irc.passes.autodiff.expression import (
    Expr,
    Scope,
    convert,
    dynamic_slice,
    dynamic_update_slice,
    reshape,
    splat,
)
from irc.passes.autodiff.registry import defadjoint, nograd
from irc.passes.autodiff.transform import Replacement, Reverse, activity, copy_into, free_values

nograd("ends a region", hlo.Return)

CHEAP = (
    hlo.Convert,
    hlo.Reshape,
    hlo.BroadcastInDim,
    hlo.Transpose,
    hlo.Slice,
    hlo.DynamicSlice,
    hlo.Iota,
    hlo.Constant,
)

ARITHMETIC = (
    *(hlo.Add, hlo.Subtract, hlo.Multiply, hlo.Negate, hlo.Abs, hlo.Maximum, hlo.Minimum),
    *(hlo.Compare, hlo.Select, hlo.And, hlo.Or, hlo.Not, hlo.Convert),
)


@dataclass
class Recording:
    """The reverse of one region: ops that read values of the region and cotangents from outside.

    `saved` are the region's values to be kept by the forward, `again` its ops that the reverse repeats."""

    block: Block
    emitted: list[Operation]
    replaced: dict[Operation, Replacement]
    saved: list[Value] = field(default_factory=list)
    again: list[Operation] = field(default_factory=list)

    def plan(self, read: Sequence[Value], known: Iterable[Value] = ()) -> None:
        """Decides how the reverse gets at the region's values it reads: `known` arguments need no saving."""
        operations, renamed = flatten(self.block.operations, self.replaced)
        inside = dict.fromkeys((*self.block.arguments, *(r for op in operations for r in op.results)))
        made = dict.fromkeys(known)

        def here(op: Operation, values: dict[Value, None]) -> bool:
            return all(o in values or o in made or o not in inside for o in map(renamed, op.operands))

        def closure() -> tuple[dict[Value, None], dict[Operation, None]]:
            """The values to save and the ops to repeat, when what is in `made` is made again."""
            saved: dict[Value, None] = {}
            again: dict[Operation, None] = {}
            pending = [renamed(v) for v in read]
            while pending:
                value = pending.pop()
                if value in inside and value not in made:
                    saved[value] = None
                elif value in made and value.op is not None and value.op not in again:
                    again[value.op] = None
                    pending += map(renamed, value.op.operands)
            return saved, again

        for op in operations:
            if isinstance(op, hlo.BroadcastInDim) or (is_cheap(op) and here(op, {})):
                made[op.result] = None
        present = closure()[0]
        for op in operations:
            # Arithmetic on what is here anyway costs less than a round trip through memory.
            if isinstance(op, ARITHMETIC) and op.result in present and here(op, present):
                made[op.result] = None
        saved, again = closure()
        self.saved = [v for v in inside if v in saved]
        self.again = [op for op in operations if op in again]

    def copy_reverse(self, builder: Builder, local: dict[Value, Value]) -> None:
        """Emits the reverse, `local` holding where the saved and known values and the cotangents are."""
        _, renamed = flatten(self.block.operations, self.replaced)
        old = [r for new in self.replaced for r in new.results]
        for op in (*self.again, *self.emitted):
            local.update((r, local[renamed(r)]) for r in old if r not in local and renamed(r) in local)
            copy_into(builder, [op], local)


def flatten(
    operations: Sequence[Operation], replaced: dict[Operation, Replacement]
) -> tuple[list[Operation], Any]:
    """The ops with replaced ones in their new form; the function from old values to what stands for them."""
    flat: list[Operation] = []
    names: dict[Value, Value] = {}
    pending = list(reversed(operations))
    while pending:
        op = pending.pop()
        new = replaced.get(op)
        if new is None:
            flat.append(op)
        else:
            names.update(zip(op.results, new.values, strict=True))
            pending += reversed(new.operations)

    def renamed(value: Value) -> Value:
        while value in names:
            value = names[value]
        return value

    return flat, renamed


def is_cheap(op: Operation) -> bool:
    """Costs no more to make again than to keep, if its operands do: shapes, slices, arithmetic on scalars."""
    if isinstance(op, CHEAP):
        return True
    return bool(getattr(op, "elementwise", False)) and op.results[0].type.shape == ()


def reads(operations: Iterable[Operation]) -> list[Value]:
    """Every value the ops read, those in their regions included, in order."""
    return list(dict.fromkeys(o for top in operations for op in top.walk() for o in op.operands))


def record(
    reverse: Reverse,
    block: Block,
    seeds: Sequence[tuple[Value, Value]],
    before: dict[Value, Value],
    wrt: list[Value],
) -> tuple[Recording, dict[Value, Expr]]:
    """Takes `seeds` (value, cotangent) back through a block, on top of cotangents `before`; returns those
    of `wrt`."""
    builder = Builder(reverse.builder.location)
    inner = Reverse(builder, block.operations, wrt, reverse.functions, {})
    inner.cotangents.update((v, inner.scope.of(g)) for v, g in before.items())
    for value, cotangent in seeds:
        inner.add(value, inner.scope.of(cotangent))
    inner.run()
    found = {v: inner.cotangents[v] for v in wrt if v in inner.cotangents}
    assert inner.replaced is not None
    return Recording(block, builder.operations, inner.replaced), found


def branch_activity(op: Any, active: dict[Value, None]) -> list[bool]:
    flows = [False] * len(op.results)
    captured = [v for v in free_values(op) if v in active]
    for region in op.regions:
        inner = activity(region.operations, captured)
        flows = [f or v in inner for f, v in zip(flows, region.block.terminator.operands, strict=True)]
    return flows


@defadjoint(hlo.If, hlo.Case, activity=branch_activity)
def branch_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    captured = [v for v in free_values(op) if v in reverse.active]
    recordings, found = [], []
    for region in op.regions:
        returned = region.block.terminator.operands
        seeds = [(v, g.value) for v, g in zip(returned, gs, strict=True) if g is not None]
        recording, cotangents = record(reverse, region.block, seeds, {}, captured)
        recording.plan([*reads(recording.emitted), *(g.value for g in cotangents.values())])
        recordings.append(recording)
        found.append(cotangents)
    touched = [v for v in captured if any(v in cotangents for cotangents in found)]
    if not touched:
        return
    kept = keep_branches(reverse, op, recordings)

    regions = []
    for recording, cotangents, saved in zip(recordings, found, kept, strict=True):
        local = dict(zip(recording.saved, saved, strict=True))
        regions.append(reverse.builder.region([], reverse_branch(recording, cotangents, touched, local)))
    types = [v.type for v in touched]
    made = type(op)(op.operands[0], regions=regions, result_types=types)
    reverse.builder.emit(made)
    for value, g in zip(touched, made.results, strict=True):
        reverse.add(value, reverse.scope.of(g))


def reverse_branch(
    recording: Recording, cotangents: dict[Value, Expr], touched: list[Value], local: dict[Value, Value]
) -> Any:
    def body(b: Builder) -> None:
        recording.copy_reverse(b, local)
        scope = Scope(b)
        gs = []
        for value in touched:
            g = cotangents.get(value)
            gs.append(scope.constant(0, value.type).value if g is None else local.get(g.value, g.value))
        b.emit(hlo.Return(gs))

    return body


def keep_branches(reverse: Reverse, op: Any, recordings: list[Recording]) -> list[list[Value]]:
    """Replaces the op by one that also returns what each branch saves; returns these results, branch by
    branch."""
    count = len(op.results)
    forward = Builder(op.location)
    types = [v.type for recording in recordings for v in recording.saved]
    regions = []
    for recording in recordings:

        def body(b: Builder, recording: Recording = recording) -> None:
            local: dict[Value, Value] = {}
            copy_into(b, recording.block.operations[:-1], local, recording.replaced)
            scope = Scope(b)
            saved: list[Value] = []
            for other in recordings:
                for v in other.saved:
                    saved.append(local.get(v, v) if other is recording else scope.constant(0, v.type).value)
            returned = [local.get(v, v) for v in recording.block.terminator.operands]
            b.emit(hlo.Return([*returned, *saved]))

        regions.append(forward.region([], body))
    made = type(op)(op.operands[0], regions=regions, result_types=[*op.result_types, *types])
    forward.emit(made)
    reverse.replace(op, forward.operations, made.results[:count])
    results = iter(made.results[count:])
    return [[next(results) for _ in recording.saved] for recording in recordings]


@dataclass(frozen=True, slots=True)
class Counter:
    """Carried value `index` counts `start`, `start + step`, ... for `trips` iterations."""

    index: int
    start: int
    step: int
    trips: int


def scalar_constant(value: Value, scope: Scope) -> int | None:
    """The integer that `value` is, if it is a constant."""
    if not isinstance(value.type.element, IntegerType):
        return None
    if isinstance(value.op, hlo.Convert):
        return scalar_constant(value.op.operand, scope)
    found = splat(scope.of(value))
    return None if found is None else int(found)


def counter_of(op: Any, scope: Scope) -> Counter | None:
    """The counter that ends a loop: `i < n` with constant n, i counting up from a constant by a constant
    (or down)."""
    condition, body = op.cond.block, op.body.block
    test = condition.terminator.operands[0].op
    if not isinstance(test, hlo.Compare):
        return None
    directions = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE", "NE": "NE", "EQ": "EQ"}
    for counted, bound, direction in (
        (test.lhs, test.rhs, test.comparison_direction),
        (test.rhs, test.lhs, directions[test.comparison_direction]),
    ):
        if counted not in condition.arguments:
            continue
        i = condition.arguments.index(counted)
        stop = scalar_constant(invariant_source(op, condition, bound), scope)
        start = scalar_constant(op.operands[i], scope)
        step = step_of(body, i, op, scope)
        if start is None or stop is None or step is None:
            continue
        trips = trip_count(start, stop, step, direction)
        if trips is not None:
            return Counter(i, start, step, trips)
    return None


def invariant_source(op: Any, block: Block, value: Value) -> Value:
    """The operand that an argument of the loop came from, if no iteration changes it; else the value."""
    if value not in block.arguments:
        return value
    i = block.arguments.index(value)
    return op.operands[i] if i in invariants(op) else value  # type: ignore[no-any-return]


def invariants(op: Any) -> list[int]:
    """The carried values that the body returns as it got them."""
    body = op.body.block
    return [i for i, v in enumerate(body.terminator.operands) if v is body.arguments[i]]


def step_of(body: Block, i: int, op: Any, scope: Scope) -> int | None:
    """What each iteration adds to carried value i, if that is a constant."""
    argument = body.arguments[i]
    match body.terminator.operands[i].op:
        case hlo.Add(lhs=x, rhs=y) if x is argument:
            return scalar_constant(invariant_source(op, body, y), scope)
        case hlo.Add(lhs=x, rhs=y) if y is argument:
            return scalar_constant(invariant_source(op, body, x), scope)
        case hlo.Subtract(lhs=x, rhs=y) if x is argument:
            step = scalar_constant(invariant_source(op, body, y), scope)
            return None if step is None else -step
    return None


def trip_count(start: int, stop: int, step: int, direction: str) -> int | None:
    """How often `start, start + step, ...` is `direction stop` before it is not; None: for ever."""
    match direction:
        case "LT" | "LE" if step > 0:
            return len(range(start, stop + (direction == "LE"), step))
        case "GT" | "GE" if step < 0:
            return len(range(start, stop - (direction == "GE"), step))
        case "NE" if step != 0 and (stop - start) % step == 0 and (stop - start) // step >= 0:
            return (stop - start) // step
    return None


def while_activity(op: Any, active: dict[Value, None]) -> list[bool]:
    """Carried values that depend on active ones after any number of iterations."""
    captured = [v for v in free_values(op) if v in active]
    body = op.body.block
    flows = [v in active for v in op.operands]
    while True:
        arguments = [a for a, f in zip(body.arguments, flows, strict=True) if f]
        inner = activity(body.operations, [*arguments, *captured])
        after = [f or v in inner for f, v in zip(flows, body.terminator.operands, strict=True)]
        if after == flows:
            return flows
        flows = after


def needed_carries(op: Any, gs: Sequence[Expr | None], flows: Sequence[bool]) -> list[int]:
    """The carried values whose cotangents matter: active, and a result with a cotangent needs them."""
    body = op.body.block
    wanted = [g is not None for g in gs]
    while True:
        seen = dict.fromkeys(v for v, w in zip(body.terminator.operands, wanted, strict=True) if w)
        for inner in reversed(body.operations[:-1]):
            if any(r in seen for r in inner.results):
                seen.update((o, None) for o in (*inner.operands, *free_values(inner)))
        after = [w or a in seen for w, a in zip(wanted, body.arguments, strict=True)]
        if after == wanted:
            return [i for i, (w, f) in enumerate(zip(wanted, flows, strict=True)) if w and f]
        wanted = after


@defadjoint(hlo.While, activity=while_activity)
def while_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    counter = counter_of(op, reverse.scope)
    if counter is None:
        raise reverse.refusal(
            op,
            "has a gradient only with a known trip count: a counter that starts, steps and ends at constants",
        )
    carries = needed_carries(op, gs, while_activity(op, reverse.active))
    if counter.trips == 0:
        for i in carries:
            reverse.add(op.operands[i], gs[i])
        return
    turn = reverse_iteration(reverse, op, carries, counter)
    stacks = keep_iterations(reverse, op, turn.recording, counter)
    starts = [gs[i] for i in carries] + [reverse.cotangents.get(v) for v in turn.captured]
    types = [v.type for v in turn.cotangents]
    starts = [reverse.scope.constant(0, t) if g is None else g for g, t in zip(starts, types, strict=True)]

    def step_back(scope: Scope, done: Expr, now: Sequence[Value]) -> list[Value]:
        """One iteration: from the cotangents after it to those before it."""
        local = dict(zip(turn.cotangents, now, strict=True))
        arguments = op.body.arguments
        local.update((arguments[i], op.operands[i]) for i in invariants(op))
        back = (counter.trips - 1) - done
        local[arguments[counter.index]] = counted(scope, back, counter, arguments[counter.index].type).value
        for value, stack in zip(turn.recording.saved, stacks, strict=True):
            local[value] = entry_of(scope.of(stack), back, value.type).value
        turn.recording.copy_reverse(scope.builder, local)
        ended = zip(turn.ends, types, strict=True)
        return [scope.constant(0, t).value if g is None else local.get(g, g) for g, t in ended]

    results = counted_loop(
        reverse.scope, turn_type(op, counter), counter.trips, [g.value for g in starts], step_back
    )
    reverse.cotangents.update(zip(turn.captured, results[len(carries) :], strict=True))
    for i, g in zip(carries, results, strict=False):
        reverse.add(op.operands[i], g)


@dataclass(frozen=True, slots=True)
class Turn:
    """The reverse of one iteration: from `cotangents`, those after it, to `ends`, those before it (None:
    zero); first of the carried values, then of the values captured from outside, which only grow."""

    recording: Recording
    captured: list[Value]
    cotangents: list[Value]
    ends: list[Value | None]


def reverse_iteration(reverse: Reverse, op: Any, carries: list[int], counter: Counter) -> Turn:
    body = op.body.block
    arguments = [body.arguments[i] for i in carries]
    captured = [v for v in free_values(op) if v in reverse.active]
    after = [Value(v.type) for v in (*arguments, *captured)]
    seeds = [(body.terminator.operands[i], g) for i, g in zip(carries, after, strict=False)]
    before = dict(zip(captured, after[len(carries) :], strict=True))
    recording, found = record(reverse, body, seeds, before, [*arguments, *captured])
    touched = [v for v in captured if found[v].value is not before[v]]
    ends = [None if (g := found.get(v)) is None else g.value for v in (*arguments, *touched)]
    known = [body.arguments[i] for i in (counter.index, *invariants(op))]
    recording.plan([*reads(recording.emitted), *(g for g in ends if g is not None)], known)
    return Turn(recording, touched, [*after[: len(carries)], *(before[v] for v in touched)], ends)


def counted(scope: Scope, turn: Expr, counter: Counter, type: TensorType) -> Expr:
    """The counter's value in iteration number `turn`."""
    number = convert(turn, type.element)
    number = number * counter.step if counter.step != 1 else number
    return number + counter.start if counter.start else number


def turn_type(op: Any, counter: Counter) -> TensorType:
    """The type that numbers the iterations: the counter's where that surely holds them."""
    type: TensorType = op.operands[counter.index].type
    return type if counter.start >= 0 and counter.step > 0 else TensorType((), i32)


def counted_loop(
    scope: Scope, index: TensorType, trips: int, starts: Sequence[Value], body: Any
) -> list[Expr]:
    """`for turn in range(trips)`: `body(scope, turn, values)` returns the next values."""
    types = [index, *(v.type for v in starts)]

    def again(b: Builder, turn: Value, *_: Value) -> None:
        b.emit(hlo.Return([(Scope(b).of(turn) < trips).value]))

    def once(b: Builder, turn: Value, *now: Value) -> None:
        inner = Scope(b)
        after = body(inner, inner.of(turn), now)
        b.emit(hlo.Return([(inner.of(turn) + 1).value, *after]))

    builder = scope.builder
    zero = scope.constant(0, index).value
    made = hlo.While([zero, *starts], regions=[builder.region(types, again), builder.region(types, once)])
    builder.emit(made)
    return [scope.of(r) for r in made.results[1:]]


def entry_of(stack: Expr, place: Expr, type: TensorType) -> Expr:
    """Entry `place` of a stack."""
    zero = place.scope.constant(0, place.type)
    return reshape(
        dynamic_slice(stack, [place, *[zero] * type.rank], (1, *type.static_shape)), type.static_shape
    )


def keep_iterations(reverse: Reverse, op: Any, recording: Recording, counter: Counter) -> list[Value]:
    """Replaces the loop by one that also writes what each iteration saves into stacks; returns the stacks.

    A counter that counts 0, 1, 2, ... numbers the iterations itself; for any other, one more is carried."""
    if not recording.saved and not recording.replaced:
        return []
    forward = Builder(op.location)
    scope = Scope(forward)
    index = turn_type(op, counter)
    own = [] if (counter.start, counter.step) == (0, 1) else [scope.constant(0, index).value]
    stack_types = [TensorType((counter.trips, *v.type.static_shape), v.type.element) for v in recording.saved]
    starts = [*op.operands, *own, *(scope.constant(0, t).value for t in stack_types)]
    types = [v.type for v in starts]
    count = len(op.operands)

    def condition(b: Builder, *arguments: Value) -> None:
        local = dict(zip(op.cond.arguments, arguments[:count], strict=True))
        copy_into(b, op.cond.operations, local)

    def body(b: Builder, *arguments: Value) -> None:
        local = dict(zip(op.body.arguments, arguments[:count], strict=True))
        inner = Scope(b)
        turn = inner.of(arguments[count if own else counter.index])
        copy_into(b, recording.block.operations[:-1], local, recording.replaced)
        stacks = []
        for value, stack in zip(recording.saved, arguments[count + len(own) :], strict=True):
            row = reshape(inner.of(local.get(value, value)), (1, *value.type.static_shape))
            place = [turn, *[inner.constant(0, index)] * value.type.rank]
            stacks.append(dynamic_update_slice(inner.of(stack), row, place).value)
        returned = [local.get(v, v) for v in recording.block.terminator.operands]
        b.emit(hlo.Return([*returned, *((turn + 1).value for _ in own), *stacks]))

    made = hlo.While(starts, regions=[forward.region(types, condition), forward.region(types, body)])
    forward.emit(made)
    reverse.replace(op, forward.operations, made.results[:count])
    return list(made.results[count + len(own) :])


nograd("orders effects", hlo.AfterAll, hlo.CreateToken)


@defadjoint(hlo.Tuple)
def tuple_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Never reached: a tuple has no cotangent, its elements have."""


@defadjoint(hlo.GetTupleElement)
def get_tuple_element_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    if not isinstance(op.operand.op, hlo.Tuple):
        raise reverse.refusal(op, "has a gradient only where the tuple was made beside it")
    reverse.add(op.operand.op.val[op.index], gs[0])


@defadjoint(hlo.OptimizationBarrier)
def optimization_barrier_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    present = [(x, g) for x, g in zip(op.operands, gs, strict=True) if g is not None and x in reverse.active]
    made = hlo.OptimizationBarrier([g.value for _, g in present])
    reverse.builder.emit(made)
    for (x, _), result in zip(present, made.results, strict=True):
        reverse.add(x, reverse.scope.of(result))

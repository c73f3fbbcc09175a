"""The reverse of a loop.

Where the trip count is known, each iteration writes what its reverse reads into stacks `[trip, ...]`, and the
reverse is a loop that reads them from the last to the first. Where it is not, iterations are counted, some of
the states they start from are kept, and the reverse runs forward again from the nearest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import IntegerType, TensorType, i32
from irc.passes.autodiff.recording import Recording, reads, record
from irc.passes.autodiff.transform import Reverse, activity, copy_into, free_values
from irc.passes.expression import (
    Expr,
    Scope,
    convert,
    dynamic_slice,
    dynamic_update_slice,
    eq,
    maximum,
    reshape,
    select,
    splat,
)
from irc.passes.loop_invariant_code_motion import unchanged

CHECKPOINT_BYTES = 2**26
"""How much memory the kept states of a loop of unknown length take, at most (one state always fits)."""


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
    return op.operands[i] if i in unchanged(op) else value


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


@dataclass(frozen=True, slots=True)
class Turn:
    """The reverse of one iteration: from `cotangents`, those after it, to `ends`, those before it (None:
    zero); first of the carried values, then of the values captured from outside, which only grow."""

    recording: Recording
    captured: list[Value]
    cotangents: list[Value]
    ends: list[Value | None]

    def before(self, op: Any, now: Sequence[Value]) -> dict[Value, Value]:
        """Where the cotangents are, and what no iteration changes."""
        local = dict(zip(self.cotangents, now, strict=False))
        local.update((op.body.arguments[i], op.operands[i]) for i in unchanged(op))
        return local

    def emit(self, scope: Scope, local: dict[Value, Value]) -> list[Value]:
        """The reverse of the iteration, with `local` holding all it reads."""
        self.recording.copy_reverse(scope.builder, local)
        ended = zip(self.ends, self.cotangents, strict=True)
        return [scope.constant(0, c.type).value if g is None else local.get(g, g) for g, c in ended]


def loop_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """A loop that runs the iterations backwards: over stacks where their number is known, else from checkpoints."""
    counter = counter_of(op, reverse.scope)
    carries = needed_carries(op, gs, while_activity(op, reverse.active))
    if counter is not None and counter.trips == 0:
        for i in carries:
            reverse.add(op.operands[i], gs[i])
        return
    turn = reverse_iteration(reverse, op, carries)
    starts = [gs[i] for i in carries] + [reverse.cotangents.get(v) for v in turn.captured]
    types = [v.type for v in turn.cotangents]
    begin = [
        (reverse.scope.constant(0, t) if g is None else g).value for g, t in zip(starts, types, strict=True)
    ]
    if counter is None:
        results = reverse_from_checkpoints(reverse, op, turn, begin)
    else:
        results = reverse_from_stacks(reverse, op, turn, begin, counter)
    reverse.cotangents.update(zip(turn.captured, results[len(carries) :], strict=True))
    for i, g in zip(carries, results, strict=False):
        reverse.add(op.operands[i], g)


def reverse_iteration(reverse: Reverse, op: Any, carries: list[int]) -> Turn:
    """One iteration backwards, for the cotangents of `carries` and of the values from outside that the body reads."""
    body = op.body.block
    arguments = [body.arguments[i] for i in carries]
    captured = [v for v in free_values(op) if v in reverse.active]
    after = [Value(v.type) for v in (*arguments, *captured)]
    seeds = [(body.terminator.operands[i], g) for i, g in zip(carries, after, strict=False)]
    before = dict(zip(captured, after[len(carries) :], strict=True))
    recording, found = record(reverse, body, seeds, before, [*arguments, *captured])
    touched = [v for v in captured if found[v].value is not before[v]]
    ends = [None if (g := found.get(v)) is None else g.value for v in (*arguments, *touched)]
    return Turn(recording, touched, [*after[: len(carries)], *(before[v] for v in touched)], ends)


def reverse_from_stacks(
    reverse: Reverse, op: Any, turn: Turn, begin: list[Value], counter: Counter
) -> list[Expr]:
    """The backward loop over what each iteration kept, its last entry first."""
    arguments = op.body.arguments
    known = [arguments[i] for i in (counter.index, *unchanged(op))]
    turn.recording.plan([*reads(turn.recording.emitted), *(g for g in turn.ends if g is not None)], known)
    stacks = keep_iterations(reverse, op, turn.recording, counter)

    def step_back(scope: Scope, done: Expr, now: Sequence[Value]) -> list[Value]:
        """One iteration: from the cotangents after it to those before it."""
        local = turn.before(op, now)
        back = (counter.trips - 1) - done
        local[arguments[counter.index]] = counted(scope, back, counter, arguments[counter.index].type).value
        for value, stack in zip(turn.recording.saved, stacks, strict=True):
            local[value] = entry_of(scope.of(stack), back, value.type).value
        return turn.emit(scope, local)

    return counted_loop(reverse.scope, turn_type(op, counter), counter.trips, begin, step_back)


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
    scope: Scope, index: TensorType, trips: int | Expr, starts: Sequence[Value], body: Any
) -> list[Expr]:
    """`for turn in range(trips)`: `body(scope, turn, values)` returns the next values."""
    types = [index, *(v.type for v in starts)]

    def again(b: Builder, turn: Value, *_: Value) -> None:
        inner = Scope(b)
        end = inner.of(trips.value) if isinstance(trips, Expr) else trips
        b.emit(hlo.Return([(inner.of(turn) < end).value]))

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


def put_entry(stack: Expr, value: Expr, place: Expr) -> Expr:
    """The stack with another entry `place`."""
    zero = place.scope.constant(0, place.type)
    return dynamic_update_slice(stack, reshape(value, (1, *value.shape)), [place, *[zero] * value.rank])


def keep_iterations(reverse: Reverse, op: Any, recording: Recording, counter: Counter) -> list[Value]:
    """Replaces the loop by one that also writes what each iteration saves into stacks; returns the stacks.

    A counter that counts 0, 1, 2, ... numbers the iterations itself; for any other, one more is carried."""
    if not recording.saved and not recording.replaced:
        return []
    forward = Builder(op.location)
    scope = Scope(forward)
    index = turn_type(op, counter)
    own = [] if (counter.start, counter.step) == (0, 1) else [scope.constant(0, index).value]
    saved = map(reverse.scope.of, recording.saved)
    stack_types = [TensorType((counter.trips, *v.shape), v.element) for v in saved]
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
            stacks.append(put_entry(inner.of(stack), inner.of(local.get(value, value)), turn).value)
        returned = [local.get(v, v) for v in recording.block.terminator.operands]
        b.emit(hlo.Return([*returned, *((turn + 1).value for _ in own), *stacks]))

    made = hlo.While(starts, regions=[forward.region(types, condition), forward.region(types, body)])
    forward.emit(made)
    reverse.replace(op, forward.operations, made.results[:count])
    return list(made.results[count + len(own) :])


def reverse_from_checkpoints(reverse: Reverse, op: Any, turn: Turn, begin: list[Value]) -> list[Expr]:
    """With n iterations and room for s states, every ceil(n / s)-th is kept; so up to s iterations nothing
    runs more than three times, and beyond it n / (2 s) times on average."""
    index = TensorType((), i32)
    scope = reverse.scope
    trips = scope.of(count_iterations(reverse, op))
    moving = [i for i in range(len(op.operands)) if i not in unchanged(op)]
    states = [op.operands[i] for i in moving]
    shapes = [scope.of(v).shape for v in states]
    room = max(1, CHECKPOINT_BYTES // max(1, sum(v.type.nbytes for v in states)))
    stride = maximum((trips + (room - 1)) / room, 1)

    def forward(inner: Scope, now: Sequence[Value]) -> list[Value]:
        local = turn.before(op, [])
        local.update(zip((op.body.arguments[i] for i in moving), now, strict=True))
        copy_into(inner.builder, op.body.operations[:-1], local)
        ends = op.body.block.terminator.operands
        return [local.get(ends[i], ends[i]) for i in moving]

    def keep(inner: Scope, done: Expr, now: Sequence[Value]) -> list[Value]:
        place = done / inner.of(stride.value)
        first = eq(place * inner.of(stride.value), done)
        kept = []
        for state, stack in zip(now, now[len(moving) :], strict=False):
            old = entry_of(inner.of(stack), place, state.type)
            kept.append(put_entry(inner.of(stack), select(first, inner.of(state), old), place).value)
        return [*forward(inner, now[: len(moving)]), *kept]

    empty = [
        scope.constant(0, TensorType((room, *s), v.type.element)).value
        for s, v in zip(shapes, states, strict=True)
    ]
    stacks = counted_loop(scope, index, trips, [*states, *empty], keep)[len(moving) :]

    def step_back(inner: Scope, done: Expr, now: Sequence[Value]) -> list[Value]:
        """One iteration: forward to where it starts, through it, and back."""
        back = inner.of(trips.value) - 1 - done
        place = back / inner.of(stride.value)
        entries = [
            entry_of(inner.of(s.value), place, v.type).value for s, v in zip(stacks, states, strict=True)
        ]
        ahead = back - place * inner.of(stride.value)
        reached = counted_loop(inner, index, ahead, entries, lambda scope, _, values: forward(scope, values))
        local = turn.before(op, now)
        local.update((op.body.arguments[i], v.value) for i, v in zip(moving, reached, strict=True))
        copy_into(inner.builder, op.body.operations[:-1], local, turn.recording.replaced)
        return turn.emit(inner, local)

    return counted_loop(scope, index, trips, begin, step_back)


def count_iterations(reverse: Reverse, op: Any) -> Value:
    """Replaces the loop by one that also counts; returns the count."""
    forward = Builder(op.location)
    zero = Scope(forward).constant(0, TensorType((), i32)).value
    types = [v.type for v in (*op.operands, zero)]

    def condition(b: Builder, *arguments: Value) -> None:
        copy_into(b, op.cond.operations, dict(zip(op.cond.arguments, arguments, strict=False)))

    def body(b: Builder, *arguments: Value) -> None:
        local = dict(zip(op.body.arguments, arguments, strict=False))
        copy_into(b, op.body.operations[:-1], local)
        returned = [local.get(v, v) for v in op.body.block.terminator.operands]
        b.emit(hlo.Return([*returned, (Scope(b).of(arguments[-1]) + 1).value]))

    made = hlo.While(
        [*op.operands, zero], regions=[forward.region(types, condition), forward.region(types, body)]
    )
    forward.emit(made)
    reverse.replace(op, forward.operations, made.results[:-1])
    return made.results[-1]

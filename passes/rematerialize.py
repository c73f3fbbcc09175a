"""The pass `rematerialize`: what is computed early and read late is computed again instead of held.

It runs last, on the steps that will run (calls of fusions, single ops): their results are what takes memory, and what is
computed again is the same kernel on the same operands, so it has the same bits. At the tensor level
`irc.checkpoint` says so by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import fresh_copy
from irc.ir.types import TensorType
from irc.passes.autodiff.transform import free_values
from irc.passes.effects import Effects
from irc.passes.manager import Context, Pass, Remark
from irc.passes.marks import KIND
from irc.passes.overlay import overlaid, overlays
from irc.passes.sinking import pruned, sunk

VIEWS = (hlo.Reshape, hlo.BitcastConvert)
"""Ops whose result lies where their operand does; each reader gets its own."""

TRIED = 24
"""How many of the largest values held at the peak are tried at a time."""

LONGEST = 32
"""How many steps may be run again for one value."""


@dataclass(frozen=True, slots=True)
class Step:
    """An op of the program: the values (by number) it reads, each through views, and those it makes."""

    op: Operation
    reads: tuple[int, ...]
    views: tuple[tuple[Operation, ...], ...]
    makes: tuple[int, ...]
    captured: tuple[int, ...]
    """What its regions read from outside: such values stay where they are."""
    overlays: tuple[tuple[int, int], ...] = ()
    """Operands, each with a result that takes its place where nothing reads it later."""


@dataclass(frozen=True)
class Schedule:
    """Steps in the order they run, and the size of each value they make."""

    steps: tuple[Step, ...]
    sizes: Mapping[int, int]
    always: int
    """Bytes that are held all the time: results."""

    @cached_property
    def lives(self) -> dict[int, tuple[int, int]]:
        """Of each value that takes memory, the step that makes it and the last that reads it."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for i, step in enumerate(self.steps):
            last.update((v, i) for v in (*step.reads, *step.captured) if v in first)
            for v in step.makes:
                first[v] = last[v] = i
        return {v: (first[v], last[v]) for v in first}

    @cached_property
    def held(self) -> list[int]:
        """Bytes held while each step runs."""
        change = [0] * (len(self.steps) + 1)
        for v, (first, last) in self.lives.items():
            # What nothing reads is not made.
            size = self.sizes.get(v, 0) if last > first else 0
            change[first] += size
            change[last + 1] -= size
        total, out = self.always, []
        for i, c in enumerate(change[:-1]):
            total += c
            out.append(total - self._shared(i))
        return out

    def _shared(self, i: int) -> int:
        """Bytes of a step's results that lie where operands were."""
        step, shared = self.steps[i], 0
        for operand, result in step.overlays:
            read, made = step.reads[operand], step.makes[result]
            if self.lives.get(read, (0, -1))[1] == i:
                shared += min(self.sizes.get(read, 0), self.sizes.get(made, 0))
        return shared

    @property
    def peak(self) -> int:
        return max(self.held, default=self.always)

    def excess(self, budget: int) -> int:
        """By how much, and for how long, the budget is exceeded."""
        return sum(max(0, b - budget) for b in self.held)


class Rematerializer:
    """Makes one schedule after another, each nearer to the budget."""

    def __init__(
        self, schedule: Schedule, budget: int, effects: Effects, heavy: Callable[[Operation], bool]
    ) -> None:
        """`heavy` says which ops contract."""
        self.schedule = schedule
        self.budget = budget
        self.effects = effects
        self.heavy = heavy
        self.pinned = dict.fromkeys(v for step in schedule.steps for v in step.captured)
        self.makers = {v: step for step in schedule.steps for v in step.makes}
        self.fresh = 1 + max(self.makers, default=0)

    def run(self) -> Schedule:
        """The last schedule: within the budget, or one that nothing makes better."""
        while self.schedule.peak > self.budget:
            found = self._best()
            if found is None:
                break
            self.schedule = found
        return self.schedule

    def _best(self) -> Schedule | None:
        schedule = self.schedule
        peak = schedule.held.index(schedule.peak)
        across = [
            v
            for v, (a, b) in schedule.lives.items()
            if a < peak <= b and schedule.sizes.get(v, 0) and v not in self.pinned
        ]
        across.sort(key=lambda v: (-schedule.sizes[v], v))
        before = schedule.excess(self.budget)
        best: tuple[float, Schedule] | None = None
        for v in across[:TRIED]:
            made = self._again(v, peak)
            if made is None:
                continue
            changed, cost = made
            gain = (before - changed.excess(self.budget)) / cost
            if gain > 0 and (best is None or gain > best[0]):
                best = gain, changed
        return None if best is None else best[1]

    def _again(self, value: int, peak: int) -> tuple[Schedule, int] | None:
        """The schedule in which `value`, and what was made with it, is made again before the first reader behind the
        peak, and what that costs."""
        steps = self.schedule.steps
        together = self.makers[value].makes
        reader = next((i for i in range(peak + 1, len(steps)) if set(together) & set(steps[i].reads)), None)
        if reader is None:
            return None
        cone = self._cone(value, reader)
        if cone is None:
            return None
        names: dict[int, int] = {}
        again = []
        sizes = dict(self.schedule.sizes)
        for step in cone:
            for v in step.makes:
                names[v] = self.fresh
                sizes[self.fresh] = sizes.get(v, 0)
                self.makers[self.fresh] = step
                self.fresh += 1
            reads = tuple(names.get(v, v) for v in step.reads)
            again.append(replace(step, reads=reads, makes=tuple(names[v] for v in step.makes)))
        self.makers.update((v, step) for step in again for v in step.makes)
        renamed = [
            replace(step, reads=tuple(names[v] if v in together else v for v in step.reads))
            for step in steps[reader:]
        ]
        return replace(self.schedule, steps=(*steps[:reader], *again, *renamed), sizes=sizes), self._cost(
            cone, sizes
        )

    def _cone(self, value: int, reader: int) -> list[Step] | None:
        """The steps that make a value of what is there when `reader` runs, in order; None where they are too many, or one
        cannot run twice."""
        lives = self.schedule.lives
        found: dict[int, Step] = {}
        pending = [value]
        while pending:
            v = pending.pop()
            step = self.makers[v]
            if id(step) in found:
                continue
            if (
                isinstance(step.op, hlo.While | hlo.If | hlo.Case)
                or not self.effects.is_pure(step.op)
                or len(found) == LONGEST
            ):
                return None
            found[id(step)] = step
            pending += [
                r
                for r in step.reads
                if r in self.makers and not (r != value and lives[r][0] < reader <= lives[r][1])
            ]
        order = {id(step): lives[step.makes[0]][0] for step in found.values()}
        return sorted(found.values(), key=lambda s: order[id(s)])

    def _cost(self, cone: Sequence[Step], sizes: Mapping[int, int]) -> int:
        """What it costs to run steps again: the bytes they move, ten times as much where they contract."""
        moved = [
            sum(sizes.get(v, 0) for v in (*s.reads, *s.makes)) * (10 if self.heavy(s.op) else 1) for s in cone
        ]
        return 1 + sum(moved)


def contracting(functions: Mapping[str, Func]) -> Callable[[Operation], bool]:
    """Whether an op is, or calls, a contraction."""

    def has(op: Operation) -> bool:
        return any(isinstance(inner, hlo.DotGeneral | hlo.Convolution) for inner in op.walk())

    known = {name: has(f) for name, f in functions.items()}
    return lambda op: known.get(op.callee, False) if isinstance(op, func.Call) else has(op)


def scheduled(main: Func, functions: Mapping[str, Func]) -> Schedule:
    """The steps of a function's body, which calls others. Arguments and constants are always there, and are no numbers."""
    number: dict[Value, int] = {}
    root: dict[Value, tuple[Value, tuple[Operation, ...]]] = {}
    sizes: dict[int, int] = {}
    steps = []
    next_number = 1
    for op in main.block.operations:
        if isinstance(op, VIEWS):
            source, chain = root.get(op.operands[0], (op.operands[0], ()))
            root[op.result] = source, (*chain, op)
            continue
        paths = [root.get(o, (o, ())) for o in op.operands]
        makes = range(next_number, next_number + len(op.results))
        next_number += len(op.results)
        number.update(zip(op.results, makes, strict=True))
        captured = tuple(number[v] for v in _captured(op, root) if v in number)
        steps.append(
            Step(
                op,
                tuple(number.get(v, 0) for v, _ in paths),
                tuple(c for _, c in paths),
                tuple(makes),
                captured,
                _overlays(op, functions),
            )
        )
        constant = isinstance(op, hlo.Constant)
        sizes.update((n, 0 if constant else _size(v)) for v, n in zip(op.results, makes, strict=True))
    ends = [root.get(v, (v, ()))[0] for v in main.returned]
    returned = dict.fromkeys(v for v in ends if v in number)
    always = sum(sizes[number[v]] for v in returned)
    sizes.update((number[v], 0) for v in returned)
    return Schedule(tuple(steps), sizes, always)


def _overlays(op: Operation, functions: Mapping[str, Func]) -> tuple[tuple[int, int], ...]:
    called = functions.get(op.callee) if isinstance(op, func.Call) else None
    return () if called is None else tuple(overlays(called).items())


def _captured(op: Operation, root: Mapping[Value, tuple[Value, tuple[Operation, ...]]]) -> list[Value]:
    """What the regions of an op read, and what those are views of."""
    return [v for r in free_values(op) for v in dict.fromkeys((r, root.get(r, (r, ()))[0]))]


ALIGNMENT = 64
"""Bytes at whose multiples values begin."""


def _size(value: Value) -> int:
    nbytes = value.type.nbytes if isinstance(value.type, TensorType) and value.type.is_static else 0
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def emitted(main: Func, schedule: Schedule, functions: Mapping[str, Func]) -> tuple[Func, list[Func]]:
    """The function whose body is a schedule, and copies of the fusions that run more than once."""
    values: dict[int, Value] = {}
    copies: list[Func] = []
    names = dict.fromkeys(functions)
    seen: dict[Operation, None] = {}
    operations: list[Operation] = []
    for step in schedule.steps:
        operands = []
        for read, chain, old in zip(step.reads, step.views, step.op.operands, strict=True):
            value = values[read] if read else (chain[0].operands[0] if chain else old)
            for view in chain:
                operations.append(view.with_operands([value]))
                value = operations[-1].results[0]
            operands.append(value)
        made = step.op.with_operands(operands) if step.op not in seen else _copied(step.op, operands)
        if step.op in seen and isinstance(made, func.Call) and _is_fusion(functions.get(made.callee)):
            copies.append(_renamed(functions[made.callee], names))
            made = made.with_attributes(callee=copies[-1].sym_name)
        seen[step.op] = None
        operations.append(made)
        values.update(zip(step.makes, made.results, strict=True))
    return main.with_block(Block(main.block.arguments, operations)), copies


def _copied(op: Operation, operands: Sequence[Value]) -> Operation:
    return fresh_copy(op, dict(zip(op.operands, operands, strict=True)))


def _is_fusion(function: Func | None) -> bool:
    return function is not None and KIND in function.attributes


def _renamed(function: Func, names: dict[str, None]) -> Func:
    """A copy of a function under a name that none has."""
    n = 1
    while (name := f"{function.sym_name}_again{'' if n == 1 else f'_{n}'}") in names:
        n += 1
    names[name] = None
    made = fresh_copy(function, {})
    assert isinstance(made, Func)
    return made.with_attributes(sym_name=name)


def functions_of(module: Module) -> dict[str, Func]:
    """The functions of a module by name."""
    return {name: op for name, op in module.symbols.items() if isinstance(op, Func)}


@dataclass(frozen=True)
class Rematerialize(Pass, name="rematerialize"):
    """Given  `%a = call @f(%x)` read by a step before and one far behind the greatest need of memory.
    Result  `%a = call @f(%x)` for the first, and `%b = call @f_again(%x)` right before the second.

    `bytes` is what a call may need beside its inputs (results and temporaries), as lives are counted here: where gaps stay
    between them, the plan takes a little more. The value that brings the need down most for its cost goes first. A remark
    says how far it came."""

    bytes: int = 0
    entry: str = "main"

    def apply(self, module: Module, context: Context) -> Module:
        main = module.symbols.get(self.entry)
        if not isinstance(main, Func) or main.is_declaration:
            return module
        before = scheduled(main, functions_of(module))
        if before.peak > self.bytes:
            module = sunk(module, main)
            main = module.symbols[self.entry]
            assert isinstance(main, Func)
        functions = functions_of(module)
        after = Rematerializer(
            scheduled(main, functions), self.bytes, Effects(module), contracting(functions)
        ).run()
        more = len(after.steps) - len(before.steps)
        text = f"{more} steps run again: {before.peak} bytes became {after.peak}, of {self.bytes} allowed"
        context.remarks.append(Remark(self.name, text, main.location))
        if before.peak <= self.bytes:
            return module
        made, copies = emitted(main, after, functions)
        whole = module.with_operations([*(made if op is main else op for op in module.operations), *copies])
        return overlaid(pruned(whole, self.entry), self.entry)

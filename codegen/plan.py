"""What a fused module does step by step: which kernels run in which order, and on which buffers.

A value lives in the buffer of the result or argument that it ends in or came from where it can, else in the arena; a
`while` carries its values in place, or in buffers that change places after every turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irc.codegen.buffers import ALTERNATING, Buffer, assign_offsets, live_ranges
from irc.codegen.lower import HEROES, lower_group, works_in_place
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.memory_plan import MemoryPlan
from irc.codegen.schedule.machine import HOST, Machine
from irc.codegen.slots import Slots, root
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.dialects.stablehlo import targets
from irc.errors import UnsupportedError
from irc.ir.attributes import DenseElementsAttr, IntegerAttr
from irc.ir.keys import Key, region_key
from irc.ir.locations import Location, span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import TensorType
from irc.passes.arguments import DONOR
from irc.passes.overlay import IN_PLACE, overlays


@dataclass
class Run:
    """Call the kernels of a group on buffers: inputs, outputs, scratch."""

    group: KernelGroup
    operands: list[Buffer]
    location: Location
    op: Operation | None = None
    """What it computes; None for a copy."""


@dataclass
class Loop:
    """While `flag` holds after `condition`: `body`.

    Afterwards `ring[i]` is the buffer that was `turned[i]`: those that do not stay in place, spare ones last. When the loop is
    done, `results[i]` is the first of them that is a carried value, and so on."""

    condition: list[Step]
    flag: Buffer
    body: list[Step]
    ring: list[Buffer]
    turned: list[Buffer]
    results: list[Buffer]


@dataclass
class Branch:
    """Run the arm whose number `selector` holds, the last one for any other number; `flag`: i1, arm 0 when true."""

    selector: Buffer
    arms: list[list[Step]]


@dataclass
class Check:
    """The program has failed, and says the message, unless `flag` holds."""

    flag: Buffer
    message: str
    location: Location


Step = Run | Loop | Branch | Check


class Planner:
    """Walks the program once: buffers of values, steps in order."""

    def __init__(self, module: Module, main: Func, machine: Machine = HOST) -> None:
        self.symbols = module.symbols
        self.main = main
        self.machine = machine
        self.buffers: dict[Value, Buffer] = {}
        self.arena: list[Buffer] = []
        self.constants: dict[DenseElementsAttr, Buffer] = {}
        self.groups: dict[Key, KernelGroup] = {}
        self.names: dict[str, None] = {}
        self.outputs: list[Buffer] = []
        body = main.block.operations
        self.ends = {v: body[i] for v, i in _last_uses(main.block).items()}
        """The last op of @main that reads each value."""

    def run(self) -> list[Step]:
        main = self.main
        for i, argument in enumerate(main.arguments):
            self.buffers[argument] = Buffer(buffer_type(argument.type), "input", i, name=argument.name)
        held: dict[int, Value] = {}
        for i, value in enumerate(main.returned):
            self.outputs.append(Buffer(buffer_type(value.type), "output", i))
        for i, argument in enumerate(main.arguments):
            donor = main.argument_attribute(i, DONOR)
            if isinstance(donor, IntegerAttr):
                if self.outputs[donor.value].type is not self.buffers[argument].type:
                    raise UnsupportedError(
                        f"argument {i} of type {argument.type} cannot become result {donor.value}: their extents may differ"
                    )
                held[donor.value] = argument
                self.outputs[donor.value] = self.buffers[argument]
        return self.block(main.block, self.outputs, held)

    def plan(self, steps: Sequence[Step]) -> MemoryPlan:
        loops: list[tuple[int, int]] = []
        clock = [0]
        _number(steps, clock, loops)
        live = [b for b in self.arena if b.touched]
        live_ranges(live, loops)
        total = assign_offsets(live)
        inputs = tuple(self.buffers[a] for a in self.main.arguments)
        outputs = tuple(b for b in self.outputs if b.place == "output")
        return MemoryPlan(tuple(live), inputs, outputs, tuple(self.constants.values()), total, clock[0])

    def temporary(self, type: Any, location: Location, name: str = "") -> Buffer:
        buffer = Buffer(
            buffer_type(type) if isinstance(type, TensorType) else type, "arena", 0, location, name
        )
        self.arena.append(buffer)
        return buffer

    def block(self, block: Block, targets: Sequence[Buffer], held: dict[int, Value]) -> list[Step]:
        """Steps that leave the terminator's operands in `targets`. `held[k]` is a value that lives in target k until its
        last use."""
        steps: list[Step] = []
        returned = block.terminator.operands
        uses = _last_uses(block)
        direct = self._direct_targets(block, targets, held, uses)
        for op in block.operations[:-1]:
            self._operation(op, direct, steps)
        self._copies(
            [(self.buffers[v], t) for v, t in zip(returned, targets, strict=True)],
            steps,
            block.terminator.location,
        )
        return steps

    def _direct_targets(
        self, block: Block, targets: Sequence[Buffer], held: dict[int, Value], uses: dict[Value, int]
    ) -> dict[Value, Buffer]:
        """Values that can be made in their target at once: each once, and not before what the target holds is done with."""
        direct: dict[Value, Buffer] = {}
        order = {op: i for i, op in enumerate(block.operations)}
        for k, value in enumerate(block.terminator.operands):
            made = root(value)
            op = made.op
            if op is None or op not in order or made in direct or isinstance(op, hlo.Constant):
                continue
            kept = held.get(k)
            if kept is not None and not self._free_before(op, kept, uses, order):
                continue
            direct[made] = targets[k]
        return direct

    def _free_before(
        self, op: Operation, kept: Value, uses: dict[Value, int], order: dict[Operation, int]
    ) -> bool:
        """Whether `op` may write over `kept`: nothing reads it later, and `op` reads each element before it writes it."""
        last = uses.get(kept, -1)
        if last < order[op]:
            return True
        return last == order[op] and self._elementwise_over(op, kept)

    def _elementwise_over(self, op: Operation, kept: Value) -> bool:
        """Element i of every result of the kernel needs of `kept` element i alone."""
        func = self.function(op)
        places = [i for i, v in enumerate(op.operands) if root(v) is root(kept)]
        # Without a place among the operands, a region of `op` reads it, whenever it likes.
        if not places or not all(op.operands[i] is kept for i in places):
            return False
        reach = dict.fromkeys(func.arguments[i] for i in places)
        for inner in func.block.operations[:-1]:
            if any(v in reach for v in inner.operands):
                if isinstance(inner, hlo.DynamicUpdateSlice | hlo.Scatter):
                    if not _updates(inner, func, reach):
                        return False
                elif not getattr(inner, "elementwise", False):
                    return False
                reach.update(dict.fromkeys(inner.results))
        if any(type(inner) in HEROES for inner in func.block.operations) and not works_in_place(
            func, self.machine
        ):
            return False
        return all(v.type.shape == kept.type.shape for v in reach)

    def _operation(self, op: Operation, direct: dict[Value, Buffer], steps: list[Step]) -> None:
        match op:
            case hlo.Constant():
                if not isinstance(op.value, DenseElementsAttr):
                    raise UnsupportedError(
                        f"'{op.name}' of {op.value} is not supported", span=span_of(op.location)
                    )
                buffer = Buffer(buffer_type(op.result.type), "constant", len(self.constants), op.location)
                self.buffers[op.result] = self.constants.setdefault(op.value, buffer)
            case hlo.Reshape():
                self.buffers[op.result] = self.buffers[op.operand]
            case hlo.OptimizationBarrier():
                for result, operand in zip(op.results, op.operands, strict=True):
                    self.buffers[result] = self.buffers[operand]
            case hlo.While():
                self._while(op, direct, steps)
            case hlo.If() | hlo.Case():
                self._branch(op, direct, steps)
            case hlo.CustomCall(call_target_name=targets.ASSERTION):
                message = targets.assertion_message(op)
                steps.append(Check(self.buffers[op.operands[0]], message, op.location))
            case _:
                self._kernel(op, direct, steps)

    def _result_buffers(self, op: Operation, direct: dict[Value, Buffer]) -> list[Buffer]:
        for result in op.results:
            self.buffers[result] = direct.get(result) or self.temporary(result.type, op.location, result.name)
        return [self.buffers[r] for r in op.results]

    def function(self, op: Operation) -> Func:
        """The fused function of a call, or a function around a single op."""
        if isinstance(op, Call):
            func = self.symbols[op.callee]
            assert isinstance(func, Func)
            if "irc.kind" not in func.attributes:
                raise UnsupportedError(_no_kernel(func), span=span_of(op.location))
            return func
        arguments = [Value(v.type, None, i, location=op.location) for i, v in enumerate(op.operands)]
        inner = op.with_operands(arguments)
        name = op.mnemonic
        return Func.of(
            name, Block(arguments, [inner, Return(inner.results)]), visibility="private", location=op.location
        )

    def _kernel(self, op: Operation, direct: dict[Value, Buffer], steps: list[Step]) -> None:
        func = self.function(op)
        inputs = [self.buffers[v] for v in op.operands]
        if IN_PLACE in func.attributes:
            direct = {**self._over_operands(op, func, direct), **direct}
        outputs = self._result_buffers(op, direct)
        shared = {i: k for i, a in enumerate(inputs) for k, b in enumerate(outputs) if a is b}
        group = self._lowered(func, shared)
        scratch = [self.temporary(t, op.location, "scratch") for t in group.scratch]
        steps.append(Run(group, [*inputs, *outputs, *scratch], op.location, op))

    def _over_operands(self, op: Operation, func: Func, direct: dict[Value, Buffer]) -> dict[Value, Buffer]:
        """Results of a kernel that says so, each in the buffer of an operand that ends with it."""
        found: dict[Value, Buffer] = {}
        for i, k in overlays(func).items():
            operand = op.operands[i]
            ends = self.ends.get(root(operand)) is op
            able = ends and self.buffers[operand].place == "arena" and op.results[k] not in direct
            if able and self._elementwise_over(op, operand):
                found[op.results[k]] = self.buffers[operand]
        return found

    def _lowered(self, func: Func, shared: dict[int, int]) -> KernelGroup:
        """The kernels of a function; functions that are the same but for names and lines share them."""
        key = (region_key(func.regions, {}), func.attributes.get("irc.schedule"), tuple(shared.items()))
        if key not in self.groups:
            group = lower_group(func, shared, self.machine)
            self.groups[key] = KernelGroup(tuple(self._named(f) for f in group.functions), group.scratch)
        return self.groups[key]

    def _named(self, func: Func) -> Func:
        base = name = func.sym_name
        number = 0
        while name in self.names or name == self.main.sym_name:
            number += 1
            name = f"{base}_{number}"
        self.names[name] = None
        return func if name == base else func.with_attributes(sym_name=name)

    def _copies(self, pairs: Sequence[tuple[Buffer, Buffer]], steps: list[Step], location: Location) -> None:
        """Moves sources to targets as if at once: a source that another move overwrites is saved first."""
        pairs = [(s, t) for s, t in pairs if s is not t]
        overwritten = dict.fromkeys(t for _, t in pairs)
        saved: dict[Buffer, Buffer] = {}
        for source, _ in pairs:
            if source in overwritten and source not in saved:
                saved[source] = self.temporary(source.type, location, "copy")
                steps.append(self._copy(source, saved[source], location))
        for source, target in pairs:
            steps.append(self._copy(saved.get(source, source), target, location))

    def _copy(self, source: Buffer, target: Buffer, location: Location) -> Run:
        # The two may differ in shape (a reshape is a view): elements move in row-major order.
        t = TensorType((source.type.size,), source.type.element)
        argument = Value(t, None, 0)
        func = Func.of(
            "copy", Block([argument], [Return([argument])]), visibility="private", location=location
        )
        return Run(self._lowered(func, {}), [source, target], location)

    def _while(self, op: Any, direct: dict[Value, Buffer], steps: list[Step]) -> None:
        condition, body = (r.block for r in op.regions)
        places = self._places(body)
        slots = self._slots(op, direct, places)
        self._copies(
            [(self.buffers[v], s) for v, s in zip(op.operands, slots, strict=True)], steps, op.location
        )
        spare: list[Buffer] = []
        for k, place in enumerate(places):
            if place >= len(slots):
                spare.append(self.temporary(op.results[k].type, op.location, ALTERNATING))
        every = [*slots, *spare]
        targets = [every[place] for place in places]
        for argument, slot in zip(condition.arguments, slots, strict=True):
            self.buffers[argument] = slot
        flag = self.temporary(condition.terminator.operands[0].type, op.location, "condition")
        asks = self.block(condition, [flag], {})
        for argument, slot in zip(body.arguments, slots, strict=True):
            self.buffers[argument] = slot
        held = {k: body.arguments[place] for k, place in enumerate(places) if place < len(slots)}
        does = self.block(body, targets, held)
        moved = [k for k, place in enumerate(places) if place != k]
        ring = [*(slots[k] for k in moved), *spare]
        turned = [targets[k] for k in moved]
        turned += [b for b in ring if b not in turned]
        results = [Buffer(slots[k].type, "ring", location=op.location, ring=ring) for k in moved]
        self.buffers.update(zip((op.results[k] for k in moved), results, strict=True))
        steps.append(Loop(asks, flag, does, ring, turned, results))

    def _places(self, body: Block) -> tuple[int, ...]:
        """Where a loop leaves the values it carries. The host of a device knows no buffers that change places."""
        if self.machine.is_grid:
            return Slots.in_place(len(body.arguments))
        uses, order = _last_uses(body), {op: i for i, op in enumerate(body.operations)}
        return Slots(body, lambda op, value: self._free_before(op, value, uses, order)).places

    def _slots(self, op: Any, direct: dict[Value, Buffer], places: Sequence[int]) -> list[Buffer]:
        """The buffers that hold what a loop carries when it begins. Of values that change places with each other none is in
        the buffer it is wanted in: at the end it may be another one's."""
        alone = {
            k for k, place in enumerate(places) if place == k or (place >= len(places) and k not in places)
        }
        slots = []
        for k, result in enumerate(op.results):
            target = direct.get(result) if k in alone else None
            name = result.name if places[k] == k else ALTERNATING
            slots.append(target or self.temporary(result.type, op.location, name))
            self.buffers[result] = slots[k]
        return slots

    def _branch(self, op: Any, direct: dict[Value, Buffer], steps: list[Step]) -> None:
        results = self._result_buffers(op, direct)
        arms = [self.block(r.block, results, {}) for r in op.regions]
        steps.append(Branch(self.buffers[op.operands[0]], arms))


def _no_kernel(func: Func) -> str:
    """Why a call of a function that is no fusion cannot be compiled; inlining took away all others."""
    if func.is_declaration:
        return f"a call of @{func.sym_name}, which has no body, is not supported"
    return f"a call of @{func.sym_name}, which calls itself, is not supported"


def _updates(op: Any, func: Func, reach: dict[Value, None]) -> bool:
    """Whether `op`, alone in its function, reads what `reach` holds only as the thing it updates."""
    operand = op.operand if isinstance(op, hlo.DynamicUpdateSlice) else op.operands[0]
    return len(func.block.operations) == 2 and [v for v in op.operands if v in reach] == [operand]


def _last_uses(block: Block) -> dict[Value, int]:
    """The last op of the block that reads each value, itself or under another shape or inside a region."""
    last: dict[Value, int] = {}
    for i, op in enumerate(block.operations):
        for inner in op.walk():
            for value in inner.operands:
                last[root(value)] = i
    return last


def _number(steps: Sequence[Step], clock: list[int], loops: list[tuple[int, int]]) -> None:
    """Gives steps their times and notes them in the buffers they touch."""
    for step in steps:
        clock[0] += 1
        now = clock[0]
        match step:
            case Run(operands=operands):
                for buffer in operands:
                    buffer.touch(now)
            case Loop(condition=condition, flag=flag, body=body, ring=ring):
                for buffer in ring:
                    buffer.touch(now)
                _number(condition, clock, loops)
                clock[0] += 1
                flag.touch(clock[0])
                _number(body, clock, loops)
                clock[0] += 1
                for buffer in ring:
                    buffer.touch(clock[0])
                loops.append((now, clock[0]))
            case Branch(selector=selector, arms=arms):
                selector.touch(now)
                for arm in arms:
                    _number(arm, clock, loops)
            case Check(flag=flag):
                flag.touch(now)

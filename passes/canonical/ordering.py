"""One order for everything that has none: results by depth and colour, operands of commutative ops and values carried by
loops likewise, ops depth-first from the results, arguments by first use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from irc.dialects import func as F
from irc.dialects.stablehlo import Constant, Return, While
from irc.ir.attributes import Attribute
from irc.ir.locations import UNKNOWN
from irc.ir.operation import Block, Operation, Region, Value
from irc.passes.canonical.axes import is_free
from irc.passes.canonical.colours import Colours
from irc.passes.canonical.plan import heights
from irc.passes.canonical.symmetry import is_symmetric, swapped

MAX_DECISIONS = 64
"""Values of one colour that are told apart by decision; where there are more, the rest stay as they come."""

Rank = tuple[int, bytes, bytes]


class Ordering:
    """The order of a function's body."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.heights = heights(block)
        self.inner = dict(_inner_arguments(block))
        self.coarse = Colours(block, coarse=True)
        self.marks: dict[Value, int] = {}
        for _ in range(MAX_DECISIONS):
            self.fine = Colours(block, marks=self.marks)
            tied = self._tied()
            if tied is None:
                break
            self.marks[tied] = len(self.marks) + 1

    def rank(self, value: Value) -> Rank:
        return self.heights.get(value, 0), self.coarse[value], self.fine[value]

    # Choices

    def results(self) -> list[Value]:
        """What the body computes, each value once, the shallow before the deep: a loss before the weights."""
        arguments = dict.fromkeys(self.block.arguments)
        found = [v for v in dict.fromkeys(self.block.terminator.operands) if v not in arguments]
        return sorted(found, key=self.rank)

    def operands(self, op: Operation) -> tuple[Value, ...]:
        """The op's operands in the order they are to stand in."""
        if isinstance(op, While):
            return tuple(op.operands[i] for i in self.slots(op))
        if is_symmetric(op):
            a, b = op.operands
            return (b, a) if self._operand_rank(b) < self._operand_rank(a) else (a, b)
        return op.operands

    def _operand_rank(self, value: Value) -> tuple[int, int, int, bytes, bytes]:
        """Deep values first, what is spread after them, constants last; the arguments of a reduction's body as they come."""
        height, coarse, fine = self.rank(value)
        kind = 2 if isinstance(value.op, Constant) else 1 if is_free(value) else 0
        return kind, -height, self.inner.get(value, 0), coarse, fine

    def slots(self, op: While) -> list[int]:
        """The places of a loop's carried values, in the order they are to stand in."""
        return sorted(range(len(op.operands)), key=lambda i: self._slot_rank(op, i))

    def _slot_rank(self, op: While, i: int) -> tuple[bytes, ...]:
        seen = (op.results[i], op.operands[i], op.regions[1].arguments[i])
        return (*(self.coarse[v] for v in seen), *(self.fine[v] for v in seen))

    # Ties

    def _tied(self) -> Value | None:
        """The first value, in the order so far, that stands beside another of its colour; None when all is decided."""
        results = self.results()
        for a, b in pairwise(results):
            if self.fine[a] == self.fine[b]:
                return a
        for op in self.sequence(self.block):
            if is_symmetric(op):
                a, b = op.operands
                if (
                    a is not b
                    and self.fine[a] == self.fine[b]
                    and a not in self.marks
                    and b not in self.marks
                ):
                    return a
            if isinstance(op, While):
                order = self.slots(op)
                for i, j in pairwise(order):
                    if self._slot_rank(op, i) == self._slot_rank(op, j):
                        return op.regions[1].arguments[i]
        return None

    # Sequence

    def sequence(self, block: Block) -> Iterator[Operation]:
        """All ops in the order they are to stand in, those of regions before the op that holds them."""
        roots = self.results() if block is self.block else block.terminator.operands
        for op in depth_first(self, block, roots):
            for region in op.regions:
                yield from self.sequence(region.block)
            yield op


def _inner_arguments(block: Block) -> Iterator[tuple[Value, int]]:
    """The arguments of regions that are called with values of a fixed meaning, and their places."""
    for op in block.operations:
        for region in op.regions:
            if not isinstance(op, While):
                yield from ((a, i) for i, a in enumerate(region.arguments))
            yield from _inner_arguments(region.block)


def depth_first(ordering: Ordering, block: Block, roots: Sequence[Value]) -> list[Operation]:
    """The ops of a block that these values need, each after what it needs."""
    own = dict.fromkeys(block.operations)
    done: dict[Operation, None] = {}
    stack: list[tuple[Operation, bool]] = [(v.op, False) for v in reversed(roots) if v.op in own]
    while stack:
        op, visited = stack.pop()
        if op in done:
            continue
        if visited:
            done[op] = None
            continue
        stack.append((op, True))
        needed = [*ordering.operands(op), *seen_from_inside(ordering, op)]
        stack += [(v.op, False) for v in reversed(needed) if v.op in own and v.op not in done]
    return list(done)


def seen_from_inside(ordering: Ordering, op: Operation) -> Iterator[Value]:
    """What the regions of an op use, in their order."""
    for region in op.regions:
        for inner in ordering.sequence(region.block):
            yield from ordering.operands(inner)
            for deeper in inner.regions:
                yield from deeper.block.terminator.operands
        yield from region.block.terminator.operands


class Ordered:
    """A body written anew in the order. Constants stand in each block that uses them."""

    def __init__(self, block: Block, *, locations: bool) -> None:
        self.ordering = Ordering(block)
        self.locations = locations
        self.source = block
        self.arguments: list[Value] = []
        """Old arguments, in their new order."""
        self.results = self.ordering.results()
        """Old results, in their new order."""
        self._new: dict[Value, Value] = {}
        self._made: list[Value] = []
        self._argument_set = dict.fromkeys(block.arguments)
        operations = self._operations(block, self.results)
        self.block = Block(self._made, operations)

    def _value(self, old: Value, operations: list[Operation], local: dict[Attribute, Operation]) -> Value:
        if isinstance(old.op, Constant):
            value = old.op.attributes["value"]
            if value not in local:
                local[value] = made = self._copy(old.op, (), ())
                operations.append(made)
            return local[value].results[0]
        if old in self._argument_set and old not in self._new:
            new = Value(old.type, None, len(self._made), "", old.location if self.locations else UNKNOWN)
            self._new[old] = new
            self._made.append(new)
            self.arguments.append(old)
        return self._new[old]

    def _operations(self, block: Block, roots: Sequence[Value]) -> list[Operation]:
        made: list[Operation] = []
        local: dict[Attribute, Operation] = {}
        for op in depth_first(self.ordering, block, roots):
            if not isinstance(op, Constant):
                new = self._operation(op, made, local)
                made.append(new)
                slots = self.ordering.slots(op) if isinstance(op, While) else range(len(op.results))
                self._new.update(zip((op.results[i] for i in slots), new.results, strict=True))
        end = F.Return if block is self.source else Return
        operands = [self._value(v, made, local) for v in roots]
        made.append(end.create(operands, (), {}, (), UNKNOWN))
        return made

    def _operation(
        self, op: Operation, made: list[Operation], local: dict[Attribute, Operation]
    ) -> Operation:
        operands = [self._value(v, made, local) for v in self.ordering.operands(op)]
        regions = [self._region(op, i) for i in range(len(op.regions))]
        if is_symmetric(op) and self.ordering.operands(op) != op.operands:
            op = swapped(op)
        return self._copy(op, operands, regions)

    def _region(self, op: Operation, number: int) -> Region:
        region = op.regions[number]
        slots = self.ordering.slots(op) if isinstance(op, While) else range(len(region.arguments))
        arguments = []
        for place, i in enumerate(slots):
            old = region.arguments[i]
            arguments.append(Value(old.type, None, place, "", old.location if self.locations else UNKNOWN))
            self._new[old] = arguments[-1]
        ends = region.block.terminator.operands
        if isinstance(op, While) and number == 1:
            ends = tuple(ends[i] for i in slots)
        return Region([Block(arguments, self._operations(region.block, ends))])

    def _copy(self, op: Operation, operands: Sequence[Value], regions: Sequence[Region]) -> Operation:
        types = op.result_types
        if isinstance(op, While):
            types = tuple(op.results[i].type for i in self.ordering.slots(op))
        location = op.location if self.locations else UNKNOWN
        return type(op).create(operands, types, op.attributes, regions, location)

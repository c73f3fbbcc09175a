"""Which values a kernel computes again instead of reading what another kernel has stored: a question of cost.

Given   kernel A makes %h, %t = tanh(%h), %u = %t * %t, %v = 1 - %u; kernel B, later, uses %h, %t and %v
Result  B takes %h and %t, and has ops for %u and %v of its own; A stores neither

Every value that kernels exchange costs a write and reads, at the bandwidth of memory of its size; to compute it again costs
its ops, and reads of whatever they need that the kernel does not read anyway. The rates are DEFAULT's: what a program
becomes must not depend on the machine that it is compiled on. Only elementwise ops are copied, so no bit changes."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType
from irc.passes.fusion.cost import DEFAULT, WEIGHTS
from irc.passes.fusion.groups import RESHAPING, Group, is_static

MOST_OPS = 8
"""Ops that one value is computed again by."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a kernel comes by a value: seconds, the ops that it copies, and what it reads in addition."""

    seconds: float
    ops: dict[Operation, None] = field(default_factory=dict)
    reads: dict[Value, None] = field(default_factory=dict)


def reached(values: Iterable[Value], free: Container[Operation]) -> dict[Value, None]:
    """The values, and what the free ops need that make them."""
    found: dict[Value, None] = {}
    stack = list(values)
    while stack:
        value = stack.pop()
        found[value] = None
        if value.op is not None and value.op in free:
            stack.extend(v for v in value.op.operands if v not in found)
    return found


class Recomputation:
    """Chooses for every group of a block. `copies[group]` are the ops of others that it computes for itself.

    `inputs(group)` gives what a group reads without any copies; `users` is `groups.users_of` of the block, `free` its free ops."""

    def __init__(
        self,
        operations: Sequence[Operation],
        groups: Mapping[Operation, Group],
        users: Mapping[Value, Sequence[Operation]],
        inputs: Callable[[Group], Sequence[Value]],
        free: Container[Operation],
    ) -> None:
        self.order = {op: i for i, op in enumerate(operations)}
        self.groups = groups
        self.free = free
        self.copies: dict[Group, dict[Operation, None]] = {}
        every = dict.fromkeys(groups[op] for op in operations if op in groups)
        self.readers: dict[Value, dict[Any, None]] = {}
        for value, using in users.items():
            for op in using:
                if op not in groups:
                    self.readers.setdefault(value, {})[op] = None
        taken = {group: dict.fromkeys(inputs(group)) for group in every}
        for group, values in taken.items():
            for value in reached(values, self.free):
                self.readers.setdefault(value, {})[group] = None
        for group in every:
            self._choose(group, taken[group])

    def _choose(self, group: Group, taken: dict[Value, None]) -> None:
        shape = _shape(group)
        if shape is None:
            return
        made = [v for v in taken if v.op in self.groups and self._may_copy(v, shape)]
        for value in sorted(made, key=lambda v: -self.order[v.op]):  # type: ignore[index]
            if not self._takes_elements(group, value):
                continue
            del taken[value]
            way = self._computed(value, shape, taken, MOST_OPS)
            # The write goes as well, where every reader may do without.
            readers = list(self.readers[value])
            spared = all(isinstance(r, Group) and self._takes_elements(r, value) for r in readers)
            saved = DEFAULT.moved(_nbytes(value)) * (1 + (1 / len(readers) if spared else 0))
            if way is None or way.seconds >= saved:
                taken[value] = None
                continue
            del self.readers[value][group]
            self.copies.setdefault(group, {}).update(way.ops)
            for read in way.reads:
                taken[read] = None
                self.readers.setdefault(read, {})[group] = None

    def _takes_elements(self, group: Group, value: Value) -> bool:
        """Whether the group's ops on a value take it element by element, and its center, which reads memory, does not."""
        if value.type.shape != _shape(group):
            return False
        using = [op for op in group.ops if any(v is value for v in op.operands)]
        loops = group.kind in ("loop", "row")
        return bool(using) and all(
            (_is_elementwise(op) or (loops and isinstance(op, hlo.Reduce))) for op in using
        )

    def _may_copy(self, value: Value, shape: tuple[int, ...]) -> bool:
        op = value.op
        return op is not None and _is_elementwise(op) and value.type.shape == shape

    def _computed(
        self, value: Value, shape: tuple[int, ...], taken: Mapping[Value, None], most: int
    ) -> _Way | None:
        """The way of computing a value by its op, within so many ops; None if there is none."""
        op = value.op
        if op is None or op not in self.order or not self._may_copy(value, shape) or most < 1:
            return None
        seconds = DEFAULT.computed(WEIGHTS.get(type(op), 1) * value.type.size)
        ops: dict[Operation, None] = {op: None}
        reads: dict[Value, None] = {}
        for operand in dict.fromkeys(op.operands):
            way = self._way(operand, shape, taken, most - len(ops))
            seconds, ops, reads = seconds + way.seconds, ops | way.ops, reads | way.reads
        return _Way(seconds, ops, reads) if len(ops) <= most else None

    def _way(self, value: Value, shape: tuple[int, ...], taken: Mapping[Value, None], most: int) -> _Way:
        """The cheapest way to a value: it is there already, is read, or is computed."""
        op = value.op
        if value in taken:
            return _Way(0.0)
        if op is not None and op in self.free:
            ways = [self._way(v, shape, taken, 0) for v in op.operands]
            return _Way(sum(w.seconds for w in ways), {}, {v: None for w in ways for v in w.reads})
        stored = op is None or op not in self.groups or bool(self.readers.get(value))
        seconds = DEFAULT.moved(_nbytes(value)) * (1 if stored else 2)
        if not stored and op is not None and self.groups[op].kind == "attention":
            seconds = inf  # its products and their rows never come to memory
        read = _Way(seconds, {}, {value: None})
        computed = self._computed(value, shape, taken, most)
        return computed if computed is not None and computed.seconds < read.seconds else read


def _shape(group: Group) -> tuple[int, ...] | None:
    """The shape that a group goes over element by element; None where it is of another kind."""
    match group.kind:
        case "row":
            return tuple(group.reduce.inputs[0].type.shape)
        case "contraction":
            return group.shape
        case "loop":
            return group.shape if all(map(_is_elementwise, group.ops)) else None
    return None


def _is_elementwise(op: Operation) -> bool:
    plain = bool(getattr(op, "elementwise", False)) and bool(op.operands) and len(op.results) == 1
    return plain and not isinstance(op, (*RESHAPING, hlo.Complex)) and is_static(op)


def _nbytes(value: Value) -> int:
    type = value.type
    return type.nbytes if isinstance(type, TensorType) and type.is_static else 0

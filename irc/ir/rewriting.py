"""Rewriting: one forward walk with a map from old values to new ones.

Operations are frozen, so a pass makes a new block. What did not change is reused, not copied: an op whose operands and
regions stayed is the same object in the old and the new block, and so is a block or function nothing happened in.
Rewrites apply as an op is emitted, to old ops and to the ops that other rewrites make; operands are final by then."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any, Self

from irc.ir.builder import Builder
from irc.ir.extents import Undecided
from irc.ir.locations import UNKNOWN, Location, file_location
from irc.ir.operation import Block, Operation, Region, Value

Replacement = Value | Sequence[Value] | None
"""What a rewrite returns: the value (or values, one a result) that stands for the op, or None to leave it."""

MAX_DEPTH = 50
"""Rewrites of the result of a rewrite of ...: past this they run in a circle."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One sentence of algebra and the code for it: `apply(op, builder)` sees final operands."""

    sentence: str
    classes: tuple[type[Operation], ...]
    apply: Callable[[Any, Rewriter], Replacement]

    @property
    def name(self) -> str:
        return self.apply.__name__


class RewriteSet:
    """Rewrites by the class of op they look at, tried in the order they were declared."""

    def __init__(self, *parts: RewriteSet) -> None:
        self.by_class: dict[type[Operation], list[Rewrite]] = {}
        for part in parts:
            for rewrite in part:
                self.add(rewrite)

    def add(self, rewrite: Rewrite) -> None:
        for cls in rewrite.classes:
            self.by_class.setdefault(cls, []).append(rewrite)

    def rewrite(self, sentence: str, *classes: type[Operation]) -> Callable[[Any], Any]:
        """Declares the decorated function `(op, builder) -> value, values or None` as a rewrite of these classes."""

        def declare(function: Any) -> Any:
            self.add(Rewrite(sentence, classes, function))
            return function

        return declare

    def __iter__(self) -> Iterator[Rewrite]:
        return iter(dict.fromkeys(r for rewrites in self.by_class.values() for r in rewrites))


@dataclass
class RewriteLog:
    """Which rewrites fired, how often, and where."""

    counts: dict[tuple[str, Location], int] = field(default_factory=dict)

    def record(self, sentence: str, location: Location) -> None:
        at = file_location(location) or UNKNOWN
        self.counts[sentence, at] = self.counts.get((sentence, at), 0) + 1

    def count(self, sentence: str) -> int:
        return sum(n for (s, _), n in self.counts.items() if s == sentence)

    def lines(self) -> list[str]:
        """One line a rewrite and source line: `3x  x + 0 = x  ("model.py":12:8)`."""
        return [
            f"{n}x  {sentence}" + ("" if type(at) is Location else f"  ({at})")
            for (sentence, at), n in self.counts.items()
        ]


class Rewriter(Builder):
    """A builder with a map old value -> new value.

    `replay(op)` brings an old op over; `emit(op)` appends a new one. Both apply the rewrites. Values emitted are final:
    a rewrite may look at the op behind an operand and finds it as it will stay."""

    def __init__(
        self,
        rewrites: RewriteSet | None = None,
        log: RewriteLog | None = None,
        mapping: Mapping[Value, Value] | None = None,
        location: Location = UNKNOWN,
    ) -> None:
        super().__init__(location)
        self.map: dict[Value, Value] = dict(mapping or {})
        self.table = rewrites.by_class if rewrites is not None else {}
        self.log = log if log is not None else RewriteLog()
        self.applying: list[Rewrite] = []

    def nested(self) -> Self:
        """A rewriter for a region: the same map, rewrites and log, an empty list of ops."""
        inner = copy.copy(self)
        inner.operations = []
        return inner

    def value(self, old: Value) -> Value:
        """What an old value became."""
        return self.map.get(old, old)

    def emit(self, op: Operation) -> Any:
        """Appends `op`, or what rewrites make of it; returns its value (a tuple unless the op has one result)."""
        rewrites = self.table.get(type(op))
        if rewrites is not None:
            made = self._rewritten(op, rewrites)
            if made is not None:
                return made[0] if len(made) == 1 else made
        return super().emit(op)

    def _rewritten(self, op: Operation, rewrites: list[Rewrite]) -> tuple[Value, ...] | None:
        for rewrite in rewrites:
            if len(self.applying) == MAX_DEPTH:
                last = self.applying[-1]
                raise op.error("rewrite", f"is rewritten in a circle by '{last.name}' ({last.sentence})")
            self.applying.append(rewrite)
            try:
                made = rewrite.apply(op, self)
            except Undecided:
                made = None  # what it asks of an extent differs from size to size
            self.applying.pop()
            if made is None:
                continue
            values = (made,) if isinstance(made, Value) else tuple(made)
            # Where only one side knows an extent the types differ, and the op stays.
            if _same_types(values, op.results):
                self.log.record(rewrite.sentence, op.location)
                return values
        return None

    def replay(self, op: Operation) -> None:
        """Brings an old op over: operands mapped, regions walked, rewrites applied, results mapped."""
        made = self.mapped(op)
        rewrites = self.table.get(type(made))
        if rewrites is not None:
            self.location = op.location
            values = self._rewritten(made, rewrites)
            if values is not None:
                self.replace(op, values)
                return
        self.operations.append(made)
        if made is not op:
            self.replace(op, made.results)

    def mapped(self, op: Operation) -> Operation:
        """The op on new operands with walked regions: the same object when none of them changed. Not appended."""
        table = self.map
        operands: Sequence[Value] = [table.get(o, o) for o in op.operands] if table else op.operands
        if op.regions:
            regions = tuple([self.region_of(r) for r in op.regions])
            if all(map(is_, regions, op.regions)) and all(map(is_, operands, op.operands)):
                return op
            return op.with_operands(operands, regions)
        return op if all(map(is_, operands, op.operands)) else op.with_operands(operands)

    def replace(self, op: Operation, values: Iterable[Value]) -> None:
        """From here on, `values` stand for the results of the old `op`."""
        for old, new in zip(op.results, values, strict=True):
            if new is not old:
                self.map[old] = new

    def region_of(self, region: Region) -> Region:
        """The region after the walk; the same object when nothing in it changed."""
        blocks = tuple([self.block_of(b) for b in region.blocks])
        return region if all(map(is_, blocks, region.blocks)) else Region(blocks)

    def block_of(self, block: Block) -> Block:
        """The block after the walk, its arguments kept; the same object when nothing in it changed."""
        inner = self.nested()
        for op in block.operations:
            inner.replay(op)
        return (
            block
            if same_operations(inner.operations, block.operations)
            else Block(block.arguments, inner.operations)
        )

    def inline(self, block: Block, arguments: Sequence[Value]) -> tuple[Value, ...]:
        """Emits fresh copies of a block's ops with `arguments` for its arguments; returns what its terminator returned.

        Copies, because a value is defined once in a module and the block may stay where it is."""
        local = dict(zip(block.arguments, arguments, strict=True))
        for op in block.operations[:-1]:
            made = self.emit(fresh_copy(op, local))
            local.update(zip(op.results, made if isinstance(made, tuple) else (made,), strict=True))
        return tuple(local.get(o, o) for o in block.terminator.operands)


def _same_types(new: Sequence[Value], old: Sequence[Value]) -> bool:
    return len(new) == len(old) and all(a.type is b.type for a, b in zip(new, old, strict=True))


def same_operations(new: Sequence[Operation], old: Sequence[Operation]) -> bool:
    """Whether two lists hold the same op objects."""
    return len(new) == len(old) and all(map(is_, new, old))


def fresh_copy(
    op: Operation, local: Mapping[Value, Value], relocate: Callable[[Location], Location] | None = None
) -> Operation:
    """A copy of an op, regions included, with operands looked up in `local`; every value in it is new."""
    operands = [local.get(o, o) for o in op.operands]
    made = op.with_operands(operands, [fresh_region(r, local, relocate) for r in op.regions])
    if relocate is not None:
        at(made, relocate(op.location))
    return made


def fresh_region(
    region: Region, local: Mapping[Value, Value], relocate: Callable[[Location], Location] | None = None
) -> Region:
    """A copy of a region in which every value is new; values from outside are looked up in `local`."""
    inner = dict(local)
    blocks = []
    for block in region.blocks:
        arguments = [Value(a.type, None, a.index, a.name, a.location) for a in block.arguments]
        inner.update(zip(block.arguments, arguments, strict=True))
        operations = []
        for op in block.operations:
            made = fresh_copy(op, inner, relocate)
            inner.update(zip(op.results, made.results, strict=True))
            operations.append(made)
        blocks.append(Block(arguments, operations))
    return Region(blocks)


def at(op: Operation, location: Location) -> Operation:
    """Sets the location of an op that was just made (never of one that a module holds)."""
    op.location = location
    for result in op.results:
        result.location = location
    return op


def relocated(op: Operation, location: Location) -> Operation:
    """A copy of the op at another location."""
    return at(op.with_operands(op.operands), location)

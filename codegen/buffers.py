"""Where every value of a program lives: inputs, outputs, constants, and an arena whose offsets are planned.

A buffer is touched by steps; its life runs from the first to the last of them, over whole loops where it crosses their
edge. Buffers whose lives do not meet may share memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from irc.ir.extents import at, ceildiv, greatest, typical
from irc.ir.locations import UNKNOWN, Location
from irc.ir.types import MemRefType

ALIGNMENT = 64
ALTERNATING = "alternating"
"""The name of buffers in the arena that change places with others in every turn of a loop."""


@dataclass(eq=False)
class Buffer:
    """`place` is "input", "output", "constant", "arena" or "ring": one of the buffers of `ring`, known only when running.
    `index` is the argument's number, or the arena offset."""

    type: MemRefType
    place: str
    index: int = 0
    location: Location = UNKNOWN
    name: str = ""
    touched: list[int] = field(default_factory=list)
    first: int = 0
    last: int = 0
    ring: Sequence[Buffer] = ()

    def touch(self, step: int) -> None:
        """Notes that a step reads or writes it."""
        self.touched.append(step)
        for buffer in self.ring:
            buffer.touch(step)

    @property
    def nbytes(self) -> int:
        return greatest(ALIGNMENT, ceildiv(self.type.nbytes, ALIGNMENT) * ALIGNMENT)

    def at(self, sizes: Mapping[str, int]) -> Buffer:
        """The buffer for numbers in the place of named sizes."""
        shape = tuple(None if n is None else at(n, sizes) for n in self.type.shape)
        return replace(self, type=MemRefType(shape, self.type.element), index=at(self.index, sizes))


def live_ranges(buffers: Sequence[Buffer], loops: Sequence[tuple[int, int]]) -> None:
    """Sets `first` and `last` of every buffer. `loops` are the (first, last) steps inside each loop."""
    for b in buffers:
        b.first, b.last = min(b.touched), max(b.touched)
        changed = True
        while changed:
            changed = False
            for start, stop in loops:
                crosses = b.first < start <= b.last or b.first <= stop < b.last
                if crosses and not (b.first <= start and stop <= b.last):
                    b.first, b.last = min(b.first, start), max(b.last, stop)
                    changed = True


def assign_offsets(buffers: Sequence[Buffer]) -> int:
    """Gives every buffer an offset such that no two that live at once overlap; returns the arena's size.

    Greedy by size, each at the lowest gap that fits (Pisarchyk and Lee, 2020). With expressions over named sizes, what
    fits differs from call to call: those that share a place follow from lives alone, and a place is as large as the largest
    of them."""
    if not all(isinstance(b.nbytes, int) for b in buffers):
        return _assign_places(buffers)
    placed: list[Buffer] = []
    total = 0
    for b in sorted(buffers, key=lambda b: (-b.nbytes, b.first, b.last)):
        rivals = sorted((p for p in placed if p.first <= b.last and b.first <= p.last), key=lambda p: p.index)
        at = 0
        for p in rivals:
            if at + b.nbytes <= p.index:
                break
            at = max(at, p.index + p.nbytes)
        b.index = at
        placed.append(b)
        total = max(total, at + b.nbytes)
    return total


def _assign_places(buffers: Sequence[Buffer]) -> int:
    places: list[list[Buffer]] = []
    for b in sorted(buffers, key=lambda b: (-typical(b.nbytes), b.first, b.last)):
        for place in places:
            if all(p.last < b.first or b.last < p.first for p in place):
                place.append(b)
                break
        else:
            places.append([b])
    total = 0
    for place in places:
        for b in place:
            b.index = total
        total = total + reduce(greatest, (b.nbytes for b in place))
    return total

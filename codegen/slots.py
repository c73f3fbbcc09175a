"""In which buffer a loop leaves each of the values it carries: in place, in another one's, or in a spare one.

    while(u): u' = stencil(u)              u' cannot be written over u: it goes to a spare buffer, and the two change places
    while(p, u): (u, 2 u - p + lap(u))     u stays where it is and counts as the first; the new one is written over p

Buffers change places by their pointers, so nothing is moved. Small values are copied instead."""

from __future__ import annotations

from collections.abc import Callable

from irc.codegen.lower.group import buffer_type
from irc.dialects import stablehlo as hlo
from irc.ir.extents import typical
from irc.ir.operation import Block, Operation, Value

BIG = 4096
"""Values of fewer bytes are copied: a pointer that changes costs as much."""

Free = Callable[[Operation, Value], bool]
"""Whether an op may write over a value: nothing reads that later, and the op reads each element before it writes it."""


def root(value: Value) -> Value:
    """The value whose buffer this one is."""
    while isinstance(value.op, hlo.Reshape | hlo.OptimizationBarrier):
        value = value.op.operands[value.index]
    return value


class Slots:
    """`places[k]`: the buffer that holds value k after a turn of the body. Number j below `count` is the buffer that held
    value j before it, those from `count` on are spare."""

    def __init__(self, body: Block, free: Free) -> None:
        self.body = body
        self.free = free
        self.count = len(body.arguments)
        self.inside = dict.fromkeys(body.operations)
        self.roots = [root(v) for v in body.terminator.operands]
        self.types = [buffer_type(a.type) for a in body.arguments]
        self.taken: dict[int, int] = {}
        """The value that a buffer holds after a turn."""
        places = self._passed_on()
        number: Callable[[int], int | None]
        for number in (self._in_place, self._elsewhere, self._copied):
            for k in range(self.count):
                if k not in places:
                    found = number(k)
                    if found is not None:
                        places[k] = found
                        self.taken[found] = k
        self.places = tuple(places[k] for k in range(self.count))

    @staticmethod
    def in_place(count: int) -> tuple[int, ...]:
        """Every value in its own buffer, copied where it cannot be made there."""
        return tuple(range(count))

    def _passed_on(self) -> dict[int, int]:
        """Arguments that are the next turn's, the same or others."""
        numbers = {a: j for j, a in enumerate(self.body.arguments)}
        places: dict[int, int] = {}
        for k, value in enumerate(self.roots):
            j = numbers.get(value)
            if j is not None and j not in self.taken and (j == k or self._exchanges(j, k)):
                places[k] = j
                self.taken[j] = k
        return places

    def _exchanges(self, j: int, k: int) -> bool:
        return self.types[j] == self.types[k] and typical(self.types[k].nbytes) >= BIG

    def _maker(self, k: int) -> Operation | None:
        """The op that makes value k, and can make it anywhere: not one that another value is already made by."""
        value = self.roots[k]
        if value.op is None or isinstance(value.op, hlo.Constant | hlo.OptimizationBarrier):
            return None
        first = self.roots.index(value) == k
        return value.op if first and value.op in self.inside else None

    def _in_place(self, k: int) -> int | None:
        op = self._maker(k)
        if op is None or k in self.taken or not self.free(op, self.body.arguments[k]):
            return None
        return k

    def _elsewhere(self, k: int) -> int | None:
        """The buffer of another value that is done with, else a spare one."""
        op = self._maker(k)
        if op is None or typical(self.types[k].nbytes) < BIG:
            return None
        for j, argument in enumerate(self.body.arguments):
            if j not in self.taken and self._exchanges(j, k) and self.free(op, argument):
                return j
        return self.count + sum(place >= self.count for place in self.taken)

    def _copied(self, k: int) -> int:
        """Its own buffer or, where that is taken, one of its type that is not: there are as many as values."""
        left = (j for j, t in enumerate(self.types) if j not in self.taken and t == self.types[k])
        return k if k not in self.taken else next(left)

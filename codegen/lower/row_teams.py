"""Who computes a row on a grid: a thread alone, a warp, or, where neighbouring columns are neighbours in memory, a block of
threads for 32 columns. The reduction tree (`tree.py`) is the same for all, so the bits are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.tree import LANES, fold_columns
from irc.codegen.lower.tree_warp import ReadOne, fold_warp, lane_id, where_below, zero_of
from irc.codegen.schedule.machine import WARP
from irc.dialects import arith, gpu, memref
from irc.dialects.arith import element
from irc.ir.operation import Region, Value
from irc.ir.types import MemRefType

Row = Callable[[KernelBuilder, Sequence[Index]], None]
"""`row(builder, places)`: everything for the row (or column) at these places of the kept loops."""

FEW = 8
"""Rows of at most so many elements are a thread's, wherever they lie."""
UNROLLED = 32
"""Elements that a thread combines in registers."""


class Team(ABC):
    """The threads that compute one row together. Row results are the same in each of them."""

    @abstractmethod
    def rows(self, b: KernelBuilder, extents: Sequence[int], row: Row) -> None:
        """A grid of teams, one for each row."""

    @abstractmethod
    def fold(self, b: KernelBuilder, region: Region, read: ReadOne, start: Index, count: int) -> list[Value]:
        """The tree over `count` (at most a block) elements; all threads of the team come here together."""

    @abstractmethod
    def first(self, b: KernelBuilder) -> Value | None:
        """Whether this thread writes what a row has one of; None: every one does."""

    def inside(self, b: KernelBuilder) -> Value | None:
        """Whether this thread's row exists; None: it does."""
        return None

    @abstractmethod
    def share(self, b: KernelBuilder) -> tuple[Index, int]:
        """The first element of a row that this thread takes, and the distance to its next."""


class Alone(Team):
    """A thread for each row."""

    def rows(self, b: KernelBuilder, extents: Sequence[int], row: Row) -> None:
        b.forall(extents, lambda inner, *places: row(inner, places))

    def fold(self, b: KernelBuilder, region: Region, read: ReadOne, start: Index, count: int) -> list[Value]:
        if count > UNROLLED:
            return fold_columns(b, region, lambda b, at, _: read(b, at), start, count)
        lanes = [list(read(b, b.add(start, i))) for i in range(count)]
        return halved(b, region, lanes, LANES // 2)

    def first(self, b: KernelBuilder) -> Value | None:
        return None

    def share(self, b: KernelBuilder) -> tuple[Index, int]:
        return 0, 1


class OneWarp(Team):
    """A warp for each row."""

    def rows(self, b: KernelBuilder, extents: Sequence[int], row: Row) -> None:
        b.forall([*extents, 1], lambda inner, *places: row(inner, places[:-1]), "warp")

    def fold(self, b: KernelBuilder, region: Region, read: ReadOne, start: Index, count: int) -> list[Value]:
        return fold_warp(b, region, read, start, count)

    def first(self, b: KernelBuilder) -> Value | None:
        return b.compare("eq", lane_id(b), 0)

    def share(self, b: KernelBuilder) -> tuple[Index, int]:
        return lane_id(b), WARP


class Columns(Team):
    """Eight threads for each column, in a block that has 32 columns side by side: a warp reads a line of memory.

    Thread p of a column holds lanes p, p + 8, ... of the tree; the last three halves meet in shared memory."""

    PARTS = 8
    threads = PARTS * WARP

    def __init__(self) -> None:
        self.block: KernelBuilder
        self.columns = 0
        self.column: Index = 0
        self.shared: dict[tuple[object, int], Value] = {}

    def rows(self, b: KernelBuilder, extents: Sequence[int], row: Row) -> None:
        *outer, self.columns = extents

        def block(inner: KernelBuilder, *places: Index) -> None:
            self.block, self.shared = inner, {}
            self.column = inner.add(inner.mul(places[-1], WARP), lane_id(inner))
            # All threads of a block meet at its barriers: those past the last column work on it too.
            last = self.columns - 1
            row(inner, [*places[:-1], inner.min(self.column, last) if self.columns % WARP else self.column])

        b.forall([*outer, -(-self.columns // WARP)], block, "block", self.threads)

    def part(self, b: KernelBuilder) -> Value:
        """The thread's number among those of its column."""
        return b.emit(gpu.SubgroupId())

    def fold(self, b: KernelBuilder, region: Region, read: ReadOne, start: Index, count: int) -> list[Value]:
        part, full, rest = self.part(b), *divmod(count, LANES)
        here = b.add(start, part)
        each = LANES // self.PARTS
        lanes = [self._first(b, read, here, part, j, LANES if full else rest) for j in range(each)]
        if full:
            width = len(lanes[0])

            def turn(inner: KernelBuilder, at: Index, *flat: Value) -> Sequence[Value]:
                made: list[Value] = []
                for j in range(each):
                    values = read(inner, inner.add(inner.add(here, at), j * self.PARTS))
                    made += apply_region(inner, region, [*flat[j * width : (j + 1) * width], *values])
                return made

            flat = b.loop(LANES, full * LANES, LANES, turn, *(v for lane in lanes for v in lane))
            lanes = [list(flat[j * width : (j + 1) * width]) for j in range(each)]
            lanes = [
                self._last(b, region, read, b.add(here, full * LANES), part, j, rest, lane)
                for j, lane in enumerate(lanes)
            ]
        return self._meet(
            b, region, self._halved(b, region, lanes, part, min(count, LANES)), min(count, LANES)
        )

    def _live(self, j: int, count: int) -> int:
        """How many threads of a column have lane p + 8 j among the first `count` lanes."""
        return max(0, min(self.PARTS, count - j * self.PARTS))

    def _first(
        self, b: KernelBuilder, read: ReadOne, here: Index, part: Value, j: int, count: int
    ) -> list[Value]:
        at, live = b.add(here, j * self.PARTS), self._live(j, count)
        if live == self.PARTS:
            return list(read(b, at))
        types = [v.type for v in read(b.nested(), at)]
        zeros = [zero_of(b, t) for t in types]
        if not live:
            return zeros
        return list(b.branch(b.compare("ult", part, live), lambda b: read(b, at), lambda _: zeros, types))

    def _last(
        self,
        b: KernelBuilder,
        region: Region,
        read: ReadOne,
        here: Index,
        part: Value,
        j: int,
        rest: int,
        lane: list[Value],
    ) -> list[Value]:
        """A lane with the element of the last, incomplete turn, where it has one."""
        live, at = self._live(j, rest), b.add(here, j * self.PARTS)
        if not live:
            return lane

        def more(b: KernelBuilder) -> list[Value]:
            return apply_region(b, region, [*lane, *read(b, at)])

        if live == self.PARTS:
            return more(b)
        return list(b.branch(b.compare("ult", part, live), more, lambda _: lane, [v.type for v in lane]))

    def _halved(
        self, b: KernelBuilder, region: Region, lanes: list[list[Value]], part: Value, live: int
    ) -> list[Value]:
        """The halves 32, 16 and 8, which meet inside a thread."""
        half = len(lanes) // 2
        while half:
            for j in range(half):
                both = self._live(j + half, live)
                if both:
                    made = apply_region(b, region, [*lanes[j], *lanes[j + half]])
                    lanes[j] = where_below(b, part, both, self.PARTS, made, lanes[j])
            live, half = min(live, half * self.PARTS), half // 2
        return lanes[0]

    def _meet(self, b: KernelBuilder, region: Region, mine: Sequence[Value], live: int) -> list[Value]:
        """The halves 4, 2 and 1: every thread puts what it has where all of its column can read it."""
        lane, part = lane_id(b), self.part(b)
        buffers = [self._buffer(v, i) for i, v in enumerate(mine)]
        for buffer, value in zip(buffers, mine, strict=True):
            b.store(value, buffer, (part, lane))
        b.emit(gpu.Barrier())
        lanes = [[b.load(v, (p, lane)) for v in buffers] for p in range(min(self.PARTS, live))]
        b.emit(gpu.Barrier())
        return halved(b, region, lanes, self.PARTS // 2)

    def _buffer(self, like: Value, number: int) -> Value:
        """Shared memory for value `number` of every thread; it belongs to the block, wherever it is asked for."""
        key = (element(like.type), number)
        if key not in self.shared:
            t = MemRefType((self.PARTS, WARP), element(like.type), None, gpu.WORKGROUP)
            made = memref.Alloca((), (), alignment=128, result_types=[t])
            self.block.operations.insert(0, made)
            self.shared[key] = made.memref
        return self.shared[key]

    def first(self, b: KernelBuilder) -> Value | None:
        found = b.compare("eq", self.part(b), 0)
        there = self.inside(b)
        return found if there is None else b.emit(arith.AndI(found, there))

    def inside(self, b: KernelBuilder) -> Value | None:
        return b.compare("ult", self.column, self.columns) if self.columns % WARP else None

    def share(self, b: KernelBuilder) -> tuple[Index, int]:
        return self.part(b), self.PARTS


def halved(b: KernelBuilder, region: Region, lanes: list[list[Value]], half: int) -> list[Value]:
    """Lanes in registers, combined by halves: `half`, then half of it, and so on."""
    while half:
        for i in range(half, len(lanes)):
            lanes[i - half] = apply_region(b, region, [*lanes[i - half], *lanes[i]])
        lanes, half = lanes[:half], half // 2
    return lanes[0]


def team_for(count: int, by_rows: bool, columns: int) -> Team:
    """Who takes a row of `count` elements; `columns` are side by side in memory (0: they are not)."""
    if count <= FEW or (count <= UNROLLED and not by_rows):
        return Alone()
    return Columns() if columns >= WARP // 2 and not by_rows else OneWarp()

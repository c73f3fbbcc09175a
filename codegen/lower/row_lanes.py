"""Reductions of tall arrays by columns, read as they lie in memory.

The tree's first step, lane l folding elements l, l + 64, ... of a block, is done for all columns at once: a few chunks of
64 rows are read side by side from end to end, which memory serves fastest, and the lanes are rows of a scratch buffer.
What is left is a reduction over 64 lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.nest import Loop, Tile, Views, affines, buffer_bytes
from irc.codegen.lower.row_ahead import gathered
from irc.codegen.lower.space import Leaf, Node, Reduced
from irc.codegen.lower.tree import BLOCK, LANES
from irc.ir.operation import Value
from irc.ir.types import VectorType

_LEAST_ROWS, _LEAST_BYTES = 8 * LANES, 1 << 21
"""Fewer are folded in registers: the lanes would be a large part of what is read, or all of it is in the caches."""
_GROUPS = 4
"""Tickets that share the lanes where there is nothing else to share."""
_CHUNKS = 8
"""Chunks of 64 rows that are read side by side: as many streams as memory serves at once."""
_WIDTH = 64
"""Columns of a tile."""


@dataclass(frozen=True)
class Lanes:
    """What folds elements into lanes. `loops` are those of a row function, the first `kept` select the column; `outputs`
    says where each reduction's lanes go: buffers of (blocks, 64, columns)."""

    nodes: Sequence[Node]
    loops: Sequence[Loop]
    kept: int
    stages: Sequence[Sequence[Reduced]]

    @property
    def count(self) -> int:
        return self.loops[-1].extent

    @property
    def is_worth_it(self) -> bool:
        """Whether it can be done this way, and whether so much is read from memory that it is faster."""
        if len(self.loops) != self.kept + 1 or not all(isinstance(loop.extent, int) for loop in self.loops):
            return False
        rest = self.count % BLOCK
        inputs = [n for stage in self.stages for n in stage[0].inputs]
        widest = max((buffer_bytes(n.buffer) for n in self.nodes if isinstance(n, Leaf)), default=0)
        return (
            self.count >= _LEAST_ROWS
            and (rest == 0 or rest >= LANES)
            and widest * prod(loop.extent for loop in self.loops) >= _LEAST_BYTES
            and not gathered(inputs, self.loops[-1:])
        )

    @property
    def columns(self) -> int:
        return self.loops[self.kept - 1].extent

    @property
    def outer(self) -> list[int]:
        return [loop.extent for loop in self.loops[: self.kept - 1]]

    @cached_property
    def is_flat(self) -> bool:
        """Whether rows follow each other in memory, so that 64 of them are one long row."""
        column, row = self.loops[-2:]
        return self.kept == 1 and all(
            row.stride(a) == column.stride(a) * column.extent for a in affines(self.nodes)
        )

    @cached_property
    def spaces(self) -> list[Loop]:
        """The loops as tiles see them."""
        if not self.is_flat:
            return list(self.loops)
        return [Loop(self.loops[0].counters, self.columns * LANES), self.loops[1]]

    def emit(self, b: KernelBuilder, views: Views, outputs: Mapping[Reduced, Value]) -> None:
        """Every lane of every block and column, each written once it is whole and as it grows."""
        flat = {n: b.cast(v, 0, (v.type.size,), (1,)) for n, v in outputs.items()}
        blocks, rest = divmod(self.count, BLOCK)
        groups = _GROUPS if prod(self.outer) * max(blocks, 1) == 1 else 1
        share = LANES // groups

        def part(number: Index, rows: int) -> None:
            def ticket(inner: KernelBuilder, *ids: Index) -> None:
                *outer, block, group = ids
                block = block if number == 0 else number
                _Part(self, views, flat, outer, block, rows).emit(inner, inner.mul(group, share), share)

            b.forall([*self.outer, blocks if number == 0 and blocks else 1, groups], ticket)

        if blocks:
            part(0, BLOCK)
        if rest:
            part(blocks, rest)


@dataclass(frozen=True)
class _Part:
    """One block of one place of the outer loops."""

    lanes: Lanes
    views: Views
    outputs: Mapping[Reduced, Value]
    outer: Sequence[Index]
    block: Index
    rows: int

    def emit(self, b: KernelBuilder, low: Index, share: int) -> None:
        """Lanes `low` to `low + share`."""
        full, few = divmod(self.rows, LANES)
        first = min(full, _CHUNKS)
        self._sweep(b, low, share, range(first), is_first=True)
        even = full - (full - first) % _CHUNKS

        def more(inner: KernelBuilder, j: Index) -> None:
            self._sweep(inner, low, share, [inner.add(j, q) for q in range(_CHUNKS)])

        b.loop(first, even, _CHUNKS, more)
        if even < full:
            self._sweep(b, low, share, range(even, full))
        if few:
            stop = b.min(b.add(low, share), few)
            b.loop(low, stop, 1, lambda inner, lane: self._row(inner, lane, [full]))

    def _sweep(
        self, b: KernelBuilder, low: Index, share: int, chunks: Sequence[Index], is_first: bool = False
    ) -> None:
        """These chunks into all lanes of a ticket."""
        if not self.lanes.is_flat:
            stop = b.add(low, share)
            b.loop(low, stop, 1, lambda inner, lane: self._row(inner, lane, chunks, is_first))
            return
        columns = self.lanes.columns
        self._run(b, 0, b.mul(low, columns), share * columns, chunks, is_first)

    def _row(self, b: KernelBuilder, lane: Index, chunks: Sequence[Index], is_first: bool = False) -> None:
        columns = self.lanes.columns
        if self.lanes.is_flat:
            self._run(b, 0, b.mul(lane, columns), columns, chunks, is_first)
        else:
            self._run(b, lane, 0, columns, chunks, is_first)

    def _run(
        self, b: KernelBuilder, lane: Index, start: Index, count: int, chunks: Sequence[Index], is_first: bool
    ) -> None:
        """So many places along the columns from `start` on, in tiles."""
        whole = count - count % _WIDTH

        def tile(inner: KernelBuilder, i: Index, width: int) -> None:
            self._fold(inner, lane, inner.add(start, i), width, chunks, is_first)

        b.loop(0, whole, _WIDTH, lambda inner, i: tile(inner, i, _WIDTH))
        if count % _WIDTH:
            tile(b, whole, count % _WIDTH)

    def _fold(
        self, b: KernelBuilder, lane: Index, at: Index, width: int, chunks: Sequence[Index], is_first: bool
    ) -> None:
        """A tile of a lane, or of the row that all lanes are, joined by its elements in these chunks."""
        lanes, place = self.lanes, self._place(b, lane, at)
        for stage in lanes.stages:
            buffers = [self.outputs[n] for n in stage]
            kinds = [VectorType((width,), v.type.element) for v in buffers]
            sums = [] if is_first else [b.load(v, [place], t) for v, t in zip(buffers, kinds, strict=True)]
            for chunk in chunks:
                found = [self._tile(b, lane, at, width, chunk).tile(n) for n in stage[0].inputs]
                sums = apply_region(b, stage[0].op.regions[0], [*sums, *found]) if sums else found
            for buffer, value in zip(buffers, sums, strict=True):
                b.store(value, buffer, [place])

    def _tile(self, b: KernelBuilder, lane: Index, at: Index, width: int, chunk: Index) -> Tile:
        column = self.lanes.kept - 1
        tile = Tile(b, self.views, self.lanes.spaces, (column,), (width,))
        row = b.add(b.mul(self.block, BLOCK), b.add(b.mul(chunk, LANES), lane))
        tile.at = {**dict(enumerate(self.outer)), column: at, column + 1: row}
        return tile

    def _place(self, b: KernelBuilder, lane: Index, at: Index) -> Index:
        """Where in the outputs, read as one row, a tile lies."""
        place = b.add(b.mul(self.block, LANES), lane)
        for index, extent in zip(self.outer, self.lanes.outer, strict=True):
            place = b.add(b.mul(place, extent), index)
        return b.add(b.mul(place, self.lanes.columns), at)

"""The loops of row kernels: reductions with what feeds them and what follows (sums, softmax, normalisation, their gradients).

The tree of a reduction (`tree.py`) is fixed by the number of elements alone: blocks of 4096, the blocks' results again by
the same tree, last the initial value. It runs along vector lanes where the reduced elements are contiguous (rows), over a
small buffer of lanes by columns where they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.group import kernel_element
from irc.codegen.lower.nest import (
    MOST_TICKETS,
    Loop,
    Nest,
    Tile,
    Views,
    affines,
    buffer_bytes,
    lanes_for,
    merge,
)
from irc.codegen.lower.row_ahead import ask_ahead, ask_next_row, gathered
from irc.codegen.lower.row_kept import NOTHING, Kept
from irc.codegen.lower.row_lanes import Lanes
from irc.codegen.lower.row_teams import OneWarp, Team, team_for
from irc.codegen.lower.space import (
    LINE,
    Affine,
    Leaf,
    Lines,
    Node,
    Reduced,
    Space,
    Traced,
    all_nodes,
    operands_of,
    trace_rows,
)
from irc.codegen.lower.tree import BLOCK, LANES, fold_columns, fold_rows, get, put
from irc.codegen.lower.tree_some import fold_some_columns, fold_some_rows
from irc.codegen.schedule.machine import Machine
from irc.dialects import memref
from irc.errors import UnsupportedError
from irc.ir.extents import ceildiv, divides, typical
from irc.ir.operation import Operation, Value
from irc.ir.types import MemRefType

COLUMNS = 128
"""Columns a column tree works on at once."""
FAR_BYTES = 1 << 21
"""More than the second-level cache holds."""


@dataclass
class Rows:
    """The loops of a row function: `kept` of them select the row (or column), the others run over what is reduced."""

    traced: list[Traced]
    nodes: list[Node]
    loops: list[Loop]
    kept: int
    count: int
    """How many elements each reduction takes."""
    by_rows: bool
    team: Team | None
    """The threads of a grid that take each row; None on a host."""
    dear: Kept = NOTHING
    """What one pass over a row keeps for another."""

    @staticmethod
    def plan(
        leaves: Sequence[Value], returned: Sequence[Value], machine: Machine, lines: Lines | None = None
    ) -> Rows:
        """The loops for results in terms of leaves. With `lines`, one for every dimension that is kept: see `emit_lines`."""
        space = Space()
        traced = trace_rows(space, leaves, returned, lines)
        nodes = all_nodes([t.node for t in traced])
        addresses = [*affines(nodes), *(t.address for t in traced)]
        named = {p: [n for n in space.extents if n.startswith(p)] for p in ("k", LINE, "r")}
        counters = space.counters([*named["k"], *named[LINE]])
        kept = (
            merge(space, counters, addresses)
            if lines is None
            else [Loop((c,), space.extent(c)) for c in counters]
        )
        reduced = merge(space, space.counters(named["r"]), addresses)
        reads = [n.address for n in nodes if isinstance(n, Leaf)]
        count, by_rows = prod(loop.extent for loop in reduced), _by_rows(kept, reduced, reads)
        starts = [start for n in nodes if isinstance(n, Leaf) for start, *_ in n.dynamic]
        # Elements beside each other would begin anywhere (rows of a table, gathered and summed).
        by_rows = by_rows and not any(reduced[-1].stride(a) for a in affines(all_nodes(starts)))
        beside = bool(kept) and any(kept[-1].stride(a) == 1 for a in reads)
        team = team_for(count, by_rows, kept[-1].extent if beside else 0) if machine.is_grid else None
        return Rows(traced, nodes, kept + reduced, len(kept), count, by_rows, team)

    @property
    def lanes(self) -> Lanes:
        """The same folded into lanes, all columns at once."""
        return Lanes(self.nodes, self.loops, self.kept, list(self._stages()))

    @property
    def axes(self) -> tuple[int, ...]:
        """The loops a tile of columns spans."""
        return () if self.by_rows or self.team or not self.kept else (self.kept - 1,)

    def emit(self, b: KernelBuilder, views: Views, outputs: Sequence[Value]) -> None:
        """Every reduction in order of need, then the results, for each row or tile of columns."""
        nest = Nest(self.nodes, self.loops, self.kept, self.axes, (COLUMNS,))
        body = partial(self._row, outputs)
        if self.team is None:
            views.streaming(b, outputs, lambda b, views: nest.emit(Tile(b, views, self.loops), body))
        else:
            self.team.rows(b, self._kept_extents, lambda inner, at: body(self._tile_at(inner, views, at)))

    def emit_lines(
        self, b: KernelBuilder, views: Views, outputs: Sequence[Value], at: Sequence[Index], count: int
    ) -> None:
        """`count` rows one after the other, from the row at place `at` of the kept dimensions on, the last of which counts them."""

        def row(b: KernelBuilder, i: Index) -> None:
            places = [*at[:-1], b.add(at[-1], i)]
            here: list[Index] = []
            for loop in self.loops[: self.kept]:
                ((name, _),) = loop.counters
                here.append(i if name == LINE else places[int(name[1:])])
            self._row(outputs, self._tile_at(b, views, here))

        b.loop(0, count, 1, row)

    def _row(self, outputs: Sequence[Value], tile: Tile) -> None:
        """Every reduction of one row (or tile of columns), then its results."""
        wide = [s for s in self.traced if any(loop.stride(s.address) for loop in self.loops[self.kept :])]
        self._open(tile.b, wide)
        self._settle(tile)
        for stage in self._stages():
            self._reduce(tile, stage)
            self._settle(tile)
        self._write_narrow(tile, [s for s in self.traced if s not in wide], outputs)
        if wide:
            self._write_wide(tile, wide, outputs)

    def _open(self, b: KernelBuilder, wide: Sequence[Traced]) -> None:
        """Makes room for what several passes over a row need."""
        passes = [stage[0].inputs for stage in self._stages()]
        if wide and self.by_rows and self.team is None and self.count <= BLOCK:
            self.dear = Kept.of(b, [*passes, [s.node for s in wide]], self.loops, self.kept, self.count)

    @property
    def has_lines(self) -> bool:
        """Whether a row can be computed by itself, with lanes along it."""
        return self.by_rows and all(
            place == 0 for loop in self.loops[: self.kept] for _, place in loop.counters
        )

    @property
    def _kept_extents(self) -> list[int]:
        return [loop.extent for loop in self.loops[: self.kept]]

    def _tile_at(self, b: KernelBuilder, views: Views, places: Sequence[Index]) -> Tile:
        tile = Tile(b, views, self.loops)
        tile.at = dict(enumerate(places))
        return tile

    def _write_narrow(
        self, tile: Tile, stores: Sequence[Traced], outputs: Sequence[Value], block: Index | None = None
    ) -> None:
        """Results of one element a row (into the part of a block, where there are blocks); by one thread of a team."""

        def write(here: Tile) -> None:
            for store in stores:
                output, base = outputs[store.buffer], 0 if block is None else block
                here.write(store, output, here.b.mul(base, prod(output.type.static_shape[1:])))

        if stores:
            self._where(tile, self.team.first(tile.b) if self.team else None, write)

    def _where(self, tile: Tile, condition: Value | None, body: Callable[[Tile], None]) -> None:
        """`body` where a condition holds (None: always)."""
        if condition is None:
            body(tile)
        else:
            tile.b.branch(condition, lambda inner: body(tile.moved(inner, {})))

    def emit_blocks(self, b: KernelBuilder, views: Views, outputs: Sequence[Value]) -> None:
        """For every block: the tree over its elements, without the initial value, stored at [block, row]."""
        full, rest = divmod(self.count, BLOCK)

        def row(tile: Tile, number: Index, count: Index) -> None:
            for stage in self._stages():
                values = self._fold(tile, stage, tile.b.mul(number, BLOCK), count)
                for node in stage:
                    tile.known[node] = values[node.number]
            self._write_narrow(tile, self.traced, outputs, number)

        def block(inner: KernelBuilder, number: Index, count: Index) -> None:
            nest = Nest(self.nodes, self.loops, self.kept, self.axes, (COLUMNS,))
            nest.emit(Tile(inner, views, self.loops), lambda t: row(t, number, count), parallel=False)

        if self.team is not None:
            self._team_blocks(self.team, b, views, row, full, rest)
            return
        if not isinstance(self.count, int):
            left = lambda inner, number: inner.sub(self.count, inner.mul(number, BLOCK))  # noqa: E731
            b.forall(
                [ceildiv(self.count, BLOCK)],
                lambda inner, number: block(inner, number, inner.min(left(inner, number), BLOCK)),
            )
            return
        if self.by_rows and self.kept:
            self._in_order(
                b, full, lambda inner, at: row(self._tile_at(inner, views, at[:-1]), at[-1], BLOCK)
            )
        else:
            b.forall([full], lambda inner, number: block(inner, number, BLOCK))
        if rest:
            block(b, full, rest)

    def emit_lanes(self, b: KernelBuilder, views: Views, outputs: Sequence[Value]) -> None:
        """For every block: its lanes, stored at [block, lane, column]."""
        places = {t.node: outputs[t.buffer] for t in self.traced if isinstance(t.node, Reduced)}
        self.lanes.emit(b, views, places)

    def _in_order(
        self, b: KernelBuilder, blocks: int, body: Callable[[KernelBuilder, list[Index]], None]
    ) -> None:
        """Every block of every row, as they lie in memory; a ticket takes several."""
        extents = [*self._kept_extents, blocks]
        total = prod(extents)
        share = ceildiv(total, MOST_TICKETS) if isinstance(total, int) else blocks

        def one(inner: KernelBuilder, at: Index) -> None:
            places: list[Index] = []
            for n in reversed(extents):
                places.insert(0, inner.rem(at, n))
                at = inner.div(at, n)
            body(inner, places)

        def ticket(inner: KernelBuilder, t: Index) -> None:
            low = inner.mul(t, share)
            inner.loop(low, inner.min(inner.add(low, share), total), 1, one)

        b.forall([ceildiv(total, share)], ticket)

    def _team_blocks(
        self,
        team: Team,
        b: KernelBuilder,
        views: Views,
        row: Callable[[Tile, Index, int], None],
        full: int,
        rest: int,
    ) -> None:
        """A team for each block of each row; the last, shorter blocks by themselves."""
        kept = self._kept_extents

        def block(inner: KernelBuilder, at: Sequence[Index]) -> None:
            row(self._tile_at(inner, views, at[1:]), at[0], BLOCK)

        def last(inner: KernelBuilder, at: Sequence[Index]) -> None:
            row(self._tile_at(inner, views, at), full, rest)

        team.rows(b, [full, *kept], block)
        if rest:
            team.rows(b, kept, last)

    def _stages(self) -> Iterator[list[Reduced]]:
        """Reductions that one pass over the elements computes: the results of one op at one place."""
        groups: dict[tuple[Operation, tuple[Node, ...]], list[Reduced]] = {}
        for node in self.nodes:
            if isinstance(node, Reduced):
                groups.setdefault((node.op, node.inputs), []).append(node)
        return iter(groups.values())

    @cached_property
    def _streamed(self) -> list[Leaf]:
        """What each row reads of its own, where all rows are more than the second-level cache holds: the second pass over a
        row asks for the next one."""
        if self.team is not None or len(self.loops) != self.kept + 1 or not self.kept:
            return []
        own = [
            n
            for n in self.nodes
            if isinstance(n, Leaf)
            and not n.dynamic
            and self.loops[-1].stride(n.address) == 1
            and self.loops[self.kept - 1].stride(n.address)
        ]
        size = prod(loop.extent for loop in self.loops)
        return [n for n in own if isinstance(size, int) and size * buffer_bytes(n.buffer) >= FAR_BYTES]

    def _settle(self, tile: Tile) -> None:
        """Computes what does not vary over the reduced loops, as far as reductions are known."""
        for node in self.nodes:
            ready = all(o in tile.known for o in operands_of(node))
            fixed = not any(loop.stride(a) for a in affines([node]) for loop in self.loops[self.kept :])
            if ready and fixed and not isinstance(node, Reduced):
                tile.value(node)

    def _reduce(self, tile: Tile, stage: list[Reduced]) -> None:
        """One pass, its results joined with the initial values."""
        region, initial = stage[0].op.regions[0], [tile.tile(n) for n in stage[0].initial]
        values = initial
        if self.count:
            folded = self._fold_all(tile, stage)
            values = apply_region(tile.b, region, [*initial, *folded])
        for node in stage:
            tile.known[node] = values[node.number]

    def _fold_all(self, tile: Tile, stage: list[Reduced]) -> list[Value]:
        """The tree over all elements; blocks one after the other where a later pass needs the result at once."""
        if not isinstance(self.count, int) or self.count <= BLOCK:
            return self._fold(tile, stage, 0, self.count)
        full, rest = divmod(self.count, BLOCK)
        total = full + bool(rest)
        if total > BLOCK:
            raise UnsupportedError(
                f"a reduction over {self.count} elements inside a larger fusion is not supported"
            )
        sample = self._fold(tile, stage, full * BLOCK, rest) if rest else self._fold(tile, stage, 0, BLOCK)
        b = tile.b
        buffers = []
        for value in sample:
            shape = (total, *getattr(value.type, "shape", ()))
            t = MemRefType(shape, getattr(value.type, "element", value.type))
            buffers.append(b.emit(memref.Alloca((), (), alignment=64, result_types=[t])))
        for buffer, value in zip(buffers, sample, strict=True):
            put(b, buffer, full if rest else 0, value)

        def block(inner: KernelBuilder, number: Index) -> None:
            here = tile.moved(inner, {})
            for buffer, value in zip(
                buffers, self._fold(here, stage, inner.mul(number, BLOCK), BLOCK), strict=True
            ):
                put(inner, buffer, number, value)

        b.loop(0 if rest else 1, full, 1, block)
        region = stage[0].op.regions[0]
        return fold_columns(
            b,
            region,
            lambda inner, i, _: [get(inner, v, i, s) for v, s in zip(buffers, sample, strict=True)],
            0,
            total,
        )

    def _fold(self, tile: Tile, stage: list[Reduced], start: Index, count: Index) -> list[Value]:
        region, inputs = stage[0].op.regions[0], stage[0].inputs
        number = next(i for i, other in enumerate(self._stages()) if other[0] is stage[0])

        def row(b: KernelBuilder, at: Index, width: int) -> list[Value]:
            here = tile.moved(b, self._place(b, at)).over((len(self.loops) - 1,), (width,))
            self.dear.recall(here, number)
            if number == 1:
                ask_next_row(here, self._streamed, self.kept)
            found = [here.tile(n) for n in inputs]
            self.dear.keep(here, number)
            return found

        ahead = [] if self.team is not None or self.by_rows else gathered(inputs, self.loops[self.kept :])

        def column(b: KernelBuilder, at: Index, width: int) -> list[Value]:
            here = tile.moved(b, self._place(b, at))
            if ahead and len(self.loops) == self.kept + 1:
                ask_ahead(here, ahead, self.kept, b.add(start, count), count)
            return [here.tile(n) for n in inputs]

        if not isinstance(count, int):
            if self.by_rows:
                elements = [kernel_element(n.type) for n in inputs]
                return fold_some_rows(tile.b, region, row, start, count, elements)
            return fold_some_columns(tile.b, region, column, start, count)
        if self.team is not None:
            return self.team.fold(tile.b, region, lambda b, at: column(b, at, 1), start, count)
        if self.by_rows:
            return fold_rows(tile.b, region, row, start, count)
        return fold_columns(tile.b, region, column, start, count)

    def _place(self, b: KernelBuilder, at: Index) -> dict[int, Index]:
        """The reduced loops' indices at element `at`."""
        places: dict[int, Index] = {}
        for i in reversed(range(self.kept, len(self.loops))):
            if i == self.kept:
                places[i] = at
            else:
                places[i], at = b.rem(at, self.loops[i].extent), b.div(at, self.loops[i].extent)
        return places

    def _write_wide(self, tile: Tile, stores: Sequence[Traced], outputs: Sequence[Value]) -> None:
        """Results as wide as what was reduced."""

        def body(here: Tile) -> None:
            if self.by_rows and self.team is None:
                self.dear.recall(here, len(self.dear.passes) - 1)
            for store in stores:
                here.write(store, outputs[store.buffer])

        if self.team is not None:
            team = self.team
            self._where(tile, team.inside(tile.b), lambda here: self._write_shares(team, here, body))
        elif self.by_rows:
            last = len(self.loops) - 1
            inner = Nest(
                self.nodes, self.loops, len(self.loops), (last,), (lanes_for(self.nodes),), first=self.kept
            )
            inner.emit(tile, body, parallel=False)
        else:
            tile.b.loop(0, self.count, 1, lambda b, i: body(tile.moved(b, self._place(b, i))))

    def _write_shares(self, team: Team, tile: Tile, body: Callable[[Tile], None]) -> None:
        """Every thread takes its share of the row: of a warp, 16 bytes where rows are whole numbers of such turns."""
        start, step = team.share(tile.b)
        last = len(self.loops) - 1
        reads = [n.address for n in self.nodes if isinstance(n, Leaf)] + [t.address for t in self.traced]
        contiguous = self.kept == last and all(self.loops[last].stride(a) in (0, 1) for a in reads)
        widest = max(buffer_bytes(tile.views.buffers[n.buffer]) for n in self.nodes if isinstance(n, Leaf))
        width = min(4, 16 // widest)
        if not isinstance(team, OneWarp) or not contiguous or self.count % (width * step):
            turn = lambda b, i: body(tile.moved(b, self._place(b, i)))  # noqa: E731
            tile.b.loop(start, self.count, step, turn)
            return

        def wide(b: KernelBuilder, i: Index) -> None:
            body(tile.moved(b, {last: i}).over((last,), (width,)))

        tile.b.loop(tile.b.mul(start, width), self.count, width * step, wide)


def _by_rows(kept: Sequence[Loop], reduced: Sequence[Loop], reads: Sequence[Affine]) -> bool:
    """Whether the tree runs along vector lanes: every buffer is contiguous (or fixed) along the innermost reduced loop,
    and a run of 64 elements stays inside that loop."""
    if not reduced or (len(reduced) > 1 and not divides(LANES, reduced[-1].extent)):
        return False
    if not all(reduced[-1].stride(a) in (0, 1) for a in reads):
        return False
    return (
        not kept
        or typical(reduced[-1].extent) >= LANES // 4
        or any(kept[-1].stride(a) not in (0, 1) for a in reads)
    )

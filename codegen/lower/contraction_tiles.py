"""The loops of a contraction kernel, from tickets down to the step of one tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.contraction_plan import Plan
from irc.codegen.lower.elementwise import convert
from irc.codegen.lower.epilogue import Source
from irc.codegen.lower.packing import (
    PANEL,
    At,
    Block,
    block_of,
    bounds,
    each_panel,
    local,
    pack_panels,
    pack_rows,
)
from irc.codegen.lower.view import Access, Counter, PackedView, TileDim, View
from irc.dialects import arith, vector
from irc.ir.affine import AffineMapAttr
from irc.ir.attributes import StringAttr
from irc.ir.extents import divides, typical
from irc.ir.operation import Value
from irc.ir.types import FloatType, VectorType

SHARE = -1
"""The axis of a scratch buffer that counts matrices or tickets."""
LANE_RUN = 16
"""Lanes of a block that is turned in registers."""
AHEAD = {2: 32, 1: 256}
"""Steps of depth from where a right side that is turned is read to where it is fetched, by the blocks turned at a time: one
alone is for rows whose lines fall into one set of the cache, and waits for memory."""
_PARALLEL_BYTES = 1 << 19  # packing less than this is not worth waking a thread


@dataclass(frozen=True, slots=True)
class Buffers:
    """The views that a kernel works on; scratch is None where the plan needs none."""

    lhs: View
    rhs: View
    outputs: tuple[View, ...]
    others: tuple[View | Counter, ...]
    packed: View | None
    rows: View | None
    spill: View | None

    @staticmethod
    def of(b: KernelBuilder, plan: Plan, values: Sequence[Value]) -> Buffers:
        """Views of the kernel's arguments: inputs, outputs, scratch."""
        c = plan.contraction
        arguments = dict(zip(plan.func.arguments, values, strict=False))
        at = len(plan.func.arguments)
        outputs = values[at : at + len(plan.func.returned)]
        scratch = iter(values[at + len(outputs) :])
        packed = next(scratch) if plan.packed_type else None
        rows = next(scratch) if plan.rows_type else None
        spill = None
        if plan.blocks.count not in (0, 1):
            spill = View.of(b, outputs[0] if plan.spills_to_output else next(scratch), c.out, c.extents)
        depth = plan.depth if plan.schedule.pack_b == "all" else plan.block_axes
        return Buffers(
            _side(b, plan, plan.lhs, arguments[plan.lhs.argument], c.lhs),
            _side(b, plan, plan.rhs, arguments[plan.rhs.argument], c.rhs),
            tuple(View.of(b, v, c.out, c.extents) for v in outputs),
            plan.epilogue.readers(b, arguments, c.others, c.extents),
            None if packed is None else View(packed, (SHARE, PANEL, *depth, plan.lane)),
            None if rows is None else _rows_view(b, plan, rows),
            spill,
        )


def _side(b: KernelBuilder, plan: Plan, source: Source, buffer: Value, access: Access) -> View:
    """An operand along the sum's axes."""
    if source.packs > 1:
        return PackedView.along_depth(
            b, buffer, access, plan.contraction.extents, plan.depth[-1], source.packs
        )
    return View.of(b, buffer, access, plan.contraction.extents)


def _rows_view(b: KernelBuilder, plan: Plan, buffer: Value) -> View:
    """The buffer of packed rows along (ticket, rows of a tile, depth of a block)."""
    tickets, rows, pitch = buffer.type.shape
    sizes, strides, axes = [tickets], [rows * pitch], [SHARE]
    step = rows * pitch
    for axis in plan.tile_rows:
        extent = plan.row_plan.size if axis == plan.split_row else plan.extent(axis)
        step //= extent
        sizes.append(extent)
        strides.append(step)
        axes.append(axis)
    step = 1
    inner: list[tuple[int, int, int]] = []
    for axis, extent in zip(reversed(plan.block_axes), reversed(plan.block_shape), strict=True):
        inner.insert(0, (axis, extent, step))
        step *= extent
    axes += [i[0] for i in inner]
    sizes += [i[1] for i in inner]
    strides += [i[2] for i in inner]
    return View(b.cast(buffer, 0, sizes, strides), tuple(axes))


def emit_packing(b: KernelBuilder, plan: Plan, values: Sequence[Value]) -> None:
    """The kernel that packs the whole right side, for `pack_b = "all"`."""
    source = values[plan.func.arguments.index(plan.rhs.argument)]
    pack_all(b, plan, source, values[len(plan.func.arguments) + len(plan.func.returned)])


def pack_all(b: KernelBuilder, plan: Plan, right: Value, buffer: Value) -> None:
    """Packs a buffer that is the whole right side into one of the plan's `packed_type`."""
    assert plan.packed_type is not None
    rhs = _side(b, plan, plan.rhs, right, plan.contraction.rhs)
    packed = View(buffer, (SHARE, PANEL, *plan.depth, plan.lane))
    group = max(1, 512 // plan.width)

    def share(b: KernelBuilder, matrix: Index, number: Index, which: Index) -> None:
        source = rhs.at(b, plan.unravel(b, matrix, plan.outer), {})
        low = b.mul(which, group)
        pack_panels(
            b, plan, source, packed.at(b, {SHARE: matrix}, {}), block_of(b, plan, number),
            (low, b.min(b.add(low, group), plan.panels)),
        )  # fmt: skip

    grid = (plan.matrices, plan.blocks.count, -(-plan.panels // group))
    if typical(plan.packed_type.nbytes) >= _PARALLEL_BYTES:
        b.forall(grid, share)
    else:
        each_index(b, grid, share)


def each_index(b: KernelBuilder, grid: Sequence[int], body: Callable[..., None], *found: Index) -> None:
    """Sequential loops over 0 <= i < n for each n of `grid`."""
    if not grid:
        body(b, *found)
    else:
        b.loop(0, grid[0], 1, lambda b, i: each_index(b, grid[1:], body, *found, i))


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: where it begins on every result axis, its rows, and its width with the number of valid lanes."""

    at: At
    rows: tuple[TileDim, ...]
    panel: Index
    width: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """Ranges of one ticket: matrices, indices of the row loops, row tiles, panels; and its number."""

    matrices: tuple[Index, Index]
    loops: tuple[Index, Index]
    tiles: tuple[Index, Index]
    panels: tuple[Index, Index]
    number: Index


def emit_contraction(b: KernelBuilder, plan: Plan, values: Sequence[Value]) -> None:
    """The kernel itself, or its part of another's ticket."""
    buffers = Buffers.of(b, plan, values)

    def ticket(b: KernelBuilder, ids: Sequence[Index]) -> None:
        _Loops(plan, buffers, _ticket(b, plan, ids)).emit(b)

    if plan.alone:
        each_index(b, plan.grid, lambda b, *ids: ticket(b, ids))
        return
    if b.machine.is_grid:
        b.forall(plan.grid, lambda b, *ids: ticket(b, ids))
        return
    # Tickets that follow each other share their lanes, of which the right side's block stays in the cache.
    matrices, loops, tiles, panels = plan.grid
    b.forall((matrices, panels, loops, tiles), lambda b, m, p, r, t: ticket(b, (m, r, t, p)))


def _ticket(b: KernelBuilder, plan: Plan, ids: Sequence[Index]) -> Ticket:
    wholes = (plan.matrices, plan.loop_count, plan.row_plan.count, plan.panels)
    ranges: list[tuple[Index, Index]] = []
    number: Index = 0
    for i, n, share, count in zip(ids, wholes, plan.shares, plan.grid, strict=True):
        low = b.mul(i, share)
        high = b.add(low, share)
        ranges.append((low, n if count == 1 else high if divides(share, n) else b.min(high, n)))
        number = b.add(b.mul(number, count), i)
    matrices, loops, tiles, panels = ranges
    return Ticket(matrices, loops, tiles, panels, 0 if plan.alone else number)


@dataclass(frozen=True, slots=True)
class _Loops:
    plan: Plan
    buffers: Buffers
    ticket: Ticket

    def emit(self, b: KernelBuilder) -> None:
        plan = self.plan

        def matrix(b: KernelBuilder, m: Index) -> None:
            at = plan.unravel(b, m, plan.outer)
            b.loop(0, plan.blocks.count, 1, lambda b, n: self.depth_block(b, m, at, block_of(b, plan, n)))

        b.loop(*self.ticket.matrices, 1, matrix)

    def depth_block(self, b: KernelBuilder, matrix: Index, at: At, block: Block) -> None:
        """All tiles of the ticket, for one block of depth of one matrix."""
        plan, packed = self.plan, self.buffers.packed
        right = self.buffers.rhs.at(b, at, {})
        if plan.schedule.pack_b == "all":
            assert packed is not None
            right = packed.at(b, {SHARE: matrix}, {})
        elif packed is not None:
            target = packed.at(b, {SHARE: self.ticket.number}, {})
            pack_panels(b, plan, right, target, block, self.ticket.panels)
            right = target

        def row_loop(b: KernelBuilder, i: Index) -> None:
            here = {**at, **plan.unravel(b, i, plan.loop_rows)}
            if plan.schedule.order == "lanes" or plan.schedule.pack_a:
                self.rows_then_lanes(b, here, block, right)
            else:
                self.lanes_then_rows(b, here, block, right)

        b.loop(*self.ticket.loops, 1, row_loop)

    def rows_then_lanes(self, b: KernelBuilder, at: At, block: Block, right: View) -> None:
        plan, panels = self.plan, self.ticket.panels

        def rows(b: KernelBuilder, start: At, dims: tuple[TileDim, ...]) -> None:
            left = self.left_side(b, {**at, **start}, block, dims)

            def lanes(b: KernelBuilder, p: Index, width: int, valid: int) -> None:
                tile = Tile({**at, **start, plan.lane: b.mul(p, plan.width)}, dims, p, width, valid)
                self.tile(b, tile, block, left, right)

            each_panel(b, plan, panels, lanes)

        self.each_row_tile(b, rows)

    def lanes_then_rows(self, b: KernelBuilder, at: At, block: Block, right: View) -> None:
        plan = self.plan

        def lanes(b: KernelBuilder, p: Index, width: int, valid: int) -> None:
            lane = b.mul(p, plan.width)

            def rows(b: KernelBuilder, start: At, dims: tuple[TileDim, ...]) -> None:
                tile = Tile({**at, **start, plan.lane: lane}, dims, p, width, valid)
                self.tile(b, tile, block, self.left_side(b, tile.at, block, dims), right)

            self.each_row_tile(b, rows)

        each_panel(b, plan, self.ticket.panels, lanes)

    def each_row_tile(
        self, b: KernelBuilder, body: Callable[[KernelBuilder, At, tuple[TileDim, ...]], None]
    ) -> None:
        """`body(b, start, tile rows)` for each row tile of the ticket, taller ones first."""
        plan, rows, axis = self.plan, self.plan.row_plan, self.plan.split_row
        whole = tuple((a, plan.extent(a)) for a in plan.whole_rows)
        if axis is None:
            body(b, {}, whole)
            return
        low, high = self.ticket.tiles
        if not isinstance(rows.extent, int):
            self.each_piece(b, axis, whole, body)
            return
        everything = plan.grid[2] == 1

        def tall(b: KernelBuilder, t: Index) -> None:
            body(b, {axis: b.mul(t, rows.size)}, ((axis, rows.size), *whole))

        def short(b: KernelBuilder, t: Index) -> None:
            # Tile t begins after `large` tall ones and t - large short ones.
            start = b.add(b.mul(t, rows.size - 1), rows.large)
            body(b, {axis: start}, ((axis, rows.size - 1), *whole))

        if rows.large == rows.count:
            b.loop(low, high, 1, tall)
            return
        b.loop(low, rows.large if everything else b.min(high, rows.large), 1, tall)
        b.loop(rows.large if everything else b.max(low, rows.large), high, 1, short)

    def each_piece(
        self,
        b: KernelBuilder,
        axis: int,
        whole: tuple[TileDim, ...],
        body: Callable[[KernelBuilder, At, tuple[TileDim, ...]], None],
    ) -> None:
        """Row tiles where the number of rows is not known: full ones, then what is left in powers of two."""
        rows, (first, last) = self.plan.row_plan, self.ticket.tiles
        low = b.mul(first, rows.size)
        high = b.min(b.mul(last, rows.size), rows.extent)
        sizes = [rows.size, *(1 << k for k in reversed(range((rows.size - 1).bit_length())))]
        for size in sizes:
            left = b.sub(high, low)
            stop = b.sub(high, b.rem(left, size)) if size > 1 else high
            b.loop(low, stop, size, lambda b, i, n=size: body(b, {axis: i}, ((axis, n), *whole)))
            low = stop

    def left_side(self, b: KernelBuilder, at: At, block: Block, rows: tuple[TileDim, ...]) -> View:
        """The left operand from a tile's first row on, packed if the schedule says so."""
        plan = self.plan
        lanes = {plan.lane: plan.lanes} if plan.is_depthwise else {}
        start = {a: i for a, i in at.items() if a != plan.lane}
        left = self.buffers.lhs.at(b, start, {a: n for a, n in rows if a is not None} | lanes)
        if self.buffers.rows is None:
            return left
        target = self.buffers.rows.at(b, {SHARE: self.ticket.number}, {})
        pack_rows(b, plan, left, target, block, rows)
        return target

    def tile(self, b: KernelBuilder, tile: Tile, block: Block, left: View, right: View) -> None:
        """Accumulators of one tile over a block of depth: loaded or zero, advanced, stored or finished."""
        plan, spill = self.plan, self.buffers.spill
        if plan.schedule.pack_b == "turn":
            self.turned_tile(b, tile, left, right)
            return
        dims = (*tile.rows, (plan.lane, tile.width))
        ragged = self.ragged(tile)
        type = VectorType(tuple(n for _, n in dims), plan.element)
        zero = b.constant(0.0 if isinstance(plan.element, FloatType) else 0, type)
        right = self.right_side(b, tile, right)
        if spill is None:
            self.finish(b, tile, self.advance(b, tile, block, left, right, zero))
            return
        first = b.compare("eq", block.number, 0)
        (start,) = b.branch(first, lambda b: [zero], lambda b: [spill.read(b, tile.at, dims, ragged)], [type])
        sums = self.advance(b, tile, block, left, right, start)
        last = b.compare("eq", block.number, plan.blocks.count - 1)
        b.branch(
            last,
            lambda b: self.finish(b, tile, sums),
            lambda b: spill.write(b, sums, tile.at, dims, ragged),
        )

    def turned_tile(self, b: KernelBuilder, tile: Tile, left: View, right: View) -> None:
        """A tile whose right side is read along depth and transposed in registers, sixteen lanes at a time.

        Each sixteen lanes have accumulators of their own, so that one block's products run while the next is turned."""
        plan, k, run = self.plan, self.plan.depth[-1], LANE_RUN
        many = max(1, run // plan.schedule.nv)
        parts = [
            Tile(
                {**tile.at, plan.lane: b.add(tile.at[plan.lane], i)},
                tile.rows,
                tile.panel,
                run,
                min(run, tile.lanes - i),
            )
            for i in range(0, tile.lanes, run)
        ]
        sides = [right.at(b, {plan.lane: part.at[plan.lane]}, {plan.lane: part.lanes}) for part in parts]
        type = VectorType((*(n for _, n in tile.rows), run), plan.element)
        zero = b.constant(0.0 if isinstance(plan.element, FloatType) else 0, type)

        def advance(b: KernelBuilder, at: At, steps: int, sums: Sequence[Value]) -> list[Value]:
            lhs = self.left_value(b, left.read(b, at, (*tile.rows, (k, steps))))
            made = []
            for part, side, old in zip(parts, sides, sums, strict=True):
                for i in range(part.lanes if plan.schedule.prefetch and steps > 1 else 0):
                    side.fetch(
                        b,
                        {**at, k: b.add(at[k], AHEAD.get(plan.schedule.nv, LANE_RUN)), plan.lane: i},
                        near=True,
                    )
                rhs = side.read(b, at, ((k, steps), (plan.lane, run)), self.ragged(part))
                made.append(self.product(b, tile, lhs, self.right_value(b, rhs), old))
            return made

        def nest(b: KernelBuilder, axes: Sequence[int], at: At, sums: Sequence[Value]) -> Sequence[Value]:
            if len(axes) > 1:
                turn = lambda b, i, *s: nest(b, axes[1:], {**at, axes[0]: i}, s)  # noqa: E731
                return b.loop(0, plan.extent(axes[0]), 1, turn, *sums)
            middle = plan.extent(k) - plan.extent(k) % many
            sums = b.loop(0, middle, many, lambda b, i, *s: advance(b, {**at, k: i}, many, s), *sums)
            return b.loop(middle, plan.extent(k), 1, lambda b, i, *s: advance(b, {**at, k: i}, 1, s), *sums)

        for part, sums in zip(parts, nest(b, plan.depth, {}, [zero] * len(parts)), strict=True):
            self.finish(b, part, sums)

    def right_side(self, b: KernelBuilder, tile: Tile, right: View) -> View:
        """The right operand from the tile's first lane on."""
        plan = self.plan
        if self.buffers.packed is None:
            return right.at(b, {plan.lane: tile.at[plan.lane]}, {plan.lane: tile.lanes})
        whole = plan.schedule.pack_b == "all"
        return right.at(b, {PANEL: b.sub(tile.panel, 0 if whole else self.ticket.panels[0])}, {})

    def advance(
        self, b: KernelBuilder, tile: Tile, block: Block, left: View, right: View, start: Value
    ) -> Value:
        """The accumulators after all steps of the block, in order."""

        def nest(b: KernelBuilder, axes: Sequence[int], at: At, sums: Value) -> Value:
            if not axes:
                self.fetch_left(b, ahead, at)
                return self.step(b, tile, block, left, right, at, sums)
            low, high = bounds(self.plan, block, axes[0])
            turn = lambda b, i, s: [nest(b, axes[1:], {**at, axes[0]: i}, s)]  # noqa: E731
            return b.loop(low, high, 1, turn, sums)[0]

        ahead = self.next_rows(b, tile)
        self.fetch_results(b, tile, ahead)
        return nest(b, self.plan.block_axes, dict(block.at), start)

    def next_rows(self, b: KernelBuilder, tile: Tile) -> At | None:
        """Where the next row tile begins, if it is to be fetched; of the last one, rows that there are."""
        plan, axis = self.plan, self.plan.split_row
        if not plan.schedule.prefetch or axis is None:
            return None
        first = b.add(tile.at[axis], dict(tile.rows)[axis])
        return {**tile.at, axis: b.min(first, b.max(0, plan.extent(axis) - _power_above(plan.row_plan.size)))}

    def fetch_left(self, b: KernelBuilder, ahead: At | None, at: At) -> None:
        """Asks for one line of the next row tile's left side: over as many steps as a line has elements, for all of it."""
        plan, axis = self.plan, self.plan.split_row
        if ahead is None or axis is None:
            return
        (k,) = plan.depth
        along = plan.contraction.lhs.strides[k] == 1
        row = b.rem(at[k], _power_above(plan.row_plan.size)) if along else 0
        self.buffers.lhs.fetch(b, {**ahead, axis: b.add(ahead[axis], row), k: b.sub(at[k], row)})

    def fetch_results(self, b: KernelBuilder, tile: Tile, ahead: At | None) -> None:
        """Asks for where the next row tile's results go."""
        plan, axis = self.plan, self.plan.split_row
        if ahead is None or axis is None:
            return

        def row(b: KernelBuilder, i: Index) -> None:
            for lane in range(0, tile.width, plan.vector_lanes):
                at = {axis: b.add(ahead[axis], i), plan.lane: b.add(ahead[plan.lane], lane)}
                for view in self.buffers.outputs:
                    view.fetch(b, {**ahead, **at}, near=True, writes=True)

        b.loop(0, plan.row_plan.size, 1, row)

    def step(
        self, b: KernelBuilder, tile: Tile, block: Block, left: View, right: View, at: At, sums: Value
    ) -> Value:
        """One step of depth: each accumulator takes one product."""
        plan, k = self.plan, self.plan.depth[-1] if self.plan.depth else None
        left_at = at if self.buffers.rows is None else local(b, plan, block, at, False)
        packed_all = self.buffers.packed is None or plan.schedule.pack_b == "all"
        right_at = local(b, plan, block, at, packed_all)
        ragged = self.ragged(tile)
        if plan.is_depthwise:
            left_at = {**left_at, plan.lane: tile.at[plan.lane]}
            wide = (*tile.rows, (plan.lane, tile.width))
            lhs, rhs = left.read(b, left_at, wide, ragged), right.read(b, right_at, wide, ragged)
            return self.multiply(b, self.left_value(b, lhs), self.right_value(b, rhs), sums)
        lhs = left.read(b, left_at, (*tile.rows, (k, 1)))
        rhs = right.read(
            b, right_at, ((k, 1), (plan.lane, tile.width)), ragged if self.buffers.packed is None else ()
        )
        return self.product(b, tile, self.left_value(b, lhs), self.right_value(b, rhs), sums)

    def product(self, b: KernelBuilder, tile: Tile, lhs: Value, rhs: Value, sums: Value) -> Value:
        op = vector.Contract(lhs, rhs, sums, **product_of(len(tile.rows)))
        if self.plan.packs:
            op.attributes[vector.PACKS] = StringAttr(self.plan.packs)
        return b.emit(op)

    def ragged(self, tile: Tile) -> tuple[int, ...]:
        """The lane axis, where the tile is wider than what is left of it."""
        return () if tile.lanes == tile.width else (self.plan.lane,)

    def multiply(self, b: KernelBuilder, x: Value, y: Value, sums: Value) -> Value:
        if isinstance(self.plan.element, FloatType):
            return b.emit(vector.Fma(x, y, sums))
        return b.emit(arith.AddI(sums, b.emit(arith.MulI(x, y))))

    def left_value(self, b: KernelBuilder, value: Value) -> Value:
        return (
            value if self.buffers.rows is not None else self.plan.lhs.convert(b, value, self.plan.accumulator)
        )

    def right_value(self, b: KernelBuilder, value: Value) -> Value:
        return (
            value
            if self.buffers.packed is not None
            else self.plan.rhs.convert(b, value, self.plan.accumulator)
        )

    def finish(self, b: KernelBuilder, tile: Tile, sums: Value) -> None:
        """The epilogue on a finished tile, and its stores."""
        plan, buffers = self.plan, self.buffers
        dims = (*tile.rows, (plan.lane, tile.width))
        ragged = self.ragged(tile)
        result = convert(b, sums, plan.accumulator, plan.epilogue.center.results[0].type.element)
        made = plan.epilogue.emit(b, [result], lambda i: buffers.others[i].read(b, tile.at, dims, ragged))
        for view, value in zip(buffers.outputs, made, strict=True):
            view.write(b, value, tile.at, dims, ragged)


def _power_above(n: int) -> int:
    """The least power of two that is not less than n."""
    return 1 << (n - 1).bit_length()


def product_of(rows: int) -> dict[str, Any]:
    """The maps of vector.contract for a tile of `rows` row dimensions: (rows, k) by (k, lane) into (rows, lane)."""
    lane, k = rows, rows + 1
    outer = range(rows)
    return {
        "indexing_maps": [
            AffineMapAttr.select(rows + 2, (*outer, k)),
            AffineMapAttr.select(rows + 2, (k, lane)),
            AffineMapAttr.select(rows + 2, (*outer, lane)),
        ],
        "iterator_types": ["parallel"] * (rows + 1) + ["reduction"],
    }

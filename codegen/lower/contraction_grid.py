"""Contractions on a grid: a block of threads computes a tile of the result from two tiles in memory that it shares.

    block (matrix, tile of rows, tile of columns)
      the first tiles of both sides are copied, in the background
      for each tile of depth
        copy the next tiles; wait for these; every thread: fma over the steps of depth, in order
      the epilogue on the pieces that each thread holds

Rows, columns and depth are walked flat, whatever axes they are made of: an element of either side lies at the sum of an
offset for its row (or column) and one for its step, so a convolution is no special case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.contraction_plan import Plan
from irc.codegen.lower.elementwise import convert
from irc.codegen.lower.epilogue import Source
from irc.codegen.lower.view import Access, Counter, View
from irc.codegen.schedule.contraction_grid import GROUP, THREADS, GridSchedule, grid_schedule
from irc.dialects import gpu, memref, nvgpu, vector
from irc.ir.affine import AffineMapAttr
from irc.ir.operation import Value
from irc.ir.types import FloatType, MemRefType, VectorType

_PAD = 4
"""Elements between rows of a shared tile, so that neighbours along depth lie in other banks."""
_STAGES = 2


def schedule_of(plan: Plan) -> GridSchedule | None:
    """The tiles for a plan; None where each element has a thread of its own."""
    c = plan.contraction
    if plan.is_depthwise or c.lane is None:
        return None
    matrices, rows, columns, depth = (c.size(c.of_kind(kind)) for kind in ("batch", "row", "column", "depth"))
    return grid_schedule(matrices, rows, columns, depth, plan.element.numpy.itemsize)


def emit_grid_contraction(
    schedule: GridSchedule, b: KernelBuilder, plan: Plan, values: Sequence[Value]
) -> None:
    """The kernel of a plan in tiles of a schedule."""
    GridKernel(plan, schedule, values).emit(b)


@dataclass
class Side:
    """One operand: its buffer, its axes besides depth, and its tile in shared memory, `[stage][step][place]`."""

    source: Source
    access: Access
    buffer: Value
    axes: tuple[int, ...]
    extent: int
    tile: int
    shared: Value | None = None
    width: int = 1
    along: bool = False
    """Whether memory runs along depth."""
    copies: list[tuple[Index, Index, Index]] = field(default_factory=list)
    """For each copy of a thread: its step and its place in the tile, and the offset of its row in the buffer."""


@dataclass
class GridKernel:
    """Each thread holds pieces of the result, four by four elements, and multiplies what it reads of the shared tiles."""

    plan: Plan
    schedule: GridSchedule
    values: Sequence[Value]

    @cached_property
    def depth(self) -> int:
        return self.plan.depth_size

    def axes(self, kind: str) -> tuple[int, ...]:
        return self.plan.contraction.of_kind(kind)

    def emit(self, b: KernelBuilder) -> None:
        plan, s, c = self.plan, self.schedule, self.plan.contraction
        arguments = dict(zip(plan.func.arguments, self.values, strict=False))
        rows, columns, batch = self.axes("row"), self.axes("column"), self.axes("batch")
        at = len(plan.func.arguments)
        outputs = [View.of(b, v, c.out, c.extents) for v in self.values[at : at + len(plan.func.returned)]]
        others = plan.epilogue.readers(b, arguments, c.others, c.extents)
        sides = [
            Side(plan.lhs, c.lhs, arguments[plan.lhs.argument], rows, c.size(rows), s.rows),
            Side(plan.rhs, c.rhs, arguments[plan.rhs.argument], columns, c.size(columns), s.columns),
        ]
        for side in sides:
            # Every element of the buffer, by its number.
            size = (side.buffer.type.size,)
            side.buffer = b.cast(side.buffer, 0, size, (1,))

        def block(b: KernelBuilder, matrix: Index, i: Index, j: Index) -> None:
            place = plan.unravel(b, matrix, batch)
            corner = b.mul(i, s.rows), b.mul(j, s.columns)
            thread = b.emit(gpu.ThreadId(dimension="x"))
            for side, start in zip(sides, corner, strict=True):
                self._prepare(b, side, start, place, thread)
            sums = self._sums(b, sides, thread)
            self._finish(b, outputs, others, place, corner, thread, sums)

        grid = (c.size(batch), -(-sides[0].extent // s.rows), -(-sides[1].extent // s.columns))
        b.forall(grid, block, "block", THREADS)

    # Copies.

    def _prepare(
        self, b: KernelBuilder, side: Side, start: Index, place: dict[int, Index], thread: Value
    ) -> None:
        """The shared tiles, and what every thread copies of each: elements along depth or across, as memory runs.

        A row past the end stands for the last one: what comes of it is not stored."""
        steps = self.schedule.depth
        shared = MemRefType((_STAGES, steps, side.tile + _PAD), self.plan.element, None, gpu.WORKGROUP)
        side.shared = b.emit(memref.Alloca((), (), alignment=128, result_types=[shared]))
        base: Index = side.access.offset
        for axis, at in place.items():
            base = b.add(base, b.mul(at, side.access.strides[axis]))
        along = self._runs_along_depth(side)
        side.width = self._width(side, along)
        across_threads = side.tile // side.width
        side.copies = []
        for n in range(across_threads * steps // THREADS):
            number = b.add(thread, n * THREADS)
            step = b.rem(number, steps) if along else b.div(number, across_threads)
            across = b.mul(b.div(number, steps) if along else b.rem(number, across_threads), side.width)
            where = b.add(start, across)
            if side.extent % side.tile:
                where = b.min(where, side.extent - side.width)
            side.copies.append((step, across, b.add(base, self._offset(b, side, where, side.axes))))

    def _runs_along_depth(self, side: Side) -> bool:
        depth = self.axes("depth")
        return bool(depth) and abs(side.access.strides[depth[-1]]) == 1

    def _width(self, side: Side, along: bool) -> int:
        """Elements of one copy: 16 bytes where memory runs across and all that moves a place moves it by multiples."""
        strides = [s for a, s in enumerate(side.access.strides) if not side.axes or a != side.axes[-1]]
        dense = bool(side.axes) and side.access.strides[side.axes[-1]] == 1
        whole = side.axes and self.plan.contraction.extents[side.axes[-1]] % GROUP == 0
        aligned = all(n % GROUP == 0 for n in (side.access.offset, *strides))
        words = self._is_plain(side) and self.plan.element.numpy.itemsize == 4
        return GROUP if words and not along and dense and whole and aligned else 1

    def _offset(self, b: KernelBuilder, side: Side, number: Index, axes: tuple[int, ...]) -> Index:
        total: Index = 0
        for axis, at in self.plan.unravel(b, number, axes).items():
            total = b.add(total, b.mul(at, side.access.strides[axis]))
        return total

    def _start(self, b: KernelBuilder, sides: Sequence[Side], first: Index, stage: Index) -> Value | None:
        """Starts copies of the tiles whose first step is `first`; their group, where any go on in the background."""
        before = len(b.operations)
        self._copy(b, sides, first, stage)
        tokens = [op.asyncToken for op in b.operations[before:] if isinstance(op, nvgpu.DeviceAsyncCopy)]
        return b.emit(nvgpu.DeviceAsyncCreateGroup(tokens)) if tokens else None

    def _wait(self, b: KernelBuilder, group: Value | None, under_way: int) -> None:
        """Until all but so many groups of copies have come."""
        if group is not None:
            b.emit(nvgpu.DeviceAsyncWait(group, numGroups=under_way))

    def _copy(self, b: KernelBuilder, sides: Sequence[Side], first: Index, stage: Index) -> None:
        """The copies themselves; a step past the end stands for the last one."""
        for side in sides:
            for step, across, offset in side.copies:
                k = b.add(first, step)
                if self.depth % self.schedule.depth:
                    k = b.min(k, self.depth - 1)
                source = b.add(offset, self._offset(b, side, k, self.axes("depth")))
                if self._is_plain(side):
                    self._copy_behind(b, side, source, (stage, step, across))
                else:
                    self._copy_converted(b, side, source, (stage, step, across))

    def _copy_behind(self, b: KernelBuilder, side: Side, source: Index, to: Sequence[Index]) -> None:
        """A copy in the background."""
        assert side.shared is not None
        b.emit(
            nvgpu.DeviceAsyncCopy(
                side.shared, b.indices(to), side.buffer, b.indices([source]), None,
                dstElements=side.width, bypassL1=True if side.width == GROUP else None,
            )
        )  # fmt: skip

    def _copy_converted(self, b: KernelBuilder, side: Side, source: Index, to: Sequence[Index]) -> None:
        """A copy through a register, where the element is converted on the way."""
        element = b.load(side.buffer, [source], VectorType((1,), side.buffer.type.element))
        wide = side.source.convert(b, element, self.plan.accumulator)
        assert side.shared is not None
        b.store(b.emit(vector.Extract(wide, (), static_position=(0,))), side.shared, to)

    def _is_plain(self, side: Side) -> bool:
        """Whether elements are copied as they are, by words of the size that copies in the background have."""
        element = self.plan.element
        same = side.buffer.type.element is element and not side.source.conversions
        return same and element.numpy.itemsize in (4, 8)

    # Products.

    def _sums(self, b: KernelBuilder, sides: Sequence[Side], thread: Value) -> list[Value]:
        """The pieces of each thread, rows first, after all of depth."""
        s = self.schedule
        tiles = -(-self.depth // s.depth)
        rest = self.depth - (tiles - 1) * s.depth
        sums = self._zeros(b)
        first = self._start(b, sides, 0, 0)

        def turn(b: KernelBuilder, t: Index, *sums: Value) -> Sequence[Value]:
            following = b.add(t, 1)

            def ahead(b: KernelBuilder) -> None:
                token = self._start(b, sides, b.mul(following, s.depth), b.rem(following, _STAGES))
                self._wait(b, token, 1)

            if tiles > 1:
                more = b.compare("ult", following, tiles)
                b.branch(more, ahead, lambda b: self._wait(b, first, 0))
            else:
                self._wait(b, first, 0)
            b.emit(gpu.Barrier())
            made = self._tile(b, sides, thread, t, tiles, rest, sums)
            b.emit(gpu.Barrier())
            return made

        return list(b.loop(0, tiles, 1, turn, *sums))

    def _zeros(self, b: KernelBuilder) -> list[Value]:
        """The sums that a thread begins with."""
        type = VectorType((GROUP, GROUP), self.plan.element)
        zero = b.constant(0.0 if isinstance(self.plan.element, FloatType) else 0, type)
        return [zero] * (self.schedule.row_pieces * self.schedule.column_pieces)

    def _tile(
        self,
        b: KernelBuilder,
        sides: Sequence[Side],
        thread: Value,
        t: Index,
        tiles: int,
        rest: int,
        sums: Sequence[Value],
    ) -> Sequence[Value]:
        """The products of one tile of depth; the last may be short. Steps past the end are not taken: even adding zero could
        change a sum's bits."""
        stage = b.rem(t, _STAGES)
        if tiles == 1:
            # Step by step: what is not carried by a loop would be moved past the checks of the rows it is stored to.
            step = lambda b, k, *sums: self._products(b, sides, thread, stage, 1, sums, k)  # noqa: E731
            return b.loop(0, rest, 1, step, *sums)
        if rest == self.schedule.depth:
            return self._products(b, sides, thread, stage, rest, sums)
        full = b.compare("ult", t, tiles - 1)
        return b.branch(
            full,
            lambda b: self._products(b, sides, thread, stage, self.schedule.depth, sums),
            lambda b: self._products(b, sides, thread, stage, rest, sums),
            [v.type for v in sums],
        )

    def _products(
        self,
        b: KernelBuilder,
        sides: Sequence[Side],
        thread: Value,
        stage: Index,
        steps: int,
        sums: Sequence[Value],
        first: Index = 0,
    ) -> list[Value]:
        """The sums after so many steps from `first` on."""
        s = self.schedule
        row, column = b.mul(b.div(thread, s.side), GROUP), b.mul(b.rem(thread, s.side), GROUP)
        made = list(sums)
        for n in range(steps):
            k = b.add(first, n)
            left = [
                self._piece(b, sides[0], stage, k, b.add(row, p * s.row_step)) for p in range(s.row_pieces)
            ]
            right = [
                self._piece(b, sides[1], stage, k, b.add(column, q * s.row_step))
                for q in range(s.column_pieces)
            ]
            for p, lhs in enumerate(left):
                tall = b.emit(vector.ShapeCast(lhs, result_types=[VectorType((GROUP, 1), lhs.type.element)]))
                for q, rhs in enumerate(right):
                    wide = b.emit(
                        vector.ShapeCast(rhs, result_types=[VectorType((1, GROUP), rhs.type.element)])
                    )
                    i = p * s.column_pieces + q
                    made[i] = b.emit(vector.Contract(tall, wide, made[i], **_OUTER))
        return made

    def _piece(self, b: KernelBuilder, side: Side, stage: Index, step: Index, at: Index) -> Value:
        assert side.shared is not None
        wide = VectorType((GROUP,), self.plan.element)
        bytes_ = self.plan.element.numpy.itemsize * GROUP
        return b.load(side.shared, (stage, step, at), wide, min(16, bytes_))

    # Results.

    def _finish(
        self,
        b: KernelBuilder,
        outputs: Sequence[View],
        others: Sequence[View | Counter],
        place: dict[int, Index],
        corner: tuple[Index, Index],
        thread: Value,
        sums: Sequence[Value],
    ) -> None:
        """The epilogue on each row of each piece, and its store."""
        s, plan, c = self.schedule, self.plan, self.plan.contraction
        rows, columns = self.axes("row"), self.axes("column")
        lanes = GROUP if columns == (plan.lane,) and c.extents[plan.lane] % GROUP == 0 else 1
        first = b.add(corner[0], b.mul(b.div(thread, s.side), GROUP))
        left = b.add(corner[1], b.mul(b.rem(thread, s.side), GROUP))
        for p in range(s.row_pieces):
            for r in range(GROUP):
                row = b.add(first, p * s.row_step + r)

                def line(b: KernelBuilder, row: Index = row, p: int = p, r: int = r) -> None:
                    at = {**place, **plan.unravel(b, row, rows)}
                    for q in range(s.column_pieces):
                        piece = b.emit(
                            vector.Extract(sums[p * s.column_pieces + q], (), static_position=(r,))
                        )
                        for n in range(0, GROUP, lanes):
                            column = b.add(left, q * s.row_step + n)
                            self._store(b, outputs, others, at, column, piece, n, lanes)

                self._where(b, row, c.size(rows), s.rows, line)

    def _store(
        self,
        b: KernelBuilder,
        outputs: Sequence[View],
        others: Sequence[View | Counter],
        at: dict[int, Index],
        column: Index,
        piece: Value,
        n: int,
        lanes: int,
    ) -> None:
        plan, columns = self.plan, self.axes("column")

        def write(b: KernelBuilder) -> None:
            here = {**at, **plan.unravel(b, column, columns)}
            value = piece
            if (lanes,) != piece.type.shape:
                value = b.emit(vector.ExtractStridedSlice.of(piece, (n,), (lanes,)))
            result = convert(b, value, plan.accumulator, plan.epilogue.center.results[0].type.element)
            dims = ((plan.lane, lanes),)
            made = plan.epilogue.emit(b, [result], lambda i: others[i].read(b, here, dims))
            for view, tile in zip(outputs, made, strict=True):
                view.write(b, tile, here, dims)

        self._where(b, column, plan.contraction.size(columns), self.schedule.columns, write)

    def _where(self, b: KernelBuilder, at: Index, extent: int, tile: int, then: Any) -> None:
        """`then` where the index lies inside, checked where the last tile is not full."""
        if extent % tile:
            b.branch(b.compare("ult", at, extent), then)
        else:
            then(b)


_OUTER: dict[str, Any] = {
    "indexing_maps": [
        AffineMapAttr.select(3, (0, 2)),
        AffineMapAttr.select(3, (2, 1)),
        AffineMapAttr.select(3, (0, 1)),
    ],
    "iterator_types": ["parallel", "parallel", "reduction"],
}

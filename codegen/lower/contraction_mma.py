"""Contractions of 16-bit floats on a grid's matrix units: sums in f32, made 16 steps at a time in the units' own order.

That order is not the contract's, so only a dot_general that names such an `algorithm` comes here. Tiles lie in shared memory
as they lie in the operands; a warp reads them by 8x8 matrices, turned on the way where it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.contraction_grid import GridKernel, Side
from irc.codegen.lower.contraction_plan import Plan
from irc.codegen.lower.tree_warp import lane_id
from irc.codegen.lower.view import Counter, View
from irc.codegen.schedule.contraction_grid import THREADS, GridSchedule
from irc.dialects import arith, gpu, memref, nvgpu, vector
from irc.dialects import stablehlo as hlo
from irc.ir.operation import Value
from irc.ir.types import MemRefType, VectorType, bf16, f16, f32

_M, _N, _K = 16, 8, 16
"""The matrices of one instruction."""
_CHUNK = 8
"""Elements of a copy: 16 bytes."""
_PAD = 8
"""Elements between lines of a shared tile: the eight lines of a matrix begin in different banks."""
_WARPS_ACROSS = 4
_STAGES = 2


def matrix_schedule(plan: Plan) -> GridSchedule | None:
    """The tiles of a plan that may use matrix units and is large enough for them, else None."""
    center, c = plan.epilogue.center, plan.contraction
    if not isinstance(center, hlo.DotGeneral) or center.algorithm is None:
        return None
    sources = plan.lhs, plan.rhs
    same = len({s.argument.type.element for s in sources} | {o.type.element for o in center.operands}) == 1
    element, algorithm = sources[0].argument.type.element, center.algorithm
    wanted = algorithm.lhs_precision_type, algorithm.rhs_precision_type, algorithm.accumulation_type
    if (
        element not in (bf16, f16)
        or not same
        or plan.accumulator is not f32
        or wanted != (element, element, f32)
    ):
        return None
    if plan.is_depthwise or c.lane is None:
        return None
    rows, columns = (c.size(c.of_kind(kind)) for kind in ("row", "column"))
    if rows < 32 or columns < 32 or plan.depth_size < _K:
        return None
    return GridSchedule(128, 128, 32)


def emit_matrix_contraction(
    schedule: GridSchedule, b: KernelBuilder, plan: Plan, values: Sequence[Value]
) -> None:
    """The kernel of a plan on matrix units."""
    MatrixKernel(plan, schedule, values).emit(b)


@dataclass
class MatrixKernel(GridKernel):
    """Eight warps, two by four; each holds four by four results of the instruction."""

    @property
    def warp_rows(self) -> int:
        return self.schedule.rows // 2

    @property
    def warp_columns(self) -> int:
        return self.schedule.columns // _WARPS_ACROSS

    def _prepare(
        self, b: KernelBuilder, side: Side, start: Index, place: dict[int, Index], thread: Value
    ) -> None:
        """Tiles as [stage][place][step] where depth is contiguous, else [stage][step][place]; copies of eight elements where
        memory lies so, else of one."""
        steps = self.schedule.depth
        side.along = self._runs_along_depth(side)
        lines, length = (side.tile, steps) if side.along else (steps, side.tile)
        shared = MemRefType((_STAGES, lines, length + _PAD), side.buffer.type.element, None, gpu.WORKGROUP)
        side.shared = b.emit(memref.Alloca((), (), alignment=128, result_types=[shared]))
        base: Index = side.access.offset
        for axis, at in place.items():
            base = b.add(base, b.mul(at, side.access.strides[axis]))
        side.width = self._chunk(side)
        side.copies = []
        for n in range(lines * length // side.width // THREADS):
            number = b.add(thread, n * THREADS)
            line = b.div(number, length // side.width)
            inner = b.mul(b.rem(number, length // side.width), side.width)
            step, across = (inner, line) if side.along else (line, inner)
            where = b.add(start, across)
            if side.extent % side.tile:
                # A row past the end stands for the last ones: what comes of it is not stored.
                where = b.min(where, side.extent - (1 if side.along else side.width))
            side.copies.append((step, across, b.add(base, self._offset(b, side, where, side.axes))))

    def _chunk(self, side: Side) -> int:
        """Eight elements where the innermost axis of the side is contiguous, a multiple of eight, and all else moves by
        multiples of eight."""
        axes = self.axes("depth") if side.along else side.axes
        if not axes or side.access.strides[axes[-1]] != 1 or self.plan.contraction.extents[axes[-1]] % _CHUNK:
            return 1
        others = [s for a, s in enumerate(side.access.strides) if a != axes[-1]]
        return _CHUNK if all(n % _CHUNK == 0 for n in (side.access.offset, *others)) else 1

    def _copy(self, b: KernelBuilder, sides: Sequence[Side], first: Index, stage: Index) -> None:
        """Starts copies of the tiles whose first step is `first`. Steps past the end are zero on both sides."""
        for side in sides:
            for step, across, offset in side.copies:
                k = b.add(first, step)
                exists = None
                if self.depth % self.schedule.depth:
                    exists = b.compare("ult", k, self.depth)
                    k = b.min(k, self.depth - (side.width if side.along else 1))
                source = b.add(offset, self._offset(b, side, k, self.axes("depth")))
                to = (stage, across, step) if side.along else (stage, step, across)
                if side.width == _CHUNK:
                    self._copy_chunk(b, side, source, to, exists)
                else:
                    self._copy_element(b, side, source, to, exists)

    def _copy_chunk(
        self, b: KernelBuilder, side: Side, source: Index, to: Sequence[Index], exists: Value | None
    ) -> None:
        assert side.shared is not None
        count = None
        if exists is not None:
            count = b.emit(arith.Select(exists, b.index(_CHUNK), b.index(0)))
        places = b.indices(to), b.indices([source])
        copy = nvgpu.DeviceAsyncCopy(
            side.shared, places[0], side.buffer, places[1], count, dstElements=_CHUNK, bypassL1=True
        )
        b.emit(copy)

    def _copy_element(
        self, b: KernelBuilder, side: Side, source: Index, to: Sequence[Index], exists: Value | None
    ) -> None:
        assert side.shared is not None
        value = b.load(side.buffer, [source])
        if exists is not None:
            value = b.emit(arith.Select(exists, value, b.constant(0.0, value.type)))
        b.store(value, side.shared, to)

    # Products.

    def _zeros(self, b: KernelBuilder) -> list[Value]:
        count = (self.warp_rows // _M) * (self.warp_columns // _N)
        return [b.constant(0.0, VectorType((2, 2), f32))] * count

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
        stage, made = b.rem(t, _STAGES), list(sums)
        warp = b.emit(gpu.SubgroupId())
        row = b.mul(b.div(warp, _WARPS_ACROSS), self.warp_rows)
        column = b.mul(b.rem(warp, _WARPS_ACROSS), self.warp_columns)
        for k in range(0, self.schedule.depth, _K):
            left = [
                self._matrices(b, sides[0], stage, b.add(row, i), k, True)
                for i in range(0, self.warp_rows, _M)
            ]
            both = [
                self._matrices(b, sides[1], stage, b.add(column, j), k, False)
                for j in range(0, self.warp_columns, 2 * _N)
            ]
            right = [self._half(b, pair, i) for pair in both for i in range(2)]
            for i, lhs in enumerate(left):
                for j, rhs in enumerate(right):
                    at = i * len(right) + j
                    made[at] = b.emit(nvgpu.MmaSync(lhs, rhs, made[at], mmaShape=(_M, _N, _K)))
        return made

    def _matrices(
        self, b: KernelBuilder, side: Side, stage: Index, place: Index, k: int, is_left: bool
    ) -> Value:
        """Four 8x8 matrices: 16 places by 16 steps. Lane l names line l % 8 of matrix l / 8; of the left side neighbours in
        number are neighbours in rows, of the right side in steps."""
        assert side.shared is not None
        lane = lane_id(b)
        matrix, line = b.div(lane, 8), b.rem(lane, 8)
        low, high = b.mul(b.rem(matrix, 2), 8), b.mul(b.div(matrix, 2), 8)
        across, step = (low, high) if is_left else (high, low)
        if side.along:
            at = (stage, b.add(b.add(place, across), line), b.add(step, k))
        else:
            at = (stage, b.add(b.add(step, line), k), b.add(place, across))
        result = VectorType((4, 2), side.buffer.type.element)
        read = nvgpu.LdMatrix(
            side.shared, b.indices(at), transpose=not side.along, numTiles=4, result_types=[result]
        )
        return b.emit(read)

    def _half(self, b: KernelBuilder, pair: Value, i: int) -> Value:
        return b.emit(vector.ExtractStridedSlice.of(pair, (2 * i, 0), (2, 2)))

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
        """Each thread holds, of each result, two elements of a row and two of the one eight below."""
        plan, c = self.plan, self.plan.contraction
        rows, columns = self.axes("row"), self.axes("column")
        lanes = 2 if columns == (plan.lane,) and c.extents[plan.lane] % 2 == 0 else 1
        warp, lane = b.emit(gpu.SubgroupId()), lane_id(b)
        first = b.add(corner[0], b.mul(b.div(warp, _WARPS_ACROSS), self.warp_rows))
        left = b.add(corner[1], b.mul(b.rem(warp, _WARPS_ACROSS), self.warp_columns))
        first, left = b.add(first, b.div(lane, 4)), b.add(left, b.mul(b.rem(lane, 4), 2))
        across = self.warp_columns // _N
        for i in range(self.warp_rows // _M):
            for half in range(2):
                row = b.add(first, i * _M + half * 8)

                def line(b: KernelBuilder, row: Index = row, i: int = i, half: int = half) -> None:
                    at = {**place, **plan.unravel(b, row, rows)}
                    for j in range(across):
                        pair = b.emit(vector.Extract(sums[i * across + j], (), static_position=(half,)))
                        for n in range(0, 2, lanes):
                            column = b.add(left, j * _N + n)
                            self._store(b, outputs, others, at, column, pair, n, lanes)

                self._where(b, row, c.size(rows), self.schedule.rows, line)

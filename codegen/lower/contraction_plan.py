"""A contraction with its schedule: everything the emitted loops need to know, as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.contraction_axes import Contraction
from irc.codegen.lower.epilogue import Epilogue, Source
from irc.codegen.lower.group import kernel_element
from irc.codegen.schedule.contraction import RowPlan, Schedule, row_plan, rows_of_ticket
from irc.dialects.func import Func
from irc.ir.extents import at_most, ceildiv, typical
from irc.ir.types import FloatType, IntegerType, MemRefType, i32

_RUN = 16
_PAD = 16  # elements between packed rows, so that their pitch is no power of two

Split = tuple[int, ...]


def _balanced(n: int, most: int) -> int:
    """How many of `n` each part holds, where as few parts as parts of `most` make are equal as far as can be."""
    return ceildiv(n, ceildiv(n, most)) if isinstance(n, int) and n else most


@dataclass(frozen=True)
class DepthBlocks:
    """Depth cut into blocks: axes `outer` are walked one index at a time, `chunked` by `chunk`, `inner` entirely."""

    outer: tuple[int, ...]
    chunked: int | None
    chunk: int
    chunks: int
    inner: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Plan:
    """`contraction` has its roles settled: lanes lie along its innermost result axis, of kind `column` or `batch`."""

    func: Func
    contraction: Contraction
    lhs: Source
    rhs: Source
    epilogue: Epilogue
    accumulator: FloatType | IntegerType
    vector_lanes: int
    schedule: Schedule
    packs: str = ""
    """What the operands' packs of 32 bits hold, of the left side and of the right one; nothing where elements are single."""
    alone: bool = False
    """Part of another kernel's ticket: its own tickets run one after the other, and share their scratch."""

    @cached_property
    def operand(self) -> FloatType | IntegerType:
        """What products take, in kernels: packs, or elements of the accumulator's type."""
        return i32 if self.packs else self.element

    @cached_property
    def element(self) -> FloatType | IntegerType:
        """The accumulator's type in kernels."""
        return kernel_element(self.accumulator)  # type: ignore[return-value]

    def extent(self, axis: int) -> int:
        return self.contraction.extents[axis]

    # Axes.

    @cached_property
    def lane(self) -> int:
        """The lane axis; for a result of one element, an axis that no buffer has."""
        lane = self.contraction.lane
        return len(self.contraction.extents) if lane is None else lane

    @cached_property
    def lanes(self) -> int:
        return 1 if self.contraction.lane is None else self.extent(self.lane)

    @cached_property
    def is_depthwise(self) -> bool:
        """Whether lanes lie along an axis of both operands, so that tiles are multiplied element by element."""
        return self.contraction.lane is not None and self.contraction.kind(self.lane) == "batch"

    @cached_property
    def outer(self) -> tuple[int, ...]:
        """Axes that choose a matrix of the right side."""
        return tuple(
            a
            for a in (*self.contraction.of_kind("batch"), *self.contraction.of_kind("column"))
            if a != self.lane
        )

    @cached_property
    def matrices(self) -> int:
        return self.contraction.size(self.outer)

    @cached_property
    def rows(self) -> tuple[int, ...]:
        return self.contraction.of_kind("row")

    @cached_property
    def row_plan(self) -> RowPlan:
        return row_plan(tuple(self.extent(a) for a in self.rows), self.schedule.mr)

    @cached_property
    def whole_rows(self) -> tuple[int, ...]:
        """Row axes that lie in a tile entirely."""
        return self.rows[len(self.rows) - self.row_plan.whole :]

    @cached_property
    def split_row(self) -> int | None:
        """The row axis cut into tiles."""
        return self.rows[len(self.rows) - self.row_plan.whole - 1] if self.row_plan.has_split else None

    @cached_property
    def loop_rows(self) -> tuple[int, ...]:
        """Row axes walked one index at a time."""
        return self.rows[: len(self.rows) - self.row_plan.whole - self.row_plan.has_split]

    @cached_property
    def tile_rows(self) -> tuple[int, ...]:
        return self.rows[len(self.loop_rows) :]

    # Lanes.

    @cached_property
    def width(self) -> int:
        """Elements of a full tile's row."""
        return 1 if self.lanes == 1 else self.schedule.nv * self.vector_lanes

    @cached_property
    def full_panels(self) -> int:
        return self.lanes // self.width

    @cached_property
    def tail(self) -> int:
        """Lanes of the last, incomplete panel; 0 if there is none. An expression where nobody knows how many lanes there are."""
        return self.lanes % self.width

    @cached_property
    def tail_width(self) -> int:
        """The tail in whole vectors."""
        if not isinstance(self.tail, int):
            return self.width
        return -(-self.tail // self.vector_lanes) * self.vector_lanes

    @cached_property
    def panels(self) -> int:
        return ceildiv(self.lanes, self.width)

    # Depth.

    @cached_property
    def depth(self) -> tuple[int, ...]:
        return self.contraction.of_kind("depth")

    @cached_property
    def depth_size(self) -> int:
        return self.contraction.size(self.depth)

    @cached_property
    def blocks(self) -> DepthBlocks:
        axes, inner_size = list(self.depth), 1
        inner: list[int] = []
        # A depth of nothing is one block, which begins and ends the sums, whatever the order of its axes.
        while axes and (
            self.depth_size == 0 or not at_most(self.schedule.kc + 1, inner_size * self.extent(axes[-1]))
        ):
            inner.insert(0, axes.pop())
            inner_size *= self.extent(inner[0])
        if not axes:
            return DepthBlocks((), None, 1, 1, tuple(inner), 1)
        chunked = axes.pop()
        chunk = max(1, self.schedule.kc // typical(inner_size))
        if chunk >= _RUN:
            chunk -= chunk % _RUN  # only a buffer's end cuts a run of packing short
        chunks = ceildiv(self.extent(chunked), chunk)
        count = self.contraction.size(axes) * chunks
        return DepthBlocks(tuple(axes), chunked, chunk, chunks, tuple(inner), count)

    # Tickets: how many there are of matrices, row loops, row tiles and panels, and how many of each one holds.

    @cached_property
    def loop_count(self) -> int:
        return self.contraction.size(self.loop_rows)

    @cached_property
    def shares(self) -> Split:
        s, plan = self.schedule, self.row_plan
        per_loop = typical(self.contraction.size(self.tile_rows))
        loops = _balanced(self.loop_count, max(1, s.mc // per_loop))
        tiles = plan.count if s.mc >= per_loop else ceildiv(plan.count, ceildiv(per_loop, s.mc))
        if not isinstance(tiles, int):
            flops = 2.0 * typical(self.lanes) * typical(self.depth_size)
            tiles = ceildiv(rows_of_ticket(flops, s.pack_b), plan.inner * plan.size)
        panels = max(1, s.nc // self.width)
        wholes = (s.bc, self.matrices), (loops, self.loop_count), (tiles, plan.count), (panels, self.panels)
        return tuple(min(share, n) if isinstance(n, int) else share for share, n in wholes)

    @cached_property
    def grid(self) -> Split:
        wholes = (self.matrices, self.loop_count, self.row_plan.count, self.panels)
        pairs = zip(wholes, self.shares, strict=True)
        return tuple(ceildiv(n, share) if share else 0 for n, share in pairs)

    @cached_property
    def tickets(self) -> int:
        return 1 if self.alone else math.prod(self.grid)

    # Scratch buffers.

    @cached_property
    def block_axes(self) -> tuple[int, ...]:
        """Axes of depth within a block."""
        blocks = self.blocks
        return blocks.inner if blocks.chunked is None else (blocks.chunked, *blocks.inner)

    @cached_property
    def block_shape(self) -> tuple[int, ...]:
        return tuple(
            self.blocks.chunk if a == self.blocks.chunked else self.extent(a) for a in self.block_axes
        )

    @cached_property
    def packed_type(self) -> MemRefType | None:
        """Packed panels of the right side: [matrix][panel][depth...][lane], or [ticket][panel][depth of a block...][lane]."""
        match self.schedule.pack_b:
            case "all":
                depth = tuple(self.extent(a) for a in self.depth)
                return MemRefType((self.matrices, self.panels, *depth, self.width), self.operand)
            case "block":
                panels = self.shares[3]
                return MemRefType((self.tickets, panels, *self.block_shape, self.width), self.operand)
        return None

    @cached_property
    def rows_type(self) -> MemRefType | None:
        """A tile's packed rows, for each ticket."""
        if not self.schedule.pack_a:
            return None
        pitch = math.prod(self.block_shape) + _PAD
        return MemRefType((self.tickets, self.row_plan.inner * self.row_plan.size, pitch), self.operand)

    @cached_property
    def spill_type(self) -> MemRefType | None:
        """Accumulators between blocks of depth, where no output can hold them."""
        if self.blocks.count == 1 or self.spills_to_output:
            return None
        return MemRefType(self.epilogue.shape, self.element)

    @cached_property
    def spills_to_output(self) -> bool:
        center = self.epilogue.center.results[0]
        return self.epilogue.is_plain and center.type.element is self.accumulator

    @cached_property
    def scratch(self) -> tuple[MemRefType, ...]:
        return tuple(t for t in (self.packed_type, self.rows_type, self.spill_type) if t is not None)

    # Index arithmetic.

    def unravel(self, b: KernelBuilder, index: Index, axes: tuple[int, ...]) -> dict[int, Index]:
        """The indices along `axes` of a position in their row-major order."""
        found: dict[int, Index] = {}
        for axis in reversed(axes[1:]):
            found[axis] = b.rem(index, self.extent(axis))
            index = b.div(index, self.extent(axis))
        if axes:
            found[axes[0]] = index
        return found

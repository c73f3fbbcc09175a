"""Convolutions of 3x3 windows by Winograd's F(2x2, 3x3), with what is fused after them (`passes/winograd`).

    tickets (so many tiles of 2x2 results)      scf.forall
      tiles of 4x4 inputs, transformed          into a buffer [16][tile][channel], half a second-level cache
      panels of features
        16 products tiles x channels x lanes    into a buffer [16][tile][lane]
        tiles of 2x2 results and the epilogue   from it

Every element is computed by the operations of the composite's decomposition, in their sequence: the bits are its bits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.contraction_axes import dense_strides
from irc.codegen.lower.contraction_tiles import product_of
from irc.codegen.lower.epilogue import Epilogue, Source, source_of
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.view import Access, Counter, View
from irc.codegen.lower.window_geometry import other_views
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import arith, memref, vector
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.attributes import StringAttr
from irc.ir.locations import span_of
from irc.ir.operation import Value
from irc.ir.types import MemRefType, VectorType, f32
from irc.passes.winograd import PADDING, is_winograd

TILE, CHANNEL, PANEL, LANE, POINT = range(4, 9)
"""Axes of the buffers; 0 to 3 are those of the input and the result."""
Along = tuple[Index, Value | None]
"""A row or column of the input, and whether there is one (None: there is)."""
_BYTES = 1 << 19
_MOST_TILES = 96
_VECTOR = 16
_AHEAD = 6  # columns of the input from a tile's first to those that are fetched: the new ones of the next tile but one
_PAD = 16  # elements between the points' planes, so that their pitch is no power of two
_SEQUENTIAL_FLOPS = 5e6
_TILES = {512: {64: 6, 48: 8, 32: 12, 16: 14}, 256: {16: 6}, 128: {16: 4}}
"""Rows of a product's tile, by the bits of vectors and the tile's lanes."""


def lower_winograd(func: Func, machine: Machine = HOST) -> KernelGroup:
    """The kernel of a function that holds a composite `irc.winograd`, and elementwise ops on its result.

    Outputs must not share memory with inputs. Raises UnsupportedError, naming it, for another composite, and on a grid."""
    center = next(op for op in func.block.operations if isinstance(op, hlo.Composite))
    if not is_winograd(center) or machine.is_grid:
        raise UnsupportedError(
            f"no kernel for the composite '{center.op_name}'{' on a GPU' * machine.is_grid}",
            span=span_of(center.location),
        )
    made = kernel(
        func.sym_name,
        [buffer_type(v.type) for v in (*func.arguments, *func.returned)],
        _Winograd(func, center, machine).emit,
        machine,
        attributes={"irc.kind": StringAttr("winograd")},
        location=center.location,
        names=[v.name for v in func.arguments],
    )
    return KernelGroup((made,))


@dataclass(frozen=True)
class _Winograd:
    func: Func
    center: Any
    machine: Machine

    @cached_property
    def sources(self) -> list[Source]:
        return [source_of(v) for v in self.center.operands]

    @cached_property
    def epilogue(self) -> Epilogue:
        return Epilogue(self.func, self.center)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return self.epilogue.shape

    @cached_property
    def low(self) -> tuple[int, int]:
        """Rows and columns of zeros before the input."""
        rows, columns = dict(self.center.composite_attributes.value)[PADDING].value
        return rows.value, columns.value

    @cached_property
    def extents(self) -> tuple[int, int]:
        """Rows and columns of the input."""
        shape = self.center.operands[0].type.static_shape
        return shape[1], shape[2]

    @cached_property
    def is_padded(self) -> bool:
        whole = tuple(2 * n + 2 for n in self.plane)
        return self.low != (0, 0) or self.extents != whole

    @cached_property
    def channels(self) -> int:
        return int(self.center.operands[0].type.static_shape[3])

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """[panel, 16, channel, lane]."""
        return tuple(self.center.operands[1].type.static_shape)

    @cached_property
    def plane(self) -> tuple[int, int]:
        """Tiles of an image, down and across."""
        return (self.shape[1] + 1) // 2, (self.shape[2] + 1) // 2

    @cached_property
    def total(self) -> int:
        return self.shape[0] * self.plane[0] * self.plane[1]

    @cached_property
    def product_tile(self) -> tuple[int, int]:
        """Rows and lanes of a tile of the products."""
        table, lanes = _TILES[self.machine.vector_bits], self.windows[3]
        width = lanes if lanes in table else _VECTOR
        return table[width], width

    @cached_property
    def tickets(self) -> int:
        """So many that what one needs takes half of a second-level cache; of few an even number, so that two threads end together."""
        rows = self.product_tile[0]
        most = min(_MOST_TILES, _BYTES // (16 * 4 * (self.channels + self.windows[3])))
        tickets = -(-self.total // max(most // rows * rows, 4 * rows))
        return min(tickets + tickets % 2, self.units) if tickets > 1 else 1

    @cached_property
    def units(self) -> int:
        """Rows of products' tiles: tickets hold whole ones."""
        return -(-self.total // self.product_tile[0])

    @cached_property
    def tiles(self) -> int:
        """Tiles of one ticket, at most."""
        return -(-self.units // self.tickets) * self.product_tile[0]

    def share(self, b: KernelBuilder, ticket: Index) -> tuple[Index, Index]:
        """The first tile of a ticket, and how many it has."""
        if self.units % self.tickets == 0:
            start = b.mul(ticket, self.tiles)
            whole = self.total % self.tiles == 0
            return start, self.tiles if whole else b.min(self.tiles, b.sub(self.total, start))
        rows = self.product_tile[0]
        start, end = (
            b.mul(b.div(b.mul(i, self.units), self.tickets), rows) for i in (ticket, b.add(ticket, 1))
        )
        return start, b.sub(b.min(end, self.total), start)

    def emit(self, b: KernelBuilder, *buffers: Value) -> None:
        arguments = dict(zip(self.func.arguments, buffers, strict=False))
        inputs = [
            View.of(b, arguments[s.argument], s.access, v.type.static_shape)
            for s, v in zip(self.sources, self.center.operands, strict=True)
        ]
        windows = View(inputs[1].memref, tuple((PANEL, POINT, CHANNEL, LANE)[a] for a in inputs[1].axes))
        dense = Access(0, dense_strides(self.shape))
        outputs = tuple(View.of(b, v, dense, self.shape) for v in buffers[len(arguments) :])
        others = other_views(b, self.epilogue, arguments)
        flops = 2.0 * self.total * 16 * self.channels * self.shape[3]

        def ticket(b: KernelBuilder, i: Index) -> None:
            start, count = self.share(b, i)
            _Ticket(self, start, count, inputs[0], windows, outputs, others).emit(b)

        if flops < _SEQUENTIAL_FLOPS:
            b.loop(0, self.tickets, 1, ticket)
        else:
            b.forall([self.tickets], ticket)


@dataclass(frozen=True)
class _Ticket:
    """`count` tiles from tile `start` on."""

    plan: _Winograd
    start: Index
    count: Index
    lhs: View
    windows: View
    outputs: Sequence[View]
    others: Sequence[View | Counter]

    def emit(self, b: KernelBuilder) -> None:
        plan = self.plan
        inputs, products = (
            _buffer(b, plan.tiles, n, a) for n, a in ((plan.channels, CHANNEL), (plan.windows[3], LANE))
        )
        self.each_tile(b, lambda b, t, at: self.transform(b, t, at, inputs))

        def panel(b: KernelBuilder, p: Index) -> None:
            b.loop(0, 16, 1, lambda b, point: self.multiply(b, {PANEL: p, POINT: point}, inputs, products))
            self.each_tile(b, lambda b, t, at: self.finish(b, t, at, p, products))

        b.loop(0, plan.windows[0], 1, panel)

    def each_tile(
        self, b: KernelBuilder, body: Callable[[KernelBuilder, Index, tuple[Index, Index, Index]], None]
    ) -> None:
        """`body(b, t, (image, row, column))` for each tile; row and column count tiles."""
        down, across = self.plan.plane

        def one(b: KernelBuilder, t: Index) -> None:
            number = b.add(self.start, t)
            line = b.div(number, across)
            body(b, t, (b.div(line, down), b.rem(line, down), b.rem(number, across)))

        b.loop(0, self.count, 1, one)

    def transform(self, b: KernelBuilder, t: Index, at: tuple[Index, Index, Index], target: View) -> None:
        """The 4x4 inputs of one tile, transformed, for all channels."""
        plan, image = self.plan, at[0]
        row, column = (b.sub(b.mul(i, 2), low) for i, low in zip(at[1:], plan.low, strict=True))

        def all_lanes(b: KernelBuilder, checks: bool) -> None:
            rows, columns = (
                _along(b, i, n, checks) for i, n in zip((row, column), plan.extents, strict=True)
            )

            def lanes(b: KernelBuilder, c: Index) -> None:
                for (line, _), ahead in itertools.product(rows, (_AHEAD, _AHEAD + 1)):
                    self.lhs.fetch(b, {0: image, 1: line, 2: b.add(columns[0][0], ahead), 3: c}, near=True)
                d = [[self.input(b, {0: image, 3: c}, r, k) for k in columns] for r in rows]
                half = [_input_tile(b, [d[i][j] for i in range(4)]) for j in range(4)]
                for i in range(4):
                    for j, value in enumerate(_input_tile(b, [half[j][i] for j in range(4)])):
                        target.write(b, value, {POINT: 4 * i + j, TILE: t, CHANNEL: c}, ((CHANNEL, _VECTOR),))

            b.loop(0, plan.channels, _VECTOR, lanes)

        if not plan.is_padded or min(plan.extents) < 4:
            all_lanes(b, plan.is_padded)
            return
        inside = [b.compare("ult", i, n - 3) for i, n in zip((row, column), plan.extents, strict=True)]
        both = b.emit(arith.AndI(*inside))
        b.branch(both, lambda b: all_lanes(b, False), lambda b: all_lanes(b, True))

    def input(self, b: KernelBuilder, at: dict[int, Index], row: Along, column: Along) -> Value:
        """One vector of the input, or zeros where it has none."""
        value = self.lhs.read(b, {**at, 1: row[0], 2: column[0]}, ((3, _VECTOR),))
        if row[1] is None or column[1] is None:
            return value
        there = b.emit(arith.AndI(row[1], column[1]))
        return b.emit(arith.Select(there, value, b.constant(0.0, value.type)))

    def multiply(self, b: KernelBuilder, at: dict[int, Index], inputs: View, products: View) -> None:
        """The product of one point and panel."""
        plan = self.plan
        rows, width = plan.product_tile
        zero = b.constant(0.0, VectorType((rows, width), f32))

        def tile(b: KernelBuilder, t: Index, lane: Index) -> None:
            def step(b: KernelBuilder, c: Index, sums: Value) -> list[Value]:
                here = {**at, TILE: t, CHANNEL: c, LANE: lane}
                left = inputs.read(b, here, ((TILE, rows), (CHANNEL, 1)))
                right = self.windows.read(b, here, ((CHANNEL, 1), (LANE, width)))
                return [b.emit(vector.Contract(left, right, sums, **product_of(1)))]

            (sums,) = b.loop(0, plan.channels, 1, step, zero)
            products.write(b, sums, {**at, TILE: t, LANE: lane}, ((TILE, rows), (LANE, width)))

        def column(b: KernelBuilder, lane: Index) -> None:
            b.loop(0, self.count, rows, lambda b, t: tile(b, t, lane))

        b.loop(0, plan.windows[3], width, column)

    def finish(
        self, b: KernelBuilder, t: Index, at: tuple[Index, Index, Index], panel: Index, products: View
    ) -> None:
        """The 2x2 results of one tile for one panel of features."""
        image, row, column = at[0], b.mul(at[1], 2), b.mul(at[2], 2)
        lanes = self.plan.windows[3]

        def run(b: KernelBuilder, lane: Index) -> None:
            m = [
                [
                    products.read(b, {POINT: 4 * i + j, TILE: t, LANE: lane}, ((LANE, _VECTOR),))
                    for j in range(4)
                ]
                for i in range(4)
            ]
            half = [_output_tile(b, [m[i][j] for i in range(4)]) for j in range(4)]
            feature = b.add(b.mul(panel, lanes), lane)
            for view, i, j in itertools.product(self.outputs, range(2), range(2)):
                ahead = {0: image, 1: b.add(row, i), 2: b.add(column, 4 + j), 3: feature}
                view.fetch(b, ahead, near=True, writes=True)
            for i in range(2):
                for j, value in enumerate(_output_tile(b, [half[j][i] for j in range(4)])):
                    place = {0: image, 1: b.add(row, i), 2: b.add(column, j), 3: feature}
                    self.store(b, value, place, (i, j))

        b.loop(0, lanes, _VECTOR, run)

    def store(self, b: KernelBuilder, value: Value, at: dict[int, Index], offset: tuple[int, int]) -> None:
        """The epilogue on one result, where there is one: the last tiles may reach past the end."""
        shape, dims = self.plan.shape, ((3, _VECTOR),)
        checks = [
            b.compare("ult", at[d], shape[d])
            for d, i in zip((1, 2), offset, strict=True)
            if i and shape[d] % 2
        ]

        def write(b: KernelBuilder) -> None:
            made = self.plan.epilogue.emit(b, [value], lambda i: self.others[i].read(b, at, dims))
            for view, result in zip(self.outputs, made, strict=True):
                view.write(b, result, at, dims)

        if not checks:
            write(b)
        else:
            b.branch(checks[0] if len(checks) == 1 else b.emit(arith.AndI(*checks)), write)


def _along(b: KernelBuilder, start: Index, extent: int, checks: bool) -> list[Along]:
    """Four rows (or columns) from `start` on, and whether the input has each; one that it lacks stands for the first."""
    places = [b.add(start, i) for i in range(4)]
    if not checks:
        return [(place, None) for place in places]
    there = [b.compare("ult", place, extent) for place in places]
    first = b.index(0)
    return [(b.emit(arith.Select(t, b.index(p), first)), t) for p, t in zip(places, there, strict=True)]


def _buffer(b: KernelBuilder, tiles: int, lanes: int, axis: int) -> View:
    """A buffer [16][tile][lane]."""
    pitch = tiles * lanes + _PAD
    memory = b.emit(memref.Alloca((), (), alignment=64, result_types=[MemRefType((16, pitch), f32)]))
    return View(b.cast(memory, 0, [16, tiles, lanes], [pitch, lanes, 1]), (POINT, TILE, axis))


def _input_tile(b: KernelBuilder, d: Sequence[Value]) -> list[Value]:
    pairs = ((arith.SubF, 0, 2), (arith.AddF, 1, 2), (arith.SubF, 2, 1), (arith.SubF, 1, 3))
    return [b.emit(op(d[x], d[y])) for op, x, y in pairs]


def _output_tile(b: KernelBuilder, m: Sequence[Value]) -> list[Value]:
    first = b.emit(arith.AddF(b.emit(arith.AddF(m[0], m[1])), m[2]))
    return [first, b.emit(arith.SubF(b.emit(arith.SubF(m[1], m[2])), m[3]))]

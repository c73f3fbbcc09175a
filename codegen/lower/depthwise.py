"""Depthwise convolutions of padded images: every channel with a window of its own.

Lanes lie along channels. A few pixels beside each other are computed together, so that what their windows share is read
once, and so is each of the window's weights. The padding is no memory: a row or column outside the image is a vector of
zeros, which is multiplied and added as the padded image's would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.contraction_axes import dense_strides
from irc.codegen.lower.epilogue import Epilogue
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.view import Access, Counter, View
from irc.codegen.lower.window_geometry import other_views
from irc.codegen.schedule.machine import Machine
from irc.dialects import vector
from irc.dialects.func import Func
from irc.ir.attributes import StringAttr
from irc.ir.operation import Value
from irc.ir.types import VectorType, f32
from irc.passes.fusion.depthwise import padding_of

_VECTOR = 16
_ACCUMULATORS = 8
"""Vectors of sums at once: as many as hide what a product takes."""
_SEQUENTIAL, _TICKETS = 1 << 19, 32
"""Products that are not worth waking a thread for."""

N, H, W, C = range(4)


def depthwise_of(func: Func) -> Any:
    """The depthwise convolution of a function that pads its input too, or None."""
    return next((op for op in func.block.operations if padding_of(op) is not None), None)


def can_lower(func: Func, machine: Machine) -> bool:
    """Whether the kernel takes the function: both operands come from memory as they are."""
    op = depthwise_of(func)
    return not machine.is_grid and all(v in func.arguments for v in (op.lhs.op.operand, op.rhs))


def lower_depthwise(func: Func, machine: Machine) -> KernelGroup:
    """The kernel of a function that `can_lower` accepts. Its outputs share no memory with its inputs."""
    op = depthwise_of(func)
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]

    def body(b: KernelBuilder, *buffers: Value) -> None:
        arguments = dict(zip(func.arguments, buffers, strict=False))
        epilogue = Epilogue(func, op)
        shape = op.result.type.static_shape
        dense = Access(0, dense_strides(shape))
        outputs = [View.of(b, v, dense, shape) for v in buffers[len(func.arguments) :]]
        image, weights = (View(arguments[v], (N, H, W, C)) for v in (op.lhs.op.operand, op.rhs))
        others = other_views(b, epilogue, arguments)
        _Depthwise(op, image, weights, epilogue, others, outputs).emit(b)

    made = kernel(
        func.sym_name, types, body, machine, attributes={"irc.kind": StringAttr("depthwise")},
        location=op.location, names=[v.name for v in func.arguments],
    )  # fmt: skip
    return KernelGroup((made,))


@dataclass(frozen=True)
class _Panel:
    """Channels that are computed at once, from `start` on: so many, of which the last may be past the end."""

    start: Index
    width: int
    ragged: tuple[int, ...]

    @property
    def dims(self) -> list[tuple[int | None, int]]:
        return [(C, self.width)]

    @property
    def type(self) -> VectorType:
        return VectorType((self.width,), f32)


@dataclass(frozen=True)
class _Depthwise:
    op: Any
    image: View
    weights: View
    epilogue: Epilogue
    others: Sequence[View | Counter]
    outputs: Sequence[View]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return self.op.result.type.static_shape

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self.op.lhs.op.operand.type.static_shape[1:3]

    @cached_property
    def low(self) -> tuple[int, int]:
        return self.op.lhs.op.edge_padding_low[1:3]

    @cached_property
    def window(self) -> tuple[int, int]:
        return self.op.rhs.type.static_shape[:2]

    @cached_property
    def vectors(self) -> int:
        """Vectors of a full panel."""
        return min(2, -(-self.shape[C] // _VECTOR))

    @cached_property
    def pixels(self) -> int:
        """Pixels of a full tile."""
        return min(_ACCUMULATORS // self.vectors, self.shape[W])

    def emit(self, b: KernelBuilder) -> None:
        """Rows of all images, in tickets."""
        rows = self.shape[N] * self.shape[H]
        work = prod(self.shape) * prod(self.window)
        share = -(-rows // _TICKETS) if work >= _SEQUENTIAL else rows

        def ticket(b: KernelBuilder, t: Index) -> None:
            low = b.mul(t, share)
            b.loop(low, b.min(b.add(low, share), rows), 1, self._row)

        b.forall([-(-rows // share)], ticket)

    def _row(self, b: KernelBuilder, row: Index) -> None:
        """A row of results: tiles whose windows lie in the image's columns are a loop, those at its borders are not."""
        at = {N: b.div(row, self.shape[H]), H: b.rem(row, self.shape[H])}
        full, rest = divmod(self.shape[W], self.pixels)
        inside = [t for t in range(full) if self._is_inside(t)]
        first, stop = (inside[0], inside[-1] + 1) if inside else (0, 0)
        for t in range(first):
            self._panels(b, at, t * self.pixels, self.pixels)
        b.loop(
            first * self.pixels, stop * self.pixels, self.pixels,
            lambda b, w: self._panels(b, at, w, self.pixels, is_inside=True),
        )  # fmt: skip
        for t in range(stop, full):
            self._panels(b, at, t * self.pixels, self.pixels)
        if rest:
            self._panels(b, at, full * self.pixels, rest)

    def _is_inside(self, tile: int) -> bool:
        first, last = tile * self.pixels, (tile + 1) * self.pixels - 1
        return self._column(first, 0) >= 0 and self._column(last, self.window[1] - 1) < self.size[1]

    def _column(self, pixel: int, s: int) -> int:
        """The image's column that a pixel's window has at column s."""
        w = self.op.window
        return int(pixel * w.strides[1] + s * w.rhs_dilation[1] - self.low[1])

    def _panels(
        self, b: KernelBuilder, at: dict[int, Index], start: Index, count: int, is_inside: bool = False
    ) -> None:
        """All channels of `count` pixels."""
        channels, width = self.shape[C], self.vectors * _VECTOR
        whole = channels - channels % width

        def panel(b: KernelBuilder, c: Index, width: int, ragged: tuple[int, ...] = ()) -> None:
            self._tile(b, {**at, W: start}, count, _Panel(c, width, ragged), is_inside)

        b.loop(0, whole, width, lambda b, c: panel(b, c, width))
        rest = channels - whole
        if rest:
            panel(b, whole, -(-rest // _VECTOR) * _VECTOR, (C,) if rest % _VECTOR else ())

    def _tile(
        self, b: KernelBuilder, at: dict[int, Index], count: int, panel: _Panel, is_inside: bool
    ) -> None:
        """The sums of a tile, row after row of the window, and what follows them."""
        w, types = self.op.window, [panel.type] * count

        def window_row(b: KernelBuilder, r: Index, *sums: Value) -> Sequence[Value]:
            steps = b.sub(b.mul(r, w.rhs_dilation[0]), self.low[0])
            row = b.add(b.mul(at[H], w.strides[0]), steps)
            exists = b.compare("ult", row, self.size[0])
            there = {N: at[N], H: row}
            return b.branch(
                exists,
                lambda b: self._products(b, r, at[W], there, panel, is_inside, sums),
                lambda b: self._products(b, r, at[W], None, panel, is_inside, sums),
                types,
            )

        zero = b.constant(0.0, panel.type)
        sums = b.loop(0, self.window[0], 1, window_row, *[zero] * count)
        for q, total in enumerate(sums):
            here = {**at, W: b.add(at[W], q), C: panel.start}
            other = lambda i, here=here: self.others[i].read(b, here, panel.dims, panel.ragged)  # noqa: E731
            for view, value in zip(self.outputs, self.epilogue.emit(b, [total], other), strict=True):
                view.write(b, value, here, panel.dims, panel.ragged)

    def _products(
        self,
        b: KernelBuilder,
        r: Index,
        start: Index,
        row: dict[int, Index] | None,
        panel: _Panel,
        is_inside: bool,
        sums: Sequence[Value],
    ) -> list[Value]:
        """The sums after a row of the window; `row` is the image's, or None where it has none."""
        zero = b.constant(0.0, panel.type)
        known: dict[int, Value] = {}
        made = list(sums)

        def pixel(column: int) -> Value:
            """The image's column so far from where the tile's first window begins."""
            if column not in known:
                place = b.add(b.mul(start, self.op.window.strides[1]), column)
                missing = row is None or not (
                    is_inside or (isinstance(place, int) and 0 <= place < self.size[1])
                )
                known[column] = zero if missing or row is None else read(row, place)
            return known[column]

        def read(row: dict[int, Index], place: Index) -> Value:
            return self.image.read(b, {**row, W: place, C: panel.start}, panel.dims, panel.ragged)

        for s in range(self.window[1]):
            weight = self.weights.read(b, {0: r, 1: s, C: panel.start}, panel.dims, panel.ragged)
            for q, total in enumerate(made):
                made[q] = b.emit(vector.Fma(pixel(self._column(q, s)), weight, total))
        return made

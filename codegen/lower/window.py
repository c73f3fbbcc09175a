"""Window kernels: reduce_window and select_and_scatter.

A window's elements are combined by the reduction tree of their number, padding taking part as the initial value. A
position whose window lies inside the operand takes a path without bounds checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.contraction_axes import dense_strides
from irc.codegen.lower.epilogue import Epilogue, Source, source_of
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.select_and_scatter import SelectAndScatter
from irc.codegen.lower.tree import BLOCK, LANES, fold_columns, get, put
from irc.codegen.lower.view import Access, View
from irc.codegen.lower.window_geometry import (
    At,
    Panel,
    Windows,
    choose,
    each_position,
    in_or_out,
    other_views,
    scalar,
    splat,
)
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import memref
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.attributes import StringAttr
from irc.ir.locations import span_of
from irc.ir.operation import Value
from irc.ir.types import MemRefType

_UNROLLED = 32  # windows of at most so many elements are combined in registers


def lower_window(func: Func, machine: Machine = HOST) -> KernelGroup:
    """The kernel of a function that holds one reduce_window or select_and_scatter, and elementwise ops on its result.

    Outputs must not share memory with inputs. Raises UnsupportedError, naming the op, for what has no lowering."""
    center = _center(func)
    made = (
        SelectAndScatter(func, center, machine)
        if isinstance(center, hlo.SelectAndScatter)
        else _ReduceWindow(func, center, machine)
    )
    lowered = kernel(
        func.sym_name,
        [*(buffer_type(v.type) for v in (*func.arguments, *func.returned)), *made.scratch],
        made.emit,
        machine,
        attributes={"irc.kind": StringAttr("window")},
        location=center.location,
        names=[v.name for v in func.arguments],
    )
    return KernelGroup((lowered,), made.scratch)


def _center(func: Func) -> Any:
    found = [op for op in func.block.operations if isinstance(op, hlo.ReduceWindow | hlo.SelectAndScatter)]
    if len(found) != 1:
        raise UnsupportedError(
            f"a window kernel holds one reduce_window or select_and_scatter; @{func.sym_name} has {len(found)}",
            span=span_of(func.location),
        )
    return found[0]


@dataclass(frozen=True)
class _ReduceWindow:
    func: Func
    center: Any
    machine: Machine
    scratch: tuple[MemRefType, ...] = ()

    @cached_property
    def windows(self) -> Windows:
        op = self.center
        shapes = op.inputs[0].type.static_shape, op.results[0].type.static_shape
        return Windows(op.window, *shapes, self.machine.is_grid)

    @cached_property
    def sources(self) -> list[Source]:
        return [source_of(v) for v in self.center.inputs]

    @cached_property
    def elements(self) -> list[Any]:
        """The element types that the body computes in."""
        return [a.type.element for a in self.center.body.arguments[: len(self.sources)]]

    @cached_property
    def epilogue(self) -> Epilogue:
        return Epilogue(self.func, self.center)

    def emit(self, b: KernelBuilder, *buffers: Value) -> None:
        op, w, counts = self.center, self.windows, self.windows.counts
        arguments = dict(zip(self.func.arguments, buffers, strict=False))
        inputs = [View.of(b, arguments[s.argument], s.access, w.shape) for s in self.sources]
        dense = Access(0, dense_strides(counts))
        outputs = [View.of(b, v, dense, counts) for v in buffers[len(arguments) :]]
        others = other_views(b, self.epilogue, arguments)
        width = w.width(max(1, min(4, 16 // w.elements)))

        def position(b: KernelBuilder, at: At) -> None:
            inits = [scalar(b, v, arguments, e) for v, e in zip(op.init_values, self.elements, strict=True)]

            def panel(b: KernelBuilder, panel: Panel, checks: bool) -> None:
                start = [splat(b, v, panel.width) for v in inits]

                def read(b: KernelBuilder, elements: Sequence[Sequence[Index]]) -> list[list[Value]]:
                    if 0 in w.shape:  # everything is padding, and there is nothing to read
                        return [start for _ in elements]
                    places = w.places(b, at, elements, checks)
                    return [self.element(b, inputs, place, panel, start) for place in places]

                found = self.fold(b, read, start)
                where, dims, ragged = w.at(at, panel), w.dims(panel), w.ragged(panel)
                other = lambda i: others[i].read(b, where, dims, ragged)  # noqa: E731
                for view, value in zip(outputs, self.epilogue.emit(b, found, other), strict=True):
                    view.write(b, value, where, dims, ragged)

            in_or_out(b, w, at, lambda b, checks: w.panels(b, width, lambda b, p: panel(b, p, checks)))

        each_position(b, w, math.prod(counts) * w.elements, position)

    def element(
        self,
        b: KernelBuilder,
        inputs: Sequence[View],
        place: tuple[At, Value | None],
        panel: Panel,
        padding: Sequence[Value],
    ) -> list[Value]:
        """The element at a place of every input; `padding` where the operand has none."""
        w = self.windows
        where, dims, ragged = w.at(place[0], panel), w.dims(panel), w.ragged(panel)
        found = []
        for view, source, element, outside in zip(inputs, self.sources, self.elements, padding, strict=True):
            value = source.convert(b, view.read(b, where, dims, ragged), element)
            found.append(choose(b, place[1], value, outside))
        return found

    def fold(
        self,
        b: KernelBuilder,
        elements: Callable[[KernelBuilder, Sequence[Sequence[Index]]], list[list[Value]]],
        start: Sequence[Value],
    ) -> list[Value]:
        """op(init, tree of the window's elements)."""
        w, region = self.windows, self.center.body
        if w.elements <= _UNROLLED:
            lanes = elements(b, w.positions)
            half = LANES // 2
            while half:
                for i in range(half, len(lanes)):
                    lanes[i - half] = apply_region(b, region, [*lanes[i - half], *lanes[i]])
                lanes, half = lanes[:half], half // 2
            return apply_region(b, region, [*start, *lanes[0]])

        def read(b: KernelBuilder, i: Index, _: int) -> list[Value]:
            k: list[Index] = []
            for n in reversed(w.window.sizes):
                k.insert(0, b.rem(i, n))
                i = b.div(i, n)
            return elements(b, [k])[0]

        return apply_region(b, region, [*start, *self.tree(b, read, w.elements, start)])

    def tree(
        self,
        b: KernelBuilder,
        read: Callable[[KernelBuilder, Index, int], Sequence[Value]],
        count: int,
        like: Sequence[Value],
    ) -> list[Value]:
        """The tree over `count` elements: blocks first, then the tree over the blocks' results."""
        if count <= BLOCK:
            return fold_columns(b, self.center.body, read, 0, count)
        full, rest = divmod(count, BLOCK)
        blocks = full + (rest > 0)
        types = [MemRefType((blocks, *v.type.shape), v.type.element) for v in like]
        results = [b.emit(memref.Alloca((), (), alignment=64, result_types=[t])) for t in types]

        def block(b: KernelBuilder, i: Index, size: int) -> None:
            for buffer, value in zip(
                results, fold_columns(b, self.center.body, read, b.mul(i, BLOCK), size), strict=True
            ):
                put(b, buffer, i, value)

        b.loop(0, full, 1, lambda b, i: block(b, i, BLOCK))
        if rest:
            block(b, full, rest)
        again = lambda b, i, _: [get(b, buffer, i, v) for buffer, v in zip(results, like, strict=True)]  # noqa: E731
        return self.tree(b, again, blocks, like)

"""select_and_scatter: the gradient of pooling by choice.

Windows that do not meet and cover the operand are written once, in any order, with the epilogue on the way. Others go in
row-major order, by reading, combining and writing every element a window might have chosen; an epilogue is one more walk
over the finished result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.contraction_axes import dense_strides
from irc.codegen.lower.epilogue import Epilogue, Source, source_of
from irc.codegen.lower.group import kernel_element
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
from irc.dialects import arith
from irc.dialects.func import Func
from irc.dialects.stablehlo.reduction import Window
from irc.ir.operation import Value
from irc.ir.types import MemRefType, VectorType, i1, i32

_MANY = 32
"""Elements of a window that an element of the operand asks about."""


@dataclass(frozen=True)
class SelectAndScatter:
    """The loops of one select_and_scatter, `center` of `func`."""

    func: Func
    center: Any
    machine: Machine = HOST

    @cached_property
    def windows(self) -> Windows:
        op = self.center
        shapes = op.operand.type.static_shape, op.source.type.static_shape
        return Windows(op.window, *shapes, self.machine.is_grid)

    @cached_property
    def everything(self) -> Windows:
        """A window of one element on every element of the operand."""
        ones = (1,) * len(self.windows.shape)
        unit = Window(ones, ones, ones, ones, ((0, 0),) * len(ones))
        return Windows(unit, self.windows.shape, self.windows.shape, self.machine.is_grid)

    @cached_property
    def epilogue(self) -> Epilogue:
        return Epilogue(self.func, self.center)

    @cached_property
    def is_tiling(self) -> bool:
        """Whether every element of the operand is in exactly one window."""
        w = self.windows
        fits = [n == size * count for n, size, count in zip(w.shape, w.window.sizes, w.counts, strict=True)]
        return w.window.sizes == w.window.strides and not w.checked and all(fits)

    @cached_property
    def is_direct(self) -> bool:
        """Whether the one output can hold the result while it grows."""
        return len(self.func.returned) == 1 and self.epilogue.is_plain

    @property
    def scratch(self) -> tuple[MemRefType, ...]:
        if self.is_tiling or self.is_direct or self.by_elements:
            return ()
        return (MemRefType(self.windows.shape, kernel_element(self.center.result.type.element)),)

    @property
    def by_elements(self) -> bool:
        """Whether, on a grid, each element of the operand collects what the windows around it give it."""
        plain = all(n == 1 for n in self.windows.window.base_dilations)
        return self.machine.is_grid and not self.is_tiling and plain and self.windows.elements <= _MANY

    def emit(self, b: KernelBuilder, *buffers: Value) -> None:
        w, count = self.windows, len(self.func.returned)
        arguments = dict(zip(self.func.arguments, buffers, strict=False))
        rest = buffers[len(arguments) :]
        dense = Access(0, dense_strides(w.shape))
        outputs = [View.of(b, v, dense, w.shape) for v in rest[:count]]
        others = other_views(b, self.epilogue, arguments)
        init = scalar(b, self.center.init_value, arguments, self.center.result.type.element)

        def finish(b: KernelBuilder, value: Value, at: At, panel: Panel, over: Windows = w) -> None:
            dims, ragged = over.dims(panel), over.ragged(panel)
            read = lambda i: others[i].read(b, at, dims, ragged)  # noqa: E731
            for view, made in zip(outputs, self.epilogue.emit(b, [value], read), strict=True):
                view.write(b, made, at, dims, ragged)

        if self.is_tiling:
            before = lambda b, at, panel: splat(b, init, panel.width)  # noqa: E731
            self.each_window(b, arguments, before, finish, tuple(range(len(w.shape))))
            return
        if self.by_elements:
            self.each_collects(b, arguments, init, finish)
            return
        result = outputs[0] if self.is_direct else View.of(b, rest[count], dense, w.shape)
        whole = self.everything

        def fill(b: KernelBuilder, at: At, p: Panel) -> None:
            result.write(b, splat(b, init, p.width), at, whole.dims(p), whole.ragged(p))

        def load(b: KernelBuilder, at: At, p: Panel) -> Value:
            return result.read(b, at, w.dims(p), w.ragged(p))

        def store(b: KernelBuilder, value: Value, at: At, p: Panel) -> None:
            result.write(b, value, at, w.dims(p), w.ragged(p))

        self.each_element(b, fill)
        self.each_window(b, arguments, load, store, self.independent)
        if not self.is_direct:

            def last(b: KernelBuilder, at: At, p: Panel) -> None:
                made = result.read(b, at, whole.dims(p), whole.ragged(p))
                finish(b, made, at, p, whole)

            self.each_element(b, last)

    @property
    def independent(self) -> tuple[int, ...]:
        """The dimensions that no window spans: along these, windows never meet."""
        w = self.windows
        sizes, strides = w.window.sizes, w.window.strides
        return tuple(d for d in range(len(sizes)) if sizes[d] == 1 and strides[d] == 1 and d not in w.checked)

    def each_element(self, b: KernelBuilder, body: Callable[[KernelBuilder, At, Panel], None]) -> None:
        """`body` for runs of lanes over the whole operand."""
        whole = self.everything

        def position(b: KernelBuilder, at: At) -> None:
            whole.panels(b, whole.width(4), lambda b, p: body(b, whole.at(at, p), p))

        each_position(b, whole, math.prod(whole.shape), position)

    def each_collects(
        self, b: KernelBuilder, arguments: dict[Value, Value], init: Value, finish: Callable[..., None]
    ) -> None:
        """Every element of the operand by itself: windows that may have chosen it are asked again, in row-major order, so
        that updates meet as they do one after the other."""
        op, w, panel = self.center, self.windows, Panel(0, 1)
        operand, source = source_of(op.operand), source_of(op.source)
        values = View.of(b, arguments[operand.argument], operand.access, w.shape)
        updates = View.of(b, arguments[source.argument], source.access, w.counts)

        def ask(b: KernelBuilder, window: At, number: int, before: Value) -> list[Value]:
            chosen = self.select(b, w.places(b, window, w.positions, bool(w.checked)), values, operand, panel)
            update = source.convert(b, updates.read(b, window, w.dims(panel), ()), op.result.type.element)
            (new,) = apply_region(b, op.scatter, [before, update])
            picked = b.emit(arith.CmpI(chosen, b.constant(number, chosen.type), predicate="eq"))
            return [b.emit(arith.Select(picked, new, before))]

        def collected(b: KernelBuilder, at: At, number: int, before: Value) -> Value:
            window, exists = w.around(b, at, w.positions[number])
            if exists is None:
                return ask(b, window, number, before)[0]
            asked = b.branch(
                exists, lambda b: ask(b, window, number, before), lambda _: [before], [before.type]
            )
            return asked[0]

        def position(b: KernelBuilder, at: At) -> None:
            made = splat(b, init, 1)
            # The later an element stands in its window, the earlier that window begins.
            for number in reversed(range(w.elements)):
                made = collected(b, at, number, made)
            finish(b, made, at, panel, self.everything)

        each_position(b, self.everything, math.prod(w.shape), position)

    def each_window(
        self,
        b: KernelBuilder,
        arguments: dict[Value, Value],
        before: Callable[[KernelBuilder, At, Panel], Value],
        store: Callable[[KernelBuilder, Value, At, Panel], None],
        free: tuple[int, ...],
    ) -> None:
        """Every window in turn; the dimensions `free` may be walked in any order."""
        op, w = self.center, self.windows
        operand, source = source_of(op.operand), source_of(op.source)
        values = View.of(b, arguments[operand.argument], operand.access, w.shape)
        updates = View.of(b, arguments[source.argument], source.access, w.counts)

        def panel(b: KernelBuilder, at: At, panel: Panel, checks: bool) -> None:
            dims, ragged = w.dims(panel), w.ragged(panel)
            places = [(w.at(place, panel), exists) for place, exists in w.places(b, at, w.positions, checks)]
            chosen = self.select(b, places, values, operand, panel)
            update = source.convert(b, updates.read(b, w.at(at, panel), dims, ragged), op.result.type.element)
            for k, (place, _) in enumerate(places):
                old = before(b, place, panel)
                (new,) = apply_region(b, op.scatter, [old, update])
                picked = b.emit(arith.CmpI(chosen, b.constant(k, chosen.type), predicate="eq"))
                # Where there is no such element, the place stands for another one, which keeps its value: no lane
                # has chosen `k` then.
                store(b, b.emit(arith.Select(picked, new, old)), place, panel)

        def position(b: KernelBuilder, at: At) -> None:
            run = lambda b, checks: w.panels(b, w.width(1), lambda b, p: panel(b, at, p, checks))  # noqa: E731
            in_or_out(b, w, at, run)

        each_position(b, w, math.prod(w.shape), position, free)

    def select(
        self,
        b: KernelBuilder,
        places: Sequence[tuple[At, Value | None]],
        values: View,
        operand: Source,
        panel: Panel,
    ) -> Value:
        """The number of the element that each lane selects, -1 where the window holds none."""
        w, element = self.windows, self.center.operand.type.element
        dims, ragged = w.dims(panel), w.ragged(panel)
        index_type, mask_type = VectorType((panel.width,), i32), VectorType((panel.width,), i1)
        best: Value | None = None
        value: Value | None = None
        for k, (place, exists) in enumerate(places):
            other = operand.convert(b, values.read(b, place, dims, ragged), element)
            number = b.constant(k, index_type)
            if best is None or value is None:
                best, value = choose(b, exists, number, b.constant(-1, index_type)), other
                continue
            (stays,) = apply_region(b, self.center.select, [value, other])
            if exists is not None:
                found = b.emit(arith.CmpI(best, b.constant(0, index_type), predicate="sge"))
                stays = b.emit(arith.AndI(found, stays))
                stays = b.emit(arith.Select(exists, stays, b.constant(True, mask_type)))
            best = b.emit(arith.Select(stays, best, number))
            value = b.emit(arith.Select(stays, value, other))
        assert best is not None
        return best

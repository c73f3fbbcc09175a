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
from irc.codegen.lower.tree import BLOCK, LANES, fold_columns, get, put
from irc.codegen.lower.view import Access, View
from irc.codegen.lower.window_geometry import At, Panel, Windows, each_position, scalar
from irc.dialects import arith, memref, vector
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.dialects.stablehlo.reduction import Window
from irc.errors import UnsupportedError
from irc.ir.attributes import StringAttr
from irc.ir.locations import span_of
from irc.ir.operation import Value
from irc.ir.types import MemRefType, VectorType, i1, i32

_UNROLLED = 32  # windows of at most so many elements are combined in registers


def lower_window(func: Func) -> KernelGroup:
    """The kernel of a function that holds one reduce_window (and elementwise ops on its result) or select_and_scatter.

    Outputs must not share memory with inputs. Raises UnsupportedError, naming the op, for what has no lowering."""
    center = _center(func)
    buffers = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    made = (
        _SelectAndScatter(func, center)
        if isinstance(center, hlo.SelectAndScatter)
        else _ReduceWindow(func, center)
    )
    empty = any(v.type.size == 0 for v in func.returned)
    lowered = kernel(
        func.sym_name,
        buffers,
        (lambda b, *_: None) if empty else made.emit,
        attributes={"irc.kind": StringAttr("window")},
        location=center.location,
        names=[v.name for v in func.arguments],
    )
    return KernelGroup((lowered,))


def _center(func: Func) -> Any:
    found = [op for op in func.block.operations if isinstance(op, hlo.ReduceWindow | hlo.SelectAndScatter)]
    if len(found) != 1:
        raise UnsupportedError(
            f"a window kernel holds one reduce_window or select_and_scatter; @{func.sym_name} has {len(found)}",
            span=span_of(func.location),
        )
    return found[0]


def _splat(b: KernelBuilder, value: Value, width: int) -> Value:
    return b.emit(vector.Broadcast(value, result_types=[VectorType((width,), value.type)]))  # type: ignore[no-any-return]


def _choose(b: KernelBuilder, condition: Value | None, x: Value, y: Value) -> Value:
    """`x` where a scalar condition (None: always) holds, else `y`."""
    return x if condition is None else b.emit(arith.Select(condition, x, y))


@dataclass(frozen=True)
class _ReduceWindow:
    func: Func
    center: Any

    @cached_property
    def windows(self) -> Windows:
        op = self.center
        return Windows(op.window, op.inputs[0].type.static_shape, op.results[0].type.static_shape)

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
        reads = [(arguments[v], Access(0, self.epilogue.strides(v, dims))) for v, dims in self.epilogue.reads]
        others = [View.of(b, v, access, counts) for v, access in reads]
        width = w.width(max(1, min(4, 16 // w.elements)))

        def position(b: KernelBuilder, at: At) -> None:
            inits = [scalar(b, v, arguments, e) for v, e in zip(op.init_values, self.elements, strict=True)]

            def panel(b: KernelBuilder, panel: Panel, checks: bool) -> None:
                start = [_splat(b, v, panel.width) for v in inits]

                def read(b: KernelBuilder, elements: Sequence[Sequence[Index]]) -> list[list[Value]]:
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
            found.append(_choose(b, place[1], value, outside))
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


def in_or_out(b: KernelBuilder, w: Windows, at: At, body: Callable[[KernelBuilder, bool], None]) -> None:
    """`body(b, checks)` with checks only where the window at `at` may leave the operand."""
    inside = w.inside(b, at) if w.checked else None
    if inside is None:
        body(b, bool(w.checked))
    else:
        b.branch(inside, lambda b: body(b, False), lambda b: body(b, True))


@dataclass(frozen=True)
class _SelectAndScatter:
    """The gradient of pooling by choice. Windows that do not meet are written once, in any order; others in row-major
    order, by reading, combining and writing every element a window might have chosen."""

    func: Func
    center: Any

    @cached_property
    def windows(self) -> Windows:
        op = self.center
        return Windows(op.window, op.operand.type.static_shape, op.source.type.static_shape)

    @cached_property
    def is_tiling(self) -> bool:
        """Whether every element of the operand is in exactly one window."""
        w = self.windows
        fits = [n == size * count for n, size, count in zip(w.shape, w.window.sizes, w.counts, strict=True)]
        return w.window.sizes == w.window.strides and not w.checked and all(fits)

    def emit(self, b: KernelBuilder, *buffers: Value) -> None:
        op, w = self.center, self.windows
        if any(v is not op.result for v in self.func.returned):
            raise UnsupportedError("ops after select_and_scatter in its function are not supported")
        arguments = dict(zip(self.func.arguments, buffers, strict=False))
        operand, source = source_of(op.operand), source_of(op.source)
        dense = Access(0, dense_strides(w.shape))
        views = (
            View.of(b, arguments[operand.argument], operand.access, w.shape),
            View.of(b, arguments[source.argument], source.access, w.counts),
            View.of(b, buffers[len(arguments)], dense, w.shape),
        )
        element = op.result.type.element
        init = scalar(b, op.init_value, arguments, element)
        width = w.width(1)
        if not self.is_tiling and w.shape:
            self.fill(b, views[2], init)

        def position(b: KernelBuilder, at: At) -> None:
            def panel(b: KernelBuilder, panel: Panel, checks: bool) -> None:
                self.scatter(b, views, operand, source, at, panel, checks, _splat(b, init, panel.width))

            in_or_out(b, w, at, lambda b, checks: w.panels(b, width, lambda b, p: panel(b, p, checks)))

        sizes, strides = w.window.sizes, w.window.strides
        spanned = [d for d in range(len(sizes)) if sizes[d] != 1 or strides[d] != 1 or d in w.checked]
        free = len(w.shape) if self.is_tiling else min(spanned, default=len(w.shape))
        each_position(b, w, math.prod(w.shape), position, free)

    def fill(self, b: KernelBuilder, result: View, init: Value) -> None:
        w = self.windows
        whole = Windows(_unit_window(len(w.shape)), w.shape, w.shape)
        width = whole.width(4)

        def position(b: KernelBuilder, at: At) -> None:
            def panel(b: KernelBuilder, p: Panel) -> None:
                result.write(b, _splat(b, init, p.width), whole.at(at, p), whole.dims(p), whole.ragged(p))

            whole.panels(b, width, panel)

        each_position(b, whole, math.prod(w.shape), position)

    def scatter(
        self,
        b: KernelBuilder,
        views: tuple[View, View, View],
        operand: Source,
        source: Source,
        at: At,
        panel: Panel,
        checks: bool,
        init: Value,
    ) -> None:
        """One window: which element each lane selects, then that element combined with the source's."""
        op, w = self.center, self.windows
        values, updates, result = views
        dims, ragged = w.dims(panel), w.ragged(panel)
        places = w.places(b, at, w.positions, checks)

        def read(place: At) -> Value:
            return operand.convert(
                b, values.read(b, w.at(place, panel), dims, ragged), op.operand.type.element
            )

        chosen = self.select(b, places, read, panel)
        update = source.convert(b, updates.read(b, w.at(at, panel), dims, ragged), op.result.type.element)
        for k, (place, _) in enumerate(places):
            where = w.at(place, panel)
            before = init if self.is_tiling else result.read(b, where, dims, ragged)
            (after,) = apply_region(b, op.scatter, [before, update])
            number = b.constant(k, chosen.type)
            picked = b.emit(arith.CmpI(chosen, number, predicate="eq"))
            value = b.emit(arith.Select(picked, after, before))
            # Where there is no such element, the place stands for another one, which must keep its value: no lane
            # has chosen `k` then.
            result.write(b, value, where, dims, ragged)

    def select(
        self,
        b: KernelBuilder,
        places: Sequence[tuple[At, Value | None]],
        read: Callable[[At], Value],
        panel: Panel,
    ) -> Value:
        """The number of the element that each lane selects, -1 where the window holds none."""
        index_type, mask_type = VectorType((panel.width,), i32), VectorType((panel.width,), i1)
        best: Value | None = None
        value: Value | None = None
        for k, (place, exists) in enumerate(places):
            other, number = read(place), b.constant(k, index_type)
            if best is None or value is None:
                best, value = _choose(b, exists, number, b.constant(-1, index_type)), other
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


def _unit_window(rank: int) -> Window:
    ones = (1,) * rank
    return Window(ones, ones, ones, ones, ((0, 0),) * rank)

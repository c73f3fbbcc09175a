"""Loop kernels: elementwise ops with the broadcasts, transposes, slices, pads and concatenations around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from irc.codegen.lower.builder import KernelBuilder, kernel
from irc.codegen.lower.group import KernelGroup, buffer_type, kernel_element
from irc.codegen.lower.loop_turned import emit_turned, turned_leaves
from irc.codegen.lower.nest import SQUARE, Loop, Nest, Tile, Views, affines, lanes_for, merge
from irc.codegen.lower.space import Affine, Leaf, Node, Space, Store, Traced, all_nodes, trace_stores
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.ir.extents import ceildiv
from irc.ir.operation import Value
from irc.ir.types import row_major_strides

BYTES = 16
"""What a thread moves at once."""
WIDEST = 4
"""Elements of a thread's tile."""


def lower_loop(func: Func, in_place: Mapping[int, int], machine: Machine = HOST) -> KernelGroup:
    """One kernel for a function of loop ops: one nest for every group of results that share an iteration space.

    Where argument i and result `in_place[i]` are one buffer, storing an unchanged argument into it is left out."""
    same = {func.arguments[i]: result for i, result in in_place.items()}
    returned = func.returned
    types = [buffer_type(v.type) for v in (*func.arguments, *returned)]

    def body(b: KernelBuilder, *buffers: Value) -> None:
        inputs = dict(zip(func.arguments, buffers, strict=False))
        views = Views(b, inputs)
        overlapping = {i for i, v in enumerate(returned) if _writes_twice(v)}
        for number, stores in enumerate(nests_of(returned)):
            if len(stores) == 1 and same.get(stores[0].value) == stores[0].buffer:
                continue
            emit_stores(b, views, func.arguments, stores, buffers[len(inputs) :])
            if b.machine.is_grid and number and not same and not any(s.buffer in overlapping for s in stores):
                b.beside()

    return KernelGroup((kernel(func.sym_name, types, body, machine, location=func.location),))


def emit_stores(
    b: KernelBuilder, views: Views, leaves: Sequence[Value], stores: Sequence[Store], outputs: Sequence[Value]
) -> None:
    """One nest that computes all `stores`."""
    space = Space()
    traced = trace_stores(space, leaves, stores)
    nodes = all_nodes([n for t in traced for n in t.nodes])
    names = [name for name in space.extents if name.startswith("i")]
    loops = merge(space, space.counters(names), [*affines(nodes), *(t.address for t in traced)])
    axes = _axes(loops, nodes, traced)
    widths: tuple[int, ...] = (SQUARE, SQUARE) if len(axes) == 2 else (lanes_for(nodes),)
    if b.machine.is_grid:
        turned = turned_leaves(loops, nodes, axes)
        if turned:
            emit_turned(b, views, loops, traced, outputs, axes, turned)
            return
        axes, widths = thread_tile(loops, nodes, traced)

    def body(tile: Tile) -> None:
        # A result may take over the buffer of any argument: everything is read before anything is written.
        for store in traced:
            tile.value(store.node)
        for store in traced:
            tile.write(store, outputs[store.buffer])

    def emit(b: KernelBuilder, views: Views) -> None:
        Nest(nodes, loops, len(loops), axes, widths).emit(Tile(b, views, loops), body)

    views.streaming(b, [outputs[t.buffer] for t in traced], emit)


def nests_of(returned: Sequence[Value]) -> list[list[Store]]:
    """Groups of stores, one a nest, in an order in which later ones may overwrite earlier ones."""
    groups: list[list[Store]] = []
    together: dict[int, list[Store]] = {}
    for number, value in enumerate(returned):
        rule = _ROOTS.get(type(value.op)) if value.op is not None else None
        if rule is not None:
            groups += [[store] for store in rule(value.op, number) if prod(store.shape) != 0]
        elif value.type.size != 0:
            group = together.setdefault(value.type.size, [])
            if not group:
                groups.append(group)
            group += _stores(value, number)
    return groups


def _writes_twice(value: Value) -> bool:
    """Whether one nest of a value writes over what another wrote."""
    match value.op:
        case hlo.Pad() as op:
            return any(op.interior_padding) or not op.operand.type.size
        case hlo.DynamicUpdateSlice():
            return True
    return False


def _stores(value: Value, buffer: int) -> list[Store]:
    """The value; of a complex one, made from its parts, each part into every other place."""
    if isinstance(value.op, hlo.Complex):
        return [Store.whole(part, buffer, 2, offset) for offset, part in enumerate(value.op.operands)]
    return [Store.whole(value, buffer)]


def _pad(op: Any, buffer: int) -> list[Store]:
    """The border slabs first, then the operand in the middle (everything first, where elements lie between)."""
    shape, out = op.operand.type.static_shape, op.result.type.static_shape
    strides = row_major_strides(out)
    low, interior = op.edge_padding_low, op.interior_padding
    begin, size = [], []
    for n, m, at, gap in zip(shape, out, low, interior, strict=True):
        first = max(0, ceildiv(-at, gap + 1))
        begin.append(first)
        size.append(max(0, min(n, ceildiv(m - at, gap + 1)) - first))
    step = tuple(s * (gap + 1) for s, gap in zip(strides, interior, strict=True))
    offset = sum(
        (at + f * (gap + 1)) * s for at, f, gap, s in zip(low, begin, interior, strides, strict=True)
    )
    inside = Store(op.operand, buffer, tuple(size), step, offset, tuple(begin))
    border = hlo.BroadcastInDim(
        op.padding_value, broadcast_dimensions=(), result_types=[op.result.type]
    ).result
    if any(interior) or prod(size) == 0:
        return [Store.whole(border, buffer), inside]
    slabs = []
    for d in range(len(out)):
        for start, stop in ((0, low[d]), (max(low[d], 0) + size[d], out[d])):
            if stop > max(start, 0):
                box = tuple(stop - start if k == d else out[k] if k > d else size[k] for k in range(len(out)))
                corner = sum((max(low[k], 0) if k < d else start) * strides[k] for k in range(d + 1))
                slabs.append(Store(border, buffer, box, strides, corner, (0,) * len(out)))
    return [*slabs, inside]


def _concatenate(op: Any, buffer: int) -> list[Store]:
    strides = row_major_strides(op.result.type.static_shape)
    stores, at = [], 0
    for operand in op.inputs:
        shape = operand.type.static_shape
        stores.append(Store(operand, buffer, shape, strides, at * strides[op.dimension]))
        at += shape[op.dimension]
    return stores


def _dynamic_update_slice(op: Any, buffer: int) -> list[Store]:
    shape, box = op.operand.type.static_shape, op.update.type.static_shape
    strides = row_major_strides(shape)
    dynamic = tuple(
        (start, n - m, s)
        for start, n, m, s in zip(op.start_indices, shape, box, strides, strict=True)
        if n != m
    )
    return [Store.whole(op.operand, buffer), Store(op.update, buffer, box, strides, 0, (), dynamic)]


_ROOTS: dict[type, Any] = {
    hlo.Pad: _pad,
    hlo.Concatenate: _concatenate,
    hlo.DynamicUpdateSlice: _dynamic_update_slice,
}
ROOTS_ONLY: tuple[type, ...] = (*_ROOTS, hlo.Complex)
"""The ops a loop kernel can only end in: they decide where elements are written."""


def thread_tile(
    loops: Sequence[Loop], nodes: Sequence[Node], traced: Sequence[Traced]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What one thread of a grid computes: 16 bytes along the innermost loop where every buffer is contiguous along it (or
    does not move) and its extent is a multiple; else one element."""
    reads = [n for n in nodes if isinstance(n, Leaf)]
    steps = {loops[-1].stride(n.address) for n in reads} if loops else {2}
    writes = {loops[-1].stride(t.address) for t in traced} if loops else {2}
    widest = max(kernel_element(n.type).numpy.itemsize for n in (*reads, *(t.node for t in traced)))
    width = min(WIDEST, BYTES // widest)
    if steps <= {0, 1} and writes == {1} and loops[-1].extent % width == 0:
        return (len(loops) - 1,), (width,)
    return (), ()


def _axes(loops: Sequence[Loop], nodes: Sequence[Node], traced: Sequence[Traced]) -> tuple[int, ...]:
    """The loops a tile spans: the innermost, and with it the one along which a transposed buffer is contiguous."""
    if not loops:
        return ()
    reads = [n.address for n in nodes if isinstance(n, Leaf)] + [t.address for t in traced]
    last = len(loops) - 1
    for address in reads:
        if loops[last].stride(address) not in (0, 1):
            for d in range(last):
                if loops[d].stride(address) == 1 and all(_square(loops[d], loops[last], a) for a in reads):
                    return (d, last)
    return (last,)


def _square(row: Loop, lane: Loop, address: Affine) -> bool:
    rows, lanes = row.stride(address), lane.stride(address)
    return lanes == 1 or rows == 1 or (rows == 0 and lanes == 0)

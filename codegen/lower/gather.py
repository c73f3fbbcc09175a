"""Gather and scatter kernels: a loop over places, and in it a loop over the window, by vectors where memory is contiguous."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import arith
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.ir.extents import at_most, ceildiv, typical
from irc.ir.operation import Value
from irc.ir.types import VectorType, index

LANES = 32
PARALLEL_ELEMENTS = 1 << 15
"""A gather of fewer elements is one ticket."""


def center(func: Func, kind: type[Any]) -> Any:
    """The only op of a function around one op."""
    (op,) = [o for o in func.block.operations if isinstance(o, kind)]
    return op


def nest(
    b: KernelBuilder, extents: Sequence[int], body: Callable[[KernelBuilder, list[Index]], None]
) -> None:
    """Loops over a box, outermost first."""

    def level(inner: KernelBuilder, at: list[Index]) -> None:
        if len(at) == len(extents):
            body(inner, at)
        else:
            inner.loop(0, extents[len(at)], 1, lambda deeper, i: level(deeper, [*at, i]))

    if prod(extents) != 0:
        level(b, [])


def lower_gather(func: Func, machine: Machine = HOST) -> KernelGroup:
    """One kernel for `stablehlo.gather`: start indices are clamped, elements are copied."""
    op = center(func, hlo.Gather)
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    d, shape = op.dimension_numbers, op.result.type.static_shape
    places = [i for i in range(len(shape)) if i not in d.offset_dims]
    skipped = (*d.collapsed_slice_dims, *d.operand_batching_dims)
    window = [i for i in range(op.operand.type.rank) if i not in skipped]
    limits = [n - s for n, s in zip(op.operand.type.static_shape, op.slice_sizes, strict=True)]
    along = (
        bool(d.offset_dims) and d.offset_dims[-1] == len(shape) - 1 and window[-1] == op.operand.type.rank - 1
    )

    def body(b: KernelBuilder, *buffers: Value) -> None:
        named = dict(zip(func.arguments, buffers, strict=False))
        source, indices, out = named[op.operand], named[op.start_indices], buffers[-1]

        def place(inner: KernelBuilder, at: list[Index], only: list[Index] | None = None) -> None:
            starts = _starts(
                inner, indices, at, d.index_vector_dim, d.start_index_map, op.start_indices.type.element
            )
            first = [_clamped(inner, starts[i], limits[i]) if i in starts else 0 for i in range(len(limits))]
            for dim, batch in zip(d.operand_batching_dims, d.start_indices_batching_dims, strict=True):
                first[dim] = at[batch if batch < d.index_vector_dim else batch - 1]

            def element(deeper: KernelBuilder, offset: list[Index], width: int) -> None:
                where: list[Index] = list(first)
                to: list[Index] = [0] * len(shape)
                for dim, i in zip(window, offset, strict=True):
                    where[dim] = deeper.add(where[dim], i)
                for dim, i in zip((*places, *d.offset_dims), (*at, *offset), strict=True):
                    to[dim] = i
                deeper.store(deeper.load(source, where, _tile(source, width)), out, to)

            if only is not None:
                element(inner, only, 0)
            else:
                _window(inner, [shape[i] for i in d.offset_dims], along, element)

        def alone(inner: KernelBuilder, *at: Index) -> None:
            place(inner, [at[i] for i in places], [at[i] for i in d.offset_dims])

        if b.machine.is_grid:
            b.forall(shape, alone)
        else:
            _over_places(b, [shape[i] for i in places], prod(shape), place)

    return KernelGroup((kernel(func.sym_name, types, body, machine, location=func.location),))


def lower_scatter(func: Func, in_place: Mapping[int, int], machine: Machine = HOST) -> KernelGroup:
    """One kernel for `stablehlo.scatter`: the inputs are copied (but where result and input are one buffer), then updates
    are combined in, in row-major order of their places; what falls outside is skipped."""
    op = center(func, hlo.Scatter)
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    d, shape = op.scatter_dimension_numbers, op.updates[0].type.static_shape
    extents = op.inputs[0].type.static_shape
    places = [i for i in range(len(shape)) if i not in d.update_window_dims]
    skipped = (*d.inserted_window_dims, *d.input_batching_dims)
    window = [i for i in range(len(extents)) if i not in skipped]
    moving = d.scatter_dims_to_operand_dims
    along = (
        bool(d.update_window_dims)
        and d.update_window_dims[-1] == len(shape) - 1
        and window[-1] == len(extents) - 1
        and window[-1] not in moving
    )
    # An index outside skips its whole window where that is one element wide; a wider window is checked by element.
    wide = [dim for dim, u in zip(window, d.update_window_dims, strict=True) if not at_most(shape[u], 1)]

    # Window dimensions along which updates of different places never meet: on a grid, each has threads of its own.
    apart = [i for i, dim in enumerate(window) if dim not in moving]

    def body(b: KernelBuilder, *buffers: Value) -> None:
        named = dict(zip(func.arguments, buffers, strict=False))
        outputs = buffers[len(func.arguments) :]
        same = {func.arguments[i]: k for i, k in in_place.items()}
        for k, (value, out) in enumerate(zip(op.inputs, outputs, strict=True)):
            if same.get(value) != k:
                _copy(b, named[value], out)
        sources = [named[v] for v in op.updates]
        indices = named[op.scatter_indices]

        def place(inner: KernelBuilder, at: list[Index], alone: Sequence[Index] = ()) -> None:
            starts = _starts(inner, indices, at, d.index_vector_dim, moving, op.scatter_indices.type.element)
            first: list[Index] = [starts.get(i, 0) for i in range(len(extents))]
            for dim, batch in zip(d.input_batching_dims, d.scatter_indices_batching_dims, strict=True):
                first[dim] = at[batch if batch < d.index_vector_dim else batch - 1]

            def element(deeper: KernelBuilder, offset: list[Index], width: int) -> None:
                where: list[Index] = list(first)
                source: list[Index] = [0] * len(shape)
                for dim, i in zip(window, offset, strict=True):
                    where[dim] = deeper.add(where[dim], i)
                for dim, i in zip((*places, *d.update_window_dims), (*at, *offset), strict=True):
                    source[dim] = i

                def combine(last: KernelBuilder) -> None:
                    before = [last.load(o, where, _tile(o, width)) for o in outputs]
                    updates = [last.load(s, source, _tile(s, width)) for s in sources]
                    made = apply_region(last, op.update_computation, [*before, *updates])
                    for out, value in zip(outputs, made, strict=True):
                        last.store(value, out, where)

                _where_inside(deeper, {i: (where[i], extents[i]) for i in moving if i in wide}, combine)

            def windows(deeper: KernelBuilder) -> None:
                if not deeper.machine.is_grid:
                    _window(deeper, [shape[i] for i in d.update_window_dims], along, element)
                    return
                kept = [1 if i in apart else shape[u] for i, u in enumerate(d.update_window_dims)]
                nest(deeper, kept, lambda last, at: element(last, spread(at), 0))

            def spread(at: list[Index]) -> list[Index]:
                return [alone[apart.index(i)] if i in apart else x for i, x in enumerate(at)]

            _where_inside(inner, {i: (first[i], extents[i]) for i in moving if i not in wide}, windows)

        if b.machine.is_grid:
            b.forall(
                [shape[d.update_window_dims[i]] for i in apart],
                lambda inner, *ids: nest(
                    inner, [shape[i] for i in places], lambda last, at: place(last, at, ids)
                ),
            )
        else:
            nest(b, [shape[i] for i in places], place)

    return KernelGroup((kernel(func.sym_name, types, body, machine, location=func.location),))


def _starts(
    b: KernelBuilder, indices: Value, at: list[Index], vector_dim: int, dims: Sequence[int], element: Any
) -> dict[int, Index]:
    """The start index a place gives for each operand dimension in `dims`."""
    cast: Any = arith.IndexCastUI if element.is_unsigned else arith.IndexCast
    starts: dict[int, Index] = {}
    for k, dim in enumerate(dims):
        where = list(at) if vector_dim == indices.type.rank else [*at[:vector_dim], k, *at[vector_dim:]]
        start = b.load(indices, where)
        starts[dim] = start if start.type is index else b.emit(cast(start, result_types=[index]))
    return starts


def _clamped(b: KernelBuilder, start: Index, limit: int) -> Index:
    if limit == 0:
        return 0
    return b.min(b.emit(arith.MaxSI(b.index(start), b.index(0))), limit)


def _where_inside(
    b: KernelBuilder, checks: Mapping[int, tuple[Index, int]], then: Callable[[KernelBuilder], None]
) -> None:
    """`then` where every index lies in [0, extent): one unsigned comparison each."""
    holds: Value | None = None
    for place, extent in checks.values():
        one = b.compare("ult", place, extent)
        holds = one if holds is None else b.emit(arith.AndI(holds, one))
    if holds is None:
        then(b)
    else:
        b.branch(holds, then)


def _over_places(
    b: KernelBuilder,
    extents: Sequence[int],
    elements: int,
    place: Callable[[KernelBuilder, list[Index]], None],
) -> None:
    """Places in any order: the outermost dimension is cut into tickets when there is enough to do."""
    if not extents or at_most(elements, PARALLEL_ELEMENTS - 1):
        nest(b, extents, place)
        return
    if isinstance(extents[0], int):
        chunk = -(-extents[0] // min(extents[0], 16))
    else:
        chunk = max(1, PARALLEL_ELEMENTS * typical(extents[0]) // typical(elements))

    def ticket(inner: KernelBuilder, t: Index) -> None:
        low = inner.mul(t, chunk)
        inner.loop(
            low, inner.min(inner.add(low, chunk), extents[0]), 1,
            lambda deeper, i: nest(deeper, extents[1:], lambda last, at: place(last, [i, *at])),
        )  # fmt: skip

    b.forall([ceildiv(extents[0], chunk)], ticket)


def _window(
    b: KernelBuilder,
    extents: Sequence[int],
    along: bool,
    element: Callable[[KernelBuilder, list[Index], int], None],
) -> None:
    """Every element of a window; the innermost dimension by vectors where it is contiguous on both sides."""
    if not along or at_most(extents[-1], 1):
        nest(b, extents, lambda inner, at: element(inner, at, 0))
        return

    def row(inner: KernelBuilder, at: list[Index]) -> None:
        in_vectors(inner, extents[-1], lambda deeper, i, width: element(deeper, [*at, i], width))

    nest(b, extents[:-1], row)


def in_vectors(
    b: KernelBuilder, extent: int, body: Callable[[KernelBuilder, Index, int], None], lanes: int = LANES
) -> None:
    """`body(b, i, width)` for runs of lanes; of an extent that is not known, what is left over one by one (width 0)."""
    width = min(lanes, extent) if isinstance(extent, int) else lanes
    whole = extent - extent % width
    b.loop(0, whole, width, lambda inner, i: body(inner, i, width))
    if not isinstance(extent, int):
        b.loop(whole, extent, 1, lambda inner, i: body(inner, i, 0))
    elif extent % width:
        body(b, whole, extent % width)


def _tile(buffer: Value, width: int) -> VectorType | None:
    """`width` elements of a buffer, or one of them where it is 0."""
    return VectorType((width,), buffer.type.element) if width else None


def _copy(b: KernelBuilder, source: Value, target: Value) -> None:
    size = source.type.size
    flat, into = (b.cast(v, 0, (size,), (1,)) for v in (source, target))
    if b.machine.is_grid:
        b.forall([size], lambda inner, i: inner.store(inner.load(flat, [i]), into, [i]))
        return

    def move(inner: KernelBuilder, i: Index, count: int) -> None:
        inner.store(inner.load(flat, [i], _tile(flat, count)), into, [i])

    if size != 0:
        in_vectors(b, size, move)

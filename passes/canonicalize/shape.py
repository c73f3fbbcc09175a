"""Ops that move elements: identities, and two moves in a row as one."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects.stablehlo import (
    BroadcastInDim,
    Concatenate,
    Constant,
    DynamicSlice,
    DynamicUpdateSlice,
    Pad,
    Reshape,
    Reverse,
    Slice,
    Transpose,
)
from irc.ir.operation import Operation, Value, all_operations
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import Dim
from irc.passes.constants import constant, constant_array, splat

rules = RewriteSet()
rewrite = rules.rewrite
MOST_PARTS = 64
"""Operands of a concatenate that is made of several."""

ELEMENTWISE = tuple(
    cls for cls in all_operations().values() if getattr(cls, "elementwise", False) and cls is not Constant
)

# A splat moved is a splat


@rewrite("moving the elements of a splat gives a splat", BroadcastInDim, Reshape, Transpose, Reverse, Slice)
def move_splat(op: Reshape, b: Rewriter) -> Value | None:
    value, type = splat(op.operand), op.result.type
    return constant(b, type, value) if value is not None and type.is_static and type.size else None


# Reshape


@rewrite("reshape(x) to its own shape = x", Reshape)
def reshape_identity(op: Reshape, b: Rewriter) -> Value | None:
    return op.operand if op.operand.type is op.result.type else None


@rewrite("reshape(reshape(x)) = reshape(x)", Reshape)
def reshape_reshaped(op: Reshape, b: Rewriter) -> Value | None:
    match op:
        case Reshape(operand=Value(Reshape(operand=x))):
            return b.emit(Reshape(x, result_types=op.result_types))
    return None


@rewrite("f(reshape(x)) = reshape(f(x)), when the reshape only adds extents of 1", *ELEMENTWISE)
def elementwise_reshaped(op: Operation, b: Rewriter) -> Value | None:
    sources = [v.op.operand for v in op.operands if isinstance(v.op, Reshape)]
    if not sources or len(op.results) != 1:
        return None
    shape, result = sources[0].type.shape, op.results[0].type
    if len(shape) == len(result.shape) or _places_among_ones(shape, result.shape) is None:
        return None
    operands = []
    for v in op.operands:
        match v:
            case Value(Reshape(operand=x)) if x.type.shape == shape:
                operands.append(x)
            case _ if splat(v) is not None and v.type.shape == result.shape:
                operands.append(constant(b, v.type.with_shape(shape), splat(v)))
            case _ if v.type.rank == 0:
                operands.append(v)
            case _:
                return None
    made = type(op).create(operands, [result.with_shape(shape)], op.attributes, (), op.location)
    return b.emit(Reshape(b.emit(made), result_types=op.result_types))


# Transpose


@rewrite("transpose(x) by the identity = x", Transpose)
def transpose_identity(op: Transpose, b: Rewriter) -> Value | None:
    return op.operand if op.permutation == tuple(range(len(op.permutation))) else None


@rewrite("transpose(transpose(x)) = transpose(x) by the product of the permutations", Transpose)
def transpose_transposed(op: Transpose, b: Rewriter) -> Value | None:
    match op:
        case Transpose(operand=Value(Transpose(operand=x, permutation=inner)), permutation=outer):
            return b.emit(Transpose(x, permutation=tuple(inner[d] for d in outer)))
    return None


@rewrite("transpose(x) that moves only extents of 1 = reshape(x)", Transpose)
def transpose_of_ones(op: Transpose, b: Rewriter) -> Value | None:
    shape = op.operand.type.shape
    moved = [d for d in op.permutation if shape[d] != 1]
    if moved == sorted(moved) and op.result.type.is_static:
        return b.emit(Reshape(op.operand, result_types=op.result_types))
    return None


# Broadcast


@rewrite("broadcast(x) to its own shape = x", BroadcastInDim)
def broadcast_identity(op: BroadcastInDim, b: Rewriter) -> Value | None:
    in_order = op.broadcast_dimensions == tuple(range(op.result.type.rank))
    return op.operand if in_order and op.operand.type is op.result.type else None


@rewrite("broadcast(broadcast(x)) = broadcast(x)", BroadcastInDim)
def broadcast_broadcast(op: BroadcastInDim, b: Rewriter) -> Value | None:
    match op:
        case BroadcastInDim(
            operand=Value(BroadcastInDim(operand=x, broadcast_dimensions=inner)), broadcast_dimensions=outer
        ):
            dims = tuple(outer[d] for d in inner)
            return b.emit(BroadcastInDim(x, broadcast_dimensions=dims, result_types=op.result_types))
    return None


@rewrite("broadcast(x) that adds only extents of 1 = reshape(x)", BroadcastInDim)
def broadcast_of_ones(op: BroadcastInDim, b: Rewriter) -> Value | None:
    source, type, dims = op.operand.type, op.result.type, op.broadcast_dimensions
    kept = [d for d, n in zip(dims, source.shape, strict=True) if n != 1]
    if source.is_static and type.is_static and source.size == type.size and kept == sorted(kept):
        return b.emit(Reshape(op.operand, result_types=op.result_types))
    return None


@rewrite("broadcast(reshape(x)) = broadcast(x), when the reshape only adds extents of 1", BroadcastInDim)
def broadcast_reshaped(op: BroadcastInDim, b: Rewriter) -> Value | None:
    match op:
        case BroadcastInDim(operand=Value(Reshape(operand=x) as inner), broadcast_dimensions=dims):
            kept = _places_among_ones(x.type.shape, inner.result.type.shape)
            if kept is not None:
                places = tuple(dims[d] for d in kept)
                return b.emit(BroadcastInDim(x, broadcast_dimensions=places, result_types=op.result_types))
    return None


def _places_among_ones(short: Sequence[Dim], long: Sequence[Dim]) -> list[int] | None:
    """Where the extents of `short` stand in `long`, which has only extents of 1 besides; None where it is not so."""
    places: list[int] = []
    for i, n in enumerate(long):
        at = len(places)
        if n is not None and at < len(short) and short[at] == n:
            places.append(i)
        elif n != 1:
            return None
    return places if len(places) == len(short) else None


# Reverse


@rewrite("reverse(x) along extents of at most 1 = x", Reverse)
def reverse_of_ones(op: Reverse, b: Rewriter) -> Value | None:
    shape = op.operand.type.shape
    dims = tuple(d for d in op.dimensions if shape[d] not in (0, 1))
    if len(dims) == len(op.dimensions) and dims:
        return None
    return b.emit(Reverse(op.operand, dimensions=dims)) if dims else op.operand


@rewrite("reverse(reverse(x)) = reverse(x) along the dimensions named once", Reverse)
def reverse_reversed(op: Reverse, b: Rewriter) -> Value | None:
    match op:
        case Reverse(operand=Value(Reverse(operand=x, dimensions=inner)), dimensions=outer):
            return b.emit(Reverse(x, dimensions=tuple(sorted(set(inner) ^ set(outer)))))
    return None


# Slice, pad, concatenate


@rewrite("slice(x) of all of x = x", Slice)
def slice_whole(op: Slice, b: Rewriter) -> Value | None:
    return op.operand if op.operand.type is op.result.type and op.operand.type.is_static else None


@rewrite("slice(slice(x)) = slice(x)", Slice)
def slice_sliced(op: Slice, b: Rewriter) -> Value | None:
    match op:
        case Slice(operand=Value(Slice(operand=x) as inner)):
            first, step = inner.start_indices, inner.strides
            starts = [s + t * i for s, t, i in zip(first, step, op.start_indices, strict=True)]
            # The last element taken, not the limit, decides: limits may lie anywhere before the next step.
            sizes = op.result.type.static_shape
            strides = [t * u for t, u in zip(step, op.strides, strict=True)]
            limits = [
                s + max((n - 1) * u + 1, 0) if n else s
                for s, n, u in zip(starts, sizes, strides, strict=True)
            ]
            if all(s <= n for s, n in zip(starts, inner.limit_indices, strict=True)):
                return b.emit(Slice(x, start_indices=starts, limit_indices=limits, strides=strides))
    return None


@rewrite("slice(concatenate(..., x, ...)) within x = slice(x)", Slice)
def slice_of_concatenate(op: Slice, b: Rewriter) -> Value | None:
    match op:
        case Slice(operand=Value(Concatenate(inputs=parts, dimension=dim))):
            start, limit = op.start_indices[dim], op.limit_indices[dim]
            offset = 0
            for part in parts:
                extent = part.type.shape[dim]
                if extent is None:
                    return None
                if offset <= start and limit <= offset + extent and start < limit:
                    starts, limits = list(op.start_indices), list(op.limit_indices)
                    starts[dim], limits[dim] = start - offset, limit - offset
                    return b.emit(Slice(part, start_indices=starts, limit_indices=limits, strides=op.strides))
                offset += extent
    return None


@rewrite("pad(x) by nothing = x", Pad)
def pad_nothing(op: Pad, b: Rewriter) -> Value | None:
    paddings = (*op.edge_padding_low, *op.edge_padding_high)
    inside = zip(op.interior_padding, op.operand.type.shape, strict=True)
    return op.operand if not any(paddings) and all(i == 0 or n in (0, 1) for i, n in inside) else None


@rewrite("pad(x) by negative amounts = slice(x)", Pad)
def pad_negative(op: Pad, b: Rewriter) -> Value | None:
    low, high, shape = op.edge_padding_low, op.edge_padding_high, op.operand.type.shape
    if any(op.interior_padding) or any(v > 0 for v in (*low, *high)) or None in shape:
        return None
    limits = [n + hi for n, hi in zip(shape, high, strict=True)]
    return b.emit(
        Slice(op.operand, start_indices=[-lo for lo in low], limit_indices=limits, strides=[1] * len(shape))
    )


@rewrite("pad(pad(x)) = pad(x), with one value and nothing inside or cut off", Pad)
def pad_padded(op: Pad, b: Rewriter) -> Value | None:
    match op:
        case Pad(operand=Value(Pad(operand=x, padding_value=v) as inner), padding_value=w):
            edges = (
                inner.edge_padding_low,
                inner.edge_padding_high,
                op.edge_padding_low,
                op.edge_padding_high,
            )
            same = v is w or (
                splat(v) is not None and v.op.value == w.op.value if isinstance(w.op, Constant) else False
            )
            if same and not any(op.interior_padding) and all(n >= 0 for edge in edges for n in edge):
                low, high = ([m + n for m, n in zip(edges[i], edges[i + 2], strict=True)] for i in (0, 1))
                return b.emit(
                    Pad(
                        x,
                        v,
                        edge_padding_low=low,
                        edge_padding_high=high,
                        interior_padding=inner.interior_padding,
                    )
                )
    return None


@rewrite("concatenate(x) = x", Concatenate)
def concatenate_one(op: Concatenate, b: Rewriter) -> Value | None:
    return op.inputs[0] if len(op.inputs) == 1 else None


@rewrite("concatenate(x, empty) = x", Concatenate)
def concatenate_empty(op: Concatenate, b: Rewriter) -> Value | None:
    kept = [v for v in op.inputs if v.type.shape[op.dimension] != 0]
    return b.emit(Concatenate(kept, dimension=op.dimension)) if 0 < len(kept) < len(op.inputs) else None


@rewrite("concatenate(concatenate(x, y), z) = concatenate(x, y, z)", Concatenate)
def concatenate_nested(op: Concatenate, b: Rewriter) -> Value | None:
    flat: list[Value] = []
    for value in op.inputs:
        match value:
            case Value(Concatenate(inputs=parts, dimension=dim)) if dim == op.dimension:
                flat += parts
            case _:
                flat.append(value)
    # What doubles again and again would have as many operands as elements.
    fewer = len(op.inputs) < len(flat) <= MOST_PARTS
    return b.emit(Concatenate(flat, dimension=op.dimension)) if fewer else None


# Slices whose place is computed


@rewrite("dynamic_slice(x) of all of x = x", DynamicSlice)
def dynamic_slice_whole(op: DynamicSlice, b: Rewriter) -> Value | None:
    return op.operand if op.operand.type is op.result.type and op.operand.type.is_static else None


@rewrite("dynamic_slice(x) at constant starts = slice(x)", DynamicSlice)
def dynamic_slice_constant(op: DynamicSlice, b: Rewriter) -> Value | None:
    starts = _constant_starts(op.start_indices, op.slice_sizes, op.operand.type.shape)
    if starts is None:
        return None
    limits = [s + n for s, n in zip(starts, op.slice_sizes, strict=True)]
    return b.emit(Slice(op.operand, start_indices=starts, limit_indices=limits, strides=[1] * len(starts)))


def _constant_starts(values: Sequence[Value], sizes: Sequence[int], shape: Sequence[Dim]) -> list[int] | None:
    """Start indices that are constants, clamped as the op does."""
    starts = []
    for value, size, extent in zip(values, sizes, shape, strict=True):
        array = constant_array(value)
        if array is None or extent is None:
            return None
        starts.append(min(max(int(array), 0), extent - size))
    return starts


@rewrite("dynamic_update_slice(x, y) over all of x = y", DynamicUpdateSlice)
def dynamic_update_whole(op: DynamicUpdateSlice, b: Rewriter) -> Value | None:
    return op.update if op.update.type is op.operand.type and op.update.type.is_static else None

"""What ops become when they work on all examples: dimensions move up by one, by family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from irc.dialects import chlo
from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TensorType
from irc.passes.batching.batcher import Batcher, Wider, rule
from irc.passes.expression import Expr, concatenate, maximum, minimum, reshape, transpose


def up(dimensions: Sequence[int]) -> tuple[int, ...]:
    """Dimensions behind that of the examples."""
    return tuple(d + 1 for d in dimensions)


def all_batched(b: Batcher, values: Sequence[Value]) -> list[Value]:
    return [b.batched(v) for v in values]


@rule(hlo.Reshape, hlo.BitcastConvert, chlo.ConstantLike)
def same(b: Batcher, op: Any) -> Wider:
    return Wider(all_batched(b, op.operands), {})


@rule(hlo.Cholesky, hlo.TriangularSolve, hlo.Fft, chlo.TopK)
def last_dimensions(b: Batcher, op: Any) -> Wider:
    """They work on the last dimensions, whatever is in front."""
    return Wider(all_batched(b, op.operands), {})


LAYOUTS = ("operand_layouts", "result_layouts", "output_operand_aliases")


@rule(hlo.CustomCall)
def custom_call(b: Batcher, op: Any) -> Wider | None:
    """LAPACK's routines work on the last dimensions."""
    if not op.call_target_name.startswith("lapack_"):
        return None
    return Wider(all_batched(b, op.operands), dict.fromkeys(LAYOUTS))


@rule(hlo.BroadcastInDim)
def broadcast_in_dim(b: Batcher, op: Any) -> Wider:
    return Wider([b.batched(op.operand)], {"broadcast_dimensions": (0, *up(op.broadcast_dimensions))})


@rule(hlo.Transpose)
def transposed(b: Batcher, op: Any) -> Wider:
    return Wider([b.batched(op.operand)], {"permutation": (0, *up(op.permutation))})


@rule(hlo.Slice)
def sliced(b: Batcher, op: Any) -> Wider:
    attributes = {
        "start_indices": (0, *op.start_indices),
        "limit_indices": (b.size, *op.limit_indices),
        "strides": (1, *op.strides),
    }
    return Wider([b.batched(op.operand)], attributes)


@rule(hlo.Pad)
def padded(b: Batcher, op: Any) -> Wider | None:
    if b.is_batched(op.padding_value):
        return None
    names = ("edge_padding_low", "edge_padding_high", "interior_padding")
    attributes = {name: (0, *getattr(op, name)) for name in names}
    return Wider([b.batched(op.operand), b.value(op.padding_value)], attributes)


@rule(hlo.Concatenate, hlo.Sort)
def along_one(b: Batcher, op: Any) -> Wider:
    """Of sort, a dimension counted from the end stays."""
    d = op.dimension
    return Wider(all_batched(b, op.operands), {"dimension": d + 1 if d >= 0 else d})


@rule(hlo.Reverse)
def reversed_(b: Batcher, op: Any) -> Wider:
    return Wider([b.batched(op.operand)], {"dimensions": up(op.dimensions)})


@rule(hlo.DynamicSlice)
def dynamic_slice(b: Batcher, op: Any) -> Wider | Sequence[Value] | None:
    """Where the starts differ, a gather, which moves starts inside as well."""
    operand, *starts = op.operands
    if not starts:
        return None
    if not any(map(b.is_batched, starts)):
        zero = b.scope.constant(0, starts[0].type).value
        operands = [b.batched(operand), zero, *map(b.value, starts)]
        return Wider(operands, {"slice_sizes": (b.size, *op.slice_sizes)})
    of = b.is_batched(operand)
    rank = len(starts)
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=up(range(rank)),
        operand_batching_dims=(0,) if of else (),
        start_indices_batching_dims=(0,) if of else (),
        start_index_map=up(range(rank)) if of else tuple(range(rank)),
        index_vector_dim=1,
    )
    sizes = ((1,) if of else ()) + tuple(op.slice_sizes)
    places = beside(b, [b.scope.of(b.batched(s)) for s in starts]).value
    made = hlo.Gather(b.value(operand), places, dimension_numbers=numbers, slice_sizes=sizes)
    return [b.scope.emit(made).value]


def beside(b: Batcher, starts: Sequence[Expr]) -> Expr:
    """Row by row the starts of each example."""
    return concatenate([reshape(s, (b.size, 1)) for s in starts], 1)


@rule(hlo.DynamicUpdateSlice)
def dynamic_update_slice(b: Batcher, op: Any) -> Wider | Sequence[Value] | None:
    """Where the starts differ, a scatter of starts that were moved inside."""
    operand, update, *starts = op.operands
    if not starts:
        return None
    if not any(map(b.is_batched, starts)):
        zero = b.scope.constant(0, starts[0].type).value
        return Wider([b.batched(operand), b.batched(update), zero, *map(b.value, starts)], {})
    rank = len(starts)
    inside = []
    for start, whole, part in zip(starts, operand.type.static_shape, update.type.static_shape, strict=True):
        inside.append(minimum(maximum(b.scope.of(b.batched(start)), 0), whole - part))
    numbers = hlo.ScatterDimensionNumbers(
        update_window_dims=up(range(rank)),
        input_batching_dims=(0,),
        scatter_indices_batching_dims=(0,),
        scatter_dims_to_operand_dims=up(range(rank)),
        index_vector_dim=1,
    )
    scalar = TensorType((), operand.type.element)

    def latter(inner: Builder, _: Value, new: Value) -> None:
        inner.emit(hlo.Return([new]))

    made = hlo.Scatter(
        [b.batched(operand)],
        beside(b, inside).value,
        [b.batched(update)],
        scatter_dimension_numbers=numbers,
        indices_are_sorted=True,
        unique_indices=True,
        regions=[b.builder.region([scalar, scalar], latter)],
    )
    return [b.scope.emit(made).value]


@rule(hlo.Reduce)
def reduce(b: Batcher, op: Any) -> Wider | None:
    if any(map(b.is_batched, op.init_values)):
        return None
    operands = [*all_batched(b, op.inputs), *map(b.value, op.init_values)]
    return Wider(operands, {"dimensions": up(op.dimensions)})


def window_attributes(op: Any, *names: str) -> dict[str, Any]:
    """A window of one example at a time."""
    given = {name: getattr(op, name) for name in names}
    made = {name: (1, *value) for name, value in given.items() if value is not None}
    return made if op.padding is None else {**made, "padding": ((0, 0), *op.padding)}


@rule(hlo.ReduceWindow)
def reduce_window(b: Batcher, op: Any) -> Wider | None:
    if any(map(b.is_batched, op.init_values)):
        return None
    names = ("window_dimensions", "window_strides", "base_dilations", "window_dilations")
    operands = [*all_batched(b, op.inputs), *map(b.value, op.init_values)]
    return Wider(operands, window_attributes(op, *names))


@rule(hlo.SelectAndScatter)
def select_and_scatter(b: Batcher, op: Any) -> Wider | None:
    if b.is_batched(op.init_value):
        return None
    operands = [b.batched(op.operand), b.batched(op.source), b.value(op.init_value)]
    return Wider(operands, window_attributes(op, "window_dimensions", "window_strides"))


@rule(hlo.Gather)
def gather(b: Batcher, op: Any) -> Wider:
    """Only the indices differ: one more dimension of them. Only the operand does: one more of each slice. Both: a batch."""
    of, at, d = b.is_batched(op.operand), b.is_batched(op.start_indices), op.dimension_numbers
    numbers = replace(d, offset_dims=up(d.offset_dims))
    sizes = tuple(op.slice_sizes)
    if of:
        numbers = replace(
            numbers,
            collapsed_slice_dims=up(d.collapsed_slice_dims),
            start_index_map=up(d.start_index_map),
            operand_batching_dims=up(d.operand_batching_dims),
        )
        sizes = (1 if at else b.size, *sizes)
    if at:
        numbers = replace(
            numbers,
            index_vector_dim=d.index_vector_dim + 1,
            start_indices_batching_dims=up(d.start_indices_batching_dims),
        )
    if of and at:
        numbers = replace(
            numbers,
            operand_batching_dims=(0, *numbers.operand_batching_dims),
            start_indices_batching_dims=(0, *numbers.start_indices_batching_dims),
        )
    elif of:
        numbers = replace(numbers, offset_dims=(0, *numbers.offset_dims))
    operands = [b.value(op.operand), b.value(op.start_indices)]
    return Wider(operands, {"dimension_numbers": numbers, "slice_sizes": sizes})


@rule(hlo.Scatter)
def scatter(b: Batcher, op: Any) -> Wider:
    """Where the indices are the same for all, one more dimension of each window; else a batch."""
    d, at = op.scatter_dimension_numbers, b.is_batched(op.scatter_indices)
    numbers = replace(
        d,
        update_window_dims=up(d.update_window_dims),
        inserted_window_dims=up(d.inserted_window_dims),
        input_batching_dims=up(d.input_batching_dims),
        scatter_dims_to_operand_dims=up(d.scatter_dims_to_operand_dims),
    )
    if at:
        numbers = replace(
            numbers,
            input_batching_dims=(0, *numbers.input_batching_dims),
            scatter_indices_batching_dims=(0, *up(d.scatter_indices_batching_dims)),
            index_vector_dim=d.index_vector_dim + 1,
        )
    else:
        numbers = replace(numbers, update_window_dims=(0, *numbers.update_window_dims))
    operands = [*all_batched(b, op.inputs), b.value(op.scatter_indices), *all_batched(b, op.updates)]
    return Wider(operands, {"scatter_dimension_numbers": numbers})


@rule(hlo.DotGeneral)
def dot_general(b: Batcher, op: Any) -> Sequence[Value] | Wider:
    """Both differ: one more batch. One does: one more free dimension, which goes to the front."""
    d, (x, y) = op.dot_dimension_numbers, op.operands
    left, right = b.is_batched(x), b.is_batched(y)
    numbers = d
    if left:
        numbers = replace(
            numbers,
            lhs_batching_dimensions=up(d.lhs_batching_dimensions),
            lhs_contracting_dimensions=up(d.lhs_contracting_dimensions),
        )
    if right:
        numbers = replace(
            numbers,
            rhs_batching_dimensions=up(d.rhs_batching_dimensions),
            rhs_contracting_dimensions=up(d.rhs_contracting_dimensions),
        )
    if left and right:
        numbers = replace(
            numbers,
            lhs_batching_dimensions=(0, *numbers.lhs_batching_dimensions),
            rhs_batching_dimensions=(0, *numbers.rhs_batching_dimensions),
        )
        return Wider([b.value(x), b.value(y)], {"dot_dimension_numbers": numbers})
    # Results: batch, what is free on the left, what is free on the right.
    leading = len(d.lhs_batching_dimensions)
    place = leading if left else leading + x.type.rank - leading - len(d.lhs_contracting_dimensions)
    shape = list(op.result.type.shape)
    shape.insert(place, b.size)
    made = type(op).create(
        [b.value(x), b.value(y)],
        [TensorType(tuple(shape), op.result.type.element)],
        op.with_attributes(dot_dimension_numbers=numbers).attributes,
        (),
        b.builder.location,
    )
    b.builder.operations.append(made)
    result = b.scope.of(made.result)
    return [transpose(result, [place, *(i for i in range(result.rank) if i != place)]).value]


def merged(x: Expr, into: int) -> Expr:
    """The examples become the outer part of dimension `into` (counted without them)."""
    order = [*range(1, into + 1), 0, *range(into + 1, x.rank)]
    shape = list(x.shape[1:])
    shape[into] *= x.shape[0]
    return reshape(transpose(x, order), shape)


def split(x: Expr, out_of: int, size: int) -> Expr:
    """What `merged` undoes."""
    shape = list(x.shape)
    shape[out_of : out_of + 1] = [size, shape[out_of] // size]
    wide = reshape(x, shape)
    return transpose(wide, [out_of, *(i for i in range(wide.rank) if i != out_of)])


@rule(hlo.Convolution)
def convolution(b: Batcher, op: Any) -> Sequence[Value] | None:
    """Only the image differs: a longer batch. The kernel does: as many groups of features more."""
    d = op.dimension_numbers
    lhs, rhs = b.scope.of(b.value(op.lhs)), b.scope.of(b.value(op.rhs))
    if op.batch_group_count != 1:
        return None
    if not b.is_batched(op.rhs):
        lhs, place = merged(lhs, d.input_batch_dimension), d.output_batch_dimension
        groups = op.feature_group_count
    else:
        lhs = merged(b.scope.of(b.batched(op.lhs)), d.input_feature_dimension)
        rhs, place = merged(rhs, d.kernel_output_feature_dimension), d.output_feature_dimension
        groups = op.feature_group_count * b.size
    shape = list(op.result.type.static_shape)
    shape[place] *= b.size
    made = type(op).create(
        [lhs.value, rhs.value],
        [TensorType(tuple(shape), op.result.type.element)],
        op.with_attributes(feature_group_count=groups).attributes,
        (),
        b.builder.location,
    )
    b.builder.operations.append(made)
    return [split(b.scope.of(made.result), place, b.size).value]

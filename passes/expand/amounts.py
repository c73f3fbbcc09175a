"""Ops that move elements by amounts computed when running, where the result's shape is known: every result position
works out which element stands there."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType, i64
from irc.passes.expression import Expr, Scope, broadcast, convert, eq, reshape, select
from irc.passes.expression import slice as sliced

rules = RewriteSet()


def _known(*values: Value) -> bool:
    return all(v.type.is_static for v in values)


@rules.rewrite(
    "dynamic_pad = a gather of each dimension, and the padding value where no element falls", hlo.DynamicPad
)
def _pad(op: Any, b: Rewriter) -> Value | None:
    if not _known(op.operand, op.result):
        return None
    scope = Scope(b)
    low, interior = (_amounts(scope, v) for v in (op.edge_padding_low, op.interior_padding))
    x, value = scope.of(op.operand), scope.of(op.padding_value)
    for d, extent in enumerate(op.result.type.static_shape):
        x = _spread(x, value, d, extent, low[d], interior[d])
    return x.value


@rules.rewrite("real_dynamic_slice = a gather of each dimension", hlo.RealDynamicSlice)
def _slice(op: Any, b: Rewriter) -> Value | None:
    if not _known(op.operand, op.result):
        return None
    scope = Scope(b)
    x = scope.of(op.operand)
    starts, strides = _amounts(scope, op.start_indices), _amounts(scope, op.strides)
    for d, extent in enumerate(op.result.type.static_shape):
        position = scope.iota(TensorType((extent,), i64), 0)
        x = _taken(x, d, _along(starts[d], extent) + position * _along(strides[d], extent))
    return x.value


@rules.rewrite("dynamic_gather = gather of slices as big as the result says", hlo.DynamicGather)
def _gather(op: Any, b: Rewriter) -> Value | None:
    if not _known(op.operand, op.result):
        return None
    numbers = op.dimension_numbers
    gone = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    extents = iter(op.result.type.static_shape[d] for d in numbers.offset_dims)
    sizes = [1 if d in gone else next(extents) for d in range(op.operand.type.rank)]
    made = hlo.Gather(
        op.operand,
        op.start_indices,
        dimension_numbers=numbers,
        slice_sizes=sizes,
        indices_are_sorted=op.indices_are_sorted,
    )
    return b.emit(made)


@rules.rewrite("dynamic_conv = a convolution of the input padded first", hlo.DynamicConv)
def _conv(op: Any, b: Rewriter) -> Value | None:
    if not _known(op.lhs, op.rhs, op.result):
        return None
    scope, numbers = Scope(b), op.dimension_numbers
    rank = len(numbers.input_spatial_dimensions)
    ones = (1,) * rank
    stride, dilation, spread = (
        tuple(a or ones) for a in (op.window_strides, op.rhs_dilation, op.lhs_dilation)
    )
    x = scope.of(op.lhs)
    zero = scope.constant(0, TensorType((), x.element))
    padding = _amounts(scope, op.padding)
    for i, d in enumerate(numbers.input_spatial_dimensions):
        kernel = op.rhs.type.static_shape[numbers.kernel_spatial_dimensions[i]]
        out = op.result.type.static_shape[numbers.output_spatial_dimensions[i]]
        extent = (out - 1) * stride[i] + (kernel - 1) * dilation[i] + 1
        interior = scope.constant(spread[i] - 1, TensorType((), i64))
        x = _spread(x, zero, d, extent, padding[2 * i], interior)
    made = hlo.Convolution(
        x.value,
        op.rhs,
        window_strides=op.window_strides,
        rhs_dilation=op.rhs_dilation,
        window_reversal=op.window_reversal,
        dimension_numbers=numbers,
        feature_group_count=op.feature_group_count,
        batch_group_count=op.batch_group_count,
        precision_config=op.precision_config,
        result_types=[op.result.type],
    )
    return b.emit(made)


def _amounts(scope: Scope, value: Value) -> list[Expr]:
    """The elements of a tensor of integers in row-major order, each an i64."""
    flat = reshape(convert(scope.of(value), i64), (value.type.size,))
    return [reshape(sliced(flat, (i,), (i + 1,)), ()) for i in range(value.type.size)]


def _along(amount: Expr, extent: int) -> Expr:
    return broadcast(amount, (extent,), ())


def _spread(x: Expr, value: Expr, dimension: int, extent: int, low: Expr, interior: Expr) -> Expr:
    """`x` padded along one dimension to `extent`: element k stands at low + k * (interior + 1)."""
    shape = tuple(extent if d == dimension else n for d, n in enumerate(x.shape))
    padding = broadcast(value, shape, ())
    count = x.shape[dimension]
    if not count or not extent:
        return padding
    position = x.scope.iota(TensorType((extent,), i64), 0) - _along(low, extent)
    period = _along(interior, extent) + 1
    number = position / period
    there = eq(number * period, position) & (position >= 0) & (number < count)
    taken = _taken(x, dimension, number)
    return select(broadcast(there, shape, (dimension,)), taken, padding)


def _taken(x: Expr, dimension: int, indices: Expr) -> Expr:
    """x[..., indices, ...] along a dimension; an index outside is moved to the nearest element."""
    rest = [d for d in range(x.rank) if d != dimension]
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=tuple(rest),
        collapsed_slice_dims=(dimension,),
        start_index_map=(dimension,),
        index_vector_dim=1,
    )
    sizes = [1 if d == dimension else n for d, n in enumerate(x.shape)]
    made: Expr = x.scope.emit(
        hlo.Gather(
            x.value, indices.value, dimension_numbers=numbers, slice_sizes=sizes, indices_are_sorted=False
        )
    )
    return made

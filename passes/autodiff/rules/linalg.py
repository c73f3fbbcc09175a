"""Gradients of contractions: each is a contraction of the cotangent with the other operand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.types import TensorType
from irc.passes.autodiff.expression import Expr, convert, reshape, reverse, transpose
from irc.passes.autodiff.registry import Formula, defvjp


def contract(
    x: Expr,
    y: Expr,
    batch: tuple[Sequence[int], Sequence[int]],
    over: tuple[Sequence[int], Sequence[int]],
    like: Any,
) -> Expr:
    """The dot_general of `x` and `y`: batch dims, then what is left of `x`, then of `y`. Precision is that of `like`."""
    numbers = hlo.DotDimensionNumbers(
        lhs_batching_dimensions=tuple(batch[0]),
        rhs_batching_dimensions=tuple(batch[1]),
        lhs_contracting_dimensions=tuple(over[0]),
        rhs_contracting_dimensions=tuple(over[1]),
    )
    shape = [x.shape[d] for d in batch[0]]
    shape += [n for d, n in enumerate(x.shape) if d not in (*batch[0], *over[0])]
    shape += [n for d, n in enumerate(y.shape) if d not in (*batch[1], *over[1])]
    made = hlo.DotGeneral(
        x.value,
        y.value,
        dot_dimension_numbers=numbers,
        precision_config=like.precision_config,
        result_types=[TensorType(tuple(shape), x.element)],
    )
    return x.scope.emit(made)  # type: ignore[no-any-return]


def dot_general_side(side: int) -> Formula:
    """The formula of operand `side` (0: lhs, 1: rhs): contract `g` with the other operand over the other's free dims.

    What is left is this operand's batch, free and contracted dims, in an order that a transpose puts right; of the two
    orders of factors, the one that needs no transpose is taken."""

    def formula(g: Expr, ans: Expr, lhs: Expr, rhs: Expr) -> Expr:
        numbers = ans.op.dot_dimension_numbers
        batches = (numbers.lhs_batching_dimensions, numbers.rhs_batching_dimensions)
        overs = (numbers.lhs_contracting_dimensions, numbers.rhs_contracting_dimensions)
        x, y = (lhs, rhs)[side], (lhs, rhs)[1 - side]
        x_free, y_free = (
            [d for d in range(v.rank) if d not in (*batches[s], *overs[s])]
            for v, s in ((x, side), (y, 1 - side))
        )
        leading = len(batches[0])
        g_x = range(leading, leading + len(x_free)) if side == 0 else range(g.rank - len(x_free), g.rank)
        g_y = [d for d in range(leading, g.rank) if d not in g_x]

        y = convert(y, g.element)
        summed = [overs[side][i] for i in sorted(range(len(overs[0])), key=overs[1 - side].__getitem__)]
        y_first = [*batches[side], *summed, *x_free]
        if y_first == sorted(y_first):
            made = contract(y, g, (batches[1 - side], range(leading)), (y_free, g_y), ans.op)
            return convert(made, x.element)
        g_first = [*batches[side], *x_free, *summed]
        made = contract(g, y, (range(leading), batches[1 - side]), (g_y, y_free), ans.op)
        return convert(transpose(made, [g_first.index(d) for d in range(x.rank)]), x.element)

    return formula


defvjp(hlo.DotGeneral, dot_general_side(0), dot_general_side(1))


def split_dim(x: Expr, dim: int, count: int) -> Expr:
    """Dimension `dim` of extent n becomes two, of extents `count` and n / `count`."""
    shape = list(x.shape)
    shape[dim : dim + 1] = [count, shape[dim] // count]
    return reshape(x, shape)


def move_groups(x: Expr, source: int, target: int, count: int) -> Expr:
    """Dimension `source` is `count` groups; they become the outer part of dimension `target` instead."""
    if count == 1:
        return x
    merged = list(x.shape)
    merged[source] //= count
    merged[target] *= count
    order = [d if d <= source else d + 1 for d in range(x.rank)]
    order[source] = source + 1
    order.insert(target, source)
    return reshape(transpose(split_dim(x, source, count), order), merged)


def holes(n: int, dilation: int) -> int:
    """The extent of n elements with `dilation - 1` holes between neighbours."""
    return (n - 1) * dilation + 1 if n else 0


def windows_of(op: Any) -> tuple[Any, ...]:
    """(strides, padding, lhs_dilation, rhs_dilation, window_reversal) of a convolution, defaults spelled out."""
    rank = len(op.dimension_numbers.input_spatial_dimensions)
    ones = (1,) * rank
    return (
        op.window_strides or ones,
        op.padding or ((0, 0),) * rank,
        op.lhs_dilation or ones,
        op.rhs_dilation or ones,
        op.window_reversal or (False,) * rank,
    )


def convolution_lhs(g: Expr, ans: Expr, lhs: Expr, rhs: Expr) -> Expr:
    """A convolution of `g`, its holes the strides, with the reversed kernel whose features have changed roles."""
    op, numbers = ans.op, ans.op.dimension_numbers
    strides, padding, lhs_dilation, rhs_dilation, reversal = windows_of(op)
    groups = op.feature_group_count * op.batch_group_count
    kernel_in, kernel_out = numbers.kernel_input_feature_dimension, numbers.kernel_output_feature_dimension
    kernel = reverse(
        rhs, [d for d, r in zip(numbers.kernel_spatial_dimensions, reversal, strict=True) if not r]
    )
    kernel = move_groups(kernel, kernel_out, kernel_in, groups)

    spatial = zip(
        *(
            numbers.input_spatial_dimensions,
            numbers.kernel_spatial_dimensions,
            numbers.output_spatial_dimensions,
        ),
        *(strides, padding, lhs_dilation, rhs_dilation),
        strict=True,
    )
    edges = []
    for i, k, o, stride, (low, _), lhs_hole, rhs_hole in spatial:
        before = holes(rhs.shape[k], rhs_hole) - 1 - low
        after = holes(lhs.shape[i], lhs_hole) - holes(g.shape[o], stride) + low
        edges.append((before, after))
    made = hlo.Convolution(
        g.value,
        convert(kernel, g.element).value,
        window_strides=lhs_dilation,
        padding=tuple(edges),
        lhs_dilation=strides,
        rhs_dilation=rhs_dilation,
        dimension_numbers=hlo.ConvDimensionNumbers(
            input_batch_dimension=numbers.output_batch_dimension,
            input_feature_dimension=numbers.output_feature_dimension,
            input_spatial_dimensions=numbers.output_spatial_dimensions,
            kernel_input_feature_dimension=kernel_out,
            kernel_output_feature_dimension=kernel_in,
            kernel_spatial_dimensions=numbers.kernel_spatial_dimensions,
            output_batch_dimension=numbers.input_batch_dimension,
            output_feature_dimension=numbers.input_feature_dimension,
            output_spatial_dimensions=numbers.input_spatial_dimensions,
        ),
        feature_group_count=groups,
        batch_group_count=1,
        precision_config=op.precision_config,
        result_types=[_with_groups(lhs, g.element, numbers, op.batch_group_count)],
    )
    back = move_groups(
        g.scope.emit(made),
        numbers.input_feature_dimension,
        numbers.input_batch_dimension,
        op.batch_group_count,
    )
    return convert(back, lhs.element)


def _with_groups(lhs: Expr, element: Any, numbers: Any, batch_groups: int) -> TensorType:
    """The type of `lhs` with its batch groups among the features."""
    shape = list(lhs.shape)
    shape[numbers.input_batch_dimension] //= batch_groups
    shape[numbers.input_feature_dimension] *= batch_groups
    return TensorType(tuple(shape), element)


def convolution_rhs(g: Expr, ans: Expr, lhs: Expr, rhs: Expr) -> Expr:
    """A convolution of the activations with `g` as kernel, batch and feature in each other's roles:
    `[f,0,1,b]x[i,0,1,o]->[0,1,b,f]`, stepping by the kernel's dilation, the strides being the holes of `g`."""
    op, numbers = ans.op, ans.op.dimension_numbers
    strides, padding, lhs_dilation, rhs_dilation, reversal = windows_of(op)
    spatial = zip(
        *(
            numbers.input_spatial_dimensions,
            numbers.kernel_spatial_dimensions,
            numbers.output_spatial_dimensions,
        ),
        *(strides, padding, lhs_dilation, rhs_dilation),
        strict=True,
    )
    edges = []
    for i, k, o, stride, (low, _), lhs_hole, rhs_hole in spatial:
        reach = holes(rhs.shape[k], rhs_hole) + holes(g.shape[o], stride) - 1
        edges.append((low, reach - holes(lhs.shape[i], lhs_hole) - low))
    made = hlo.Convolution(
        convert(lhs, g.element).value,
        g.value,
        window_strides=rhs_dilation,
        padding=tuple(edges),
        lhs_dilation=lhs_dilation,
        rhs_dilation=strides,
        dimension_numbers=hlo.ConvDimensionNumbers(
            input_batch_dimension=numbers.input_feature_dimension,
            input_feature_dimension=numbers.input_batch_dimension,
            input_spatial_dimensions=numbers.input_spatial_dimensions,
            kernel_input_feature_dimension=numbers.output_batch_dimension,
            kernel_output_feature_dimension=numbers.output_feature_dimension,
            kernel_spatial_dimensions=numbers.output_spatial_dimensions,
            output_batch_dimension=numbers.kernel_input_feature_dimension,
            output_feature_dimension=numbers.kernel_output_feature_dimension,
            output_spatial_dimensions=numbers.kernel_spatial_dimensions,
        ),
        feature_group_count=op.batch_group_count,
        batch_group_count=op.feature_group_count,
        precision_config=op.precision_config,
        result_types=[TensorType(rhs.shape, g.element)],
    )
    turned = [d for d, r in zip(numbers.kernel_spatial_dimensions, reversal, strict=True) if r]
    return convert(reverse(g.scope.emit(made), turned), rhs.element)


defvjp(hlo.Convolution, convolution_lhs, convolution_rhs)

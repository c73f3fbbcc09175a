"""Convolutions: which order each side wants, and the op without padding, input dilation or reversal.

The kernel that lowers a convolution reads any dimension numbers as strides; what it wants is that the output's feature
dimension is innermost in the output and in the kernel operand, and the lhs's channels in the lhs (`facts`: NHWC)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.dialects.stablehlo import Constant, ConvDimensionNumbers, Convolution, Pad, Reverse
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TensorType
from irc.passes.layout.orders import Order, identity, inverse


@dataclass(frozen=True, slots=True)
class ConvOrders:
    """The order that each side of a convolution wants."""

    lhs: Order
    rhs: Order
    result: Order


def orders_of(op: Convolution) -> ConvOrders:
    """NHWC and HWIO for a forward or input-gradient convolution, `[b,0,1,f]x[0,1,i,o]->[b,0,1,f]`.

    A weight gradient sums over the batch: what plays the feature is the batch of the activations and stands before
    what plays the batch, their channels. The same NHWC tensors then read `[f,0,1,b]x[i,0,1,o]->[0,1,b,f]`."""
    d = op.dimension_numbers
    if d.input_batch_dimension < d.input_feature_dimension:
        return ConvOrders(
            (d.input_batch_dimension, *d.input_spatial_dimensions, d.input_feature_dimension),
            (
                *d.kernel_spatial_dimensions,
                d.kernel_input_feature_dimension,
                d.kernel_output_feature_dimension,
            ),
            (d.output_batch_dimension, *d.output_spatial_dimensions, d.output_feature_dimension),
        )
    return ConvOrders(
        (d.input_feature_dimension, *d.input_spatial_dimensions, d.input_batch_dimension),
        (d.kernel_input_feature_dimension, *d.kernel_spatial_dimensions, d.kernel_output_feature_dimension),
        (*d.output_spatial_dimensions, d.output_batch_dimension, d.output_feature_dimension),
    )


def reordered(d: ConvDimensionNumbers, orders: ConvOrders) -> ConvDimensionNumbers:
    """The dimension numbers of the same convolution on sides held in these orders."""
    lhs, rhs, result = inverse(orders.lhs), inverse(orders.rhs), inverse(orders.result)
    return ConvDimensionNumbers(
        lhs[d.input_batch_dimension],
        lhs[d.input_feature_dimension],
        tuple(lhs[i] for i in d.input_spatial_dimensions),
        rhs[d.kernel_input_feature_dimension],
        rhs[d.kernel_output_feature_dimension],
        tuple(rhs[i] for i in d.kernel_spatial_dimensions),
        result[d.output_batch_dimension],
        result[d.output_feature_dimension],
        tuple(result[i] for i in d.output_spatial_dimensions),
    )


def is_static(op: Convolution) -> bool:
    """Whether the padding is an attribute: that of a dynamic_conv is an operand."""
    return type(op) is Convolution


def is_plain(op: Convolution) -> bool:
    """Whether the op is already in the orders it wants and has nothing to make explicit."""
    orders, w = orders_of(op), op.window
    in_order = all(order == identity(len(order)) for order in (orders.lhs, orders.rhs, orders.result))
    return (
        in_order
        and not any(map(any, w.padding))
        and not any(w.reversal)
        and all(n == 1 for n in w.lhs_dilation)
    )


def convolve(
    b: Builder, op: Convolution, lhs: Value, rhs: Value, orders: ConvOrders, type: TensorType
) -> Value:
    """Emits the convolution of sides held in these orders; its result is held in `orders.result`.

    Padding and input dilation become a pad of zeros, which take part in the sum as they did; a reversed window becomes
    a reversed kernel. Every product and its place in the sum stay, so every bit does."""
    dims, w = reordered(op.dimension_numbers, orders), op.window
    lhs = _padded(b, lhs, dims.input_spatial_dimensions, w.padding, w.lhs_dilation)
    reversed_dims = [d for d, flag in zip(dims.kernel_spatial_dimensions, w.reversal, strict=True) if flag]
    if reversed_dims:
        rhs = b.emit(Reverse(rhs, dimensions=reversed_dims))
    # What stands at its default is left out, so that equal convolutions are equal ops.
    dropped = {"padding", "lhs_dilation", "window_reversal"}
    dropped |= {"window_strides"} if set(w.strides) == {1} else set()
    dropped |= {"rhs_dilation"} if set(w.rhs_dilation) == {1} else set()
    attributes = {k: v for k, v in op.attributes.items() if k not in dropped}
    attributes["dimension_numbers"] = dims
    return b.emit(Convolution.create((lhs, rhs), (type,), attributes, (), op.location))


def _padded(
    b: Builder, x: Value, spatial: Sequence[int], padding: Sequence[Sequence[int]], dilation: Sequence[int]
) -> Value:
    low, high, inside = ([0] * x.type.rank for _ in range(3))
    for d, (before, after), spread in zip(spatial, padding, dilation, strict=True):
        low[d], high[d], inside[d] = before, after, spread - 1
    if not any((*low, *high, *inside)):
        return x
    zero = b.emit(Constant.splat(0, x.type.with_shape(())))
    return b.emit(Pad(x, zero, edge_padding_low=low, edge_padding_high=high, interior_padding=inside))

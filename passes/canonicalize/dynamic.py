"""Ops whose shape is computed, where it turns out to be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.dialects import stablehlo as S
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType
from irc.passes.constants import constant_array

rules = RewriteSet()


def static_form(op: Operation) -> Operation | None:
    """The op without shape operands, where these are constants or the type says enough; else None."""
    form = _FORMS.get(type(op))
    return form(op) if form else None


def _numbers(value: Value) -> list[int] | None:
    """The components of a constant shape."""
    array = constant_array(value)
    return None if array is None else [int(n) for n in array.reshape(-1)]


def _shape_type(op: Any, shape: Value) -> TensorType | None:
    """The result's type, all extents known: from the type itself, or from the constant `shape`."""
    type: TensorType = op.result.type
    numbers = _numbers(shape)
    if type.is_static:
        return type
    return None if numbers is None else type.with_shape(tuple(numbers))


def _reshape(op: S.DynamicReshape) -> Operation | None:
    type = _shape_type(op, op.output_shape)
    return S.Reshape(op.operand, result_types=[type]) if type else None


def _iota(op: S.DynamicIota) -> Operation | None:
    type = _shape_type(op, op.output_shape)
    return S.Iota(iota_dimension=op.iota_dimension, result_types=[type]) if type else None


def _broadcast(op: S.DynamicBroadcastInDim) -> Operation | None:
    type = _shape_type(op, op.output_dimensions)
    if type is None or not op.operand.type.is_static:
        return None
    return S.BroadcastInDim(op.operand, broadcast_dimensions=op.broadcast_dimensions, result_types=[type])


def _pad(op: S.DynamicPad) -> Operation | None:
    amounts = [_numbers(v) for v in op.operands[2:]]
    if None in amounts:
        return None
    low, high, inside = amounts
    return S.Pad(
        op.operand, op.padding_value, edge_padding_low=low, edge_padding_high=high, interior_padding=inside
    )


def _slice(op: S.RealDynamicSlice) -> Operation | None:
    ranges = [_numbers(v) for v in op.operands[1:]]
    if None in ranges:
        return None
    starts, limits, strides = ranges
    return S.Slice(op.operand, start_indices=starts, limit_indices=limits, strides=strides)


def _gather(op: S.DynamicGather) -> Operation | None:
    sizes = _numbers(op.slice_sizes)
    if sizes is None:
        return None
    return S.Gather(
        op.operand,
        op.start_indices,
        dimension_numbers=op.dimension_numbers,
        slice_sizes=sizes,
        indices_are_sorted=op.indices_are_sorted,
    )


def _convolution(op: S.DynamicConv) -> Operation | None:
    array = constant_array(op.padding)
    if array is None:
        return None
    padding = S.Convolution.attribute_fields["padding"].codec.encode(array.tolist())
    return S.Convolution(
        op.lhs, op.rhs, attributes={**op.attributes, "padding": padding}, result_types=_converted(op, padding)
    )


def _converted(op: S.DynamicConv, padding: Any) -> list[TensorType]:
    """The result's element type may be wider than the operands'; only the shape is inferred."""
    made = S.Convolution(op.lhs, op.rhs, attributes={**op.attributes, "padding": padding})
    return [made.result.type.with_element(op.result.type.element)]


def _extent(op: S.GetDimensionSize) -> Operation | None:
    extent = op.operand.type.shape[op.dimension]
    return None if extent is None else S.Constant.splat(extent, op.result.type)


_FORMS: dict[type[Operation], Callable[[Any], Operation | None]] = {
    S.DynamicReshape: _reshape,
    S.DynamicIota: _iota,
    S.DynamicBroadcastInDim: _broadcast,
    S.DynamicPad: _pad,
    S.RealDynamicSlice: _slice,
    S.DynamicGather: _gather,
    S.DynamicConv: _convolution,
    S.GetDimensionSize: _extent,
}


@rules.rewrite("an op of computed shape = the op of known shape, where it is known", *_FORMS)
def known_shape(op: Operation, b: Rewriter) -> Value | None:
    made = static_form(op)
    return b.emit(made) if made is not None and made.result_types == op.result_types else None

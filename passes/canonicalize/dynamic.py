"""Ops whose shape is computed, where it turns out to be known."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from irc.dialects import stablehlo as S
from irc.ir.builder import Builder
from irc.ir.extents import Undecided, greatest, least, quotient, remainder
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import IntegerType, TensorType, i1
from irc.passes.constants import constant_array

rules = RewriteSet()


def static_form(op: Operation) -> Operation | None:
    """The op without shape operands, where these are constants or the type says enough; else None."""
    form = _FORMS.get(type(op))
    return form(op) if form else None


def extents_of(value: Value) -> list[int] | None:
    """The components of a shape that is constant, or computed from extents of values; None for any other."""
    array = constant_array(value)
    if array is not None:
        return [int(n) for n in array.reshape(-1)] if isinstance(value.type.element, IntegerType) else None
    op = value.op
    rule = _COMPUTED.get(type(op)) if op is not None else None
    if rule is None or not isinstance(value.type.element, IntegerType):
        return None
    try:
        return rule(op)
    except Undecided:
        return None


def _moved(op: Any) -> list[int] | None:
    """Of a conversion or reshape: the same components."""
    return extents_of(op.operand)


def _size(op: S.GetDimensionSize) -> list[int] | None:
    extent = op.operand.type.shape[op.dimension]
    return None if extent is None else [extent]


def _joined(op: S.Concatenate) -> list[int] | None:
    parts = [extents_of(v) for v in op.inputs]
    return [n for part in parts if part is not None for n in part] if None not in parts else None


def _repeated(op: S.BroadcastInDim) -> list[int] | None:
    numbers = extents_of(op.operand)
    return numbers * op.result.type.size if numbers is not None and len(numbers) == 1 else None


def _cut(op: S.Slice) -> list[int] | None:
    numbers = extents_of(op.operand)
    if numbers is None or op.operand.type.rank != 1:
        return None
    return numbers[op.start_indices[0] : op.limit_indices[0] : op.strides[0]]


def _each(function: Callable[..., int]) -> Callable[[Any], list[int] | None]:
    def rule(op: Any) -> list[int] | None:
        parts = [extents_of(v) for v in op.operands]
        if None in parts or len({len(p) for p in parts if p is not None}) != 1:
            return None
        return [function(*numbers) for numbers in zip(*(p for p in parts if p is not None), strict=True)]

    return rule


def _whole(function: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """Division of numbers that are not negative; others round differently here and there."""

    def rule(x: int, y: int) -> int:
        if x < 0 or y <= 0:
            raise Undecided(f"{x} by {y}")
        return function(x, y)

    return rule


def _compared(op: S.Compare) -> list[int] | None:
    question = _QUESTIONS[op.comparison_direction]
    return _each(lambda x, y: int(question(x, y)))(op)


def _both(op: S.And) -> list[int] | None:
    """Of flags: no where one side says no, whatever is known of the other."""
    if op.result.type.element is not i1:
        return None
    parts = [extents_of(v) for v in op.operands]
    for part in parts:
        if part is not None and not any(part):
            return part
    return _each(lambda x, y: x and y)(op)


def _chosen(op: S.Select) -> list[int] | None:
    """What the flags choose; the rest need not be known."""
    flags = extents_of(op.pred)
    if flags is None or len({*flags}) != 1:
        return None
    return extents_of(op.on_true if flags[0] else op.on_false)


def _different(x: int, y: int) -> bool:
    return not _equal(x, y)


def _equal(x: int, y: int) -> bool:
    """Whether two extents are equal, for every size or for none."""
    return x == y or (x <= y and x >= y)


_QUESTIONS: dict[str, Callable[[int, int], bool]] = {
    "EQ": _equal,
    "NE": _different,
    "GE": operator.ge,
    "GT": operator.gt,
    "LE": operator.le,
    "LT": operator.lt,
}

_COMPUTED: dict[type[Operation], Callable[[Any], list[int] | None]] = {
    S.GetDimensionSize: _size,
    S.Convert: _moved,
    S.Reshape: _moved,
    S.DynamicReshape: _moved,
    S.Concatenate: _joined,
    S.BroadcastInDim: _repeated,
    S.Slice: _cut,
    S.Add: _each(operator.add),
    S.Subtract: _each(operator.sub),
    S.Multiply: _each(operator.mul),
    S.Divide: _each(_whole(quotient)),
    S.Remainder: _each(_whole(remainder)),
    S.Maximum: _each(greatest),
    S.Minimum: _each(least),
    S.Negate: _each(operator.neg),
    S.Sign: _each(lambda x: int(x > 0) - int(x < 0)),
    S.Compare: _compared,
    S.And: _both,
    S.Select: _chosen,
}
"""Ops that shapes are computed with."""


def _shape_type(op: Any, shape: Value) -> TensorType | None:
    """The result's type, all extents known: from the type itself, or from the constant `shape`."""
    type: TensorType = op.result.type
    numbers = extents_of(shape)
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
    amounts = [extents_of(v) for v in op.operands[2:]]
    if None in amounts:
        return None
    low, high, inside = amounts
    return S.Pad(
        op.operand, op.padding_value, edge_padding_low=low, edge_padding_high=high, interior_padding=inside
    )


def _slice(op: S.RealDynamicSlice) -> Operation | None:
    ranges = [extents_of(v) for v in op.operands[1:]]
    if None in ranges:
        return None
    starts, limits, strides = ranges
    return S.Slice(op.operand, start_indices=starts, limit_indices=limits, strides=strides)


def moving_slice(op: S.RealDynamicSlice, b: Builder) -> S.DynamicSlice | None:
    """A slice that data places, from `start` to `start + sizes` with sizes that are known, as dynamic_slice. Its starts are
    emitted; JAX clamps them by itself, so that the op's own clamping changes nothing."""
    end = op.limit_indices.op
    if not isinstance(end, S.Add) or op.start_indices not in end.operands:
        return None
    sizes = extents_of(end.rhs if end.lhs is op.start_indices else end.lhs)
    if sizes is None or extents_of(op.strides) != [1] * len(sizes):
        return None
    scalar = op.start_indices.type.with_shape(())
    starts = []
    for d in range(len(sizes)):
        one = b.emit(S.Slice(op.start_indices, start_indices=(d,), limit_indices=(d + 1,), strides=(1,)))
        starts.append(b.emit(S.Reshape(one, result_types=[scalar])))
    return S.DynamicSlice(op.operand, starts, slice_sizes=sizes)


def _gather(op: S.DynamicGather) -> Operation | None:
    sizes = extents_of(op.slice_sizes)
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
    return S.Constant.splat(extent, op.result.type) if isinstance(extent, int) else None


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

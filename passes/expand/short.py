"""Ops that a few others say: constants of another dialect, old forms of products, the k largest elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import arith, chlo
from irc.dialects import stablehlo as hlo
from irc.dialects.sdy import ShardingConstraint
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import ComplexType, FloatType, TensorType, i1, i32
from irc.passes.expand.regions import values_from_outside
from irc.passes.expression import Scope, broadcast, compare, convert, maximum, minimum

rules = RewriteSet()


@rules.rewrite("arith.constant of a tensor = stablehlo.constant", arith.Constant)
def _constant(op: Any, b: Rewriter) -> Value | None:
    if not isinstance(op.value, DenseElementsAttr) or not isinstance(op.result.type, TensorType):
        return None
    return b.emit(hlo.Constant(value=op.value))


@rules.rewrite("the real part of a real number is the number", hlo.Real)
def _real(op: Any, b: Rewriter) -> Value | None:
    return None if isinstance(op.operand.type.element, ComplexType) else op.operand


@rules.rewrite("the imaginary part of a real number is 0", hlo.Imag)
def _imag(op: Any, b: Rewriter) -> Value | None:
    t = op.operand.type
    if isinstance(t.element, ComplexType) or not t.is_static:
        return None
    return b.emit(hlo.Constant(value=DenseElementsAttr.of(t, 0)))


@rules.rewrite("this process is the only one, number 0", hlo.ReplicaId, hlo.PartitionId)
def _process_number(op: Any, b: Rewriter) -> Value | None:
    return b.emit(hlo.Constant(value=DenseElementsAttr.of(op.result.type, 0)))


@rules.rewrite("a tensor that is to lie elsewhere lies here", ShardingConstraint)
def _sharding_constraint(op: Any, b: Rewriter) -> Value | None:
    return op.input


@rules.rewrite("get_tuple_element(tuple(x...), i) = x[i]", hlo.GetTupleElement)
def _tuple_element(op: Any, b: Rewriter) -> Value | None:
    made = op.operand.op
    return made.operands[op.index] if isinstance(made, hlo.Tuple) else None


@rules.rewrite("dot(x, y) = dot_general over the last of x and the first of y", hlo.Dot)
def _dot(op: Any, b: Rewriter) -> Value | None:
    lhs, rhs = op.operands
    dims = hlo.DotDimensionNumbers(
        lhs_contracting_dimensions=(lhs.type.rank - 1,), rhs_contracting_dimensions=(0,)
    )
    made = hlo.DotGeneral(
        lhs,
        rhs,
        dot_dimension_numbers=dims,
        precision_config=op.precision_config,
        result_types=[op.result.type],
    )
    return b.emit(made)


@rules.rewrite(
    "a product of i1, or of ands = a product of 0 and 1 that is not 0", hlo.DotGeneral, hlo.Convolution
)
def _product_of_flags(op: Any, b: Rewriter) -> Value | None:
    if op.result.type.element is not i1:
        return None
    scope = Scope(b)
    counts = [convert(scope.of(v), i32).value for v in op.operands]
    made = type(op).create(counts, [op.result.type.with_element(i32)], op.attributes, (), op.location)
    return compare(scope.of(b.emit(made)), "NE", 0).value


@rules.rewrite("clamp(low, x, high) of complex numbers = min(max(low, x), high)", hlo.Clamp)
def _clamp_complex(op: Any, b: Rewriter) -> Value | None:
    t = op.operand.type
    if not isinstance(t.element, ComplexType) or not t.is_static:
        return None
    x = Scope(b).of(op.operand)
    low, high = (
        x.scope.of(v) if v.type.rank == t.rank else broadcast(x.scope.of(v), t.static_shape, ())
        for v in (op.min, op.max)
    )
    return minimum(maximum(low, x), high).value


@rules.rewrite("broadcast(x, sizes) = broadcast_in_dim to the trailing dimensions", hlo.Broadcast)
def _broadcast(op: Any, b: Rewriter) -> Value | None:
    rank = op.operand.type.rank
    added = op.result.type.rank - rank
    made = hlo.BroadcastInDim(
        op.operand, broadcast_dimensions=tuple(range(added, added + rank)), result_types=[op.result.type]
    )
    return b.emit(made)


@rules.rewrite("map(f, x...) = f on whole tensors, where f's ops are elementwise", hlo.Map)
def _map(op: Any, b: Rewriter) -> Value | None:
    block = op.computation.block
    shape = op.result.type.shape
    if not op.result.type.is_static:
        return None
    if not all(
        getattr(o, "elementwise", False) or isinstance(o, hlo.Constant) for o in block.operations[:-1]
    ):
        return None
    known: dict[Value, Value] = dict(zip(block.arguments, op.inputs, strict=True))
    scope, captured = Scope(b), values_from_outside(op.computation)
    if any(not isinstance(v.type, TensorType) or v.type.rank for v in captured):
        return None
    for outside in captured:
        known[outside] = broadcast(scope.of(outside), shape, ()).value
    for inner in block.operations[:-1]:
        if isinstance(inner, hlo.Constant):
            t = TensorType(shape, inner.result.type.element)
            known[inner.result] = b.emit(hlo.Constant(value=DenseElementsAttr.of(t, inner.value.splat_array)))
        else:
            known[inner.result] = b.emit(inner.with_operands([known.get(o, o) for o in inner.operands]))
    (returned,) = block.terminator.operands
    return known.get(returned)


@rules.rewrite("constant_like(x, value) = the value in the shape of x", chlo.ConstantLike)
def _constant_like(op: Any, b: Rewriter) -> Value | None:
    type = op.result.type
    if not type.is_static:
        return None
    return b.emit(hlo.Constant(value=DenseElementsAttr.of(type, op.value.value)))


@rules.rewrite("top_k = a stable descending sort with positions, cut to k", chlo.TopK)
def _top_k(op: Any, b: Rewriter) -> Sequence[Value] | None:
    t = op.operand.type
    if not t.is_static:
        return None
    positions = b.emit(hlo.Iota(iota_dimension=t.rank - 1, result_types=[t.with_element(i32)]))
    scalar, number = TensorType((), t.element), TensorType((), i32)
    kind = (
        "TOTALORDER"
        if isinstance(t.element, FloatType)
        else "UNSIGNED"
        if _is_unsigned(t.element)
        else "SIGNED"
    )

    def greater(inner: Any, x: Value, y: Value, _i: Value, _j: Value) -> None:
        holds = inner.emit(hlo.Compare(x, y, comparison_direction="GT", compare_type=kind))
        inner.emit(hlo.Return([holds]))

    comparator = b.region([scalar, scalar, number, number], greater)
    ordered = b.emit(
        hlo.Sort([op.operand, positions], dimension=t.rank - 1, is_stable=True, regions=[comparator])
    )
    k = op.results[0].type.static_shape[-1]
    limits = (*t.static_shape[:-1], k)
    zeros, ones = (0,) * t.rank, (1,) * t.rank
    return [b.emit(hlo.Slice(v, start_indices=zeros, limit_indices=limits, strides=ones)) for v in ordered]


def _is_unsigned(element: Any) -> bool:
    return element is i1 or bool(element.is_unsigned)

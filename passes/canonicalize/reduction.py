"""Reductions and contractions: trivial ones, and transposes that dimension numbers can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from irc.dialects.stablehlo import BroadcastInDim, DotDimensionNumbers, DotGeneral, Reduce, Reshape, Transpose
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.passes.regions import single_binary

rules = RewriteSet()
rewrite = rules.rewrite


@rewrite("reduce(x, init) over extents of 1 = init ∘ x", Reduce)
def reduce_of_ones(op: Reduce, b: Rewriter) -> Value | None:
    body = single_binary(op.body)
    if body is None or not body.commutative:
        return None
    x, init = op.operands
    if any(x.type.shape[d] != 1 for d in op.dimensions) or not x.type.is_static:
        return None
    spread = b.emit(BroadcastInDim(init, broadcast_dimensions=(), result_types=[x.type]))
    return b.emit(Reshape(b.emit(type(body)(x, spread)), result_types=op.result_types))  # type: ignore[no-any-return]


@rewrite("reduce(x, init) over no elements = init", Reduce)
def reduce_of_none(op: Reduce, b: Rewriter) -> list[Value] | None:
    if all(op.inputs[0].type.shape[d] != 0 for d in op.dimensions):
        return None
    return [
        b.emit(BroadcastInDim(init, broadcast_dimensions=(), result_types=[result.type]))
        for init, result in zip(op.init_values, op.results, strict=True)
    ]


@rewrite("dot_general(transpose(x), y) = dot_general(x, y) over other dimensions", DotGeneral)
def dot_of_transposed(op: DotGeneral, b: Rewriter) -> Value | None:
    dims = op.dot_dimension_numbers
    operands = [op.lhs, op.rhs]
    for side, (batching, contracting) in enumerate(
        (
            (dims.lhs_batching_dimensions, dims.lhs_contracting_dimensions),
            (dims.rhs_batching_dimensions, dims.rhs_contracting_dimensions),
        )
    ):
        match operands[side]:
            case Value(Transpose(operand=x, permutation=permutation)):
                free = [permutation[d] for d in range(len(permutation)) if d not in (*batching, *contracting)]
                # The free dimensions stand in the result in the operand's order, so that order has to stay.
                if free == sorted(free):
                    operands[side] = x
                    dims = _with_side(dims, side, [permutation[d] for d in batching], [permutation[d] for d in contracting])
    if dims == op.dot_dimension_numbers:
        return None
    attributes = {**op.attributes, "dot_dimension_numbers": dims}
    return b.emit(DotGeneral.create(operands, op.result_types, attributes, (), op.location))  # type: ignore[no-any-return]


def _with_side(
    dims: DotDimensionNumbers, side: int, batching: Sequence[int], contracting: Sequence[int]
) -> DotDimensionNumbers:
    name = ("lhs", "rhs")[side]
    return replace(
        dims,
        **{f"{name}_batching_dimensions": tuple(batching), f"{name}_contracting_dimensions": tuple(contracting)},
    )

"""Reductions of nothing and of one element."""

from __future__ import annotations

from irc.dialects.stablehlo import BroadcastInDim, Reduce, Reshape
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
    return b.emit(Reshape(b.emit(type(body)(x, spread)), result_types=op.result_types))


@rewrite("reduce(x, init) over no elements = init", Reduce)
def reduce_of_none(op: Reduce, b: Rewriter) -> list[Value] | None:
    if all(op.inputs[0].type.shape[d] != 0 for d in op.dimensions):
        return None
    return [
        b.emit(BroadcastInDim(init, broadcast_dimensions=(), result_types=[result.type]))
        for init, result in zip(op.init_values, op.results, strict=True)
    ]

"""Batch normalisation as the arithmetic that defines it, in f64 and rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import f64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

rules = RewriteSet()


class _Features:
    """The operand of a batch normalisation, and vectors with an element for each feature."""

    def __init__(self, op: Any, b: Rewriter) -> None:
        self.op = op
        self.scope = Scope(b)
        self.x = self.wide(op.operand)
        self.others = [d for d in range(self.x.rank) if d != op.feature_index]
        count = self.x.shape[op.feature_index]
        self.count = self.x.type.size // max(count, 1)

    def wide(self, value: Value) -> Expr:
        return E.convert(self.scope.of(value), f64)

    def spread(self, vector: Expr) -> Expr:
        return E.broadcast(vector, self.x.shape, [self.op.feature_index])

    def sum(self, x: Expr) -> Expr:
        return E.reduce_sum(x, self.others)

    def deviation(self, variance: Expr) -> Expr:
        return self.spread(E.sqrt(variance + self.op.epsilon))

    def rounded(self, *made: Expr) -> Sequence[Value]:
        return [E.convert(m, self.op.operand.type.element).value for m in made]


def _is_static(op: Any) -> bool:
    return all(v.type.is_static for v in (*op.operands, *op.results))


@rules.rewrite(
    "batch_norm_inference = scale (x - mean) / sqrt(variance + epsilon) + offset", hlo.BatchNormInference
)
def _inference(op: Any, b: Rewriter) -> Sequence[Value] | None:
    if not _is_static(op):
        return None
    f = _Features(op, b)
    scale, offset, mean, variance = map(f.wide, op.operands[1:])
    centred = f.x - f.spread(mean)
    return f.rounded(f.spread(scale) * centred / f.deviation(variance) + f.spread(offset))


@rules.rewrite(
    "batch_norm_training = normalisation by the batch's own mean and variance", hlo.BatchNormTraining
)
def _training(op: Any, b: Rewriter) -> Sequence[Value] | None:
    if not _is_static(op):
        return None
    f = _Features(op, b)
    scale, offset = map(f.wide, op.operands[1:])
    mean = f.sum(f.x) / float(f.count)
    centred = f.x - f.spread(mean)
    variance = f.sum(centred * centred) / float(f.count)
    return f.rounded(f.spread(scale) * centred / f.deviation(variance) + f.spread(offset), mean, variance)


@rules.rewrite("batch_norm_grad = the gradient of batch_norm_training", hlo.BatchNormGrad)
def _gradient(op: Any, b: Rewriter) -> Sequence[Value] | None:
    if not _is_static(op):
        return None
    f = _Features(op, b)
    scale, mean, variance, grad = map(f.wide, op.operands[1:])
    inverse = 1.0 / f.deviation(variance)
    normal = (f.x - f.spread(mean)) * inverse
    grad_scale, grad_offset = f.sum(grad * normal), f.sum(grad)
    shared = (f.spread(grad_offset) + normal * f.spread(grad_scale)) / float(max(f.count, 1))
    return f.rounded(f.spread(scale) * inverse * (grad - shared), grad_scale, grad_offset)

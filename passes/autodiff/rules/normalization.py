"""Gradients of the batch normalisation ops."""

from __future__ import annotations

from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.passes.autodiff.registry import defadjoint, defvjp
from irc.passes.autodiff.transform import Reverse
from irc.passes.expression import Expr, Scope, broadcast_like, reduce_sum, rsqrt


def spread(vector: Expr, like: Expr, op: Any) -> Expr:
    """A number a feature, repeated over all else."""
    return broadcast_like(vector, like, (op.feature_index,))


def features(x: Expr, op: Any) -> Expr:
    """Sums over all but the features."""
    return reduce_sum(x, [d for d in range(x.rank) if d != op.feature_index])


def normalised(op: Any, x: Expr, mean: Expr, variance: Expr) -> Expr:
    return (x - spread(mean, x, op)) * spread(rsqrt(variance + op.epsilon), x, op)


defvjp(
    hlo.BatchNormInference,
    lambda g, ans, x, scale, offset, mean, variance: (
        g * spread(scale * rsqrt(variance + ans.op.epsilon), g, ans.op)
    ),
    lambda g, ans, x, scale, offset, mean, variance: features(
        g * normalised(ans.op, x, mean, variance), ans.op
    ),
    lambda g, ans, x, scale, offset, mean, variance: features(g, ans.op),
    lambda g, ans, x, scale, offset, mean, variance: (
        -features(g, ans.op) * scale * rsqrt(variance + ans.op.epsilon)
    ),
    lambda g, ans, x, scale, offset, mean, variance: (
        features(g * normalised(ans.op, x, mean, variance), ans.op)
        * scale
        * -0.5
        / (variance + ans.op.epsilon)
    ),
)


@defadjoint(hlo.BatchNormTraining)
def batch_norm_training_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """batch_norm_grad for the output; the mean and the (biased) variance have slopes 1/n and 2 (x - mean)
    / n."""
    scope = reverse.scope
    x, mean, variance = scope.of(op.operand), scope.of(op.batch_mean), scope.of(op.batch_var)
    g, g_mean, g_variance = gs
    count = prod(x.shape) // max(prod(mean.shape), 1)
    if g is not None:
        made = hlo.BatchNormGrad(
            op.operand,
            op.scale,
            mean.value,
            variance.value,
            g.value,
            epsilon=op.epsilon,
            feature_index=op.feature_index,
        )
        for operand, cotangent in zip(op.operands, scope.emit(made), strict=True):
            reverse.add(operand, cotangent)
    if g_mean is not None:
        reverse.add(op.operand, spread(g_mean / count, x, op))
    if g_variance is not None:
        reverse.add(op.operand, (x - spread(mean, x, op)) * spread(g_variance * (2 / count), x, op))


@defadjoint(hlo.BatchNormGrad)
def batch_norm_grad_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Through the same gradients written out."""
    builder = Builder(reverse.builder.location)
    x, scale, mean, variance, g = map(Scope(builder).of, op.operands)
    normal = normalised(op, x, mean, variance)
    g_scale, g_offset = features(g * normal, op), features(g, op)
    count = prod(x.shape) // max(prod(scale.shape), 1)
    shared = (spread(g_offset, x, op) + normal * spread(g_scale, x, op)) / count
    g_x = spread(scale * rsqrt(variance + op.epsilon), x, op) * (g - shared)
    for made in builder.operations:
        reverse.builder.emit(made)
    reverse.through(op, builder.operations, [g_x.value, g_scale.value, g_offset.value], gs)

"""Losses, element by element or reduced by "mean", "sum" or "none"."""

from __future__ import annotations

from typing import Any

from ml_dtypes import finfo

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import emit, spread
from irc.ir.types import TensorType
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def reduced(x: Expr, reduction: str) -> Expr:
    """All elements summed or averaged, or as they are."""
    if reduction == "none":
        return x
    total = E.reduce_sum(x, tuple(range(x.rank)))
    return total / x.type.size if reduction == "mean" else total


def squared_error(scope: Scope, x: Expr, y: Expr, reduction: str) -> Expr:
    """(x - y)^2."""
    d = x - y
    return reduced(d * d, reduction)


def absolute_error(scope: Scope, x: Expr, y: Expr, reduction: str) -> Expr:
    return reduced(E.absolute(x - y), reduction)


def smooth_absolute_error(scope: Scope, x: Expr, y: Expr, reduction: str, beta: float) -> Expr:
    """Quadratic below beta, linear above."""
    size = E.absolute(x - y)
    return reduced(E.select(size < beta, size * size * (0.5 / beta), size - 0.5 * beta), reduction)


def huber(scope: Scope, x: Expr, y: Expr, reduction: str, delta: float) -> Expr:
    """Half the square where |x - y| is at most delta, delta (|x - y| - delta / 2) above (Huber 1964)."""
    size = E.absolute(x - y)
    return reduced(E.select(size <= delta, size * size * 0.5, (size - 0.5 * delta) * delta), reduction)


def binary_cross_entropy(scope: Scope, p: Expr, y: Expr, *more: Any) -> Expr:
    """-(y log p + (1 - y) log(1 - p)), logarithms at least -100; then a weight or none, and the reduction."""
    *weight, reduction = more
    loss = -(y * _clamped_log(p) + (1 - y) * _clamped_log(1 - p))
    if weight:
        loss = loss * spread(weight[0], loss.shape)
    return reduced(loss, reduction)


def _clamped_log(x: Expr) -> Expr:
    """log(x), -100 where x is 0; the gradient there is 0, and no infinity meets a zero on the way."""
    least = float(finfo(x.element.numpy).tiny)
    return E.select(x > least, E.log(emit(hlo.Maximum, x, x.lift(least))), -100)


def binary_cross_entropy_logits(scope: Scope, x: Expr, y: Expr, *more: Any) -> Expr:
    """The same of logits, without overflow: max(x, 0) - x y + log(1 + exp(-|x|)). Then weight and pos_weight where
    their flags say so, the flags, and the reduction."""
    *weights, has_weight, has_positive, reduction = more
    tail = emit(hlo.LogPlusOne, E.exp(-E.absolute(x)))
    below = emit(hlo.Maximum, -x, x.lift(0))
    if has_positive:
        factor = spread(weights[-1], x.shape)
        loss = (1 - y) * x + (1 + (factor - 1) * y) * (tail + below)
    else:
        loss = (1 - y) * x + tail + below
    if has_weight:
        loss = loss * spread(weights[0], x.shape)
    return reduced(loss, reduction)


def _chosen(scope: Scope, x: Expr, target: Expr) -> Expr:
    """A mask of x's shape (N, C, ...): true at the class that `target` (N, ...) names."""
    type = TensorType(x.shape, target.element)
    dims = tuple(d for d in range(x.rank) if d != 1) if x.rank > 1 else ()
    return E.eq(scope.iota(type, 1 if x.rank > 1 else 0), E.broadcast(target, x.shape, dims))


def negative_log_likelihood(scope: Scope, x: Expr, target: Expr, *more: Any) -> Expr:
    """-x at the class of each target; x is (N, C, ...) or (C). Then class weights or none, the index to ignore, label
    smoothing, and the reduction: the mean is over the weights of what counts."""
    *weight, ignored, smoothing, reduction = more
    class_dim = 1 if x.rank > 1 else 0
    counts = ~E.eq(target, ignored)
    chosen = _chosen(scope, x, target)
    scaled = x * E.broadcast(weight[0], x.shape, (class_dim,)) if weight else x
    loss = -E.reduce_sum(E.select(chosen, scaled, 0), (class_dim,))
    loss = E.select(counts, loss, 0)
    share = E.convert(counts, x.element)
    if weight:
        spread_weight = E.broadcast(weight[0], x.shape, (class_dim,))
        share = share * E.reduce_sum(E.select(chosen, spread_weight, 0), (class_dim,))
    if smoothing:
        every = E.select(counts, -E.reduce_sum(scaled, (class_dim,)), 0)
        loss = loss * (1 - smoothing) + every * (smoothing / x.shape[class_dim])
    if reduction == "none":
        return loss
    dims = tuple(range(loss.rank))
    total = E.reduce_sum(loss, dims)
    return total / E.reduce_sum(share, dims) if reduction == "mean" else total


def likelihood_last(scope: Scope, logp: Expr, target: Expr) -> Expr:
    """-logp at the class of each target; logp is (..., C), with the classes last."""
    type = TensorType(logp.shape, target.element)
    last = logp.rank - 1
    chosen = E.eq(scope.iota(type, last), E.broadcast(target, logp.shape, tuple(range(last))))
    return -E.reduce_sum(E.select(chosen, logp, 0), (last,))


def soft_likelihood(scope: Scope, logp: Expr, target: Expr, dimension: int) -> Expr:
    """-sum of target * logp along a dimension."""
    return -E.reduce_sum(target * logp, (dimension,))


def soft_cross_entropy(scope: Scope, logp: Expr, target: Expr, *more: Any) -> Expr:
    """-sum of target * logp over the classes, the mean over the batch; then class weights or none, smoothing, reduction."""
    *weight, smoothing, reduction = more
    class_dim = 1 if logp.rank > 1 else 0
    classes = logp.shape[class_dim]
    y = target * (1 - smoothing) + smoothing / classes if smoothing else target
    if weight:
        y = y * E.broadcast(weight[0], logp.shape, (class_dim,))
    loss = -E.reduce_sum(y * logp, (class_dim,))
    if reduction == "none":
        return loss
    total = E.reduce_sum(loss, tuple(range(loss.rank)))
    count = logp.type.size // classes
    return total / count if reduction == "mean" else total


def divergence(scope: Scope, x: Expr, y: Expr, reduction: str, log_target: bool, batch: int) -> Expr:
    """Kullback and Leibler: y (log y - x), 0 where y is 0; x is a logarithm."""
    if log_target:
        loss = E.exp(y) * (y - x)
    else:
        positive = y > 0
        loss = E.select(positive, y * (E.log(E.select(positive, y, 1)) - x), 0)
    if reduction == "batchmean":
        return reduced(loss, "sum") / batch
    return reduced(loss, reduction)


def one_hot(scope: Scope, index: Expr, classes: int, element: Any) -> Expr:
    """1 at the class of each index, along a new last dimension."""
    type = TensorType((*index.shape, classes), index.element)
    there = E.eq(
        scope.iota(type, index.rank), E.broadcast(index, type.static_shape, tuple(range(index.rank)))
    )
    return E.convert(there, element)


def penalty(scope: Scope, x: Expr, l1: float, l2: float) -> Expr:
    """l1 * sum(|x|) + l2 * sum(x^2)."""
    dims = tuple(range(x.rank))
    total: Expr | None = None
    if l1:
        total = E.reduce_sum(E.absolute(x), dims) * l1
    if l2 or total is None:
        square = E.reduce_sum(x * x, dims) * l2
        total = square if total is None else total + square
    return total


def binary_cross_entropy_clipped(scope: Scope, p: Expr, y: Expr, margin: float, reduction: str) -> Expr:
    """-(y log p + (1 - y) log(1 - p)) of probabilities kept `margin` away from 0 and 1."""
    p = emit(hlo.Minimum, emit(hlo.Maximum, p, p.lift(margin)), p.lift(1.0 - margin))
    return reduced(-(y * E.log(p) + (1 - y) * E.log(1 - p)), reduction)

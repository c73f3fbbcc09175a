"""Normalisations."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.lowering.elementwise import Shape
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def _channels(v: Expr, x: Expr) -> Expr:
    return E.broadcast(v, x.shape, (1,) if x.rank > 1 else (0,))


def moments(x: Expr, dimensions: Shape) -> tuple[Expr, Expr, Expr]:
    """Mean and mean square distance along dimensions, and the distances."""
    n = math.prod(x.shape[d] for d in dimensions)
    kept = tuple(d for d in range(x.rank) if d not in dimensions)
    mean = E.reduce_sum(x, dimensions) / n
    centred = x - E.broadcast(mean, x.shape, kept)
    return mean, E.reduce_sum(centred * centred, dimensions) / n, centred


def both_moments(scope: Scope, x: Expr, dimensions: Shape, keep: bool) -> tuple[Expr, Expr]:
    """Mean and variance along dimensions, which stay as extents of 1 where `keep`."""
    mean, variance, _ = moments(x, dimensions)
    shape = tuple(1 if d in dimensions else n for d, n in enumerate(x.shape) if keep or d not in dimensions)
    return E.reshape(mean, shape), E.reshape(variance, shape)


def batch_norm_train(scope: Scope, x: Expr, *more: Any) -> tuple[Expr, Expr, Expr]:
    """x normalised by its own mean and variance over batch and space, then scale and shift; with both statistics (the
    variance over n - 1, for the running one). Statics: whether scale and shift are given, and eps."""
    *affine, eps = more
    dims = tuple(d for d in range(x.rank) if d != 1)
    mean, variance, centred = moments(x, dims)
    y = centred * _channels(_inverse_root(variance, eps), x)
    n = math.prod(x.shape[d] for d in dims)
    return _affine(y, affine, x), mean, variance * (n / max(n - 1, 1))


def _inverse_root(variance: Expr, eps: float) -> Expr:
    return 1 / E.sqrt(variance + eps)


def _affine(y: Expr, affine: list[Expr], x: Expr) -> Expr:
    if affine:
        y = y * _channels(affine[0], x) + _channels(affine[1], x)
    return y


def batch_norm_infer(scope: Scope, x: Expr, mean: Expr, variance: Expr, *more: Any) -> Expr:
    """x normalised by given statistics."""
    *affine, eps = more
    y = (x - _channels(mean, x)) * _channels(_inverse_root(variance, eps), x)
    return _affine(y, affine, x)


def running(scope: Scope, old: Expr, new: Expr, momentum: float) -> Expr:
    """(1 - momentum) old + momentum new."""
    return old * (1 - momentum) + new * momentum


def cumulative_average(scope: Scope, old: Expr, new: Expr, count: Expr) -> Expr:
    """The mean of all statistics so far; `count` includes the new one."""
    share = E.broadcast(1 / E.convert(count, old.element), old.shape, ())
    return old + (new - old) * share


def layer_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """x normalised over its last dimensions; scale and shift of their shape or none. Statics: how many, and eps."""
    *affine, count, eps = more
    lead = x.rank - count
    dims = tuple(range(lead, x.rank))
    _, variance, centred = moments(x, dims)
    y = centred * E.broadcast(_inverse_root(variance, eps), x.shape, tuple(range(lead)))
    for i, v in enumerate(affine):
        v = E.broadcast(v, x.shape, dims)
        y = y + v if i else y * v
    return y


def rms_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """x over the root of its mean square along its last dimensions."""
    *affine, count, eps = more
    lead = x.rank - count
    dims = tuple(range(lead, x.rank))
    square = E.reduce_sum(x * x, dims) / math.prod(x.shape[d] for d in dims)
    y = x * E.broadcast(_inverse_root(square, eps), x.shape, tuple(range(lead)))
    return y * E.broadcast(affine[0], x.shape, dims) if affine else y


def group_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """Channels in groups, each normalised over itself and space."""
    *affine, groups, eps = more
    n, c = x.shape[:2]
    split = E.reshape(x, (n, groups, c // groups, *x.shape[2:]))
    dims = tuple(range(2, split.rank))
    _, variance, centred = moments(split, dims)
    y = centred * E.broadcast(_inverse_root(variance, eps), split.shape, (0, 1))
    return _affine(E.reshape(y, x.shape), affine, x)

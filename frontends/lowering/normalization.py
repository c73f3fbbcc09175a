"""Normalisations, along whichever dimension the channels have."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.lowering.elementwise import Shape
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


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
    """x normalised by its own mean and variance over all dimensions but the channels', then scale and shift; with both
    statistics. After x: scale and shift where given; statics: the channels' dimension, eps, whether there is a scale, and
    whether the variance that is given back is over n - 1."""
    *affine, axis, eps, has_scale, unbiased = more
    dims = tuple(d for d in range(x.rank) if d != axis)
    mean, variance, centred = moments(x, dims)
    y = _affine(centred * _along(_inverse_root(variance, eps), x, (axis,)), affine, has_scale, (axis,))
    n = math.prod(x.shape[d] for d in dims)
    return y, mean, variance * (n / max(n - 1, 1)) if unbiased else variance


def batch_norm_infer(scope: Scope, x: Expr, mean: Expr, variance: Expr, *more: Any) -> Expr:
    """x normalised by given statistics, then scale and shift where given. Statics: the channels' dimension, eps, whether
    there is a scale."""
    *affine, axis, eps, has_scale = more
    y = (x - _along(mean, x, (axis,))) * _along(_inverse_root(variance, eps), x, (axis,))
    return _affine(y, affine, has_scale, (axis,))


def _along(v: Expr, x: Expr, dimensions: Shape) -> Expr:
    return E.broadcast(v, x.shape, dimensions)


def _inverse_root(variance: Expr, eps: float) -> Expr:
    return 1 / E.sqrt(variance + eps)


def _affine(y: Expr, affine: list[Expr], has_scale: bool, dimensions: Shape) -> Expr:
    """y times the scale plus the shift, each where given."""
    rest = list(affine)
    if has_scale:
        y = y * _along(rest.pop(0), y, dimensions)
    return y + _along(rest[0], y, dimensions) if rest else y


def running(scope: Scope, old: Expr, new: Expr, momentum: float) -> Expr:
    """(1 - momentum) old + momentum new."""
    return old * (1 - momentum) + new * momentum


def cumulative_average(scope: Scope, old: Expr, new: Expr, count: Expr) -> Expr:
    """The mean of all statistics so far; `count` includes the new one."""
    share = E.broadcast(1 / E.convert(count, old.element), old.shape, ())
    return old + (new - old) * share


def layer_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """x normalised over some dimensions; scale and shift, of those dimensions' extents, where given. Statics: the
    dimensions in order, eps, whether there is a scale."""
    *affine, dims, eps, has_scale = more
    _, variance, centred = moments(x, dims)
    return _affine(centred * _outside(_inverse_root(variance, eps), x, dims), affine, has_scale, dims)


def rms_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """x over the root of its mean square over some dimensions; a scale where given. Statics: the dimensions, eps."""
    *affine, dims, eps = more
    square = E.reduce_sum(x * x, dims) / math.prod(x.shape[d] for d in dims)
    return _affine(x * _outside(_inverse_root(square, eps), x, dims), affine, bool(affine), dims)


def _outside(v: Expr, x: Expr, dimensions: Shape) -> Expr:
    """What is known for each place of the other dimensions, for all places."""
    return E.broadcast(v, x.shape, tuple(d for d in range(x.rank) if d not in dimensions))


def group_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """Channels (dimension 1) in groups, each normalised over itself and space; scale and shift or neither."""
    *affine, groups, eps = more
    n, c = x.shape[:2]
    split = E.reshape(x, (n, groups, c // groups, *x.shape[2:]))
    dims = tuple(range(2, split.rank))
    _, variance, centred = moments(split, dims)
    y = centred * _outside(_inverse_root(variance, eps), split, dims)
    return _affine(E.reshape(y, x.shape), affine, bool(affine), (1,))

"""What Keras's layers compute: dense maps with weights (in, out), normalisation along any axis, embedding masks."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.lowering.elementwise import Shape, spread
from irc.frontends.lowering.linalg import dot
from irc.frontends.lowering.normalization import moments
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def dense(scope: Scope, x: Expr, weight: Expr, *bias: Expr) -> Expr:
    """x weight + bias; weight is (in, out)."""
    out = dot(x, weight, ((x.rank - 1,), (0,)))
    return out + spread(bias[0], out.shape) if bias else out


def _along(v: Expr, x: Expr, axis: int) -> Expr:
    return E.broadcast(v, x.shape, (axis,))


def _scaled(y: Expr, x: Expr, scale: list[Expr], shift: list[Expr], axis: int) -> Expr:
    y = y * _along(scale[0], x, axis) if scale else y
    return y + _along(shift[0], x, axis) if shift else y


def _parts(affine: list[Expr], has_scale: bool) -> tuple[list[Expr], list[Expr]]:
    return (affine[:1], affine[1:]) if has_scale else ([], affine)


def batch_norm_train(scope: Scope, x: Expr, *more: Any) -> tuple[Expr, Expr, Expr]:
    """x normalised by its own mean and variance over all dimensions but `axis`, and these two (the variance over n).
    After x: scale and shift where given; statics: the axis, epsilon, whether there is a scale."""
    *affine, axis, eps, has_scale = more
    mean, variance, centred = moments(x, tuple(d for d in range(x.rank) if d != axis))
    y = centred * _along(1 / E.sqrt(variance + eps), x, axis)
    return _scaled(y, x, *_parts(affine, has_scale), axis), mean, variance


def batch_norm_infer(scope: Scope, x: Expr, mean: Expr, variance: Expr, *more: Any) -> Expr:
    """x normalised by given statistics; then as batch_norm_train."""
    *affine, axis, eps, has_scale = more
    y = (x - _along(mean, x, axis)) * _along(1 / E.sqrt(variance + eps), x, axis)
    return _scaled(y, x, *_parts(affine, has_scale), axis)


def layer_norm(scope: Scope, x: Expr, *more: Any) -> Expr:
    """x normalised over `axes`; scale and shift, of those axes' extents, where given. Statics: the axes, epsilon,
    whether there is a scale, whether the mean stays (RMS normalisation)."""
    *affine, axes, eps, has_scale, keeps_mean = more
    kept = tuple(d for d in range(x.rank) if d not in axes)
    if keeps_mean:
        centred = x
        square = E.reduce_sum(x * x, axes) / math.prod(x.shape[d] for d in axes)
    else:
        _, square, centred = moments(x, axes)
    y = centred * E.broadcast(1 / E.sqrt(square + eps), x.shape, kept)
    scale, shift = _parts(affine, has_scale)
    y = y * E.broadcast(scale[0], x.shape, axes) if scale else y
    return y + E.broadcast(shift[0], x.shape, axes) if shift else y


def upsample(scope: Scope, x: Expr, factors: Shape, first: int) -> Expr:
    """Each element repeated along dimensions `first`, `first` + 1, ..."""
    for d, times in enumerate(factors, first):
        if times != 1:
            wide = (*x.shape[: d + 1], times, *x.shape[d + 1 :])
            kept = tuple(i for i in range(len(wide)) if i != d + 1)
            x = E.reshape(E.broadcast(x, wide, kept), (*x.shape[:d], x.shape[d] * times, *x.shape[d + 1 :]))
    return x


def crop(scope: Scope, x: Expr, pairs: tuple[tuple[int, int], ...]) -> Expr:
    """x without so many places before and after, along each dimension."""
    return E.slice(x, [a for a, _ in pairs], [n - b for n, (_, b) in zip(x.shape, pairs, strict=True)])


def mean_where(scope: Scope, x: Expr, mask: Expr) -> Expr:
    """The mean over dimension 1 of those rows of x (N, T, ...) where the mask (N, T) holds."""
    share = E.convert(mask, x.element)
    total = E.reduce_sum(x * E.broadcast(share, x.shape, (0, 1)), (1,))
    return total / E.broadcast(E.reduce_sum(share, (1,)), total.shape, (0,))


def last_where(scope: Scope, new: Expr, old: Expr, mask: Expr) -> Expr:
    """`new` in the samples (dimension 0) where the mask holds, `old` in others."""
    wide = E.broadcast(mask, new.shape, tuple(range(mask.rank)))
    return E.select(wide, new, old)

"""What Keras's layers compute: dense maps with weights (in, out), crops, masks over time."""

from __future__ import annotations

from irc.frontends.lowering.elementwise import spread
from irc.frontends.lowering.linalg import dot
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def dense(scope: Scope, x: Expr, weight: Expr, *bias: Expr) -> Expr:
    """x weight + bias; weight is (in, out)."""
    out = dot(x, weight, ((x.rank - 1,), (0,)))
    return out + spread(bias[0], out.shape) if bias else out


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

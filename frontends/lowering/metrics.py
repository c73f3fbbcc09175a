"""Sums for metrics."""

from __future__ import annotations

import numpy as np

from irc.frontends.lowering.elementwise import spread
from irc.ir.types import TensorType
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def confusion(scope: Scope, y: Expr, p: Expr, weight: Expr, thresholds: tuple[float, ...]) -> Expr:
    """Weights of true positives, false positives, true negatives and false negatives, (4, thresholds): positive is what
    lies above a threshold. y, p and weight are vectors; labels are 0 and 1."""
    t, n = len(thresholds), p.shape[0]
    at = scope.constant(np.asarray(thresholds), TensorType((t,), p.element))
    shape = (t, n)
    above = E.broadcast(at, shape, (0,)) < spread(p, shape)
    true = spread(~E.eq(y, 0), shape)
    share = spread(weight, shape)

    def total(where: Expr) -> Expr:
        return E.reshape(E.reduce_sum(E.select(where, share, 0), (1,)), (1, t))

    parts = [above & true, above & ~true, ~above & ~true, ~above & true]
    return E.concatenate([total(part) for part in parts], 0)

"""Reductions over dimensions, and what is made of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import Shape, compare_zero, emit
from irc.ir.types import FloatType, TensorType, i1, i64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def kept_shape(shape: Shape, dimensions: Shape, keep: bool) -> Shape:
    """The shape after a reduction; reduced dimensions stay as 1 where `keep`."""
    if keep:
        return tuple(1 if d in dimensions else n for d, n in enumerate(shape))
    return tuple(n for d, n in enumerate(shape) if d not in dimensions)


def _kept(x: Expr, reduced: Expr, dimensions: Shape, keep: bool) -> Expr:
    return E.reshape(reduced, kept_shape(x.shape, dimensions, keep))


def sum(scope: Scope, x: Expr, dimensions: Shape, keep: bool, element: Any) -> Expr:
    """The sum along dimensions, in `element`."""
    x = E.convert(x, element)
    return _kept(x, E.reduce_sum(x, dimensions), dimensions, keep)


def mean(scope: Scope, x: Expr, dimensions: Shape, keep: bool, element: Any) -> Expr:
    """The sum along dimensions over how many elements it has."""
    total = sum(scope, x, dimensions, keep, element)
    return total / math.prod(x.shape[d] for d in dimensions)


def product(scope: Scope, x: Expr, dimensions: Shape, keep: bool, element: Any) -> Expr:
    """The product along dimensions, in `element`."""
    x = E.convert(x, element)
    return _kept(x, E.reduce_with(hlo.Multiply, x, dimensions, 1), dimensions, keep)


def lowest(element: Any) -> Any:
    """The neutral element of maximum."""
    if isinstance(element, FloatType):
        return -math.inf
    return False if element is i1 else int(np.iinfo(element.numpy).min)


def highest(element: Any) -> Any:
    """The neutral element of minimum."""
    if isinstance(element, FloatType):
        return math.inf
    return True if element is i1 else int(np.iinfo(element.numpy).max)


def maximum(scope: Scope, x: Expr, dimensions: Shape, keep: bool) -> Expr:
    return _kept(x, E.reduce_with(hlo.Maximum, x, dimensions, lowest(x.element)), dimensions, keep)


def minimum(scope: Scope, x: Expr, dimensions: Shape, keep: bool) -> Expr:
    return _kept(x, E.reduce_with(hlo.Minimum, x, dimensions, highest(x.element)), dimensions, keep)


def all_of(scope: Scope, x: Expr, dimensions: Shape, keep: bool) -> Expr:
    """Whether all are true (or not zero) along dimensions."""
    x = x if x.element is i1 else compare_zero(x)
    return _kept(x, E.reduce_with(hlo.And, x, dimensions, True), dimensions, keep)


def any_of(scope: Scope, x: Expr, dimensions: Shape, keep: bool) -> Expr:
    """Whether one is true (or not zero) along dimensions."""
    x = x if x.element is i1 else compare_zero(x)
    return _kept(x, E.reduce_with(hlo.Or, x, dimensions, False), dimensions, keep)


def variance(scope: Scope, x: Expr, dimensions: Shape, keep: bool, correction: float) -> Expr:
    """The mean square distance from the mean, over n - correction."""
    n = math.prod(x.shape[d] for d in dimensions)
    centred = x - _over(mean(scope, x, dimensions, True, x.element), x.shape)
    total = sum(scope, centred * centred, dimensions, keep, x.element)
    return total / max(n - correction, 0)


def deviation(scope: Scope, x: Expr, dimensions: Shape, keep: bool, correction: float) -> Expr:
    return E.sqrt(variance(scope, x, dimensions, keep, correction))


def _over(x: Expr, shape: Shape) -> Expr:
    return E.broadcast(x, shape, tuple(range(len(shape))))


def norm(scope: Scope, x: Expr, dimensions: Shape, keep: bool, p: float) -> Expr:
    """The p-norm of the elements along the dimensions."""
    size = E.absolute(x)
    if p == math.inf:
        return maximum(scope, size, dimensions, keep)
    if p == -math.inf:
        return minimum(scope, size, dimensions, keep)
    if p == 0:
        return sum(scope, E.convert(compare_zero(x), x.element), dimensions, keep, x.element)
    if p == 1:
        return sum(scope, size, dimensions, keep, x.element)
    if p == 2:
        return E.sqrt(sum(scope, x * x, dimensions, keep, x.element))
    return E.power(sum(scope, E.power(size, p), dimensions, keep, x.element), 1 / p)


def argument(scope: Scope, x: Expr, dimension: int | None, keep: bool, largest: bool) -> Expr:
    """The index of the first largest (or smallest) element along a dimension; NaN counts as such."""
    return extreme(scope, x, dimension, keep, largest)[1]


def extreme(scope: Scope, x: Expr, dimension: int | None, keep: bool, largest: bool) -> tuple[Expr, Expr]:
    """The first largest (or smallest) element along a dimension, and its index: the lowest one that equals it."""
    shape = x.shape
    dimensions = tuple(range(x.rank)) if dimension is None else (dimension,)
    best = (maximum if largest else minimum)(scope, x, dimensions, True)
    there = E.eq(x, _over(best, shape))
    if isinstance(x.element, FloatType):
        there = there | E.compare(x, "NE", x)
    type = TensorType(shape, i64)
    if dimension is None:
        place = E.reshape(scope.iota(TensorType((x.type.size,), i64), 0), shape)
    else:
        place = scope.iota(type, dimension)
    count = math.prod(shape[d] for d in dimensions)
    index = E.reduce_with(hlo.Minimum, E.select(there, place, count), dimensions, highest(i64))
    kept = kept_shape(shape, dimensions, keep)
    return E.reshape(best, kept), E.reshape(index, kept)


def shifted_exp(scope: Scope, x: Expr, peak: Expr, dimension: int) -> tuple[Expr, Expr, Expr]:
    """x - peak, its exponential, and the exponentials' sum along the dimension."""
    shifted = x - _over(peak, x.shape)
    e = E.exp(shifted)
    return shifted, e, sum(scope, e, (dimension,), True, x.element)


def softmax(scope: Scope, x: Expr, peak: Expr, dimension: int) -> Expr:
    """exp(x - peak) over its sum; `peak` is the largest element, kept, outside the gradient."""
    _, e, total = shifted_exp(scope, x, peak, dimension)
    return e / _over(total, x.shape)


def log_softmax(scope: Scope, x: Expr, peak: Expr, dimension: int) -> Expr:
    """x - peak less the logarithm of the sum of its exponentials; `peak` as for softmax."""
    shifted, _, total = shifted_exp(scope, x, peak, dimension)
    return shifted - _over(E.log(total), x.shape)


def finite_peak(scope: Scope, x: Expr, dimensions: Shape) -> Expr:
    """The largest element along dimensions, kept; 0 where that is infinite."""
    peak = maximum(scope, x, dimensions, True)
    return E.select(emit(hlo.IsFinite, peak), peak, 0)


def log_sum_exp(scope: Scope, x: Expr, peak: Expr, dimensions: Shape, keep: bool) -> Expr:
    """log(sum(exp(x))) along dimensions; `peak` is subtracted before, and added again."""
    e = E.exp(x - _over(peak, x.shape))
    out = E.log(sum(scope, e, dimensions, True, x.element)) + peak
    return E.reshape(out, kept_shape(x.shape, dimensions, keep))


def cumulative(scope: Scope, x: Expr, dimension: int, cls: Any, initial: Any, element: Any) -> Expr:
    """Running totals along a dimension, by doubling steps: log2(n) elementwise passes."""
    x = E.convert(x, element)
    n, step = x.shape[dimension], 1
    while step < n:
        low, high = [0] * x.rank, [0] * x.rank
        low[dimension], high[dimension] = step, -step
        x = emit(cls, x, E.pad(x, low, high, (0,) * x.rank, initial))
        step *= 2
    return x


def running(
    scope: Scope, x: Expr, dimension: int, cls: Any, initial: Any, exclusive: bool, reverse: bool
) -> Expr:
    """Running totals along a dimension, from the end where `reverse`, without the element itself where `exclusive`."""
    x = E.reverse(x, (dimension,)) if reverse else x
    total = cumulative(scope, x, dimension, cls, initial, x.element)
    if exclusive:
        low, high = [0] * x.rank, [0] * x.rank
        low[dimension], high[dimension] = 1, -1
        total = E.pad(total, low, high, (0,) * x.rank, initial)
    return E.reverse(total, (dimension,)) if reverse else total


def count_nonzero(scope: Scope, x: Expr, dimensions: Shape) -> Expr:
    return E.reduce_sum(E.convert(compare_zero(x), i64), dimensions)

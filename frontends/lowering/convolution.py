"""Convolutions and pooling of one, two or three spatial dimensions: of (batch, channel, spatial...) tensors, and of
(batch, spatial..., channel) ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import Shape
from irc.frontends.lowering.reduction import lowest, maximum, mean
from irc.ir.types import TensorType
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

Padding = tuple[tuple[int, int], ...]


def _numbers(rank: int, *, transposed: bool = False, channels_last: bool = False) -> hlo.ConvDimensionNumbers:
    """[b, f, 0, 1] x [o, i, 0, 1] -> [b, f, 0, 1], or [b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f]; weights of transposed
    convolutions have input and output exchanged."""
    n = rank - 2
    feature, first = (rank - 1, 1) if channels_last else (1, 2)
    out, into, kernel = (n + 1, n, 0) if channels_last else (0, 1, 2)
    if transposed:
        out, into = into, out
    spatial = tuple(range(first, first + n))
    return hlo.ConvDimensionNumbers(
        input_batch_dimension=0,
        input_feature_dimension=feature,
        input_spatial_dimensions=spatial,
        kernel_input_feature_dimension=into,
        kernel_output_feature_dimension=out,
        kernel_spatial_dimensions=tuple(range(kernel, kernel + n)),
        output_batch_dimension=0,
        output_feature_dimension=feature,
        output_spatial_dimensions=spatial,
    )


def convolution(scope: Scope, x: Expr, weight: Expr, *more: Any) -> Expr:
    """x (N, C, ...) with weight (O, C/groups, ...), and a bias (O) or none; then strides, padding, dilation, groups."""
    *bias, strides, padding, dilation, groups = more
    out = _convolved(x, weight, strides, padding, dilation, groups, _numbers(x.rank))
    return _biased(out, bias)


def convolution_last(scope: Scope, x: Expr, weight: Expr, *more: Any) -> Expr:
    """x (N, ..., C) with weight (..., C/groups, O), and a bias (O) or none; then strides, padding, dilation, groups."""
    *bias, strides, padding, dilation, groups = more
    numbers = _numbers(x.rank, channels_last=True)
    out = _convolved(x, weight, strides, padding, dilation, groups, numbers)
    return _biased(out, bias, out.rank - 1)


def _convolved(
    x: Expr, weight: Expr, strides: Shape, padding: Padding, dilation: Shape, groups: int, numbers: Any
) -> Expr:
    n = x.rank - 2
    return x.scope.emit(
        hlo.Convolution(
            x.value,
            weight.value,
            window_strides=strides,
            padding=padding,
            lhs_dilation=(1,) * n,
            rhs_dilation=dilation,
            dimension_numbers=numbers,
            feature_group_count=groups,
            batch_group_count=1,
        )
    )


def _biased(out: Expr, bias: Sequence[Expr], dimension: int = 1) -> Expr:
    return out + E.broadcast(bias[0], out.shape, (dimension,)) if bias else out


def transposed_convolution_last(
    scope: Scope, x: Expr, weight: Expr, strides: Shape, padding: Padding, dilation: Shape
) -> Expr:
    """The gradient of a convolution as an operation: x (N, ..., C), weight (..., O, C); `padding` is that of the input
    spread by the strides."""
    n = x.rank - 2
    return scope.emit(
        hlo.Convolution(
            x.value,
            E.reverse(weight, tuple(range(n))).value,
            window_strides=(1,) * n,
            padding=padding,
            lhs_dilation=strides,
            rhs_dilation=dilation,
            dimension_numbers=_numbers(x.rank, transposed=True, channels_last=True),
            feature_group_count=1,
            batch_group_count=1,
        )
    )


def transposed_convolution(scope: Scope, x: Expr, weight: Expr, *more: Any) -> Expr:
    """The gradient of a convolution as an operation: weight (C, O/groups, ...); then a bias or none, strides, padding,
    output padding, dilation, groups."""
    *bias, strides, padding, extra, dilation, groups = more
    c, o = weight.shape[:2]
    kernel, spatial = weight.shape[2:], tuple(range(2, x.rank))
    w = E.reverse(weight, spatial)
    if groups != 1:
        # Groups of inputs become groups of outputs: (g, c/g, o, ...) to (c/g, g o, ...).
        order = (1, 0, *range(2, x.rank + 1))
        split = E.transpose(E.reshape(w, (groups, c // groups, o, *kernel)), order)
        w = E.reshape(split, (c // groups, groups * o, *kernel))
    around = tuple(
        (d * (k - 1) - low, d * (k - 1) - high + e)
        for k, (low, high), d, e in zip(kernel, padding, dilation, extra, strict=True)
    )
    out = scope.emit(
        hlo.Convolution(
            x.value,
            w.value,
            window_strides=(1,) * len(kernel),
            padding=around,
            lhs_dilation=strides,
            rhs_dilation=dilation,
            dimension_numbers=_numbers(x.rank, transposed=True),
            feature_group_count=groups,
            batch_group_count=1,
        )
    )
    return _biased(out, bias)


def _window(
    x: Expr,
    cls: Any,
    start: float,
    kernel: Shape,
    strides: Shape,
    padding: Padding,
    dilation: Shape,
    first: int,
) -> Expr:
    """A reduction of windows of the dimensions from `first` on."""
    scope = x.scope
    initial = scope.constant(start, TensorType((), x.element))
    after = x.rank - first - len(kernel)
    one, zero = (1,), ((0, 0),)
    return scope.emit(
        hlo.ReduceWindow(
            [x.value],
            [initial.value],
            window_dimensions=one * first + tuple(kernel) + one * after,
            window_strides=one * first + tuple(strides) + one * after,
            base_dilations=one * x.rank,
            window_dilations=one * first + tuple(dilation) + one * after,
            padding=zero * first + tuple(padding) + zero * after,
            regions=[E.binary_region(scope, cls, x.element)],
        )
    )


def max_pool(
    scope: Scope, x: Expr, kernel: Shape, strides: Shape, padding: Padding, dilation: Shape, first: int = 2
) -> Expr:
    """The largest element of each window; padding never wins."""
    return _window(x, hlo.Maximum, lowest(x.element), kernel, strides, padding, dilation, first)


def average_pool(
    scope: Scope,
    x: Expr,
    kernel: Shape,
    strides: Shape,
    padding: Padding,
    counted: Padding,
    divisor: int | None,
    first: int = 2,
) -> Expr:
    """The mean of each window. `counted` is the padding whose places count as elements (zeros)."""
    ones = (1,) * len(kernel)
    total = _window(x, hlo.Add, 0, kernel, strides, padding, ones, first)
    if divisor is not None:
        return total / divisor
    if not any(a or b for a, b in padding) or counted == padding:
        return total / math.prod(kernel)
    spatial = tuple(range(first, first + len(kernel)))
    extents, windows = tuple(x.shape[d] for d in spatial), tuple(total.shape[d] for d in spatial)
    sizes = _counts(extents, windows, kernel, strides, padding, counted)
    counts = scope.constant(sizes, TensorType(windows, x.element))
    return total / E.broadcast(counts, total.shape, spatial)


def _counts(
    extents: Shape, out: Shape, kernel: Shape, strides: Shape, padding: Padding, counted: Padding
) -> np.ndarray[Any, Any]:
    """How many elements each window of an average has."""
    total = np.ones((), np.int64)
    for n, m, k, s, (low, _), (before, after) in zip(
        extents, out, kernel, strides, padding, counted, strict=True
    ):
        start = np.arange(m) * s - low
        total = np.multiply.outer(total, np.minimum(start + k, n + after) - np.maximum(start, -before))
    return total


def adaptive_windows(extent: int, out: int) -> list[tuple[int, int]]:
    """Where each window of an adaptive pool starts and ends."""
    return [((i * extent) // out, -((-(i + 1) * extent) // out)) for i in range(out)]


def adaptive_pool(scope: Scope, x: Expr, out: Shape, average: bool) -> Expr:
    """Pools to a given size: to one place by the mean (or maximum) over all dimensions, else one dimension after another,
    where windows may overlap."""
    if all(n == 1 for n in out):
        spatial = tuple(range(2, x.rank))
        return mean(scope, x, spatial, True, x.element) if average else maximum(scope, x, spatial, True)
    for d, n in enumerate(out, 2):
        x = _adaptive(x, d, n, average)
    return x


def _adaptive(x: Expr, d: int, n: int, average: bool) -> Expr:
    extent = x.shape[d]
    if extent == n:
        return x
    cls, start = (hlo.Add, 0) if average else (hlo.Maximum, lowest(x.element))
    if extent % n == 0:
        size = extent // n
        split = E.reshape(x, (*x.shape[:d], n, size, *x.shape[d + 1 :]))
        whole = E.reduce_with(cls, split, (d + 1,), start)
        return whole / size if average else whole
    parts = []
    for low, high in adaptive_windows(extent, n):
        starts, limits = [0] * x.rank, list(x.shape)
        starts[d], limits[d] = low, high
        part = E.reduce_with(cls, E.slice(x, starts, limits), (d,), start)
        part = part / (high - low) if average else part
        parts.append(E.reshape(part, (*x.shape[:d], 1, *x.shape[d + 1 :])))
    return E.concatenate(parts, d)


def upsample_nearest(scope: Scope, x: Expr, factors: Shape, first: int = 2) -> Expr:
    """Each element repeated along the dimensions from `first` on."""
    for d, times in enumerate(factors, first):
        if times != 1:
            wide = (*x.shape[: d + 1], times, *x.shape[d + 1 :])
            kept = tuple(i for i in range(len(wide)) if i != d + 1)
            merged = (*x.shape[:d], x.shape[d] * times, *x.shape[d + 1 :])
            x = E.reshape(E.broadcast(x, wide, kept), merged)
    return x

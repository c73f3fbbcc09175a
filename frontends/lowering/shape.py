"""Operations that move elements: views, their updates, joining and repeating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import Shape, convert, emit, spread
from irc.ir.types import TensorType, i1, i32
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def identity(scope: Scope, x: Expr) -> Expr:
    return x


def reshape(scope: Scope, x: Expr, shape: Shape) -> Expr:
    return E.reshape(x, shape)


def reshape_update(scope: Scope, base: Expr, new: Expr, shape: Shape) -> Expr:
    return E.reshape(new, base.shape)


def transpose(scope: Scope, x: Expr, permutation: Shape) -> Expr:
    return E.transpose(x, permutation)


def transpose_update(scope: Scope, base: Expr, new: Expr, permutation: Shape) -> Expr:
    return E.transpose(new, E.inverse(permutation))


def expand(scope: Scope, x: Expr, shape: Shape) -> Expr:
    return spread(x, shape)


def slice(scope: Scope, x: Expr, start: Shape, limit: Shape, strides: Shape, shape: Shape) -> Expr:
    """A strided part, then reshaped to `shape` (dimensions taken out by integers, or put in)."""
    return E.reshape(E.slice(x, start, limit, strides), shape)


def slice_update(
    scope: Scope, base: Expr, new: Expr, start: Shape, limit: Shape, strides: Shape, shape: Shape
) -> Expr:
    """`base` with that part replaced by `new`."""
    extents = tuple(-(-(b - a) // s) for a, b, s in zip(start, limit, strides, strict=True))
    part = E.reshape(convert(scope, new, base.element), extents)
    if 0 in extents:
        return base
    if set(strides) <= {1}:
        index = TensorType((), i32)
        return E.dynamic_update_slice(base, part, [scope.constant(a, index) for a in start])
    low = start
    interior = tuple(s - 1 for s in strides)
    high = tuple(
        n - a - (e + (e - 1) * i) for n, a, e, i in zip(base.shape, start, extents, interior, strict=True)
    )
    there = scope.constant(True, TensorType(extents, i1))
    mask = E.pad(there, low, high, interior, False)
    return E.select(mask, E.pad(part, low, high, interior, 0), base)


def concatenate(scope: Scope, *parts: Expr, dimension: int, element: Any) -> Expr:
    return E.concatenate([E.convert(p, element) for p in parts], dimension)


def cat(scope: Scope, *arguments: Any) -> Expr:
    """Operands, then the dimension and the element type."""
    *parts, dimension, element = arguments
    return concatenate(scope, *parts, dimension=dimension, element=element)


def stack(scope: Scope, *arguments: Any) -> Expr:
    """Parts of one shape along a new dimension."""
    *parts, dimension, element = arguments
    shape = parts[0].shape
    wide = (*shape[:dimension], 1, *shape[dimension:])
    return concatenate(scope, *(E.reshape(p, wide) for p in parts), dimension=dimension, element=element)


def flip(scope: Scope, x: Expr, dimensions: Shape) -> Expr:
    return E.reverse(x, dimensions)


def roll(scope: Scope, x: Expr, shifts: Shape, dimensions: Shape) -> Expr:
    """Elements shifted along dimensions; what leaves at the end comes in at the start."""
    for shift, d in zip(shifts, dimensions, strict=True):
        n = x.shape[d]
        k = shift % n if n else 0
        if k:
            zero = [0] * x.rank
            cut = list(x.shape)
            cut[d] = n - k
            start = list(zero)
            start[d] = n - k
            x = E.concatenate([E.slice(x, start, x.shape), E.slice(x, zero, cut)], d)
    return x


def repeat(scope: Scope, x: Expr, times: Shape) -> Expr:
    """Whole copies side by side along each dimension."""
    shape = (*(1,) * (len(times) - x.rank), *x.shape)
    x = E.reshape(x, shape)
    between = tuple(v for t, n in zip(times, shape, strict=True) for v in (t, n))
    spread_out = E.broadcast(x, between, tuple(range(1, 2 * len(shape), 2)))
    return E.reshape(spread_out, tuple(t * n for t, n in zip(times, shape, strict=True)))


def repeat_interleave(scope: Scope, x: Expr, times: int, dimension: int) -> Expr:
    """Each element `times` times along a dimension."""
    shape = x.shape
    wide = (*shape[: dimension + 1], times, *shape[dimension + 1 :])
    kept = tuple(d for d in range(len(wide)) if d != dimension + 1)
    merged = (*shape[:dimension], shape[dimension] * times, *shape[dimension + 1 :])
    return E.reshape(E.broadcast(x, wide, kept), merged)


def pad(scope: Scope, x: Expr, low: Shape, high: Shape, value: float) -> Expr:
    return E.pad(x, low, high, (0,) * x.rank, value)


def pad_edge(scope: Scope, x: Expr, low: Shape, high: Shape, mode: str) -> Expr:
    """`reflect` (without the edge), `symmetric` (with it), `replicate` (the edge again) or `circular`."""
    for d, (before, after) in enumerate(zip(low, high, strict=True)):
        n = x.shape[d]
        if mode == "circular":
            parts = [_cut(x, d, n - before, n), x, _cut(x, d, 0, after)]
        elif mode == "reflect":
            first = E.reverse(_cut(x, d, 1, before + 1), (d,))
            parts = [first, x, E.reverse(_cut(x, d, n - after - 1, n - 1), (d,))]
        elif mode == "symmetric":
            parts = [E.reverse(_cut(x, d, 0, before), (d,)), x, E.reverse(_cut(x, d, n - after, n), (d,))]
        else:
            parts = [_copies(_cut(x, d, 0, 1), d, before), x, _copies(_cut(x, d, n - 1, n), d, after)]
        x = E.concatenate([p for p in parts if p.shape[d]], d)
    return x


def _cut(x: Expr, d: int, start: int, limit: int) -> Expr:
    starts, limits = [0] * x.rank, list(x.shape)
    starts[d], limits[d] = start, limit
    return E.slice(x, starts, limits)


def _copies(x: Expr, d: int, n: int) -> Expr:
    shape = (*x.shape[:d], n, *x.shape[d + 1 :])
    return E.broadcast(x, shape, tuple(range(x.rank)))


def triangle(scope: Scope, x: Expr, diagonal: int, lower: bool) -> Expr:
    """The last two dimensions below (or above) a diagonal; zero elsewhere."""
    return E.select(_below(scope, x.shape, diagonal, lower), x, 0)


def _below(scope: Scope, shape: Shape, diagonal: int, lower: bool) -> Expr:
    type = TensorType(shape, i32)
    row, column = scope.iota(type, len(shape) - 2), scope.iota(type, len(shape) - 1)
    shifted = row + diagonal if diagonal else row
    return column <= shifted if lower else column >= shifted


def diagonal(scope: Scope, x: Expr, offset: int) -> Expr:
    """The diagonal of the last two dimensions, as a last dimension."""
    rows, columns = x.shape[-2:]
    n = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    n = max(n, 0)
    top, left = max(-offset, 0), max(offset, 0)
    lead = x.shape[:-2]
    zeros = (0,) * len(lead)
    square = E.slice(x, (*zeros, top, left), (*lead, top + n, left + n))
    type = TensorType((*lead, n, n), i32)
    on = E.eq(scope.iota(type, len(lead)), scope.iota(type, len(lead) + 1))
    return E.reduce_sum(E.select(on, square, 0), (len(lead) + 1,))


def diagonal_matrix(scope: Scope, x: Expr, offset: int) -> Expr:
    """A matrix with `x` on a diagonal and zeros elsewhere."""
    n = x.shape[-1] + abs(offset)
    lead = x.shape[:-1]
    low, high = (0,) * x.rank, (*(0,) * len(lead), abs(offset))
    padded = E.pad(x, low, high, (0,) * x.rank) if offset <= 0 else E.pad(x, high, low, (0,) * x.rank)
    shape = (*lead, n, n)
    type = TensorType(shape, i32)
    row, column = scope.iota(type, len(lead)), scope.iota(type, len(lead) + 1)
    on = E.eq(column, row + offset if offset else row)
    along = (*range(len(lead)), len(lead) + 1)
    # Element (i, i + offset): counted along columns, so that both signs of the offset read `padded` by the column.
    return E.select(on, E.broadcast(padded, shape, along), 0)


def window_offsets(extent: int, size: int, step: int) -> Sequence[int]:
    return range(0, extent - size + 1, step)


def unfold(scope: Scope, x: Expr, dimension: int, size: int, step: int) -> Expr:
    """All windows of `size` every `step` along a dimension; the window becomes the last dimension."""
    starts = window_offsets(x.shape[dimension], size, step)
    parts = []
    for k in range(size):
        begin, limit, strides = [0] * x.rank, list(x.shape), [1] * x.rank
        begin[dimension], limit[dimension] = k, k + (len(starts) - 1) * step + 1
        strides[dimension] = step
        part = E.slice(x, begin, limit, strides)
        parts.append(E.reshape(part, (*part.shape, 1)))
    return E.concatenate(parts, x.rank)


def pixel_shuffle(scope: Scope, x: Expr, factor: int) -> Expr:
    """(N, C r r, H, W) to (N, C, H r, W r)."""
    *lead, c, h, w = x.shape
    n, r = len(lead), factor
    split = E.reshape(x, (*lead, c // (r * r), r, r, h, w))
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return E.reshape(emit(hlo.Transpose, split, permutation=order), (*lead, c // (r * r), h * r, w * r))

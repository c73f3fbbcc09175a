"""Gradients of folds: over dimensions, over windows, and of what goes back through windows.

Ties: `reduce` with max or min shares `g` evenly among the elements that won (JAX, PyTorch's amax). Over
windows the first winner takes all (JAX, PyTorch's max_pool). A reduction with several results passes the
cotangent to the element whose index it returned."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Region, Value
from irc.ir.types import TensorType
from irc.passes.autodiff.lifting import is_elementwise, lifted
from irc.passes.autodiff.registry import defadjoint
from irc.passes.autodiff.rules.linalg import holes
from irc.passes.autodiff.transform import Reverse
from irc.passes.expression import (
    Expr,
    Scope,
    binary_region,
    broadcast,
    broadcast_like,
    compare,
    concatenate,
    convert,
    eq,
    extent,
    pad,
    reduce_sum,
    reduce_with,
    reshape,
    select,
    slice,
    transpose,
)


def fold_of(region: Region) -> type | None:
    """The binary op that a region `(a, b) -> op(a, b)` applies; None for any other region."""
    match region.operations:
        case [op, hlo.Return() as end]:
            whole = end.operands == op.results and len(op.operands) == 2
            return type(op) if whole and {*op.operands} == {*region.arguments} else None
    return None


@defadjoint(hlo.Reduce)
def reduce_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    fold = fold_of(op.body)
    constant_start = not any(v in reverse.active for v in op.init_values)
    if len(gs) > 1:
        if constant_start and (index := picked_operand(op)) is not None:
            selection_vjp(reverse, op, gs, index)
        else:
            tree_vjp(reverse, op, gs)
    elif fold is hlo.Add or (fold in SHARED and constant_start):
        fold_vjp(reverse, op, gs, fold)
    else:
        tree_vjp(reverse, op, gs)


SHARED = (hlo.Multiply, hlo.Maximum, hlo.Minimum)


def fold_vjp(reverse: Reverse, op: Any, gs: list[Expr | None], fold: type) -> None:
    """The gradient of a reduction by one op: add, multiply, maximum or minimum."""
    ((value, start), (g,), ans) = map(reverse.scope.of, op.operands), gs, reverse.scope.of(op.result)
    assert g is not None
    if start.value in reverse.active:
        reverse.add(start.value, convert(reduce_sum(g, range(g.rank)), start.element))
    if value.value not in reverse.active:
        return
    # The body may work in a wider element type than the operand has.
    x = convert(value, ans.element)
    kept = [d for d in range(x.rank) if d not in op.dimensions]

    def spread(v: Expr) -> Expr:
        return broadcast_like(v, x, kept)

    if fold is hlo.Add:
        wide = spread(g)
    elif fold is hlo.Multiply:
        first = broadcast_like(convert(start, ans.element), x, ())
        wide = spread(g) * first * product_of_others(x, spread, op.dimensions)
    else:
        won = eq(x, spread(ans))
        winners = reduce_sum(convert(won, x.element), op.dimensions)
        wide = select(won, spread(g / winners), 0)
    reverse.add(value.value, convert(wide, value.element))


def tree_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Through the reduction written out: halves are combined, and halves of these."""
    if not is_elementwise(op.body):
        raise reverse.refusal(op, "has a gradient only where its region is made of elementwise ops")
    builder = Builder(reverse.builder.location)
    scope = Scope(builder)
    count = prod(scope.of(op.inputs[0]).shape[d] for d in op.dimensions)
    rows = [rows_of(scope.of(x), op.dimensions, count) for x in op.inputs]
    starts = [broadcast(scope.of(v), r.shape[1:], ()) for v, r in zip(op.init_values, rows, strict=True)]
    types = [v.type.element for v in op.body.block.terminator.operands]
    rows, starts = ([convert(v, t) for v, t in zip(vs, types, strict=True)] for vs in (rows, starts))
    while count > 1:
        half = count // 2
        pairs = [part(r, a, a + half) for a in (0, half) for r in rows]
        made = lifted(op.body, pairs)
        rest = [part(r, 2 * half, count) for r in rows]
        rows = [concatenate([m, r], 0) if count % 2 else m for m, r in zip(made, rest, strict=True)]
        count = half + count % 2
    results = [reshape(r, r.shape[1:]) for r in rows] if count else starts
    results = lifted(op.body, [*starts, *results]) if count else results
    finish(reverse, op, builder, results, gs)


def rows_of(x: Expr, dimensions: Sequence[int], count: int) -> Expr:
    """The reduced dimensions in front, as one."""
    kept = [d for d in range(x.rank) if d not in dimensions]
    return reshape(transpose(x, [*sorted(dimensions), *kept]), [count, *(x.shape[d] for d in kept)])


def part(x: Expr, start: int, stop: int) -> Expr:
    """Rows `start` to `stop`."""
    return slice(x, [start, *[0] * (x.rank - 1)], [stop, *x.shape[1:]])


def finish(
    reverse: Reverse, op: Any, builder: Builder, results: Sequence[Expr], gs: list[Expr | None]
) -> None:
    """Goes back through the ops of `builder`, which compute what `op` does."""
    for made in builder.operations:
        reverse.builder.emit(made)
    reverse.through(op, builder.operations, [r.value for r in results], gs)


def product_of_others(x: Expr, spread: Any, dimensions: Sequence[int]) -> Expr:
    """For each element, the product of all the others: with one zero among them only its own is not zero,
    with two none."""
    zero = eq(x, 0)
    zeros = spread(reduce_sum(convert(zero, x.element), dimensions))
    rest = select(zero, 1, x)
    product = spread(reduce_with(hlo.Multiply, rest, dimensions, 1))
    return select(zero, select(eq(zeros, 1), product, 0), select(eq(zeros, 0), product / rest, 0))


def selection_vjp(reverse: Reverse, op: Any, gs: list[Expr | None], index: int) -> None:
    """A reduction of (values, indices) that picks one pair: the cotangent of a value goes to the index that
    was picked, which is operand number `index`."""
    (dimension,) = op.dimensions
    scope = reverse.scope
    indices = scope.of(op.inputs[index])
    kept = [d for d in range(indices.rank) if d != dimension]
    chosen = eq(indices, broadcast_like(scope.of(op.results[index]), indices, kept))
    for x, g in zip(op.inputs, gs, strict=True):
        if g is not None:
            reverse.add(x, select(chosen, broadcast_like(g, indices, kept), 0))


def picked_operand(op: Any) -> int | None:
    """Which input is the position along the one reduced dimension, where each result is one of its two
    arguments."""
    if len(op.dimensions) != 1:
        return None
    count = len(op.inputs)
    arguments, returned = op.body.arguments, op.body.block.terminator.operands
    for i, value in enumerate(returned):
        pair = {arguments[i], arguments[i + count]}
        if not isinstance(value.op, hlo.Select) or {value.op.on_true, value.op.on_false} != pair:
            return None
    for i, x in enumerate(op.inputs):
        if counted_dimension(x) == op.dimensions[0]:
            return i
    return None


def counted_dimension(x: Value) -> int | None:
    """The dimension along which `x` counts 0, 1, 2, ..., seen through broadcasts; None where it is not an
    iota."""
    match x.op:
        case hlo.Iota(iota_dimension=dimension):
            return dimension
        case hlo.BroadcastInDim(operand=inner, broadcast_dimensions=dimensions):
            dimension = counted_dimension(inner)
            return None if dimension is None else dimensions[dimension]
    return None


def window_of(op: Any, rank: int) -> tuple[Any, ...]:
    """(strides, base_dilations, window_dilations, padding) of a windowed op, defaults spelled out."""
    ones = (1,) * rank
    return (
        op.window_strides or ones,
        getattr(op, "base_dilations", None) or ones,
        getattr(op, "window_dilations", None) or ones,
        op.padding or ((0, 0),) * rank,
    )


@defadjoint(hlo.ReduceWindow)
def reduce_window_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    fold = fold_of(op.body)
    _, base, dilations, _ = window_of(op, len(op.window_dimensions))
    constant_start = not any(v in reverse.active for v in op.init_values)
    known = fold is hlo.Add or (fold in (hlo.Maximum, hlo.Minimum) and not set(base) - {1})
    if len(gs) > 1 or not constant_start or not known:
        unrolled_window_vjp(reverse, op, gs)
        return
    ((value, _), (g,), ans) = map(reverse.scope.of, op.operands), gs, reverse.scope.of(op.result)
    assert g is not None
    x = convert(value, ans.element)
    if fold is hlo.Add:
        wide = window_sum_vjp(g, x, op)
    elif set(dilations) - {1}:
        wide = dilated_extremum_vjp(g, ans, x, op)
    else:
        wide = select_and_scatter(x, g, op, "GE" if fold is hlo.Maximum else "LE")
    reverse.add(value.value, convert(wide, value.element))


LARGEST_UNROLLED = 4096
"""The most elements of a window that is unrolled."""


def unrolled_window_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Through the windows written out, position by position."""
    if not is_elementwise(op.body) or prod(op.window_dimensions) > LARGEST_UNROLLED:
        raise reverse.refusal(
            op, "has a gradient only for small windows and elementwise regions, or sums and extrema"
        )
    builder = Builder(reverse.builder.location)
    scope = Scope(builder)
    types = [v.type.element for v in op.body.block.terminator.operands]
    counts = scope.of(op.results[0]).shape
    starts = [convert(scope.of(v), t) for v, t in zip(op.init_values, types, strict=True)]
    inputs = [convert(scope.of(v), t) for v, t in zip(op.inputs, types, strict=True)]
    results = [broadcast(v, counts, ()) for v in starts]
    for views in zip(
        *(window_views(x, op, counts, v) for x, v in zip(inputs, starts, strict=True)), strict=True
    ):
        results = lifted(op.body, [*results, *(view for view, _ in views)])
    finish(reverse, op, builder, results, gs)


def untouched(op: Any, x: Expr, dimension: int) -> bool:
    """Whether the windows of an op are single elements along a dimension."""
    strides, base, _, padding = window_of(op, x.rank)
    return op.window_dimensions[dimension] == strides[dimension] == base[dimension] == 1 and tuple(
        padding[dimension]
    ) == (0, 0)


def window_sum_vjp(g: Expr, x: Expr, op: Any) -> Expr:
    """Each element gets the cotangents of the windows it was in: a window sum of `g` with holes for the
    strides."""
    strides, base, dilations, padding = window_of(op, x.rank)
    low, high = [], []
    for d in range(x.rank):
        if untouched(op, x, d):
            low.append(0)
            high.append(0)
            continue
        low.append(holes(op.window_dimensions[d], dilations[d]) - 1 - padding[d][0])
        high.append(holes(extent(x, d), base[d]) - holes(extent(g, d), strides[d]) + padding[d][0])
    spread = pad(g, low, high, [s - 1 for s in strides])
    zero = g.scope.constant(0, TensorType((), g.element))
    return g.scope.emit(
        hlo.ReduceWindow(
            [spread.value],
            [zero.value],
            window_dimensions=op.window_dimensions,
            window_strides=base,
            window_dilations=dilations,
            regions=[binary_region(g.scope, hlo.Add, g.element)],
        )
    )


def select_and_scatter(x: Expr, source: Expr, op: Any, direction: str) -> Expr:
    """Adds `source` at the winner of each window of `x`; `GE` and `LE` keep the first of equals."""
    scalar = TensorType((), x.element)

    def wins(b: Builder, a: Value, c: Value) -> None:
        b.emit(hlo.Return([b.emit(hlo.Compare(a, c, comparison_direction=direction, compare_type="FLOAT"))]))

    zero = x.scope.constant(0, scalar)
    return x.scope.emit(
        hlo.SelectAndScatter(
            x.value,
            source.value,
            zero.value,
            window_dimensions=op.window_dimensions,
            window_strides=op.window_strides,
            padding=op.padding,
            regions=[
                x.scope.builder.region([scalar, scalar], wins),
                binary_region(x.scope, hlo.Add, x.element),
            ],
        )
    )


def window_views(
    x: Expr, op: Any, counts: Sequence[int], filling: Expr | float
) -> Iterator[tuple[Expr, Callable[[Expr], Expr]]]:
    """For each position in the window, row-major: the view of padded `x` that holds this element of every
    window, and the function that puts a tensor of the view's shape back in its place, zeros elsewhere (where
    there is no base dilation)."""
    strides, base, dilations, padding = window_of(op, x.rank)
    low, high = [p[0] for p in padding], [p[1] for p in padding]
    whole = pad(x, low, high, [b - 1 for b in base], filling)
    for position in itertools.product(*map(range, op.window_dimensions)):
        start = [p * d for p, d in zip(position, dilations, strict=True)]
        limit = [a + holes(n, s) for a, n, s in zip(start, counts, strides, strict=True)]

        def put_back(v: Expr, start: Any = tuple(start), limit: Any = tuple(limit)) -> Expr:
            before = [a - p for a, p in zip(start, low, strict=True)]
            after = [n - b - p for n, b, p in zip(whole.shape, limit, high, strict=True)]
            return pad(v, before, after, [s - 1 for s in strides])

        yield slice(whole, start, limit, strides), put_back


def dilated_extremum_vjp(g: Expr, ans: Expr, x: Expr, op: Any) -> Expr:
    """Position by position, since select_and_scatter has no dilation: the first hit takes `g`."""
    total: Expr | None = None
    left = None
    for view, put_back in window_views(x, op, g.shape, float("nan")):
        hit = eq(view, ans)
        taken = hit if left is None else hit & left
        left = ~hit if left is None else left & ~hit
        part = put_back(select(taken, g, 0))
        total = part if total is None else total + part
    assert total is not None
    return total


@defadjoint(hlo.SelectAndScatter)
def select_and_scatter_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """What was scattered reads `g` where it went; the places themselves do not move."""
    ((x, source, start), (g,)) = map(reverse.scope.of, op.operands), gs
    assert g is not None
    direction = winner_of(op.select)
    if direction is None or fold_of(op.scatter) is not hlo.Add:
        raise reverse.refusal(op, "has a gradient only where it selects by a comparison and adds")
    if source.value in reverse.active:
        read = read_at_winners(x, g, op, source.shape, direction)
        reverse.add(source.value, convert(read, source.element))
    if start.value in reverse.active:
        reverse.add(start.value, convert(reduce_sum(g, range(g.rank)), start.element))


def winner_of(region: Region) -> str | None:
    """The direction of a region `(a, b) -> a direction b`, an order; None for any other region."""
    match region.operations:
        case [
            hlo.Compare(comparison_direction="GE" | "GT" | "LE" | "LT" as direction) as op,
            hlo.Return() as end,
        ]:
            same = end.operands == op.results and op.operands == region.arguments
            return direction if same else None
    return None


def read_at_winners(x: Expr, g: Expr, op: Any, counts: Sequence[int], direction: str) -> Expr:
    """From each window of `g`, the element at the place that won in `x`: `a direction b` says that the
    earlier a stays."""
    overtaken = {"GE": "LT", "GT": "LE", "LE": "GT", "LT": "GE"}[direction]
    worst = float("-inf") if direction in ("GE", "GT") else float("inf")
    pairs = zip(window_views(x, op, counts, worst), window_views(g, op, counts, 0), strict=True)
    ((best, _), (taken, _)) = next(pairs)
    for (candidate, _), (value, _) in pairs:
        better = compare(best, overtaken, candidate)
        best, taken = select(better, candidate, best), select(better, value, taken)
    return taken

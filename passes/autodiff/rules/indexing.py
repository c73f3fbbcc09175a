"""Gradients of reading and writing at computed places: gather and scatter are each other's transposes.

`gather` clamps a window that starts outside, `scatter` drops it; so indices that may lie outside are
clamped on the way from a gather to a scatter, and what they read is masked on the way from a scatter to a
gather."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Region, Value
from irc.ir.types import IntegerType, TensorType, i32
from irc.passes.autodiff.registry import Accumulate, defadjoint, defvjp
from irc.passes.autodiff.rules.reduction import fold_of
from irc.passes.autodiff.transform import Reverse
from irc.passes.expression import (
    Expr,
    Scope,
    binary_region,
    broadcast_like,
    convert,
    eq,
    extent,
    full_like,
    reduce_with,
    reshape,
    select,
    zeros_like,
)


def known_range(value: Value) -> tuple[int, int] | None:
    """Bounds of every element of an integer value, where its ops show them."""
    match value.op:
        case hlo.Constant(value=DenseElementsAttr(array=array)) if array.size:
            return int(array.min()), int(array.max())
        case hlo.Iota(result=result, iota_dimension=d) if result.type.is_static:
            return 0, max(result.type.shape[d] - 1, 0)
        case (
            hlo.BroadcastInDim(operand=x)
            | hlo.Reshape(operand=x)
            | hlo.Transpose(operand=x)
            | hlo.Slice(operand=x)
        ):
            return known_range(x)
        case hlo.Convert(operand=x) if isinstance(x.type.element, IntegerType):
            found = known_range(x)
            return found if found is not None and fits(found, value.type.element) else None
        case hlo.Clamp(min=low, max=high):
            lowest, highest = known_range(low), known_range(high)
            return None if lowest is None or highest is None else (lowest[0], highest[1])
        case hlo.Concatenate(inputs=parts):
            ranges = [known_range(part) for part in parts]
            known = [r for r in ranges if r is not None]
            return (min(a for a, _ in known), max(b for _, b in known)) if len(known) == len(ranges) else None
    return None


def largest(element: IntegerType) -> int:
    return int(2 ** (element.width if element.is_unsigned else element.width - 1) - 1)


def fits(bounds: tuple[int, int], element: Any) -> bool:
    return isinstance(element, IntegerType) and bounds[0] >= 0 and bounds[1] <= largest(element)


def limits(indices: Expr, vector_dim: int, last: Sequence[int]) -> Expr | None:
    """The largest start of a window for each element of `indices`, `last` being those of the index
    vector's components; None when the indices are known to keep within them."""
    found = known_range(indices.value)
    if found is not None and found[0] >= 0 and found[1] <= min(last, default=0):
        return None
    bounds = [min(n, largest(indices.element)) for n in last]
    if len(set(bounds)) == 1:
        return full_like(indices, bounds[0])
    vector = indices.scope.constant(np.asarray(bounds), TensorType((len(bounds),), indices.element))
    return broadcast_like(vector, indices, [vector_dim])


def clamped(indices: Expr, vector_dim: int, last: Sequence[int]) -> Expr:
    """The indices that gather reads at."""
    limit = limits(indices, vector_dim, last)
    if limit is None:
        return indices
    zero = zeros_like(indices)
    return indices.scope.emit(hlo.Clamp(zero.value, indices.value, limit.value))


def inside(indices: Expr, vector_dim: int, last: Sequence[int]) -> Expr | None:
    """Which index vectors scatter keeps; None when all of them."""
    limit = limits(indices, vector_dim, last)
    if limit is None:
        return None
    kept = (indices >= 0) & (indices <= limit)
    return reduce_with(hlo.And, kept, [vector_dim], True) if vector_dim < indices.rank else kept


def scatter_with(
    cls: type | None, x: Expr, indices: Expr, updates: Expr, numbers: Any, unique: bool = False
) -> Expr:
    """`x` with `updates` combined in by the binary op `cls` (None: written over)."""
    scope = x.scope
    scalar = TensorType((), x.element)
    if cls is None:
        region = scope.builder.region(
            [scalar, scalar], lambda b, old, new: b.emit(hlo.Return([new])) and None
        )
    else:
        region = binary_region(scope, cls, x.element)
    made = hlo.Scatter(
        [x.value],
        indices.value,
        [updates.value],
        scatter_dimension_numbers=numbers,
        indices_are_sorted=False,
        unique_indices=unique,
        regions=[region],
    )
    return scope.emit(made)


def put_along(x: Expr, indices: Expr, updates: Expr, dimension: int) -> Expr:
    """`x` with `updates` added at `indices` of one dimension, each used once, and at its own place in the
    others."""
    others = tuple(d for d in range(x.rank) if d != dimension)
    numbers = hlo.ScatterDimensionNumbers(
        inserted_window_dims=(dimension,),
        input_batching_dims=others,
        scatter_indices_batching_dims=others,
        scatter_dims_to_operand_dims=(dimension,),
        index_vector_dim=x.rank,
    )
    return scatter_with(hlo.Add, x, indices, updates, numbers, unique=True)


def gather_operand(g: Expr, ans: Expr, x: Expr, indices: Expr, *sizes: Expr) -> Accumulate:
    """Every window of `g` is added where it was read."""
    numbers = ans.op.dimension_numbers
    single = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    windows = dict(zip((d for d in range(x.rank) if d not in single), numbers.offset_dims, strict=True))
    taken = {d: extent(ans, windows[d]) if d in windows else 1 for d in numbers.start_index_map}
    last = [extent(x, d) - taken[d] for d in numbers.start_index_map]
    places = hlo.ScatterDimensionNumbers(
        update_window_dims=numbers.offset_dims,
        inserted_window_dims=numbers.collapsed_slice_dims,
        input_batching_dims=numbers.operand_batching_dims,
        scatter_indices_batching_dims=numbers.start_indices_batching_dims,
        scatter_dims_to_operand_dims=numbers.start_index_map,
        index_vector_dim=numbers.index_vector_dim,
    )

    def onto(before: Expr | None) -> Expr:
        start = zeros_like(x) if before is None else before
        return scatter_with(hlo.Add, start, clamped(indices, numbers.index_vector_dim, last), g, places)

    return Accumulate(onto)


defvjp(hlo.Gather, gather_operand, None)
defvjp(hlo.DynamicGather, gather_operand, None, None)


class Scattered:
    """The places a scatter writes to, for reading them again."""

    def __init__(self, scope: Scope, op: Any) -> None:
        self.numbers = op.scatter_dimension_numbers
        self.indices = scope.of(op.scatter_indices)
        self.unique = bool(op.unique_indices)
        x, updates = scope.of(op.inputs[0]), scope.of(op.updates[0])
        outside_window = (*self.numbers.inserted_window_dims, *self.numbers.input_batching_dims)
        windows = iter(extent(updates, d) for d in self.numbers.update_window_dims)
        self.sizes = tuple(1 if d in outside_window else next(windows) for d in range(x.rank))
        self.last = [extent(x, d) - self.sizes[d] for d in self.numbers.scatter_dims_to_operand_dims]

    def read(self, x: Expr) -> Expr:
        """The elements of `x` there, in the shape of the updates; outside, some element."""
        numbers = hlo.GatherDimensionNumbers(
            offset_dims=self.numbers.update_window_dims,
            collapsed_slice_dims=self.numbers.inserted_window_dims,
            operand_batching_dims=self.numbers.input_batching_dims,
            start_indices_batching_dims=self.numbers.scatter_indices_batching_dims,
            start_index_map=self.numbers.scatter_dims_to_operand_dims,
            index_vector_dim=self.numbers.index_vector_dim,
        )
        made = hlo.Gather(
            x.value,
            self.indices.value,
            dimension_numbers=numbers,
            slice_sizes=self.sizes,
            indices_are_sorted=False,
        )
        return x.scope.emit(made)

    def write(self, cls: type | None, x: Expr, updates: Expr) -> Expr:
        return scatter_with(cls, x, self.indices, updates, self.numbers, self.unique)

    def masked(self, updates: Expr) -> Expr:
        """Zero for the updates that were dropped."""
        kept = inside(self.indices, self.numbers.index_vector_dim, self.last)
        if kept is None:
            return updates
        places = [d for d in range(updates.rank) if d not in self.numbers.update_window_dims]
        return select(broadcast_like(kept, updates, places), updates, 0)


@defadjoint(hlo.Scatter)
def scatter_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    if len(gs) > 1:
        raise reverse.refusal(op, "has a gradient only with one result")
    (g,) = gs
    assert g is not None
    x, updates = reverse.scope.of(op.inputs[0]), reverse.scope.of(op.updates[0])
    places = Scattered(reverse.scope, op)
    fold = fold_of(op.update_computation)
    if fold is hlo.Add:
        reverse.add(x.value, g)
        if updates.value in reverse.active:
            reverse.add(updates.value, places.masked(places.read(g)))
    elif fold is hlo.Multiply:
        reverse.add(x.value, places.write(hlo.Multiply, g, updates))
        if updates.value in reverse.active:
            reverse.add(updates.value, places.masked(scatter_factors(g * x, updates, places)))
    elif fold is hlo.Maximum or fold is hlo.Minimum:
        scatter_extremum_vjp(reverse, op, g, places)
    elif writes_over(op.update_computation):
        scatter_over_vjp(reverse, op, g, places)
    else:
        raise reverse.refusal(
            op,
            "has a gradient only where it adds, multiplies, takes an extremum or writes over",
        )


def scatter_factors(gx: Expr, updates: Expr, places: Scattered) -> Expr:
    """`gx` times the product of the other updates at the same place (see `product_of_others`)."""
    if places.unique:
        return places.read(gx)
    zero = eq(updates, 0)
    count = convert(zero, gx.element)
    zeros = places.read(places.write(hlo.Add, zeros_like(gx), count))
    rest = select(zero, 1, updates)
    product = places.read(places.write(hlo.Multiply, gx, rest))
    return select(zero, select(eq(zeros, 1), product, 0), select(eq(zeros, 0), product / rest, 0))


def writes_over(region: Region) -> bool:
    """Whether a region `(old, new)` returns `new`."""
    return region.block.terminator.operands == region.arguments[1:] and len(region.arguments) == 2


def scatter_extremum_vjp(reverse: Reverse, op: Any, g: Expr, places: Scattered) -> None:
    """Each place shares its `g` evenly among those that have the value which won there."""
    scope = reverse.scope
    x, updates, ans = scope.of(op.inputs[0]), scope.of(op.updates[0]), scope.of(op.results[0])
    kept = convert(eq(x, ans), g.element)
    won = eq(updates, places.read(ans))
    share = g / places.write(hlo.Add, kept, convert(won, g.element))
    reverse.add(x.value, select(eq(x, ans), share, 0))
    if updates.value in reverse.active:
        reverse.add(updates.value, places.masked(select(won, places.read(share), 0)))


def scatter_over_vjp(reverse: Reverse, op: Any, g: Expr, places: Scattered) -> None:
    """What was written over gets nothing. Where indices may repeat, the updates are numbered, and numbers
    written the same way tell who wrote last."""
    scope = reverse.scope
    x, updates = scope.of(op.inputs[0]), scope.of(op.updates[0])
    if places.unique:
        reverse.add(x.value, places.write(None, g, zeros_like(updates)))
        if updates.value in reverse.active:
            reverse.add(updates.value, places.masked(places.read(g)))
        return
    count = prod(updates.shape)
    numbers = reshape(scope.iota(TensorType((count,), i32), 0) + 1, updates.shape)
    writer = places.write(None, scope.constant(0, x.type.with_element(i32)), numbers)
    reverse.add(x.value, select(eq(writer, 0), g, 0))
    if updates.value in reverse.active:
        reverse.add(updates.value, select(eq(places.read(writer), numbers), places.read(g), 0))

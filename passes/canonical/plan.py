"""Which order the axes of each component are held in: a choice that depends on what is computed, not on how it was laid out.

Convolutions come first (NHWC, HWIO), then whichever op meets the component closest to the arguments: a product wants
[rows, contracting] by [contracting, columns], a reshape or a gather its own order. So parameters are [in, out]."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import prod
from typing import Any

from irc.dialects.func import Func
from irc.dialects.stablehlo import (
    BroadcastInDim,
    Case,
    Constant,
    Convolution,
    DotGeneral,
    If,
    Reduce,
    Reshape,
    While,
)
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import Dim
from irc.passes.canonical.axes import axes_of, is_free, permutation_of
from irc.passes.canonical.colours import Colours
from irc.passes.canonical.products import Reading, readings
from irc.passes.canonical.shapes import Group, groups
from irc.passes.layout.convolution import ConvOrders, is_static
from irc.passes.layout.movable import movable, rank_of
from irc.passes.layout.orders import Order, identity, inverse, permuted
from irc.passes.regions import walk

FIRST, USUAL, LAST = range(3)
"""Of wishes: convolutions', most ops', and those of ops that work in any order."""
OPERAND, RESULT = range(2)


@dataclass(frozen=True, order=True)
class Wish:
    """An order that an op asks for one of its values to be held in; the least wish of a component is granted."""

    priority: int
    height: int
    side: int
    digest: bytes
    slot: int
    value: Value = field(compare=False)
    order: Callable[[], Order] = field(compare=False)
    after: Value | None = field(compare=False, default=None)
    """The value whose order this one follows: the wish counts when that is chosen."""


class Plan:
    """The order of every value of a function, its control flow's regions included."""

    def __init__(self, func: Func, colours: Colours) -> None:
        """`colours` are coarse: they do not see how dimensions are ordered."""
        self._axes = axes_of(func.block)
        self._chosen: dict[Value, Order] = {}
        self._heights = heights(func.block)
        self._digest = colours.operations
        self._updated = _updated(func)
        self._users = self._users_of_broadcasts(func)
        self._grant([wish for op in walk(func.block) for wish in self._wishes(op)])
        self._choose_the_rest(func)

    def _grant(self, wishes: Sequence[Wish]) -> None:
        """Grants the least wish of each component, those that follow from others as soon as they can be told."""
        waiting: dict[Value, list[Wish]] = {}
        ready: list[Wish] = []
        for wish in wishes:
            if wish.after is None or rank_of(wish.after) < 2:
                ready.append(wish)
            else:
                waiting.setdefault(self._axes.find(wish.after)[0], []).append(wish)
        heapify(ready)
        left = sorted((w for group in waiting.values() for w in group), reverse=True)
        while ready or left:
            wish = heappop(ready) if ready else left.pop()
            root, of_value = self._axes.find(wish.value)
            if root in self._chosen:
                continue
            self._chosen[root] = permuted(of_value, wish.order())
            for follower in waiting.get(root, ()):
                heappush(ready, follower)

    def _users_of_broadcasts(self, func: Func) -> dict[Value, Operation]:
        """For each broadcast, the elementwise op that uses it (the one of least digest)."""
        users: dict[Value, Operation] = {}
        for op in walk(func.block):
            if getattr(op, "elementwise", False):
                for value in op.operands:
                    rank = self._digest.get(users.get(value, op), b"")
                    if isinstance(value.op, BroadcastInDim) and self._digest.get(op, b"") <= rank:
                        users[value] = op
        return users

    def __getitem__(self, value: Value) -> Order:
        if rank_of(value) < 2:
            return identity(rank_of(value))
        root, of_value = self._axes.find(value)
        chosen = self._chosen.get(root)
        return identity(rank_of(value)) if chosen is None else permuted(inverse(of_value), chosen)

    def _choose_the_rest(self, func: Func) -> None:
        """Where nobody asks for an order, the first value's own."""
        results = (r for op in walk(func.block) for r in op.results)
        for value in (*func.arguments, *results):
            if rank_of(value) >= 2:
                root, of_value = self._axes.find(value)
                self._chosen.setdefault(root, of_value)

    def _wishes(self, op: Operation) -> Iterator[Wish]:
        for side, slot, value, order, priority, *after in self._asked(op):
            if rank_of(value) >= 2 and not is_free(value):
                height = self._heights[op.results[0]] if op.results else 0
                yield Wish(priority, height, side, self._digest.get(op, b""), slot, value, order, *after)

    def _asked(self, op: Operation) -> Iterator[Any]:
        """Side, slot, value, its order, priority, and the value whose order that follows from."""
        match op:
            case Convolution() if is_static(op):
                orders = conv_orders(op)
                yield OPERAND, 0, op.lhs, lambda: orders.lhs, FIRST
                yield OPERAND, 1, op.rhs, lambda: orders.rhs, FIRST
                yield RESULT, 2, op.result, lambda: orders.result, FIRST
            case DotGeneral():
                first = self.readings(op)[0]
                for slot, (value, order) in enumerate(zip(first.op.operands, first.factors(), strict=True)):
                    yield OPERAND, slot, value, _always(order), USUAL
                yield RESULT, 2, op.result, lambda: self._product(op), USUAL
            case Reshape() if permutation_of(op) is None:
                yield OPERAND, 0, op.operand, lambda: self._before(op), USUAL, op.result
                yield RESULT, 1, op.result, lambda: self._after(op), USUAL, op.operand
            case BroadcastInDim():
                user = self._users.get(op.result)
                if user is not None:
                    yield OPERAND, 0, op.operand, lambda: self._spread(op, user), LAST, user.results[0]
            case Reduce():
                x = op.inputs[0]
                kept = [d for d in range(rank_of(x)) if d not in op.dimensions]
                order = (*kept, *sorted(op.dimensions))
                yield OPERAND, 0, x, lambda: order, LAST
                for i, result in enumerate(op.results):
                    yield (
                        RESULT,
                        1 + i,
                        result,
                        lambda: _numbered([d for d in self[x] if d in kept]),
                        USUAL,
                        x,
                    )
            case While() | If() | Case():
                return
            case _ if permutation_of(op) is None and movable(op) is None:
                yield from self._as_it_is(op)

    def readings(self, op: DotGeneral) -> list[Reading]:
        """The product both ways round, first the one whose rows are the deeper value's: activations have rows, parameters
        columns. Of values as deep, the one of higher rank has them, and neither a constant nor an argument that is given
        back with something added; where that does not tell, the product is read as it is held or was written."""
        left, right = map(self._depth, op.operands)
        found = readings(op)
        turned = left < right or (left == right and found[0].is_held_turned)
        return found[::-1] if turned else found

    def _depth(self, value: Value) -> tuple[int, int, bool]:
        is_parameter = isinstance(value.op, Constant) or value in self._updated
        return self._heights.get(value, 0), rank_of(value), not is_parameter

    def _product(self, op: DotGeneral) -> Order:
        first = self.readings(op)[0]
        return first.result_order(self[first.op.lhs], self[first.op.rhs])

    def _before(self, op: Reshape) -> Order:
        """The operand's order that goes with the one chosen for the result; its own where none is."""
        found = groups(op.operand.type.shape, op.result.type.shape)
        if found is None or not self._is_chosen(op.result):
            return identity(rank_of(op.operand))
        return _through([(g.target, g.source) for g in found], self[op.result], rank_of(op.operand))

    def _after(self, op: Reshape) -> Order:
        """The result's order that goes with the one chosen for the operand; its own where none is."""
        found = groups(op.operand.type.shape, op.result.type.shape)
        if found is None or not self._is_chosen(op.operand):
            return identity(rank_of(op.result))
        return _through([(g.source, g.target) for g in found], self[op.operand], rank_of(op.result))

    def _is_chosen(self, value: Value) -> bool:
        return rank_of(value) < 2 or self._axes.find(value)[0] in self._chosen

    def _spread(self, op: BroadcastInDim, user: Operation) -> Order:
        """The operand's dimensions in the order in which they stand where the broadcast is used."""
        place = inverse(self[user.results[0]])
        dims = op.broadcast_dimensions
        return tuple(sorted(range(len(dims)), key=lambda d: place[dims[d]]))

    def _as_it_is(self, op: Operation) -> Iterator[tuple[int, int, Value, Callable[[], Order], int]]:
        if not op.results:
            return
        for slot, value in enumerate(op.operands):
            yield OPERAND, slot, value, _own(value), USUAL
        for slot, value in enumerate(op.results):
            yield RESULT, slot, value, _own(value), USUAL


def _always(order: Order) -> Callable[[], Order]:
    return lambda: order


def _own(value: Value) -> Callable[[], Order]:
    return lambda: identity(rank_of(value))


def _numbered(dims: Sequence[int]) -> Order:
    """The dimensions, numbered anew without those left out."""
    return tuple(sorted(dims).index(d) for d in dims)


def _updated(func: Func) -> dict[Value, None]:
    """Arguments that are given back changed element by element: what a step of training updates."""
    arguments = dict.fromkeys(func.arguments)
    ends = (v.op for v in func.returned if getattr(v.op, "elementwise", False))
    return dict.fromkeys(v for op in ends if op is not None for v in op.operands if v in arguments)


def conv_orders(op: Convolution) -> ConvOrders:
    """NHWC and HWIO; of a weight gradient, whose windows are larger than what it gives, the same tensors seen so."""
    d = op.dimension_numbers
    windows = prod(op.rhs.type.shape[i] or 1 for i in d.kernel_spatial_dimensions)
    places = prod(op.result.type.shape[i] or 1 for i in d.output_spatial_dimensions)
    if windows <= places:
        return ConvOrders(
            d.input_dimensions,
            (
                *d.kernel_spatial_dimensions,
                d.kernel_input_feature_dimension,
                d.kernel_output_feature_dimension,
            ),
            d.output_dimensions,
        )
    return ConvOrders(
        (d.input_feature_dimension, *d.input_spatial_dimensions, d.input_batch_dimension),
        (d.kernel_input_feature_dimension, *d.kernel_spatial_dimensions, d.kernel_output_feature_dimension),
        (*d.output_spatial_dimensions, d.output_batch_dimension, d.output_feature_dimension),
    )


def heights(block: Block) -> dict[Value, int]:
    """How many ops lie between a value and the arguments at most; transposes do not count."""
    found: dict[Value, int] = {}
    _measure(block, found, 0)
    return found


def _measure(block: Block, found: dict[Value, int], least: int) -> None:
    for op in block.operations:
        below = max((found.get(v, 0) for v in op.operands), default=least)
        if isinstance(op, Constant):
            found[op.output] = 0
            continue
        if isinstance(op, While):
            for region in op.regions:
                # What a loop carries is computed, even where it starts at a constant.
                starts = zip(region.arguments, op.operands, strict=True)
                found.update((a, found.get(v, 0) + 1) for a, v in starts)
        if isinstance(op, While | If | Case):
            for region in op.regions:
                _measure(region.block, found, least)
                ends = region.block.terminator.operands
                below = max((below, *(found.get(v, 0) for v in ends)))
        height = below if permutation_of(op) is not None else below + 1
        found.update((r, height) for r in op.results)


def source_order(op: Reshape, found: list[Group], wanted: Order) -> Order | None:
    """The operand's order from which the result comes in `wanted`; None where a group would be torn."""
    groups_of = [(g.target, g.source) for g in found]
    if _is_torn([near for near, _ in groups_of], op.result.type.shape, wanted):
        return None
    return _through(groups_of, wanted, rank_of(op.operand))


def _is_torn(found: list[tuple[int, ...]], shape: Sequence[Dim], order: Order) -> bool:
    """Whether the dimensions of a group do not stand together, in sequence."""
    first = {dims[0]: dims for dims in found}
    places = [d for d in order if shape[d] != 1]
    while places:
        dims = first.get(places[0], ())
        if not dims or tuple(places[: len(dims)]) != dims:
            return True
        places = places[len(dims) :]
    return False


def _through(found: list[tuple[tuple[int, ...], tuple[int, ...]]], order: Order, rank: int) -> Order:
    """The order on the far side of a reshape of that on the near side: groups in the same sequence."""
    place = inverse(order)
    out = [d for near, far in sorted(found, key=lambda g: min(place[d] for d in g[0])) for d in far]
    # Extents of 1 go where they stood: before the first dimension that came after them.
    for one in (d for d in range(rank) if d not in out):
        out.insert(next((i for i, d in enumerate(out) if d > one), len(out)), one)
    return tuple(out)

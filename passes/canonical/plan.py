"""Which order the axes of each component are held in: a choice that depends on what is computed, not on how it was laid out.

Convolutions come first (NHWC, HWIO), then whichever op meets the component closest to the arguments: a product wants
[rows, contracting] by [contracting, columns], a reshape or a gather its own order. So parameters are [in, out]."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from irc.dialects.func import Func
from irc.dialects.stablehlo import Case, Convolution, DotGeneral, If, Reduce, Reshape, While
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.operation import Block, Operation, Value
from irc.passes.canonical.axes import axes_of, permutation_of, walk
from irc.passes.layout.convolution import ConvOrders, is_static
from irc.passes.layout.movable import movable, rank_of
from irc.passes.layout.orders import Order, identity, inverse, permuted

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


class Plan:
    """The order of every value of a function, its control flow's regions included."""

    def __init__(self, func: Func, digest: Mapping[Operation, bytes]) -> None:
        self._axes = axes_of(func.block)
        self._chosen: dict[Value, Order] = {}
        self._heights = heights(func.block)
        self._digest = digest
        wishes: dict[Value, Wish] = {}
        for op in walk(func.block):
            for wish in self._wishes(op):
                root = self._axes.find(wish.value)[0]
                if root not in wishes or wish < wishes[root]:
                    wishes[root] = wish
        for root, wish in sorted(wishes.items(), key=lambda item: item[1]):
            of_value = self._axes.find(wish.value)[1]
            self._chosen[root] = permuted(of_value, wish.order())
        self._choose_the_rest(func)

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
        for side, slot, value, order, priority in self._asked(op):
            if rank_of(value) >= 2:
                height = self._heights[op.results[0]] if op.results else 0
                yield Wish(priority, height, side, self._digest.get(op, b""), slot, value, order)

    def _asked(self, op: Operation) -> Iterator[tuple[int, int, Value, Callable[[], Order], int]]:
        match op:
            case Convolution() if is_static(op):
                orders = conv_orders(op)
                yield OPERAND, 0, op.lhs, lambda: orders.lhs, FIRST
                yield OPERAND, 1, op.rhs, lambda: orders.rhs, FIRST
                yield RESULT, 2, op.result, lambda: orders.result, FIRST
            case DotGeneral():
                d = op.dot_dimension_numbers
                lhs_free, rhs_free = free_dimensions(op.lhs.type.rank, op.rhs.type.rank, d)
                lhs = (*d.lhs_batching_dimensions, *lhs_free, *d.lhs_contracting_dimensions)
                rhs = (*d.rhs_batching_dimensions, *d.rhs_contracting_dimensions, *rhs_free)
                yield OPERAND, 0, op.lhs, lambda: lhs, USUAL
                yield OPERAND, 1, op.rhs, lambda: rhs, USUAL
                yield RESULT, 2, op.result, lambda: dot_order(op, self[op.lhs], self[op.rhs]), USUAL
            case Reduce():
                x = op.inputs[0]
                kept = [d for d in range(rank_of(x)) if d not in op.dimensions]
                order = (*kept, *sorted(op.dimensions))
                yield OPERAND, 0, x, lambda: order, LAST
                for i, result in enumerate(op.results):
                    yield RESULT, 1 + i, result, lambda: _numbered([d for d in self[x] if d in kept]), USUAL
            case While() | If() | Case():
                return
            case _ if permutation_of(op) is None and movable(op) is None:
                yield from self._as_it_is(op)

    def _as_it_is(self, op: Operation) -> Iterator[tuple[int, int, Value, Callable[[], Order], int]]:
        if not op.results:
            return
        for slot, value in enumerate(op.operands):
            yield OPERAND, slot, value, _own(value), USUAL
        for slot, value in enumerate(op.results):
            yield RESULT, slot, value, _own(value), USUAL


def _own(value: Value) -> Callable[[], Order]:
    return lambda: identity(rank_of(value))


def _numbered(dims: Sequence[int]) -> Order:
    """The dimensions, numbered anew without those left out."""
    return tuple(sorted(dims).index(d) for d in dims)


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


def dot_order(op: DotGeneral, lhs: Order, rhs: Order) -> Order:
    """The order of the result that a product of sides held in these orders gives: batching, lhs free, rhs free."""
    d = op.dot_dimension_numbers
    lhs_free, rhs_free = free_dimensions(op.lhs.type.rank, op.rhs.type.rank, d)
    batch, rows = len(d.lhs_batching_dimensions), len(lhs_free)
    of_lhs = {d: i for i, d in enumerate((*d.lhs_batching_dimensions, *lhs_free))}
    of_rhs = {d: batch + rows + i for i, d in enumerate(rhs_free)}
    from_lhs = [of_lhs[d] for d in lhs if d in of_lhs]
    from_rhs = [of_rhs[d] for d in rhs if d in of_rhs]
    return (*(d for d in from_lhs if d < batch), *(d for d in from_lhs if d >= batch), *from_rhs)


def heights(block: Block) -> dict[Value, int]:
    """How many ops lie between a value and the arguments at most; transposes do not count."""
    found: dict[Value, int] = {}
    _measure(block, found, 0)
    return found


def _measure(block: Block, found: dict[Value, int], least: int) -> None:
    for op in block.operations:
        below = max((found.get(v, 0) for v in op.operands), default=least)
        if isinstance(op, While):
            for region in op.regions:
                found.update((a, found.get(v, 0)) for a, v in zip(region.arguments, op.operands, strict=True))
        if isinstance(op, While | If | Case):
            for region in op.regions:
                _measure(region.block, found, least)
                ends = region.block.terminator.operands
                below = max((below, *(found.get(v, 0) for v in ends)))
        height = below if permutation_of(op) is not None else below + 1
        found.update((r, height) for r in op.results)


def is_reshape(op: Operation) -> bool:
    """A reshape that does more than move extents of 1."""
    return isinstance(op, Reshape) and permutation_of(op) is None

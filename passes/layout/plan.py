"""Which order each value of a block should be held in.

Values linked by ops that work in any order form a component; a component is held in one order. Its cost is the bytes
of the transposes at its border: each value that is made, or wanted by some op, in another order has to be transposed.
The cheapest order that anyone asks for wins; in a tie, the program's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from irc.dialects.stablehlo import Constant, Convolution, Transpose
from irc.ir.extents import typical
from irc.ir.operation import Block, Operation, Value
from irc.passes.layout.convolution import is_static, orders_of
from irc.passes.layout.movable import movable, rank_of
from irc.passes.layout.orders import Order, identity, inverse, moves_nothing, step

LEAST_RANK = 3
"""Values of lower rank have no layout to choose: a transpose of a matrix is left to its contraction."""


class Plan:
    """The order chosen for every linked value that is not to be held as it is."""

    def __init__(self, block: Block) -> None:
        self._parent: dict[Value, Value] = {}
        self._wanted: dict[Value, dict[Order, None]] = {}
        self._free: dict[Value, None] = {}
        for value in block.arguments:
            self._want(value, identity(rank_of(value)))
        for op in block.operations:
            self._look_at(op)
        self._chosen = self._choose()

    def __getitem__(self, value: Value) -> Order:
        """The order to hold a linked value in."""
        default = identity(rank_of(value))
        return self._chosen.get(self._root(value), default) if value in self._parent else default

    def _look_at(self, op: Operation) -> None:
        if isinstance(op, Convolution) and is_static(op):
            orders = orders_of(op)
            for value, order in zip(
                (*op.operands, op.result), (orders.lhs, orders.rhs, orders.result), strict=True
            ):
                self._want(value, order)
            return
        if isinstance(op, Transpose):
            # Where the operand is held as the program says, the result is there already, held the other way round.
            self._want(op.result, inverse(op.permutation))
            return
        moves = movable(op)
        linked: dict[Value, None] = {}
        for group in moves.links(op) if moves else ():
            ranked = [v for v in group if rank_of(v) >= LEAST_RANK]
            self._link(ranked)
            linked.update(dict.fromkeys(ranked))
        for value in (*op.operands, *op.results):
            if value not in linked:
                self._want(value, identity(rank_of(value)))
        if moves and moves.free:
            self._free.update(dict.fromkeys(op.results))

    def _want(self, value: Value, order: Order) -> None:
        if rank_of(value) >= LEAST_RANK:
            self._wanted.setdefault(value, {})[order] = None

    def _root(self, value: Value) -> Value:
        path = []
        while (up := self._parent[value]) is not value:
            path.append(value)
            value = up
        for passed in path:
            self._parent[passed] = value
        return value

    def _link(self, values: Sequence[Value]) -> None:
        for value in values:
            self._parent.setdefault(value, value)
        for value in values[1:]:
            if rank_of(value) == rank_of(values[0]):
                self._parent[self._root(value)] = self._root(values[0])

    def _choose(self) -> dict[Value, Order]:
        members: dict[Value, list[Value]] = {}
        for value in self._parent:
            members.setdefault(self._root(value), []).append(value)
        chosen = {}
        for root, values in members.items():
            rank = rank_of(root)
            asked = dict.fromkeys([identity(rank), *(o for v in values for o in self._wanted.get(v, ()))])
            if len(asked) > 1:
                chosen[root] = min(asked, key=lambda order: self._cost(values, order))
        return chosen

    def _cost(self, values: Iterable[Value], order: Order) -> int:
        """Bytes that are transposed when these values are held in the order."""
        total = 0
        for value in values:
            if value not in self._free:
                for other in self._wanted.get(value, ()):
                    held_shape = [value.type.shape[d] for d in order]
                    if other != order and not moves_nothing(step(order, other), held_shape):
                        total += bytes_of(value)
        return total


def bytes_of(value: Value) -> int:
    """The size of a value, unknown extents counted as 1; constants are transposed while compiling."""
    if isinstance(value.op, Constant):
        return 0
    size = 1
    for extent in value.type.shape:
        size *= 1 if extent is None else typical(extent)
    return size * int(value.type.element.numpy.itemsize)

"""Values held in several orders of dimensions at once, each made when first asked for: what arranging a block is built on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from irc.dialects.stablehlo import BroadcastInDim, Constant, Iota, Reshape, Transpose
from irc.ir.operation import Operation, Region, Value
from irc.ir.rewriting import Rewriter
from irc.passes.layout.movable import Held, rank_of
from irc.passes.layout.orders import Order, identity, inverse, moves_nothing, permuted, step


class Forms(Rewriter):
    """A rewriter that holds each value in the orders that its users ask for.

    `forms` holds, for old values, the new values that hold them, by order; the first one is native. The rewriter's own
    map is the identity order. A subclass says which order a value is to be held in (`order`)."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[Value, dict[Order, Value]] = {}

    def order(self, value: Value) -> Order:
        """The order chosen for a value that ops may be moved with."""
        return identity(rank_of(value))

    def native(self, value: Value) -> Held:
        return next(iter(self._forms_of(value).items()))

    def held(self, value: Value, order: Order) -> Value:
        forms = self._forms_of(value)
        if order not in forms:
            held, x = next(iter(forms.items()))
            forms[order] = self.transposed(x, step(held, order))
        return forms[order]

    def regions(self, op: Operation) -> Sequence[Region]:
        self.hold_plain(captured(op))
        return [self.region_of(r) for r in op.regions]

    def _forms_of(self, value: Value) -> dict[Order, Value]:
        if value not in self.forms:
            self.forms[value] = {identity(rank_of(value)): self.value(value)}
        return self.forms[value]

    def transposed(self, x: Value, permutation: Order) -> Value:
        """Emits the transpose of a new value, or what is cheaper and the same."""
        if permutation == identity(len(permutation)):
            return x
        type = x.type.with_shape(permuted(x.type.shape, permutation))
        match x:
            case Value(Constant(value=elements)):
                return self.emit(Constant.splat(np.transpose(elements.array, permutation), type))
            case Value(Transpose(operand=y, permutation=first)):
                return self.transposed(y, permuted(first, permutation))
            case Value(BroadcastInDim(operand=y, broadcast_dimensions=dims)):
                places = [inverse(permutation)[d] for d in dims]
                return self.emit(BroadcastInDim(y, broadcast_dimensions=places, result_types=[type]))
            case Value(Iota(iota_dimension=d)):
                return self.emit(Iota(iota_dimension=inverse(permutation)[d], result_types=[type]))
        if x.type.is_static and moves_nothing(permutation, x.type.shape):
            return x if type is x.type else self.emit(Reshape(x, result_types=[type]))
        return self.emit(Transpose(x, permutation=permutation))

    def as_it_is(self, op: Operation) -> None:
        """Brings an op over in its own order."""
        self.hold_plain((*op.operands, *captured(op)))
        super().replay(op)

    def hold_plain(self, values: Iterable[Value]) -> None:
        for value in values:
            if value in self.forms:
                self.map[value] = self.held(value, identity(rank_of(value)))

    def result(self, old: Value, held: Held) -> None:
        """Notes what an old value became, and in which order."""
        order, value = held
        if not value.name:
            value.name = old.name
        self.forms[old] = {order: value}


def captured(op: Operation) -> Iterator[Value]:
    """Values from outside that regions of the op use, each once, in order."""
    if not op.regions:
        return
    inside = {r for inner in op.walk() if inner is not op for r in inner.results}
    inside.update(
        a
        for inner in op.walk()
        for region in inner.regions
        for block in region.blocks
        for a in block.arguments
    )
    used = dict.fromkeys(o for inner in op.walk() if inner is not op for o in inner.operands)
    yield from (v for v in used if v not in inside)

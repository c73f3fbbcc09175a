"""Which dimensions of which values are one: values tied by ops that work in any order of dimensions form a component,
whose axes are named once. A transpose inside a component only renames."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects.func import Return
from irc.dialects.stablehlo import BroadcastInDim, Case, Constant, If, Iota, Reshape, Transpose, While
from irc.ir.operation import Block, Operation, Value
from irc.passes.layout.movable import movable, rank_of
from irc.passes.layout.orders import Order, identity, inverse, permuted
from irc.passes.regions import walk

FREE = (Constant, Iota, BroadcastInDim)
"""Ops whose result is made in any order at no cost; they tie nothing together."""


def is_free(value: Value) -> bool:
    return isinstance(value.op, FREE)


class Axes:
    """Union-find over values of rank 2 and more. Dimension i of a value is axis `order[i]` of its component's root."""

    def __init__(self) -> None:
        self._parent: dict[Value, tuple[Value, Order]] = {}

    def find(self, value: Value) -> tuple[Value, Order]:
        """The root, and for each dimension of the value the root's dimension."""
        path: list[tuple[Value, Order]] = []
        order = identity(rank_of(value))
        while True:
            up, step = self._parent.setdefault(value, (value, identity(rank_of(value))))
            if up is value:
                break
            path.append((value, step))
            value = up
        for passed, step in reversed(path):
            order = permuted(order, step)
            self._parent[passed] = (value, order)
        return value, order

    def link(self, a: Value, b: Value, order: Order) -> bool:
        """Dimension i of `a` is dimension order[i] of `b`. False where that contradicts what is known."""
        (root, of_a), (other, of_b) = self.find(a), self.find(b)
        in_b = permuted(of_b, order)
        if root is other:
            return of_a == in_b
        self._parent[root] = (other, permuted(in_b, inverse(of_a)))
        return True


def moves_ones(op: Reshape) -> Order | None:
    """The permutation of a reshape that only moves extents of 1, or None for any other."""
    source, target = op.operand.type.shape, op.result.type.shape
    if (
        len(source) != len(target)
        or None in source
        or [n for n in source if n != 1] != [n for n in target if n != 1]
    ):
        return None
    ones = iter([i for i, n in enumerate(source) if n == 1])
    others = iter([i for i, n in enumerate(source) if n != 1])
    return tuple(next(ones) if n == 1 else next(others) for n in target)


def permutation_of(op: Operation) -> Order | None:
    """Result dimension i is operand dimension permutation[i], where the op does nothing else."""
    match op:
        case Transpose(permutation=permutation):
            return permutation
        case Reshape():
            return moves_ones(op)
    return None


def axes_of(block: Block) -> Axes:
    """The components of a block and the regions of its control flow."""
    axes = Axes()
    for op in walk(block):
        for group in _tied(op):
            ranked = [v for v in group if rank_of(v) >= 2 and not is_free(v)]
            for v in ranked[1:]:
                if rank_of(v) == rank_of(ranked[0]):
                    axes.link(v, ranked[0], identity(rank_of(v)))
    # Transposes last: one that contradicts stays an op.
    for op in walk(block):
        permutation = permutation_of(op)
        if permutation is not None and not is_free(op.operands[0]) and rank_of(op.operands[0]) >= 2:
            axes.link(op.results[0], op.operands[0], permutation)
    return axes


def _tied(op: Operation) -> Sequence[Sequence[Value]]:
    match op:
        case While():
            regions = [r.arguments for r in op.regions]
            carried = op.regions[1].block.terminator.operands
            return list(zip(op.operands, *regions, carried, op.results, strict=True))
        case If() | Case():
            ends = [r.block.terminator.operands for r in op.regions]
            return list(zip(op.results, *ends, strict=True))
        case Return():
            return ()
    moves = movable(op)
    return moves.links(op) if moves is not None else ()

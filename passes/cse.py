"""Common subexpression elimination: equal pure ops become the first of them, which takes on all their locations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import Case, Constant, If, OptimizationBarrier, While
from irc.ir.keys import operation_key
from irc.ir.locations import Location, fuse
from irc.ir.operation import Block, Operation
from irc.ir.rewriting import Rewriter, relocated
from irc.passes.effects import Effects
from irc.passes.manager import Context, FunctionPass

SEES_OUTSIDE = (If, Case, While)
"""Regions of these may use values of the block around them; those of a reduce, sort or scatter stay closed."""


@dataclass(frozen=True)
class CommonSubexpressions(FunctionPass, name="cse"):
    """Given  `%0 = tanh %x; %1 = tanh %x; add %0, %1`.  Result  `%0 = tanh %x; add %0, %0`.

    An optimization_barrier is never merged: what is recomputed behind one stays recomputed. Constants are not reached
    for from inside a region, so that loop bodies keep their own."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        merge = _Merge(Effects(module))
        block = merge.block_of(func.block)
        if merge.joined:
            block = _Relocate(merge.joined).block_of(block)
        return func if block is func.block else func.with_block(block)


class _Merge(Rewriter):
    """Replays ops, looking each up by its key over final operands. `seen` is a chain of scopes, innermost last."""

    def __init__(self, effects: Effects) -> None:
        super().__init__()
        self.effects = effects
        self.scopes: list[dict[Any, Operation]] = []
        self.joined: dict[Operation, list[Location]] = {}
        self.open = False

    def replay(self, op: Operation) -> None:
        before, self.open = self.open, isinstance(op, SEES_OUTSIDE)
        made = self.mapped(op)
        self.open = before
        if self.effects.is_pure(made) and not made.terminator and not isinstance(made, OptimizationBarrier):
            key = operation_key(made)
            first = self._find(key, 1 if isinstance(made, Constant) else len(self.scopes))
            if first is not None:
                self._join(first, made.location)
                self.replace(op, first.results)
                return
            self.scopes[-1][key] = made
        self.operations.append(made)
        if made is not op:
            self.replace(op, made.results)

    def block_of(self, block: Block) -> Block:
        outer = self.scopes
        self.scopes = [*(outer if self.open else []), {}]
        result = super().block_of(block)
        self.scopes = outer
        return result

    def _find(self, key: Any, depth: int) -> Operation | None:
        for scope in self.scopes[-1 : -depth - 1 : -1]:
            if key in scope:
                return scope[key]
        return None

    def _join(self, first: Operation, location: Location) -> None:
        if fuse(first.location, location) != first.location:
            self.joined.setdefault(first, [first.location]).append(location)


class _Relocate(Rewriter):
    """Gives the ops that stand for several the locations of all of them."""

    def __init__(self, joined: dict[Operation, list[Location]]) -> None:
        super().__init__()
        self.joined = joined

    def replay(self, op: Operation) -> None:
        locations = self.joined.get(op)
        made = self.mapped(op)
        if locations is not None:
            made = relocated(made, fuse(*locations))
        self.operations.append(made)
        if made is not op:
            self.replace(op, made.results)

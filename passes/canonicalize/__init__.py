"""Canonicalization: algebra that makes programs smaller and alike. One family of rewrites a file.

A rewrite is one sentence of algebra, then code; it returns the new value or None. Each keeps the bits of its result on
the reference interpreter (which NaN a NaN is does not count)."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.passes.canonicalize import control, dynamic, elementwise, reduction, shape
from irc.passes.manager import Context, FunctionPass

REWRITES = RewriteSet(elementwise.rules, shape.rules, reduction.rules, control.rules, dynamic.rules)


@dataclass(frozen=True)
class Canonicalize(FunctionPass, name="canonicalize"):
    """Given  `%0 = transpose %x, [1, 0]; %1 = transpose %0, [1, 0]; add %1, %y`.  Result  `add %x, %y`.

    Walks forward until nothing changes, at most `rounds` times. What became unused is left for `dce`."""

    rounds: int = 4

    def function(self, func: Func, module: Module, context: Context) -> Func:
        for _ in range(self.rounds):
            block = Rewriter(REWRITES, context.rewrites).block_of(func.block)
            if block is func.block:
                break
            func = func.with_block(block)
        return func

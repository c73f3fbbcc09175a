"""Expansion: ops that are short for others become those. One family of rewrites a file."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.passes.expand import (
    amounts,
    checks,
    eigen,
    fft,
    lapack,
    linalg,
    narrow,
    normalization,
    random,
    regions,
    scan,
    select_and_scatter,
    short,
    special,
)
from irc.passes.manager import Context, FunctionPass

REWRITES = RewriteSet(
    amounts.rules,
    checks.rules,
    fft.rules,
    lapack.rules,
    linalg.rules,
    normalization.rules,
    random.rules,
    regions.rules,
    scan.rules,
    select_and_scatter.rules,
    short.rules,
    special.rules,
)

# Importing it registers its routine with those of lapack.
_ROUTINES = (eigen,)

WITH_NARROW = RewriteSet(REWRITES, narrow.rules)
"""Rules that look at every elementwise op, for functions where they may find something."""


@dataclass(frozen=True)
class Expand(FunctionPass, name="expand"):
    """Given  `%state, %bits = rng_bit_generator %s, algorithm = THREE_FRY`.  Result  adds, shifts and xors on `ui32`."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        is_narrow = any(narrow.is_narrow(v) for op in func.walk() for v in (*op.operands, *op.results))
        rewrites = WITH_NARROW if is_narrow else REWRITES
        block = Rewriter(rewrites, context.rewrites).block_of(func.block)
        return func if block is func.block else func.with_block(block)

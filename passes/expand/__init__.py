"""Expansion: ops that are short for others become those. One family of rewrites a file."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
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

FAMILIES = {
    "amounts": amounts.rules,
    "checks": checks.rules,
    "fft": fft.rules,
    "lapack": lapack.rules,
    "linalg": linalg.rules,
    "normalization": normalization.rules,
    "random": random.rules,
    "regions": regions.rules,
    "scan": scan.rules,
    "select_and_scatter": select_and_scatter.rules,
    "short": short.rules,
    "special": special.rules,
}
REWRITES = RewriteSet(*FAMILIES.values())

# Importing it registers its routine with those of lapack.
_ROUTINES = (eigen,)

WITH_NARROW = RewriteSet(REWRITES, narrow.rules)
"""Rules that look at every elementwise op, for functions where they may find something."""


@dataclass(frozen=True)
class Expand(FunctionPass, name="expand"):
    """Given  `%state, %bits = rng_bit_generator %s, algorithm = THREE_FRY`.  Result  adds, shifts and xors on `ui32`.

    `only` names the one family of rewrites to apply. Raises IrcError where there is no such family."""

    only: str = ""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        if self.only:
            return self._rewritten(func, context, self._family())
        is_narrow = any(narrow.is_narrow(v) for op in func.walk() for v in (*op.operands, *op.results))
        return self._rewritten(func, context, WITH_NARROW if is_narrow else REWRITES)

    def _family(self) -> RewriteSet:
        if self.only not in FAMILIES:
            raise IrcError(
                f"there is no family '{self.only}' of rewrites", notes=(f"families: {', '.join(FAMILIES)}",)
            )
        return FAMILIES[self.only]

    @staticmethod
    def _rewritten(func: Func, context: Context, rewrites: RewriteSet) -> Func:
        block = Rewriter(rewrites, context.rewrites).block_of(func.block)
        return func if block is func.block else func.with_block(block)

"""The first part of the canonical form: everything inlined, spelled one way, and simplified until nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from irc.dialects import func as F
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import BroadcastInDim, Composite, Iota
from irc.ir.operation import Block, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.passes import loop_invariant_code_motion
from irc.passes.canonical import algebra, ones, sinking
from irc.passes.canonical.spelling import Spelling
from irc.passes.canonical.symmetry import OneWay
from irc.passes.canonicalize import REWRITES
from irc.passes.cse import CommonSubexpressions
from irc.passes.dce import DeadCode
from irc.passes.fold import Fold, folding
from irc.passes.inline import Inline
from irc.passes.manager import Context, map_functions

MAX_ROUNDS = 12


def _folding() -> RewriteSet:
    """Constant folding, but for what would turn a short op into a table."""
    rules = RewriteSet()
    for rule in folding(Fold().max_bytes):
        rules.add(replace(rule, classes=tuple(c for c in rule.classes if c not in (BroadcastInDim, Iota))))
    return rules


RULES = RewriteSet(
    REWRITES, _folding(), algebra.rules, ones.rules, sinking.rules, loop_invariant_code_motion.rules
)

_composites = RewriteSet()


@_composites.rewrite("a composite = its decomposition", Composite)
def _decomposed(op: Composite, b: Rewriter) -> Value | tuple[Value, ...]:
    return b.emit(F.Call(op.operands, callee=op.decomposition, result_types=op.result_types))


def inlined(module: Module, context: Context) -> Module:
    """The module without calls, composites, and functions that nobody calls."""
    module = _bodies(module, Rewriter(_composites).block_of)
    return DeadCode().apply(Inline().apply(module, context), context)


def simplified(func: Func, context: Context) -> Func:
    """The function without extents of 1 and discardable attributes, simplified."""
    (made,) = settled(Module.of([ones.squeezed(func)]), context).operations
    assert isinstance(made, Func)
    return made


def settled(module: Module, context: Context) -> Module:
    """The module spelled one way and simplified until nothing changes."""
    module = _bodies(module, Spelling().block_of)
    for _ in range(MAX_ROUNDS):
        before = module
        module = _bodies(module, Rewriter(RULES, context.rewrites).block_of)
        module = _bodies(module, OneWay().block_of)
        module = CommonSubexpressions().apply(module, context)
        module = DeadCode().apply(module, context)
        if module is before:
            break
    return module


def _bodies(module: Module, change: Callable[[Block], Block]) -> Module:
    def changed(func: Func) -> Func:
        block = change(func.block)
        return func if block is func.block else func.with_block(block)

    return map_functions(module, changed)

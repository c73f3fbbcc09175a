"""Gradients of calls: the callee's ops take the call's place, and the walk goes back through them."""

from __future__ import annotations

from typing import Any

from irc.dialects import func
from irc.ir.builder import Builder
from irc.passes.autodiff.registry import defadjoint, nograd
from irc.passes.autodiff.transform import Reverse, inline
from irc.passes.expression import Expr

nograd("ends a function", func.Return)
nograd("a declaration, not a value", func.Func)


@defadjoint(func.Call)
def call_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    callee = reverse.functions.get(op.callee)
    if callee is None or callee.is_declaration:
        raise reverse.refusal(op, f"calls @{op.callee}, which has no body to take a gradient of")
    forward = Builder(op.location)
    results = inline(forward, callee.block, op.arguments)
    reverse.replace(op, forward.operations, results)
    reverse.through(op, forward.operations, results, gs)

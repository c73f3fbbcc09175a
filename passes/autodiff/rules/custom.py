"""Gradients of ops whose meaning stands elsewhere.

A composite is differentiated through its decomposition, unless its attribute `irc.vjp` names a function
that takes the inputs, the results and a cotangent for each floating-point result, and gives one for each
floating-point input."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.attributes import SymbolRefAttr
from irc.ir.builder import Builder
from irc.passes.autodiff.registry import defadjoint
from irc.passes.autodiff.transform import Reverse, inline
from irc.passes.expression import Expr, is_differentiable

CUSTOM_VJP = "irc.vjp"


@defadjoint(hlo.Composite)
def composite_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    rule = op.composite_attributes.get(CUSTOM_VJP)
    if isinstance(rule, SymbolRefAttr):
        custom_vjp(reverse, op, gs, rule.value)
        return
    forward = Builder(op.location)
    results = inline(forward, function(reverse, op, op.decomposition), op.inputs)
    reverse.replace(op, forward.operations, results)
    reverse.through(op, forward.operations, results, gs)


def function(reverse: Reverse, op: Any, name: str) -> Any:
    """The body of a function of the module."""
    callee = reverse.functions.get(name)
    if callee is None or callee.is_declaration:
        raise reverse.refusal(op, f"names @{name}, which has no body to take a gradient of")
    return callee.block


def custom_vjp(reverse: Reverse, op: Any, gs: list[Expr | None], name: str) -> None:
    """The gradient that a composite names: a function of operands, results and cotangents."""
    scope = reverse.scope
    pairs = [(r, g) for r, g in zip(op.results, gs, strict=True) if is_differentiable(r.type)]
    cotangents = [(scope.constant(0, r.type) if g is None else g).value for r, g in pairs]
    inputs = [v for v in op.inputs if is_differentiable(v.type)]
    block = function(reverse, op, name)
    takes = [v.type for v in (*op.inputs, *op.results, *cotangents)]
    fits = [a.type for a in block.arguments] == takes
    if not fits or [v.type for v in block.terminator.operands] != [v.type for v in inputs]:
        raise reverse.refusal(op, f"names @{name} as its gradient, whose type does not fit")
    given = inline(reverse.builder, block, [*op.inputs, *op.results, *cotangents])
    for value, g in zip(inputs, given, strict=True):
        reverse.add(value, scope.of(g))

"""Gradients of ops whose meaning stands elsewhere.

A composite is differentiated through its decomposition, unless its `composite_attributes` say otherwise:

`irc.vjp` names a function that takes the inputs, the results and a cotangent for each floating-point result, and gives the
cotangents of the inputs that `irc.wrt` numbers (absent: all that are floating-point). With `irc.residuals = n` the last n
results are there for it alone: it takes no cotangents of them, and where they have one (a gradient of a gradient) that goes
back through the decomposition.

`irc.jvp` names a function that takes the inputs, the results and a tangent for each input that `irc.wrt` numbers, and gives a
tangent for each floating-point result. It is linear in the tangents; reverse mode transposes it. Forward mode of `irc.vjp` transposes
that, which then has to be linear in the cotangents.

`irc.undifferentiable` says why there is no gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.attributes import DenseArrayAttr, IntegerAttr, StringAttr, SymbolRefAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import fresh_copy
from irc.passes.autodiff.registry import defadjoint
from irc.passes.autodiff.transform import Reverse, free_values, inline
from irc.passes.expression import Expr, Scope, is_differentiable, zeros_like

CUSTOM_VJP = "irc.vjp"
CUSTOM_JVP = "irc.jvp"
WRT = "irc.wrt"
RESIDUALS = "irc.residuals"
UNDIFFERENTIABLE = "irc.undifferentiable"


def has_rule(op: Any) -> bool:
    """Whether a composite says something about its gradient."""
    return any(
        op.composite_attributes.get(key) is not None for key in (CUSTOM_VJP, CUSTOM_JVP, UNDIFFERENTIABLE)
    )


def rule_name(op: Any, key: str) -> str | None:
    """The function that a composite names under CUSTOM_VJP or CUSTOM_JVP."""
    found = op.composite_attributes.get(key)
    return found.value if isinstance(found, SymbolRefAttr) else None


def wanted_inputs(op: Any) -> list[int]:
    """The inputs through which a derivative flows, by a composite's own account."""
    given = op.composite_attributes.get(WRT)
    floats = [i for i, v in enumerate(op.inputs) if is_differentiable(v.type)]
    return [i for i in floats if i in given.value] if isinstance(given, DenseArrayAttr) else floats


def shown_results(op: Any) -> list[Value]:
    """The results that are no residuals."""
    kept = op.composite_attributes.get(RESIDUALS)
    return list(op.results[: len(op.results) - (kept.value if isinstance(kept, IntegerAttr) else 0)])


def composite_activity(op: Any, active: dict[Value, None]) -> list[bool]:
    """All results, if a derivative flows through an input."""
    inputs = [op.inputs[i] for i in wanted_inputs(op)] if has_rule(op) else op.inputs
    return [any(v in active for v in inputs)] * len(op.results)


@defadjoint(hlo.Composite, activity=composite_activity)
def composite_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    reason = op.composite_attributes.get(UNDIFFERENTIABLE)
    if isinstance(reason, StringAttr):
        raise reverse.refusal(op, f"has no gradient: {reason.value}")
    if (name := rule_name(op, CUSTOM_VJP)) is not None:
        custom_vjp(reverse, op, gs, name)
    elif (name := rule_name(op, CUSTOM_JVP)) is not None:
        transposed_jvp(reverse, op, gs, name)
    else:
        through_decomposition(reverse, op, gs)


def through_decomposition(reverse: Reverse, op: Any, gs: Sequence[Expr | None]) -> None:
    """Back through what the composite is made of, which takes its place."""
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


def checked(reverse: Reverse, op: Any, name: str, takes: Sequence[Value], gives: Sequence[Value]) -> Any:
    """The body of the function that a composite names as its gradient, which takes and gives such values."""
    block = function(reverse, op, name)
    fits = [a.type for a in block.arguments] == [v.type for v in takes]
    if not fits or [v.type for v in block.terminator.operands] != [v.type for v in gives]:
        raise reverse.refusal(op, f"names @{name} as its gradient, whose type does not fit")
    return block


def custom_vjp(reverse: Reverse, op: Any, gs: list[Expr | None], name: str) -> None:
    """The gradient that a composite names: a function of operands, results and cotangents."""
    scope = reverse.scope
    shown = shown_results(op)
    kept = [g if i >= len(shown) else None for i, g in enumerate(gs)]
    if any(g is not None for g in gs[: len(shown)]):
        pairs = [(r, g) for r, g in zip(shown, gs, strict=False) if is_differentiable(r.type)]
        cotangents = [(scope.constant(0, r.type) if g is None else g).value for r, g in pairs]
        inputs = [op.inputs[i] for i in wanted_inputs(op)]
        takes = [*op.inputs, *op.results, *cotangents]
        block = checked(reverse, op, name, takes, inputs)
        flows = [v in reverse.active for v in inputs]
        given = inline(reverse.builder, leading_to(block, flows), takes)
        for value, g in zip((v for v, f in zip(inputs, flows, strict=True) if f), given, strict=True):
            reverse.add(value, scope.of(g))
    if any(g is not None for g in kept):
        through_decomposition(reverse, op, kept)


def leading_to(block: Block, wanted: Sequence[bool]) -> Block:
    """The block without what leads to no wanted result."""
    ends = [v for v, w in zip(block.terminator.operands, wanted, strict=True) if w]
    read = dict.fromkeys(ends)
    operations: list[Operation] = []
    for op in reversed(block.operations[:-1]):
        if any(r in read for r in op.results):
            operations.append(op)
            read.update(dict.fromkeys((*op.operands, *free_values(op))))
    end = block.terminator.with_operands(ends)
    return Block(block.arguments, [*reversed(operations), end])


def transposed_jvp(reverse: Reverse, op: Any, gs: list[Expr | None], name: str) -> None:
    """Reverse mode of a composite that says how its results move: the transpose, at tangents of zero."""
    forward = Builder(op.location)
    inputs = [op.inputs[i] for i in wanted_inputs(op)]
    outputs = [(r, g) for r, g in zip(op.results, gs, strict=True) if is_differentiable(r.type)]
    made = fresh_copy(op, {})
    forward.operations.append(made)
    # A scope for each, since one scope would give equal zeros one constant.
    zeros = [zeros_like(Scope(forward).of(v)).value for v in inputs]
    takes = [*op.inputs, *made.results, *zeros]
    block = checked(reverse, op, name, takes, [r for r, _ in outputs])
    before = len(forward.operations)
    tangents = inline(forward, leading_to(block, [g is not None for _, g in outputs]), takes)
    reverse.replace(op, forward.operations, made.results)
    rule = forward.operations[before:]
    inner = Reverse(reverse.builder, rule, zeros, reverse.functions, reverse.replaced)
    for tangent, g in zip(tangents, (g for _, g in outputs if g is not None), strict=True):
        inner.add(tangent, g)
    inner.run()
    for value, zero in zip(inputs, zeros, strict=True):
        reverse.add(value, inner.cotangents.get(zero))


def tangents_by_rule(
    functions: Any, builder: Builder, op: Any, made: Operation, moves: Sequence[Value]
) -> tuple[Value, ...]:
    """Emits the tangents of `made`, a copy of the composite `op` that names its `irc.jvp`, for tangents of the inputs."""
    once = Reverse(builder, [made], [], functions)
    outputs = [r for r in made.results if is_differentiable(r.type)]
    takes = [*made.operands, *made.results, *moves]
    name = rule_name(op, CUSTOM_JVP)
    assert name is not None
    return inline(builder, checked(once, made, name, takes, outputs), takes)

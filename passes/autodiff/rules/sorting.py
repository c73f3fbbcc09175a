"""Gradients of sort, which moves elements (a scatter moves their cotangents back), and of map."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TensorType, i32
from irc.passes.autodiff.lifting import is_elementwise, lifted
from irc.passes.autodiff.registry import defadjoint
from irc.passes.autodiff.rules.indexing import put_along
from irc.passes.autodiff.rules.reduction import counted_dimension, finish
from irc.passes.autodiff.transform import Reverse, inline
from irc.passes.expression import Expr, Scope, zeros_like


@defadjoint(hlo.Sort)
def sort_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """A sort that also carries the positions; each element's cotangent goes back to where it came from."""
    scope = reverse.scope
    shape = scope.of(op.inputs[0]).shape
    dimension = op.dimension % len(shape)
    carried = [i for i, v in enumerate(op.inputs) if counted_dimension(v) == dimension]
    if carried:
        positions = scope.of(op.results[carried[0]])
    else:
        positions = scope.of(sorted_positions(reverse, op, dimension))
    for x, g in zip(op.inputs, gs, strict=True):
        if g is not None and x in reverse.active:
            reverse.add(x, put_along(zeros_like(scope.of(x)), positions, g, dimension))


def sorted_positions(reverse: Reverse, op: Any, dimension: int) -> Value:
    """Replaces the sort by one with the positions as one more operand; returns them sorted along."""
    forward = Builder(op.location)
    shape = reverse.scope.of(op.inputs[0]).shape
    positions = forward.emit(hlo.Iota(iota_dimension=dimension, result_types=[TensorType(shape, i32)]))
    scalars = [a.type for a in op.comparator.arguments]

    def compares(b: Builder, *arguments: Value) -> None:
        (before,) = inline(b, op.comparator.block, arguments[: len(scalars)])
        b.emit(hlo.Return([before]))

    counter = TensorType((), i32)
    made = forward.emit(
        hlo.Sort(
            [*op.inputs, positions],
            dimension=op.dimension,
            is_stable=op.is_stable,
            regions=[forward.region([*scalars, counter, counter], compares)],
        )
    )
    reverse.replace(op, forward.operations, made[:-1])
    return made[-1]


@defadjoint(hlo.Map)
def map_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Through the ops of its region on whole tensors."""
    if not is_elementwise(op.computation):
        raise reverse.refusal(op, "has a gradient only where its region is made of elementwise ops")
    builder = Builder(reverse.builder.location)
    results = lifted(op.computation, list(map(Scope(builder).of, op.inputs)))
    finish(reverse, op, builder, results, gs)

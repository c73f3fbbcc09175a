"""Loops and branches as StableHLO regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TensorType, i32
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

INDEX = TensorType((), i32)

Body = Callable[[Scope, Expr, list[Expr]], list[Expr]]


def inside(scope: Scope, *values: Expr) -> list[Expr]:
    """Values from outside a region as expressions whose ops go into it."""
    return [scope.of(v.value) for v in values]


def counted_loop(scope: Scope, trips: int, carried: Sequence[Expr], body: Body) -> list[Expr]:
    """`body(scope, i, carried)` for i = 0 ... trips - 1; gives what is carried in the end."""
    start = scope.constant(0, INDEX)
    types = [INDEX, *(c.type for c in carried)]

    def condition(b: Builder, i: Value, *rest: Value) -> None:
        inner = Scope(b)
        b.emit(hlo.Return([(inner.of(i) < trips).value]))

    def step(b: Builder, i: Value, *rest: Value) -> None:
        inner = Scope(b)
        new = body(inner, inner.of(i), [inner.of(v) for v in rest])
        b.emit(hlo.Return([(inner.of(i) + 1).value, *(v.value for v in new)]))

    regions = [scope.builder.region(types, condition), scope.builder.region(types, step)]
    loop = hlo.While([start.value, *(c.value for c in carried)], regions=regions)
    made = scope.emit(loop)
    return list(made[1:])


def take_slice(x: Expr, i: Expr) -> Expr:
    """x[i] for a counter of a loop inside which `x` is used."""
    zero = i.scope.constant(0, INDEX)
    sizes = (1, *x.shape[1:])
    part = E.dynamic_slice(i.scope.of(x.value), [i, *[zero] * (x.rank - 1)], sizes)
    return E.reshape(part, x.shape[1:])


def put_slice(stack: Expr, i: Expr, x: Expr) -> Expr:
    """The stack with x at place i."""
    zero = i.scope.constant(0, INDEX)
    return E.dynamic_update_slice(stack, E.reshape(x, (1, *x.shape)), [i, *[zero] * x.rank])

"""Scans as loops over slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.chlo_scan import Scan
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType, i32
from irc.passes import expression as E
from irc.passes.expand import linalg
from irc.passes.expression import Expr, Scope

rules = RewriteSet()


@rules.rewrite("scan = a loop that takes a slice, runs the body and puts its slices away", Scan)
def _scan(op: Any, b: Rewriter) -> Sequence[Value] | None:
    if not all(v.type.is_static for v in (*op.operands, *op.results)):
        return None
    scope, outputs = Scope(b), len(op.outputs)
    start = scope.constant(0, TensorType((), i32))
    empty = [scope.constant(0, r.type) for r in op.outputs]
    carried = [start.value, *op.inputs, *(e.value for e in empty), *op.inits]
    types = [v.type for v in carried]

    def before(inner: Any, i: Value, *_: Value) -> None:
        inner.emit(hlo.Return([(Scope(inner).of(i) < op.extent).value]))

    def body(inner: Any, i: Value, *values: Value) -> None:
        within = Scope(inner)
        inputs, made = values[: len(op.inputs)], values[len(op.inputs) :]
        step = within.of(i)
        at = (op.extent - 1) - step if op.is_reverse else step
        given = [_slice(within.of(x), at, op.dimension).value for x in inputs]
        returned = _inlined(inner, op, [*given, *made[outputs:]])
        places, parts = map(within.of, made[:outputs]), map(within.of, returned[:outputs])
        new = [_put(x, y, at, op.dimension).value for x, y in zip(places, parts, strict=True)]
        inner.emit(hlo.Return([(step + 1).value, *inputs, *new, *returned[outputs:]]))

    regions = [b.region(types, before), b.region(types, body)]
    results: Sequence[Value] = b.emit(hlo.While(carried, regions=regions))
    return results[1 + len(op.inputs) :]


def _inlined(b: Rewriter, op: Any, values: Sequence[Value]) -> list[Value]:
    """The body's ops on these values; what it returns."""
    block = op.body.block
    b.map.update(zip(block.arguments, values, strict=True))
    for inner in block.operations[:-1]:
        b.replay(inner)
    return [b.value(v) for v in block.terminator.operands]


def _slice(x: Expr, at: Expr, dimension: int) -> Expr:
    shape = [n for d, n in enumerate(x.shape) if d != dimension]
    return E.reshape(linalg.at(x, at, dimension), shape)


def _put(x: Expr, part: Expr, at: Expr, dimension: int) -> Expr:
    shape = [1 if d == dimension else n for d, n in enumerate(x.shape)]
    return linalg.put(x, E.reshape(part, shape), at, dimension)

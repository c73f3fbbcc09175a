"""Regions on scalars, applied to whole tensors: how a fold with any body becomes ops that have gradients."""

from __future__ import annotations

from collections.abc import Sequence

from irc.ir.operation import Operation, Region, Value
from irc.passes.expression import Expr, broadcast


def is_elementwise(region: Region) -> bool:
    """Whether every op of a region on scalars does the same to each element of a tensor."""
    return all(getattr(op, "elementwise", False) for op in region.operations[:-1])


def lifted(region: Region, operands: Sequence[Expr]) -> list[Expr]:
    """The region's results, element by element of operands of one shape."""
    scope, shape = operands[0].scope, operands[0].shape
    local: dict[Value, Expr] = dict(zip(region.arguments, operands, strict=True))

    def value(v: Value) -> Expr:
        """What stands for `v`; a scalar from outside is repeated."""
        if v not in local:
            local[v] = broadcast(scope.of(v), shape, ())
        return local[v]

    for op in region.operations[:-1]:
        if not op.operands:
            # A constant stays a scalar until something wants it.
            made: Operation = op.with_operands([])
            scope.builder.emit(made)
            local.update(
                (r, broadcast(scope.of(m), shape, ())) for r, m in zip(op.results, made.results, strict=True)
            )
            continue
        made = op.with_operands([value(o).value for o in op.operands])
        scope.builder.emit(made)
        local.update((r, scope.of(m)) for r, m in zip(op.results, made.results, strict=True))
    return [value(v) for v in region.block.terminator.operands]

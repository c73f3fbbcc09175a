"""Ops whose two operands may change places: commutative ones, comparisons (mirrored), products of which one side has no
free dimensions."""

from __future__ import annotations

from irc.dialects.stablehlo import Compare, Constant, DotDimensionNumbers, DotGeneral
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter

MIRRORED = {"EQ": "EQ", "NE": "NE", "LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE"}

SIDED: dict[type[Operation], str] = {Compare: "comparison_direction", DotGeneral: "dot_dimension_numbers"}
"""Attributes of symmetric ops that say something about each side."""


def is_symmetric(op: Operation) -> bool:
    """Whether its two operands may change places, if the op is changed accordingly (`swapped`)."""
    if len(op.operands) != 2 or len(op.results) != 1:
        return False
    if isinstance(op, Compare):
        return True
    if isinstance(op, DotGeneral):
        return _is_symmetric_dot(op)
    return op.commutative


def _is_symmetric_dot(op: DotGeneral) -> bool:
    """One side has no free dimensions, so that the result has the same ones either way."""
    d = op.dot_dimension_numbers
    free = free_dimensions(op.lhs.type.rank, op.rhs.type.rank, d)
    return op.algorithm is None and not all(free) and len(d.lhs_batching_dimensions) == 0


def side_keys(op: Operation) -> tuple[bytes, bytes]:
    """What a symmetric op's attributes say of each operand."""
    match op:
        case Compare(comparison_direction=direction):
            return direction.encode(), MIRRORED[direction].encode()
        case DotGeneral(dot_dimension_numbers=d):
            return str(d.lhs_contracting_dimensions).encode(), str(d.rhs_contracting_dimensions).encode()
    return b"", b""


def swapped(op: Operation) -> Operation:
    """A symmetric op with what it says of its operands turned round; the operands themselves are the caller's."""
    match op:
        case Compare(comparison_direction=direction):
            return op.with_attributes(comparison_direction=MIRRORED[direction])
        case DotGeneral(dot_dimension_numbers=d):
            numbers = DotDimensionNumbers((), (), d.rhs_contracting_dimensions, d.lhs_contracting_dimensions)
            precision = op.precision_config
            return op.with_attributes(
                dot_dimension_numbers=numbers, precision_config=precision and tuple(reversed(precision))
            )
    return op


class OneWay(Rewriter):
    """Brings ops over with symmetric ones turned one way, so that equal ones are equal to CSE: values in the order in which
    they were first used, constants last."""

    def __init__(self) -> None:
        super().__init__()
        self.number: dict[Value, int] = {}

    def mapped(self, op: Operation) -> Operation:
        made = super().mapped(op)
        if is_symmetric(made):
            a, b = made.operands
            first, second = self._rank(a), self._rank(b)
            if second < first:
                return swapped(made).with_operands((b, a))
        return made

    def _rank(self, value: Value) -> tuple[bool, int]:
        return isinstance(value.op, Constant), self.number.setdefault(value, len(self.number))

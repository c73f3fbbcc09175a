"""What the region of a reduction computes, where it is one op on its two arguments."""

from __future__ import annotations

from irc.ir.operation import Operation, Region


def single_binary(region: Region) -> Operation | None:
    """The op of a region `(a, b) -> op(a, b)`; of a commutative op either order of operands counts; else None."""
    if len(region.blocks) != 1 or len(region.arguments) != 2 or len(region.operations) != 2:
        return None
    (op, end), (a, b) = region.operations, region.arguments
    if op.results != end.operands or op.regions:
        return None
    if op.operands == (a, b) or (op.commutative and op.operands == (b, a)):
        return op
    return None

"""Regions: what that of a reduction computes, and the ops in those of control flow."""

from __future__ import annotations

from collections.abc import Iterator

from irc.dialects.stablehlo import Case, If, While
from irc.ir.operation import Block, Operation, Region


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


def walk(block: Block) -> Iterator[Operation]:
    """The ops of a block and of the regions of control flow in it, in order."""
    for op in block.operations:
        yield op
        if isinstance(op, While | If | Case):
            for region in op.regions:
                yield from walk(region.block)

"""Products whose right side is the same each time they run: what they read of it is worth rearranging once.

A right side is steady in a loop when no turn changes it, and in a function when it is made of constants and of arguments
marked `irc.kept`, with which calls mostly come again. Loops are looked into, other regions are not: nothing is moved out
of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from irc.dialects.func import Func
from irc.dialects.stablehlo import Convolution, DotGeneral, While
from irc.ir.operation import Block, Operation, Value
from irc.passes.arguments import kept_arguments

MANY = 8
"""Products in one block that read the same right side: a Python loop that was recorded turn by turn."""


def steady_products(func: Func, block: Block | None = None) -> dict[Operation, None]:
    """The products of a function with a steady right side; of `block` where it stands for the function's own."""
    block = block or func.block
    kept = kept_arguments(func)
    varying = dict.fromkeys(a for i, a in enumerate(block.arguments) if i not in kept)
    found: dict[Operation, None] = {}
    _walk(block, varying, found)
    return found


def _walk(block: Block, varying: dict[Value, None], found: dict[Operation, None]) -> None:
    """Adds the products of a block whose right side is not `varying`, which it completes."""
    products = [op for op in block.operations if isinstance(op, DotGeneral | Convolution)]
    uses = Counter(op.operands[1] for op in products)
    for op in block.operations:
        if isinstance(op, While):
            for region in op.regions:
                _walk(region.block, dict.fromkeys(_changing(op, region.arguments)), found)
        elif op in products and (op.operands[1] not in varying or uses[op.operands[1]] >= MANY):
            found[op] = None
        if not op.pure or any(v in varying for inner in op.walk() for v in inner.operands):
            varying.update(dict.fromkeys(op.results))


def _changing(op: While, arguments: Iterable[Value]) -> list[Value]:
    """The values of a region's that turns of the loop change."""
    body = op.regions[1].block
    pairs = zip(arguments, body.arguments, body.terminator.operands, strict=True)
    return [mine for mine, argument, end in pairs if end is not argument]

"""One op in the place of two that begin alike: a loop, branch or sort computed again with more results.

Taking a gradient of recorded ops makes such pairs: the forward has run its loop, and the reverse wants the
same loop to keep its iterations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irc.dialects import func
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import Case, If, Sort, While
from irc.ir.keys import operation_key
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import Rewriter
from irc.passes.dce import DeadCode
from irc.passes.manager import Context, FunctionPass

CLASSES = (If, Case, While, Sort)


@dataclass(frozen=True)
class Subsume(FunctionPass, name="subsume"):
    """Given  `%a = while(%x) {...}; ...; %b, %c = while(%x, %y) {the same, and more}`.
    Result  `%b, %c = while(%x, %y) {...}; ...`, with `%b` for `%a`."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        block = func.block
        while (pair := find_pair(block.operations)) is not None:
            block = merged(block, *pair)
        return func if block is func.block else func.with_block(block)


def find_pair(operations: Sequence[Operation]) -> tuple[Operation, Operation, list[Operation]] | None:
    """(an op, a later one that computes the same and more, what has to move up with the later one)."""
    found = [op for op in operations if isinstance(op, CLASSES)]
    for j, later in enumerate(found):
        for earlier in found[:j]:
            if begins_like(later, earlier):
                moved = between(operations, earlier, later)
                if moved is not None:
                    return earlier, later, moved
    return None


def begins_like(later: Operation, earlier: Operation) -> bool:
    """Whether the first results of `later` are those of `earlier`."""
    count = len(earlier.results)
    if type(later) is not type(earlier) or len(later.results) < count:
        return False
    if later.operands[: len(earlier.operands)] != earlier.operands:
        return False
    if not isinstance(later, Sort | While) and len(later.operands) != len(earlier.operands):
        return False
    return operation_key(narrowed(later, count)) == operation_key(narrowed(earlier, count))


def narrowed(op: Any, count: int) -> Operation:
    """The op with its first `count` results, and what only the others needed left out."""
    if isinstance(op, Sort):
        region = Region([Block(op.comparator.arguments[: 2 * count], op.comparator.operations)])
        types = op.result_types[:count]
        return Sort.create(op.operands[:count], types, op.attributes, [region], op.location)
    body = Block([], [op, func.Return(op.results[:count])])
    module = DeadCode().apply(Module.of([Func.of("narrowed", body)]), Context())
    (function,) = module.operations
    return function.body.block.operations[0]  # type: ignore[attr-defined]


def between(operations: Sequence[Operation], earlier: Operation, later: Operation) -> list[Operation] | None:
    """What `later` needs of the ops between the two, in order; None if it cannot move before them."""
    start, stop = operations.index(earlier), operations.index(later)
    makers: dict[Value, Operation] = {r: op for op in operations[start:stop] for r in op.results}
    needed: dict[Operation, None] = {}
    pending = reads(later)
    while pending:
        maker = makers.get(pending.pop())
        if maker is None or maker in needed:
            continue
        if maker is earlier or not maker.pure:
            return None
        needed[maker] = None
        pending += reads(maker)
    return [op for op in operations[start:stop] if op in needed]


def reads(op: Operation) -> list[Value]:
    return [o for inner in op.walk() for o in inner.operands]


def merged(block: Block, earlier: Operation, later: Operation, moved: list[Operation]) -> Block:
    """The block with `later` in the place of `earlier`, after what moves up with it."""
    gone = dict.fromkeys((*moved, later))
    rewriter = Rewriter()
    for op in block.operations:
        if op is earlier:
            for first in (*moved, later):
                rewriter.replay(first)
            rewriter.replace(earlier, [rewriter.value(r) for r in later.results[: len(earlier.results)]])
        elif op not in gone:
            rewriter.replay(op)
    return Block(block.arguments, rewriter.operations)

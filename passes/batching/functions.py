"""A module whose @main takes and gives a batch of examples."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects import func
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import TensorType
from irc.passes.batching import composite, control, rules  # noqa: F401 - registers what ops become
from irc.passes.batching.batcher import Batcher
from irc.passes.dce import DeadCode
from irc.passes.manager import Context


def vmap(module: Module, size: int, over: Sequence[int] | None = None, entry: str = "main") -> Module:
    """`f(*args) -> results` for one example becomes the same for `size` of them, along the first dimension of each result
    and of the arguments numbered `over` (absent: all); other arguments are the same for all examples.

    Raises IrcError where there is no such function or argument, UnsupportedError naming an op that acts on something
    outside the program."""
    main = module.symbols.get(entry)
    if not isinstance(main, Func) or main.is_declaration:
        raise IrcError(f"there is no function @{entry} with a body to batch")
    numbers = range(len(main.arguments)) if over is None else over
    for i in numbers:
        if not 0 <= i < len(main.arguments):
            raise IrcError(f"argument {i} is asked for; @{entry} has {len(main.arguments)}")
    functions = {name: op for name, op in module.symbols.items() if isinstance(op, Func)}
    batcher = Batcher(Builder(main.location), size, functions)
    arguments = []
    for i, old in enumerate(main.arguments):
        type: TensorType = batcher.wide(old.type) if i in numbers else old.type
        arguments.append(Value(type, None, i, old.name, old.location))
        batcher.define(old, arguments[-1], i in numbers)
    batcher.run(main.block.operations[:-1])
    end = main.block.terminator
    batcher.builder.location = end.location
    batcher.builder.emit(func.Return([batcher.batched(v) for v in end.operands]))
    made = main.with_block(Block(arguments, batcher.builder.operations))
    operations = [made if op is main else op for op in module.operations]
    added = [op for name, op in functions.items() if name not in module.symbols]
    whole = module.with_operations([*operations, *added])
    return DeadCode().apply(whole, Context())

"""A function cut in two where one kernel cannot hold it: a value gets memory of its own, and what needs it comes after."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irc.codegen.lower.blocks import below
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.dialects.func import Func, Return
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import MemRefType


def lower_in_two(func: Func, value: Value, lower: Callable[[Func], KernelGroup]) -> KernelGroup:
    """The kernels of `value`, then those of the results with `value` as one more argument, in scratch."""
    made = below([value])
    first = Func.of(
        f"{func.sym_name}_part", Block(func.arguments, [*made, Return([value])]),
        visibility="private", attributes=func.attributes, location=func.location,
    )  # fmt: skip
    place = Value(value.type, None, len(func.arguments), location=value.location)
    rest = func.with_block(Block((*func.arguments, place), _with(func, value, place)))
    before, after = lower(first), lower(rest)
    # Kernels of a group take one list: inputs, results, scratch.
    inputs, results = len(func.arguments), len(func.returned)
    own = inputs + results
    scratch = (buffer_type(value.type), *before.scratch, *after.scratch)
    types = (*(buffer_type(v.type) for v in (*func.arguments, *func.returned)), *scratch)
    apart = own + 1 + len(before.scratch)
    early = [*range(inputs), own, *range(own + 1, apart)]
    late = [*range(inputs), own, *range(inputs, own), *range(apart, len(types))]
    functions = [_placed(f, early, types) for f in before.functions] + [
        _placed(f, late, types) for f in after.functions
    ]
    return KernelGroup(tuple(functions), scratch)


def _with(func: Func, value: Value, place: Value) -> list[Operation]:
    """The function's ops that its results still need once `place` stands for `value`."""
    known = {value: place}
    for op in func.block.operations[:-1]:
        if value not in op.results and any(o in known for o in op.operands):
            known.update(
                zip(op.results, op.with_operands([known.get(o, o) for o in op.operands]).results, strict=True)
            )
    returned = [known.get(v, v) for v in func.returned]
    return [*below(returned), Return(returned)]


def _placed(kernel: Func, order: Sequence[int], types: Sequence[MemRefType]) -> Func:
    """The kernel with argument i at place `order[i]` among arguments of `types`."""
    arguments = [Value(t, None, i, location=kernel.location) for i, t in enumerate(types)]
    for place, argument in zip(order, kernel.arguments, strict=False):
        argument.index = place
        arguments[place] = argument
    for argument in kernel.arguments[len(order) :]:  # named sizes
        argument.index = len(arguments)
        arguments.append(argument)
    return kernel.with_block(Block(arguments, kernel.block.operations))

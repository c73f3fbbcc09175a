"""A function cut in two where one kernel cannot hold it: a value gets memory of its own, and what needs it comes after."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irc.codegen.lower.blocks import below
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.dialects.func import Func, Return
from irc.ir.operation import Block, Value
from irc.ir.types import MemRefType


def lower_in_two(func: Func, values: Sequence[Value], lower: Callable[[Func], KernelGroup]) -> KernelGroup:
    """The kernels of `values`, then those of the other results with `values` as further arguments. What the function does not
    return of them lies in scratch."""
    returned = func.returned
    kept = [v for v in values if v not in returned]
    left = [v for v in returned if v not in values]
    rest, _ = without(func, values, left)
    before, after = lower(part(func, values)), lower(rest) if left else KernelGroup(())
    # Kernels of a group take one list: inputs, results, scratch.
    inputs = len(func.arguments)
    own = inputs + len(returned)
    scratch = (*(buffer_type(v.type) for v in kept), *before.scratch, *after.scratch)
    types = (*(buffer_type(v.type) for v in (*func.arguments, *returned)), *scratch)
    at = [own + kept.index(v) if v in kept else inputs + returned.index(v) for v in values]
    apart = own + len(kept) + len(before.scratch)
    early = [*range(inputs), *at, *range(own + len(kept), apart)]
    late = [*range(inputs), *at, *(inputs + returned.index(v) for v in left), *range(apart, len(types))]
    functions = [_placed(f, early, types) for f in before.functions] + [
        _placed(f, late, types) for f in after.functions
    ]
    return KernelGroup(tuple(functions), scratch)


def part(func: Func, values: Sequence[Value]) -> Func:
    """The function of the same arguments that returns `values`."""
    return Func.of(
        f"{func.sym_name}_part", Block(func.arguments, [*below(values), Return(values)]),
        visibility="private", attributes=func.attributes, location=func.location,
    )  # fmt: skip


def without(func: Func, values: Sequence[Value], returned: Sequence[Value]) -> tuple[Func, list[Value]]:
    """The function with `values` as further arguments, which gives `returned`; and those arguments."""
    first = len(func.arguments)
    places = [Value(v.type, None, first + i, location=v.location) for i, v in enumerate(values)]
    known = dict(zip(values, places, strict=True))
    for op in func.block.operations[:-1]:
        if not any(r in known for r in op.results) and any(o in known for o in op.operands):
            known.update(
                zip(op.results, op.with_operands([known.get(o, o) for o in op.operands]).results, strict=True)
            )
    given = [known.get(v, v) for v in returned]
    return func.with_block(Block((*func.arguments, *places), [*below(given), Return(given)])), places


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

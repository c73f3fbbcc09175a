"""Kernels that leave their result where an operand was: what the memory plan does for those that say `irc.in_place`.

A kernel that reduces rows and then makes a value of them becomes two: the sums, which are small, and a loop, which reads
each element before it writes it. The ops on each element are the same, so the bits are."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.ir.attributes import Attribute, StringAttr, UnitAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import fresh_copy
from irc.passes.autodiff.transform import free_values
from irc.passes.marks import KIND
from irc.passes.sinking import fusions_of, is_cheap, size_of, users

IN_PLACE = "irc.in_place"
"""A fusion with this attribute writes over an operand that nothing reads later."""

LEAST = 1 << 14
"""Bytes for which it is done."""


def overlays(function: Func) -> dict[int, int]:
    """Arguments of a loop or row fusion, each with a result that can take its place."""
    kind = function.attributes.get(KIND)
    if not isinstance(kind, StringAttr) or kind.value not in ("loop", "row"):
        return {}
    found: dict[int, int] = {}
    for k, result in enumerate(function.returned):
        if size_of(result) < LEAST or not is_cheap(result.op):
            continue
        for i, argument in enumerate(function.arguments):
            fits = argument.type is result.type and i not in found and _in_step(function, i)
            if fits:
                found[i] = k
                break
    return found


def _in_step(function: Func, index: int) -> bool:
    """Whether element i of an argument goes into element i of what is made of it, or into a reduction."""
    shape = function.arguments[index].type.shape
    reach = {function.arguments[index]: None}
    for op in function.block.operations[:-1]:
        if isinstance(op, hlo.Reduce) or not any(v in reach for v in op.operands):
            continue
        if not getattr(op, "elementwise", False) or op.results[0].type.shape != shape:
            return False
        reach.update(dict.fromkeys(op.results))
    return bool(users(function, index))


def overlaid(module: Module, entry: str) -> Module:
    """The module in which kernels whose operand ends with them write over it."""
    main, fusions = module.symbols[entry], fusions_of(module)
    assert isinstance(main, Func)
    last: dict[Value, Operation] = {}
    for op in main.block.operations:
        last.update((_root(v), op) for v in (*op.operands, *free_values(op)))
    made: dict[str, Func] = {}
    operations: list[Operation] = []
    renamed: dict[Value, Value] = {}
    for op in main.block.operations:
        function = fusions.get(op.callee) if isinstance(op, Call) else None
        places = {} if function is None else overlays(function)
        ending = [
            i for i in places if last[op.operands[i]] is op and isinstance(op.operands[i].op, Operation)
        ]
        local = {v: renamed.get(v, v) for v in (*op.operands, *free_values(op))}
        if function is None or not ending:
            new = fresh_copy(op, local) if any(a is not b for a, b in local.items()) else op
            operations.append(new)
            renamed.update(zip(op.results, new.results, strict=True))
            continue
        parts = _in_two(function, [places[i] for i in ending])
        known = dict(zip(function.arguments, (local[v] for v in op.operands), strict=True))
        for part, takes, gives in parts:
            made[part.sym_name] = part
            call = Call.create(
                [known[v] for v in takes],
                [v.type for v in gives],
                op.with_attributes(callee=part.sym_name).attributes,
                (),
                op.location,
            )
            operations.append(call)
            known.update(zip(gives, call.results, strict=True))
        renamed.update((r, known[v]) for r, v in zip(op.results, function.returned, strict=True))
    if not made:
        return module
    whole = main.with_block(Block(main.block.arguments, operations))
    kept = [
        whole if op is main else made.pop(op.sym_name, op) if isinstance(op, Func) else op
        for op in module.operations
    ]
    return module.with_operations([*kept, *made.values()])


def _root(value: Value) -> Value:
    """The value whose memory this one shows."""
    while isinstance(value.op, hlo.Reshape | hlo.BitcastConvert | hlo.OptimizationBarrier):
        value = value.op.operands[value.index]
    return value


def _in_two(function: Func, late: Sequence[int]) -> list[tuple[Func, list[Value], list[Value]]]:
    """Functions with the values of the old one that each takes and gives: what is reduced, and a loop that makes the results
    numbered `late` of it. A loop stays one."""
    if not any(isinstance(op, hlo.Reduce) for op in function.block.operations):
        return [
            (
                function.with_attributes(**{IN_PLACE: UnitAttr()}),
                list(function.arguments),
                list(function.returned),
            )
        ]
    ends = [function.returned[k] for k in late]
    cone, read = _cone(function, ends)
    first = [
        v
        for v in dict.fromkeys((*read, *function.returned))
        if v.op is not None and v not in dict.fromkeys(ends)
    ]
    cut = _leading_to(function, first)
    before = _function(function, function.sym_name, cut, first, {KIND: StringAttr("row")})
    loop: dict[str, Attribute] = {KIND: StringAttr("loop"), IN_PLACE: UnitAttr()}
    return [before, _function(function, f"{function.sym_name}_rest", cone, ends, loop)]


def _cone(function: Func, ends: Sequence[Value]) -> tuple[list[Operation], list[Value]]:
    """The cheap ops that lead to some values, in order, and what they read beside."""
    wanted = dict.fromkeys(ends)
    ops: list[Operation] = []
    read: dict[Value, None] = {}
    for op in reversed(function.block.operations[:-1]):
        if any(r in wanted for r in op.results):
            if is_cheap(op):
                ops.append(op)
                wanted.update(dict.fromkeys(op.operands))
            else:
                read.update(dict.fromkeys(r for r in op.results if r in wanted))
    return ops[::-1], [*read]


def _leading_to(function: Func, ends: Sequence[Value]) -> list[Operation]:
    """All ops that lead to some values, in order."""
    wanted = dict.fromkeys(ends)
    ops: list[Operation] = []
    for op in reversed(function.block.operations[:-1]):
        if any(r in wanted for r in op.results):
            ops.append(op)
            wanted.update(dict.fromkeys((*op.operands, *free_values(op))))
    return ops[::-1]


def _function(
    old: Func,
    name: str,
    operations: Sequence[Operation],
    gives: Sequence[Value],
    attributes: dict[str, Attribute],
) -> tuple[Func, list[Value], list[Value]]:
    """A private function of some ops of another; the values of that which it takes, and those it gives."""
    made_here = dict.fromkeys(r for op in operations for r in op.results)
    read = dict.fromkeys(v for op in operations for v in (*op.operands, *free_values(op)))
    takes = [v for v in read if v not in made_here]
    arguments = [Value(v.type, None, i, location=v.location) for i, v in enumerate(takes)]
    local: dict[Value, Value] = dict(zip(takes, arguments, strict=True))
    made: list[Operation] = []
    for op in operations:
        made.append(fresh_copy(op, local))
        local.update(zip(op.results, made[-1].results, strict=True))
    end = Return([local[v] for v in gives], location=old.block.terminator.location)
    block = Block(arguments, [*made, end])
    function = Func.of(name, block, visibility="private", attributes=attributes, location=old.location)
    return function, takes, list(gives)

"""scf: loops tested at the bottom, branches with phi nodes, and foralls as tickets of the thread pool."""

from __future__ import annotations

import math
from collections.abc import Sequence

from irc.codegen.emit.function import FunctionEmitter, emits, refuse
from irc.codegen.emit.held import Number, literal, llvm_type
from irc.dialects import scf
from irc.dialects.memref import DYNAMIC
from irc.ir.operation import Region


@emits(scf.For)
def emit_for(e: FunctionEmitter, op: scf.For) -> None:
    """A guard where the loop may not run at all, then a body that ends in the test."""
    low, high, step = e.scalars(op.operands[:3])
    type_ = llvm_type(op.lowerBound.type)
    inits = e.flat_all(op.initArgs)
    known = [n for n in map(literal, (low, high, step)) if n is not None]
    trips = _trips(*known) if len(known) == 3 else None
    if trips == 0:
        e.bind(op.results, inits)
        return
    if trips == 1:
        e.bind(op.region.arguments, [low, *inits])
        e.bind(op.results, e.flat_all(e.emit_block(op.region.block).operands))
        return
    body, done = e.new_label("for"), e.new_label("end")
    if trips is None:
        enter = e.ins(f"icmp slt {type_} {low}, {high}")
        e.branch(enter, body, done)
    else:
        e.jump(body)
    before = e.block
    types = [type_, *e.types_all(op.initArgs)]
    e.start(body)
    names, at = e.phis(types)
    e.bind(op.region.arguments, names)
    yielded = e.flat_all(e.emit_block(op.region.block).operands)
    following = e.ins(f"add {type_} {names[0]}, {step}")
    again = e.ins(f"icmp slt {type_} {following}, {high}")
    e.set_phis(at, names, types, (before, [low, *inits]), (e.block, [following, *yielded]))
    after = e.block
    e.branch(again, body, done)
    e.start(done)
    if trips is None and inits:
        results, at = e.phis(types[1:])
        e.set_phis(at, results, types[1:], (before, inits), (after, yielded))
        yielded = list(results)
    e.bind(op.results, yielded)


def _trips(low: int, high: int, step: int) -> int:
    return max(0, -(-(high - low) // step))


@emits(scf.If)
def emit_if(e: FunctionEmitter, op: scf.If) -> None:
    condition = e.scalar(op.condition)
    yes, no, done = e.new_label("then"), e.new_label("else"), e.new_label("end")
    has_else = any(block.operations for block in op.elseRegion.blocks)
    e.branch(condition, yes, no if has_else else done)
    edges = [_arm(e, yes, op.thenRegion, done)]
    if has_else:
        edges.append(_arm(e, no, op.elseRegion, done))
    e.start(done)
    types = e.types_all(op.results)
    names, at = e.phis(types)
    e.set_phis(at, names, types, *edges)
    e.bind(op.results, names)


def _arm(e: FunctionEmitter, label: str, region: Region, done: str) -> tuple[str, Sequence[str]]:
    """One side of a branch: the block it ends in, and the values it yields."""
    e.start(label)
    yielded = e.flat_all(e.emit_block(region.block).operands)
    e.jump(done)
    return e.block, yielded


@emits(scf.While)
def emit_while(e: FunctionEmitter, op: scf.While) -> None:
    test, body, done = e.new_label("while"), e.new_label("do"), e.new_label("end")
    inits, types = e.flat_all(op.inits), e.types_all(op.inits)
    before = e.block
    e.jump(test)
    e.start(test)
    names, at = e.phis(types)
    e.bind(op.before.arguments, names)
    condition = e.emit_block(op.before.block)
    passed = e.flat_all(condition.operands[1:])
    e.branch(e.scalar(condition.operands[0]), body, done)
    e.start(body)
    e.bind(op.after.arguments, passed)
    yielded = e.flat_all(e.emit_block(op.after.block).operands)
    e.set_phis(at, names, types, (before, inits), (e.block, yielded))
    e.jump(test)
    e.start(done)
    e.bind(op.results, passed)


@emits(scf.Forall)
def emit_forall(e: FunctionEmitter, op: scf.Forall) -> None:
    """Tickets of the pool; one ticket, `irc.sequential`, or inside a thread of a device: a loop where it stands."""
    if op.dynamicLowerBound or op.dynamicStep:
        raise refuse(op, "scf.forall with lower bounds or steps that are not known")
    if op.outputs:
        raise refuse(op, "scf.forall with shared outputs")
    given = iter(e.scalars(op.dynamicUpperBound))
    bounds = [
        (low, high if high != DYNAMIC else next(given), step)
        for low, high, step in zip(op.staticLowerBound, op.staticUpperBound, op.staticStep, strict=True)
    ]
    counts = [_count(e, op, *bound) for bound in bounds]
    total = _times(e, counts)
    if total == 0:
        return
    if total == 1:
        e.bind(op.region.arguments, [str(low) for low, _, _ in bounds])
        e.emit_block(op.region.block)
    elif "irc.sequential" in op.attributes or e.module.target.is_device:
        _loop(e, op, bounds, counts, total)
    else:
        _parallel(e, op, bounds, counts, total)


Bounds = list[tuple[int, Number, int]]


def _count(e: FunctionEmitter, op: scf.Forall, low: int, high: Number, step: int) -> Number:
    if isinstance(high, int):
        return _trips(low, high, step)
    if literal(high) is not None:
        return _trips(low, int(high), step)
    if low or step != 1:
        raise refuse(op, "scf.forall from a lower bound, or by steps, to a bound that is not known")
    return high


def _times(e: FunctionEmitter, counts: list[Number]) -> Number:
    """The product; that of the numbers among them first."""
    known = math.prod(n for n in counts if isinstance(n, int))
    registers = [n for n in counts if isinstance(n, str)]
    if not known or not registers:
        return known
    total = registers[0]
    for n in registers[1:]:
        total = e.ins(f"mul i64 {total}, {n}")
    return total if known == 1 else e.ins(f"mul i64 {total}, {known}")


def _loop(e: FunctionEmitter, op: scf.Forall, bounds: Bounds, counts: list[Number], total: Number) -> None:
    body, done = e.new_label("each"), e.new_label("end")
    before = e.block
    if isinstance(total, int):
        e.jump(body)
    else:
        e.branch(e.ins(f"icmp sgt i64 {total}, 0"), body, done)
    e.start(body)
    (ticket,), at = e.phis(["i64"])
    _bind_indices(e, op, ticket, bounds, counts)
    e.emit_block(op.region.block)
    following = e.ins(f"add i64 {ticket}, 1")
    e.set_phis(at, [ticket], ["i64"], (before, ["0"]), (e.block, [following]))
    again = e.ins(f"icmp slt i64 {following}, {total}")
    e.branch(again, body, done)
    e.start(done)


def _parallel(
    e: FunctionEmitter, op: scf.Forall, bounds: Bounds, counts: list[Number], total: Number
) -> None:
    """The body becomes a function of a context, which holds what it captures, and a ticket."""
    body = FunctionEmitter(e.module, e.module.outlined_name(e.name), e)
    _bind_indices(body, op, "%ticket", bounds, [body.captured_number(n) for n in counts])
    body.emit_block(op.region.block)
    body.do("ret void")
    name = e.module.define(body.name, "void", "ptr %ctx, i64 %ticket", body)
    context = "null"
    if body.captured:
        context = e.stack(body.context_bytes, 64)
        for type_, text, at in body.captured:
            place = e.ins(f"getelementptr i8, ptr {context}, i64 {at}")
            e.do(f"store {type_} {text}, ptr {place}, align {8 if not type_.startswith('<') else 64}")
    e.call("irc_parallel", "void", ("ptr", f'@"{name}"'), ("ptr", context), ("i64", str(total)))


def _bind_indices(
    e: FunctionEmitter, op: scf.Forall, ticket: str, bounds: Bounds, counts: list[Number]
) -> None:
    """The indices of a ticket: its digits, the last dimension fastest."""
    rest, texts = ticket, []
    for i in reversed(range(len(bounds))):
        low, _, step = bounds[i]
        last = all(count == 1 for count in counts[:i])
        if counts[i] == 1:
            digit = "0"
        elif last:
            digit = rest
        else:
            digit = e.ins(f"urem i64 {rest}, {counts[i]}")
            rest = e.ins(f"udiv i64 {rest}, {counts[i]}")
        texts.append(_scaled(e, digit, low, step))
    e.bind(op.region.arguments, texts[::-1])


def _scaled(e: FunctionEmitter, digit: str, low: int, step: int) -> str:
    known = literal(digit)
    if known is not None:
        return str(low + known * step)
    if step != 1:
        digit = e.ins(f"mul i64 {digit}, {step}")
    return e.ins(f"add i64 {digit}, {low}") if low else digit

"""What the lanes of a warp do together (PTX ISA, sections 9.7.9.5 and 9.7.13)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from irc.codegen.ptx_interpreter.assembler import Assembler, Source, executes
from irc.codegen.ptx_interpreter.errors import Fault, first
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.scalars import TYPES, Array
from irc.codegen.ptx_interpreter.shadow import WARP
from irc.codegen.ptx_interpreter.syntax import Instruction, Several


def members(masks: Array) -> Array:
    """[n, 32] booleans of membership masks."""
    return (masks.astype(np.uint32)[:, None] >> np.arange(WARP, dtype=np.uint32)) & np.uint32(1) != 0


def in_warps(m: Machine, values: Array) -> Array:
    """Values of active lanes as [warps, 32] of the batch; those of others are zero."""
    if m.active is None:
        return values.reshape(-1, WARP)
    table = np.zeros(m.size, values.dtype)
    table[m.active] = values
    return table.reshape(-1, WARP)


def of_lanes(m: Machine, per_warp: Array) -> Array:
    """[warps] values given to each active lane of the warp."""
    return per_warp[m.lanes // WARP]


# Shuffles.


@executes("shfl")
def shfl(i: Instruction, a: Assembler) -> Step:
    """A value of another lane: `d|p, a, b, c, mask`; where that lies outside the segment, its own."""
    mode = i.first_of("up", "down", "bfly", "idx")
    pair = i.operands[0].elements if isinstance(i.operands[0], Several) else (i.operands[0], None)
    target = a.lanes_target(pair[0])
    predicate = a.lanes_target(pair[1]) if pair[1] is not None else None
    value, offset, clamp = (a.source(o, "b32") for o in i.operands[1:4])
    mask = a.source(i.operands[4], "b32")

    def step(m: Machine) -> None:
        values = m.per_lane(value(m))
        lane = (m.lanes % WARP).astype(np.int64)
        by, c = (m.per_lane(s(m)).astype(np.int64) for s in (offset, clamp))
        wanted, inside = _source_lane(mode, lane, by & 31, c & 31, c >> 8 & 31)
        source = np.where(inside, wanted, lane)
        named = m.per_lane(mask(m)).astype(np.uint32) >> source.astype(np.uint32) & np.uint32(1) != 0
        if not named.all():
            row = first(~named)
            raise Fault(f"'{i.opcode}' reads lane {int(source[row])}, which its mask leaves out", row)
        table = in_warps(m, values).reshape(-1)
        target(m, table[m.lanes - lane + source])
        if predicate is not None:
            predicate(m, inside)

    return step


def _source_lane(mode: str, lane: Array, by: Array, clamp: Array, segment: Array) -> tuple[Array, Array]:
    most = (lane & segment) | (clamp & ~segment)
    match mode:
        case "up":
            found = lane - by
            return found, found >= most
        case "down":
            found = lane + by
        case "bfly":
            found = lane ^ by
        case _:
            found = (lane & segment) | (by & ~segment & 31)
    return found, found <= most


# Votes and reductions.


def _groups(m: Machine, mask: Source) -> Array:
    """[active, 32]: the members of each lane's mask."""
    return members(m.per_lane(mask(m)))


@executes("vote")
def vote(i: Instruction, a: Assembler) -> Step:
    kind = i.first_of(*_VOTES)
    target = a.lanes_target(i.operands[0])
    predicate, mask = a.source(i.operands[1], "pred"), a.source(i.operands[2], "b32")

    def step(m: Machine) -> None:
        votes = of_lanes(m, in_warps(m, m.per_lane(predicate(m)))).reshape(-1, WARP)
        among = _groups(m, mask)
        target(m, _VOTES[kind](votes, among))

    return step


def _ballot(votes: Array, among: Array) -> Array:
    bits = (votes & among).astype(np.uint64) << np.arange(WARP, dtype=np.uint64)
    return bits.sum(1).astype(np.uint32)


def _all(votes: Array, among: Array) -> Array:
    return np.asarray((votes | ~among).all(1))


def _any(votes: Array, among: Array) -> Array:
    return np.asarray((votes & among).any(1))


_VOTES: dict[str, Callable[[Array, Array], Array]] = {
    "all": _all,
    "any": _any,
    "ballot": _ballot,
    "uni": lambda votes, among: _all(votes, among) | ~_any(votes, among),
}


_REDUCTIONS: dict[str, tuple[Callable[..., Array], int]] = {
    "add": (np.add.reduce, 0), "and": (np.bitwise_and.reduce, -1), "or": (np.bitwise_or.reduce, 0),
    "xor": (np.bitwise_xor.reduce, 0), "min": (np.minimum.reduce, 1), "max": (np.maximum.reduce, 2),
}  # fmt: skip


@executes("redux")
def redux(i: Instruction, a: Assembler) -> Step:
    kind = i.first_of(*_REDUCTIONS)
    reduce, neutral = _REDUCTIONS[kind]
    dtype = TYPES[i.type]
    if dtype.kind not in "iu":
        raise a.refuse(f"the instruction '{i.opcode}'")
    info = np.iinfo(dtype)
    filler = {1: info.max, 2: info.min, -1: -1 if dtype.kind == "i" else info.max, 0: 0}[neutral]
    target = a.lanes_target(i.operands[0])
    value, mask = a.source(i.operands[1], i.type), a.source(i.operands[2], "b32")

    def step(m: Machine) -> None:
        table = of_lanes(m, in_warps(m, m.per_lane(value(m))))
        target(m, reduce(np.where(_groups(m, mask), table, dtype.type(filler)), axis=1).astype(dtype))

    return step


@executes("match")
def match(i: Instruction, a: Assembler) -> Step:
    pair = i.operands[0].elements if isinstance(i.operands[0], Several) else (i.operands[0], None)
    target = a.lanes_target(pair[0])
    predicate = a.lanes_target(pair[1]) if pair[1] is not None else None
    value, mask = a.source(i.operands[1], i.type), a.source(i.operands[2], "b32")

    def step(m: Machine) -> None:
        own = m.per_lane(value(m))
        among = _groups(m, mask)
        same = (of_lanes(m, in_warps(m, own)) == own[:, None]) & among
        bits = (same.astype(np.uint64) << np.arange(WARP, dtype=np.uint64)).sum(1).astype(np.uint32)
        agreed = (same == among).all(1)
        target(m, np.where(agreed, bits, np.uint32(0)) if i.has("all") else bits)
        if predicate is not None:
            predicate(m, agreed)

    return step


@executes("activemask")
def activemask(i: Instruction, a: Assembler) -> Step:
    target = a.lanes_target(i.operands[0])

    def step(m: Machine) -> None:
        running = in_warps(m, np.ones(m.count, bool))
        bits = (running.astype(np.uint64) << np.arange(WARP, dtype=np.uint64)).sum(1).astype(np.uint32)
        target(m, of_lanes(m, bits))

    return step


@executes("elect")
def elect(i: Instruction, a: Assembler) -> Step:
    """The lowest lane of the mask is the leader."""
    pair = i.operands[0].elements if isinstance(i.operands[0], Several) else (i.operands[0], None)
    target = a.lanes_target(pair[0])
    predicate = a.lanes_target(pair[1]) if pair[1] is not None else None
    mask = a.source(i.operands[1], "b32")

    def step(m: Machine) -> None:
        leader = np.argmax(_groups(m, mask), axis=1).astype(np.uint32)
        target(m, leader)
        if predicate is not None:
            predicate(m, leader == m.lanes % WARP)

    return step

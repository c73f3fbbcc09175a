"""Branches, barriers, and where lanes meet (PTX ISA, sections 9.7.12 and 9.7.13)."""

from __future__ import annotations

import numpy as np

from irc.codegen.ptx_interpreter.assembler import Assembler, Branch, Leave, Meeting, executes
from irc.codegen.ptx_interpreter.errors import Fault
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.mbarrier import waiting_for
from irc.codegen.ptx_interpreter.scalars import TYPES
from irc.codegen.ptx_interpreter.syntax import Instruction, Register, Symbol

# Ends of straight runs.


def end_of(i: Instruction, a: Assembler) -> Branch | Leave | None:
    """How an instruction ends a straight run; None where it does not."""
    a.now = i
    guard = a.guard(i.guard) if i.guard is not None and i.name in ("bra", "ret", "exit", "brx") else None
    match i.name:
        case "bra":
            assert isinstance(i.operands[0], Symbol | Register)
            return Branch((i.operands[0].name,), guard)
        case "brx":
            assert isinstance(i.operands[1], Symbol | Register)
            if guard is not None:
                raise a.refuse(f"the instruction '{i.opcode}' under a guard")
            return Branch(a.function.targets[i.operands[1].name], None, a.source(i.operands[0], "u32"))
        case "ret" | "exit":
            return Leave(guard)
    return None


@executes("trap", "brkpt")
def trap(i: Instruction, a: Assembler) -> Step:
    def step(m: Machine) -> None:
        raise Fault(f"'{i.name}' is reached", 0)

    return step


# Meetings.

_MASKS = {"shfl": 4, "vote": 2, "redux": 2, "match": 2, "elect": 1}
"""Which operand of a collective is its mask."""
_WHOLE_WARPS = ("ldmatrix", "stmatrix", "mma", "movmatrix")


def meeting_of(i: Instruction, a: Assembler) -> Meeting | None:
    """Whom an instruction waits for; None where for nobody."""
    a.now = i
    if i.name in _MASKS and i.has("sync"):
        return Meeting("warp", mask=a.source(i.operands[_MASKS[i.name]], "b32"))
    if i.name in _WHOLE_WARPS:
        return Meeting("warp")
    if i.name == "mbarrier" and i.modifiers[0] in ("test_wait", "try_wait"):
        return waiting_for(i, a)
    if i.name not in ("bar", "barrier"):
        return None
    if i.has("warp"):
        return Meeting("warp", mask=a.source(i.operands[0], "b32"))
    aligned = i.name == "bar" or i.has("aligned")
    if i.has("cluster"):
        return Meeting("barrier", aligned=aligned) if i.has("wait") else None
    first = 1 if i.has("red") else 0
    last = len(i.operands) - first
    operands = i.operands[first : first + last]
    count = a.source(operands[1], "u32") if len(operands) > (2 if i.has("red") else 1) else None
    return Meeting(
        "barrier", barrier=a.source(operands[0], "u32"), count=count, arrive=i.has("arrive"), aligned=aligned
    )


@executes("bar", "barrier")
def barrier(i: Instruction, a: Assembler) -> Step:
    """What a barrier does once its threads are there: nothing, or a reduction of their predicates."""
    if i.has("warp"):
        return lambda m: m.clocks.pass_warp_barrier(m.active)
    if not i.has("red"):
        return lambda m: None
    return _reduction(i, a)


_VOTES = {"popc": np.add, "and": np.logical_and, "or": np.logical_or}


def _reduction(i: Instruction, a: Assembler) -> Step:
    kind = i.first_of(*_VOTES)
    target, predicate = a.lanes_target(i.operands[0]), a.source(i.operands[-1], "pred")
    dtype = TYPES["u32" if kind == "popc" else "pred"]

    def step(m: Machine) -> None:
        block = m.lanes // m.shape.lanes
        votes = np.full(len(m.blocks), kind == "and", dtype)
        _VOTES[kind].at(votes, block, m.per_lane(predicate(m)).astype(dtype))
        target(m, votes[block])

    return step

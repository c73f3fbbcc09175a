"""Barriers in shared memory, and bulk copies that complete at them (PTX ISA, sections 9.7.13.15 and 9.7.9.25.5).

A barrier's phase is complete when all arrivals it counts and all bytes it expects are there; threads that wait for it go on
then, and see what was written before the arrivals and what was copied."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from irc.codegen.ptx_interpreter.access import Places
from irc.codegen.ptx_interpreter.assembler import Assembler, Meeting, Source, executes
from irc.codegen.ptx_interpreter.errors import Fault
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.scalars import Array
from irc.codegen.ptx_interpreter.shadow import IN_FLIGHT, KNOWN
from irc.codegen.ptx_interpreter.syntax import Instruction

PIECE = 16
"""Bulk copies are of multiples of so many bytes."""


@dataclass(slots=True)
class _Barrier:
    """`count` arrivals complete a phase, `missing` of which are still to come, as are `expected` bytes."""

    count: int
    missing: int
    expected: int = 0
    phase: int = 0
    flying: list[Array] = field(default_factory=list)
    """Places of copies that complete at it."""
    coming: int = 0
    """Bytes of copies that are on their way until a thread waits."""


class _Barriers:
    """The barriers of a batch, by their offset in the shared memory of all blocks."""

    def __init__(self) -> None:
        self.at: dict[int, _Barrier] = {}

    def find(self, offset: int, m: Machine, row: int) -> _Barrier:
        found = self.at.get(offset)
        if found is None:
            where = offset % m.shared_stride
            raise Fault(f"the mbarrier at byte {where} of shared memory is not initialised", row)
        return found

    @staticmethod
    def of(m: Machine) -> _Barriers:
        if _Barriers not in m.state:
            m.state[_Barriers] = _Barriers()
        found: _Barriers = m.state[_Barriers]
        return found


def _complete(m: Machine, barrier: _Barrier) -> None:
    """Begins the next phase where nothing is missing any more."""
    if barrier.missing or barrier.expected:
        return
    barrier.phase += 1
    barrier.missing = barrier.count
    shadow = m.shared.shadow
    for offsets in barrier.flying:
        units = shadow.units(offsets, PIECE)
        shadow.set_state(units, KNOWN)
        shadow.writers.time[units] = shadow.writers.latest = m.clocks.now
    barrier.flying.clear()


def _offsets(m: Machine, address: Source) -> list[int]:
    """Where the barrier of each active lane lies."""
    places = Places(m, m.per_lane(address(m)), "shared", 8, "an mbarrier")
    return [int(o) for o in places.parts[0][2]]


@executes("mbarrier")
def mbarrier(i: Instruction, a: Assembler) -> Step:
    kind = i.modifiers[0]
    if i.has("noComplete"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    match kind:
        case "init":
            return _init(i, a)
        case "inval":
            return _forget(i, a)
        case "arrive":
            return _arrive(i, a)
        case "expect_tx" | "complete_tx":
            return _transactions(i, a, 1 if kind == "expect_tx" else -1)
        case "test_wait" | "try_wait":
            target = a.lanes_target(i.operands[0])

            def passed(m: Machine) -> None:
                target(m, np.ones(1, bool))
                m.clocks.pass_barrier(m.active)

            return passed
    raise a.refuse(f"the instruction '{i.opcode}'")


def _init(i: Instruction, a: Assembler) -> Step:
    address, count = a.address(i.operands[0]), a.source(i.operands[1], "u32")

    def step(m: Machine) -> None:
        counts = m.per_lane(count(m))
        for row, offset in enumerate(_offsets(m, address)):
            _Barriers.of(m).at[offset] = _Barrier(int(counts[row]), int(counts[row]))

    return step


def _forget(i: Instruction, a: Assembler) -> Step:
    address = a.address(i.operands[0])

    def step(m: Machine) -> None:
        for offset in _offsets(m, address):
            _Barriers.of(m).at.pop(offset, None)

    return step


def _arrive(i: Instruction, a: Assembler) -> Step:
    """`state, [address]`, with a number of arrivals, or of bytes that are expected from now on."""
    target, address = a.lanes_target(i.operands[0]), a.address(i.operands[1])
    given = a.source(i.operands[2], "u32") if len(i.operands) > 2 else None
    expects = i.has("expect_tx")

    def step(m: Machine) -> None:
        numbers = np.ones(m.count, np.uint32) if given is None else m.per_lane(given(m))
        states = np.zeros(m.count, np.uint64)
        for row, offset in enumerate(_offsets(m, address)):
            barrier = _Barriers.of(m).find(offset, m, row)
            states[row] = barrier.phase
            barrier.expected += int(numbers[row]) if expects else 0
            barrier.missing -= 1 if expects else int(numbers[row])
            if barrier.missing < 0:
                raise Fault(f"more threads arrive at an mbarrier than the {barrier.count} it counts", row)
            _complete(m, barrier)
        target(m, states)

    return step


def _transactions(i: Instruction, a: Assembler, sign: int) -> Step:
    address, count = a.address(i.operands[0]), a.source(i.operands[1], "u32")

    def step(m: Machine) -> None:
        counts = m.per_lane(count(m))
        for row, offset in enumerate(_offsets(m, address)):
            barrier = _Barriers.of(m).find(offset, m, row)
            barrier.expected += sign * int(counts[row])
            if sign < 0:
                _complete(m, barrier)

    return step


def waiting_for(i: Instruction, a: Assembler) -> Meeting:
    """The phase that `p, [address], state` waits for: the state's, or with `.parity` one that is even or odd."""
    address, state = a.address(i.operands[1]), a.source(i.operands[2], "u32" if i.has("parity") else "u64")
    parity = i.has("parity")

    def ready(m: Machine) -> Array:
        states = m.per_lane(state(m))
        found = np.zeros(m.count, bool)
        for row, offset in enumerate(_offsets(m, address)):
            barrier = _Barriers.of(m).find(offset, m, row)
            if barrier.coming:
                barrier.expected -= barrier.coming
                barrier.coming = 0
                _complete(m, barrier)
            phase = barrier.phase
            found[row] = phase & 1 != int(states[row]) & 1 if parity else phase > int(states[row])
        return found

    return Meeting("phase", ready=ready)


def bulk_copy(i: Instruction, a: Assembler) -> Step:
    """`[shared], [global], size, [mbarrier]`: the bytes are there when the barrier's phase is complete."""
    if i.has("tensor") or not i.has("mbarrier::complete_tx::bytes") or not i.has("global"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    to, of, at = (a.address(i.operands[n]) for n in (0, 1, 3))
    size = a.source(i.operands[2], "u32")
    what = "a bulk copy"

    def one(m: Machine, row: int, addresses: tuple[int, int], count: int, offset: int) -> None:
        steps = np.arange(0, count, PIECE, dtype=np.uint64)
        try:
            words = Places(m, np.uint64(addresses[1]) + steps, "global", PIECE, what).load(record=False)
        except Fault as fault:
            fault.lane = row
            raise
        block = int(m.lanes[row]) // m.shape.lanes * m.shared_stride
        if addresses[0] % PIECE or addresses[0] + count > m.shared_size:
            raise Fault(
                f"{what} of {count} bytes to byte {addresses[0]} of shared memory does not fit there", row
            )
        offsets = addresses[0] + block + steps.astype(np.int64)
        threads = np.full(len(offsets), m.numbers()[row], np.int32)
        m.shared.note_write(m.clocks, offsets, PIECE, threads, what, IN_FLIGHT)
        m.shared.view(PIECE)[offsets // PIECE] = words
        barrier = _Barriers.of(m).find(offset, m, row)
        barrier.flying.append(offsets)
        barrier.coming += count

    def step(m: Machine) -> None:
        targets, sources, sizes = (m.per_lane(s(m)) for s in (to, of, size))
        for row, offset in enumerate(_offsets(m, at)):
            if sizes[row] % PIECE:
                raise Fault(f"{what} of {int(sizes[row])} bytes, which is no multiple of {PIECE}", row)
            one(m, row, (int(targets[row]), int(sources[row])), int(sizes[row]), offset)

    return step

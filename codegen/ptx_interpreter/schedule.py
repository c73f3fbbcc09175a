"""Which lanes run next: always those at the lowest place, so that ways that parted come together again.

A group of lanes at the same place runs as one. Lanes wait where an instruction needs others of their warp or block; when
all that are left wait, the kernel is stuck and the message says who waits for whom."""

from __future__ import annotations

import numpy as np

from irc.codegen.ptx_interpreter.assembler import Branch, Kernel, Leave, Meeting, Straight
from irc.codegen.ptx_interpreter.errors import Fault, first
from irc.codegen.ptx_interpreter.machine import Machine
from irc.codegen.ptx_interpreter.scalars import Array
from irc.codegen.ptx_interpreter.shadow import WARP
from irc.codegen.ptx_interpreter.syntax import Instruction
from irc.codegen.ptx_interpreter.warp import in_warps, members, of_lanes

Lanes = Array | None
"""In increasing order; None: all of the batch."""


class Stuck(Exception):
    """A fault of a lane, with the instruction it came from."""

    def __init__(self, instruction: Instruction, lane: int | None, message: str) -> None:
        self.instruction, self.lane, self.message = instruction, lane, message
        super().__init__(message)


class Schedule:
    """Runs one batch of blocks to its end."""

    def __init__(self, m: Machine, kernel: Kernel, limit: int) -> None:
        self.m, self.kernel, self.limit = m, kernel, limit
        self.pending: dict[int, Lanes] = {}
        self.waiting: dict[int, Array] = {}
        """Lanes at meetings of a warp, by place."""
        self.parked: list[tuple[int, int, Array]] = []
        """(place, barrier, lanes) at meetings of a block."""
        self.arrived: dict[int, Array] = {}
        """How many threads of each block have come to a barrier."""
        self.exited = np.zeros(m.size, bool)
        threads = np.arange(m.size) % m.shape.lanes < m.shape.threads
        self.exited[~threads] = True
        m.clocks.leave_out(np.flatnonzero(~threads))
        self.threads = int(threads.sum())
        self.alive = self.threads

    def run(self) -> None:
        """To the end. Raises Stuck."""
        self.add(0, np.flatnonzero(~self.exited))
        runs = 0
        while self.pending:
            place = min(self.pending)
            group = self.pending.pop(place)
            runs += 1
            if runs > self.limit:
                self._fail(
                    place, Fault(f"no end is in sight after {self.limit} runs: a loop that waits for ever?")
                )
            if place == len(self.kernel.blocks):
                self._leave(group)
                continue
            self._activate(group)
            block = self.kernel.blocks[place]
            match block.meeting:
                case None:
                    self._straight(place, block)
                case Meeting(kind="barrier"):
                    self._barrier(place, block, block.meeting)
                case _:
                    self._collective(place, block, block.meeting)
            if not self.pending:
                self._look_again()
            if not self.pending and (self.waiting or self.parked):
                self._deadlock()

    # Groups.

    def add(self, place: int, lanes: Lanes) -> None:
        """More lanes at a place."""
        if lanes is not None and place in self.pending:
            there = self.pending[place]
            assert there is not None
            lanes = np.sort(np.concatenate([there, lanes]))
        if lanes is not None and len(lanes) == self.m.size:
            lanes = None
        self.pending[place] = lanes

    def _activate(self, group: Lanes) -> None:
        m = self.m
        m.active = group
        m.whole = m.count == self.alive

    def _fail(self, place: int, fault: Fault, number: int = -1) -> None:
        instruction = self.kernel.blocks[place].instructions[number]
        lane = None if fault.lane is None else int(self.m.lanes[fault.lane])
        raise Stuck(instruction, lane, str(fault)) from None

    # Straight runs.

    def _straight(self, place: int, block: Straight) -> None:
        m = self.m
        number = -1
        try:
            for number, step in enumerate(block.steps):  # noqa: B007
                step(m)
            number = -1
            self._end(place, block.end)
        except Fault as fault:
            self._fail(place, fault, number)

    def _end(self, place: int, end: Branch | Leave | None) -> None:
        m, group = self.m, self.m.active
        match end:
            case None:
                self.add(place + 1, group)
            case Leave(None):
                self._leave(group)
            case Leave(guard):
                assert guard is not None
                stays = self._split(group, m.lanes_of(guard(m)), self._leave)
                self._go(place + 1, stays)
            case Branch((target,), None, None):
                self.add(self.kernel.labels[target], group)
            case Branch((target,), guard, None):
                assert guard is not None
                label = self.kernel.labels[target]
                rest = self._split(group, m.lanes_of(guard(m)), lambda lanes: self.add(label, lanes))
                self._go(place + 1, rest)
            case Branch(targets, _, index):
                assert index is not None
                self._indexed(targets, m.per_lane(index(m)))

    def _go(self, place: int, lanes: Lanes | int) -> None:
        if not isinstance(lanes, int):
            self.add(place, lanes)

    def _split(self, group: Lanes, chosen: Array, take) -> Lanes | int:  # type: ignore[no-untyped-def]
        """Gives the chosen lanes to `take`; the others, or 0 where there are none."""
        if chosen.all():
            take(group)
            return 0
        if not chosen.any():
            return group
        lanes = self.m.lanes
        take(lanes[chosen])
        return lanes[~chosen]

    def _indexed(self, targets: tuple[str, ...], index: Array) -> None:
        if (index >= len(targets)).any():
            raise Fault(
                f"'brx.idx' of {len(targets)} targets gets {int(index.max())}", first(index >= len(targets))
            )
        lanes = self.m.lanes
        for number in np.unique(index):
            self.add(self.kernel.labels[targets[int(number)]], lanes[index == number])

    def _leave(self, group: Lanes) -> None:
        if group is None:
            self.exited[:] = True
            self.alive = 0
        else:
            self.exited[group] = True
            self.alive -= len(group)

    # Meetings of a warp.

    def _collective(self, place: int, block: Straight, meeting: Meeting) -> None:
        m = self.m
        if place in self.waiting:
            self._activate(np.sort(np.concatenate([m.lanes, self.waiting.pop(place)])))
            if m.count == m.size:
                self._activate(None)
        try:
            if meeting.ready is None:
                ready = self._ready(meeting, block.instructions[0])
            else:
                phase = meeting.ready(m)
                ready = None if phase.all() else phase
        except Fault as fault:
            self._fail(place, fault)
            raise
        if ready is not None:
            lanes = m.lanes
            self.waiting[place] = lanes[~ready]
            if not ready.any():
                return
            self._activate(lanes[ready])
        try:
            block.steps[0](m)
        except Fault as fault:
            self._fail(place, fault)
        self.add(place + 1, m.active)

    def _ready(self, meeting: Meeting, instruction: Instruction) -> Array | None:
        """Which active lanes have all that they wait for; None where all have."""
        m = self.m
        lane = m.lanes % WARP
        masks = np.full(m.count, 0xFFFFFFFF, np.uint32)
        if meeting.mask is not None:
            masks = m.per_lane(meeting.mask(m)).view(np.uint32)
        if m.active is None and (masks == 0xFFFFFFFF).all():
            return None
        outside = masks >> lane.astype(np.uint32) & np.uint32(1) == 0
        if outside.any():
            row = first(outside)
            raise Fault(
                f"'{instruction.opcode}' is run by lane {lane[row]}, which its mask {masks[row]:#x} leaves out",
                row,
            )
        here = of_lanes(m, in_warps(m, np.ones(m.count, bool)))
        wanted = members(masks)
        missing = wanted & ~here
        gone = missing & of_lanes(m, self.exited.reshape(-1, WARP))
        if gone.any():
            row = first(gone)
            absent = int(np.flatnonzero(gone[row])[0])
            raise Fault(
                f"'{instruction.opcode}' is divergent: its mask {masks[row]:#x} names lane {absent}, "
                f"which {self._whereabouts(int(m.lanes[row]) // WARP * WARP + absent)}",
                row,
            )
        theirs = of_lanes(m, in_warps(m, masks))
        differ = (wanted & here & (theirs != masks[:, None])).any(1)
        if differ.any():
            row = first(differ)
            raise Fault(
                f"'{instruction.opcode}' gets different masks from the lanes that {masks[row]:#x} names", row
            )
        ready: Array = np.asarray(~missing.any(1))
        return None if ready.all() else ready

    # Meetings of a block.

    def _barrier(self, place: int, block: Straight, meeting: Meeting) -> None:
        m = self.m
        try:
            numbers = np.zeros(1, np.uint32) if meeting.barrier is None else m.lanes_of(meeting.barrier(m))
            count = m.shape.threads if meeting.count is None else int(_one(m.lanes_of(meeting.count(m))))
            expected = count or m.shape.threads
            everybody = m.count == self.threads and expected == m.shape.threads and not self.parked
            if (
                everybody
                and not meeting.arrive
                and (numbers == numbers[0]).all()
                and not self.arrived.get(int(numbers[0]), np.zeros(1)).any()
            ):
                self._release(place, block)
                return
            numbers = np.broadcast_to(numbers, (m.count,))
            lanes = m.lanes
            for number in np.unique(numbers):
                self._arrive(place, int(number), lanes[numbers == number], expected, wait=not meeting.arrive)
            if meeting.arrive:
                self.add(place + 1, lanes if len(lanes) < m.size else None)
        except Fault as fault:
            self._fail(place, fault)

    def _release(self, place: int, block: Straight) -> None:
        """The active lanes pass a barrier."""
        m = self.m
        m.clocks.pass_barrier(m.active)
        block.steps[0](m)
        self.add(place + 1, m.active)

    def _arrive(self, place: int, number: int, lanes: Array, expected: int, *, wait: bool) -> None:
        m = self.m
        arrived = self.arrived.setdefault(number, np.zeros(len(m.blocks), np.int64))
        arrived += np.bincount(lanes // m.shape.lanes, minlength=len(m.blocks))
        if wait:
            self.parked.append((place, number, lanes))
        if (arrived > expected).any():
            raise Fault(f"barrier {number} of {expected} threads is reached by {int(arrived.max())}", 0)
        complete = arrived == expected
        if not complete.any():
            return
        arrived[complete] = 0
        self._check_aligned(number, complete)
        kept: list[tuple[int, int, Array]] = []
        for where, barrier, held in self.parked:
            goes = complete[held // m.shape.lanes] & (barrier == number)
            if goes.any():
                chosen = held[goes]
                self._activate(chosen if len(chosen) < m.size else None)
                self._release(where, self.kernel.blocks[where])
            if not goes.all():
                kept.append((where, barrier, held[~goes]))
        self.parked = kept

    def _check_aligned(self, number: int, complete: Array) -> None:
        """The lanes of a warp come to an aligned barrier at the same instruction."""
        at: dict[int, int] = {}
        for place, barrier, lanes in self.parked:
            meeting = self.kernel.blocks[place].meeting
            if barrier != number or meeting is None or not meeting.aligned:
                continue
            for warp in np.unique(lanes[complete[lanes // self.m.shape.lanes]] // WARP):
                other = at.setdefault(int(warp), place)
                if other != place:
                    line = self.kernel.blocks[other].instructions[0].line
                    self._activate(lanes)
                    raise Fault(
                        f"barrier {number} is divergent: other threads of the warp are at the one of line {line}",
                        int(np.flatnonzero(lanes // WARP == warp)[0]),
                    )

    def _look_again(self) -> None:
        """Those who wait for a phase go on where it is complete by now."""
        for place in sorted(self.waiting):
            block = self.kernel.blocks[place]
            if block.meeting is not None and block.meeting.ready is not None:
                self._activate(self.waiting.pop(place))
                self._collective(place, block, block.meeting)

    # Nobody can go on.

    def _deadlock(self) -> None:
        if self.waiting:
            place = min(self.waiting)
            self._activate(self.waiting[place])
            lane = int(self.waiting[place][0])
            opcode = self.kernel.blocks[place].instructions[0].opcode
            meeting = self.kernel.blocks[place].meeting
            assert meeting is not None
            if meeting.ready is not None:
                self._fail(place, Fault(f"deadlock: '{opcode}' waits for a phase that nobody completes", 0))
            mask = (
                0xFFFFFFFF
                if meeting.mask is None
                else int(self.m.per_lane(meeting.mask(self.m)).view(np.uint32)[0])
            )
            base = lane // WARP * WARP
            here = set(self.waiting[place].tolist())
            absent = next(base + n for n in range(WARP) if mask >> n & 1 and base + n not in here)
            self._fail(place, Fault(
                f"deadlock: '{opcode}' is divergent: it waits for lane {absent % WARP} of its warp, "
                f"which {self._whereabouts(absent)}", 0))  # fmt: skip
        place, number, lanes = self.parked[0]
        self._activate(lanes)
        block = int(lanes[0]) // self.m.shape.lanes
        start = block * self.m.shape.lanes
        waiting = {int(lane) for _, other, held in self.parked if other == number for lane in held}
        absent = next((n for n in range(start, start + self.m.shape.threads) if n not in waiting), start)
        came = int(self.arrived[number][block])
        self._fail(place, Fault(
            f"deadlock: {came} of {self.m.shape.threads} threads of the block wait at barrier {number}; "
            f"thread {self.m.place(absent)[1]} {self._whereabouts(absent)}", 0))  # fmt: skip

    def _whereabouts(self, lane: int) -> str:
        if lane % self.m.shape.lanes >= self.m.shape.threads:
            return "the block does not have"
        if self.exited[lane]:
            return "has exited"
        for place, lanes in self.waiting.items():
            if lane in lanes:
                return f"waits at line {self.kernel.blocks[place].instructions[0].line}"
        for place, _, lanes in self.parked:
            if lane in lanes:
                return f"waits at the barrier of line {self.kernel.blocks[place].instructions[0].line}"
        return "is elsewhere"


def _one(values: Array) -> int:
    if (values != values[0]).any():
        raise Fault("the threads of a barrier name different counts", first(values != values[0]))
    return int(values[0])

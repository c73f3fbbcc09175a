"""What happened to each byte of a memory: was it written, is a copy on its way, and who touched it when.

Entries are kept for units: the narrowest access so far. Time is a counter that moves at barriers, so that what happened
before a barrier and after it can be told apart; an access is in order with another if a barrier that both threads passed
lies between the two, and races with it otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.scalars import Array

UNKNOWN, KNOWN, IN_FLIGHT = 0, 1, 2
WARP = 32
WIDEST = 16
"""The widest access of one thread, in bytes."""

ALWAYS = np.iinfo(np.int32).max


@dataclass(slots=True)
class Clocks:
    """When each thread of a batch last passed what orders memory. `first` is the number of the batch's first thread in the
    launch, `block` the threads of a block, full warps of them; `now` is the time."""

    first: int
    block: int
    threads: int
    now: int
    block_time: Array = field(init=False)
    warp_time: Array = field(init=False)
    fence_time: Array = field(init=False)
    settled: int = 0
    """What happened in a block before this time is in order for all its threads."""
    warps: bool = False
    """Some warp has passed a barrier of its own."""

    def __post_init__(self) -> None:
        self.block_time, self.warp_time, self.fence_time = (
            np.zeros(self.threads, np.int32) for _ in range(3)
        )

    def leave_out(self, lanes: Array) -> None:
        """Lanes that no thread runs in."""
        self.block_time[lanes] = ALWAYS

    def pass_barrier(self, lanes: Array | None) -> None:
        """These threads, or all, have passed a barrier of their blocks."""
        self.now += 1
        if lanes is None:
            self.block_time.fill(self.now)
            self.settled = self.now
        else:
            self.block_time[lanes] = self.now
            self.settled = int(self.block_time.min())

    def pass_warp_barrier(self, lanes: Array | None) -> None:
        """These threads, or all, have passed a barrier of their warps."""
        self.now += 1
        self.warps = True
        self.warp_time[slice(None) if lanes is None else lanes] = self.now

    def pass_fence(self, lanes: Array | None) -> None:
        """A fence of the device: what other blocks did before it is taken to be in order, for the whole block."""
        self.now += 1
        if lanes is None:
            self.fence_time[:] = self.now
        else:
            self.fence_time.reshape(-1, self.block)[np.unique(lanes // self.block)] = self.now

    def unordered(self, threads: Array, low: Array, high: Array, times: Array, *, shared: bool) -> Array:
        """Whether what threads from `low` to `high` did at some times may still go on when these threads act now."""
        lane = threads - self.first
        passed = self.block_time[lane]
        if self.warps:
            warp = threads // WARP
            own = (low // WARP == warp) & (high // WARP == warp)
            passed = np.where(own, np.maximum(self.warp_time[lane], passed), passed)
        if not shared:
            block = threads // self.block
            here = (low // self.block == block) & (high // self.block == block)
            passed = np.where(here, passed, self.fence_time[lane])
        return times >= passed


class Touched:
    """Who touched each unit last, and when: the lowest and the highest of the threads that did so with no barrier between.

    `shared` memory belongs to one block each, so that its barriers put all in order."""

    def __init__(self, units: int, *, shared: bool) -> None:
        self.low: Array = np.full(units, -1, np.int32)
        self.high: Array = np.full(units, -1, np.int32)
        self.time: Array = np.full(units, -1, np.int32)
        self.many: Array = np.zeros(units, bool)
        """Threads of several blocks touched it: more of them change nothing."""
        self.shared = shared
        self.latest = -1

    def refine(self, factor: int) -> None:
        planes = (self.low, self.high, self.time, self.many)
        self.low, self.high, self.time, self.many = (np.repeat(a, factor) for a in planes)

    def forget(self) -> None:
        if self.latest >= 0:
            for plane in (self.low, self.high, self.time):
                plane.fill(-1)
            self.many.fill(False)
            self.latest = -1

    def settled(self, clocks: Clocks) -> bool:
        """Nothing in it can race with what happens now."""
        return self.latest < (clocks.settled if self.shared else 0)

    def touched(self, units: Array) -> Array | None:
        """Which units somebody touched in this launch; None where nobody did."""
        if self.latest < 0:
            return None
        found: Array = self.time[units] >= 0
        return found if found.any() else None

    def conflict(self, clocks: Clocks, units: Array, threads: Array) -> Array | None:
        """Which of the accesses now race with those marked; None where there is none."""
        if self.settled(clocks):
            return None
        low, high, times = self.low[units], self.high[units], self.time[units]
        bad = ((low != threads) | (high != threads)) & (times >= 0)
        if not bad.any():
            return None
        threads = _along(threads, units)
        bad &= clocks.unordered(threads, low, high, times, shared=self.shared)
        return bad if bad.any() else None

    def touch(self, clocks: Clocks, units: Array, threads: Array) -> None:
        """These threads, in increasing order, read units now, which others may do too."""
        threads = _along(threads, units)
        low = high = threads
        if not self.settled(clocks):
            if not self.shared and self.many[units].all():
                return
            old_low, old_high, times = self.low[units], self.high[units], self.time[units]
            since = clocks.block_time[threads - clocks.first] if self.shared else 0
            live = times >= since
            low = np.where(live, np.minimum(old_low, threads), threads)
            high = np.where(live, np.maximum(old_high, threads), threads)
            if not self.shared:
                self.many[units] = low // clocks.block != high // clocks.block
        # Of several values for one unit the last is kept: the lowest of one, the highest of the other.
        self.low[units[::-1]] = low[::-1]
        self.high[units] = high
        self.time[units] = clocks.now
        self.latest = clocks.now

    def own(self, clocks: Clocks, units: Array, threads: Array) -> Array | None:
        """These threads write units now, each for itself. Those who meet another at the same moment."""
        threads = _along(threads, units)
        self.low[units] = threads
        self.high[units] = threads
        self.time[units] = clocks.now
        self.latest = clocks.now
        meeting = self.high[units] != threads
        return meeting if meeting.any() else None


def _along(threads: Array, units: Array) -> Array:
    return threads if threads.shape == units.shape else np.broadcast_to(threads, units.shape)


class Shadow:
    """The marks of one memory of so many bytes; `shared` where each part of it belongs to one block."""

    def __init__(self, size: int, *, known: bool, shared: bool = False) -> None:
        self.size = size
        self.unit = WIDEST
        units = -(-size // self.unit)
        self.state: Array = np.full(units, KNOWN if known else UNKNOWN, np.uint8)
        self.whole = known
        """Nothing in it is unknown or in flight."""
        self.readers = Touched(units, shared=shared)
        self.writers = Touched(units, shared=shared)

    def units(self, start: Array, width: int) -> Array:
        """The units of accesses of `width` bytes at byte offsets that are multiples of it: [n] or [n, units of each]."""
        if width < self.unit:
            factor = self.unit // width
            self.unit = width
            self.state = np.repeat(self.state, factor)
            self.readers.refine(factor)
            self.writers.refine(factor)
        units = start >> (self.unit.bit_length() - 1)
        count = width // self.unit
        return units if count == 1 else units[:, None] + np.arange(count)

    def forget_accesses(self) -> None:
        """A launch begins: what earlier ones did is in order."""
        self.readers.forget()
        self.writers.forget()

    def set_state(self, units: Any, state: int) -> None:
        if self.whole and state == KNOWN:
            return
        self.state[units] = state
        if state != KNOWN:
            self.whole = False

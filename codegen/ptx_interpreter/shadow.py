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

SAME_THREAD, SAME_WARP, SAME_BLOCK, ELSEWHERE = range(4)
"""How far two threads are apart."""


@dataclass(slots=True)
class Clocks:
    """When each thread of a batch last passed what orders memory. `first` is the number of the batch's first thread in the
    launch, `block` the threads of a block, full warps of them."""

    first: int
    block: int
    threads: int
    now: int
    block_time: Array = field(init=False)
    warp_time: Array = field(init=False)
    fence_time: Array = field(init=False)

    def __post_init__(self) -> None:
        self.block_time, self.warp_time, self.fence_time = (
            np.zeros(self.threads, np.int32) for _ in range(3)
        )

    def pass_barrier(self, lanes: Array | None) -> None:
        self.now += 1
        self.block_time[slice(None) if lanes is None else lanes] = self.now

    def pass_warp_barrier(self, lanes: Array | None) -> None:
        self.now += 1
        self.warp_time[slice(None) if lanes is None else lanes] = self.now

    def pass_fence(self, lanes: Array | None) -> None:
        """A fence of the device: what other blocks did before it is taken to be in order, for the whole block."""
        self.now += 1
        if lanes is None:
            self.fence_time[:] = self.now
        else:
            self.fence_time.reshape(-1, self.block)[np.unique(lanes // self.block)] = self.now

    def distance(self, threads: Array, others: Array) -> Array:
        """How far threads (numbers in the launch) are from others."""
        return (
            (threads != others).astype(np.uint8)
            + (threads // WARP != others // WARP)
            + (threads // self.block != others // self.block)
        )

    def unordered(self, threads: Array, others: Array, times: Array, spread: Array) -> Array:
        """Whether what others did at some times may still go on when these threads act now."""
        apart = np.maximum(self.distance(threads, others), spread)
        lane = threads - self.first
        block_time = self.block_time[lane]
        passed = np.where(apart == ELSEWHERE, self.fence_time[lane], block_time)
        passed = np.where(apart == SAME_WARP, np.maximum(self.warp_time[lane], block_time), passed)
        return (apart != SAME_THREAD) & (times >= passed)


class Touched:
    """Who touched each unit last, when, and how far apart those are who touched it since it was last in order."""

    def __init__(self, units: int) -> None:
        self.thread: Array = np.full(units, -1, np.int32)
        self.time: Array = np.full(units, -1, np.int32)
        self.spread: Array = np.zeros(units, np.uint8)
        self.any = False

    def refine(self, factor: int) -> None:
        self.thread, self.time, self.spread = (
            np.repeat(a, factor) for a in (self.thread, self.time, self.spread)
        )

    def forget(self) -> None:
        if self.any:
            self.thread.fill(-1)
            self.time.fill(-1)
            self.spread.fill(0)
            self.any = False

    def conflict(self, clocks: Clocks, units: Array, threads: Array) -> Array | None:
        """Which of the accesses now race with these; None where there is none."""
        if not self.any:
            return None
        bad = self.thread[units] != threads
        bad |= self.spread[units] != 0
        if not bad.any():
            return None
        bad &= self.time[units] >= 0
        if not bad.any():
            return None
        bad &= clocks.unordered(
            np.broadcast_to(threads, units.shape), self.thread[units], self.time[units], self.spread[units]
        )
        return bad if bad.any() else None

    def mark(self, clocks: Clocks, units: Array, threads: Array, *, join: bool) -> Array | None:
        """These threads touch units now, which with `join` others may do too. Those who meet another at the same moment."""
        threads = np.broadcast_to(threads, units.shape)
        if join and self.any:
            joined = self.conflict(clocks, units, threads)
            spread = 0 if joined is None else np.where(
                joined, np.maximum(clocks.distance(threads, self.thread[units]), self.spread[units]), 0
            )  # fmt: skip
            self.spread[units] = spread
        elif self.any:
            self.spread[units] = 0
        self.thread[units] = threads
        self.time[units] = clocks.now
        self.any = True
        meeting = self.thread[units] != threads
        if not meeting.any():
            return None
        apart = clocks.distance(threads, self.thread[units])
        for distance in (SAME_WARP, SAME_BLOCK, ELSEWHERE):
            where = units[apart == distance]
            self.spread[where] = np.maximum(self.spread[where], distance)
        return meeting


class Shadow:
    """The marks of one memory of so many bytes. `base` bytes of the threads' numbers belong to whoever uses it."""

    def __init__(self, size: int, *, known: bool) -> None:
        self.size = size
        self.unit = WIDEST
        units = -(-size // self.unit)
        self.state: Array = np.full(units, KNOWN if known else UNKNOWN, np.uint8)
        self.whole = known
        """Nothing in it is unknown or in flight."""
        self.readers = Touched(units)
        self.writers = Touched(units)

    def units(self, start: Array, width: int) -> Array:
        """The units of accesses of `width` bytes at byte offsets that are multiples of it: [n] or [n, units of each]."""
        if width < self.unit:
            factor = self.unit // width
            self.unit = width
            self.state = np.repeat(self.state, factor)
            self.readers.refine(factor)
            self.writers.refine(factor)
        units = start // self.unit
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

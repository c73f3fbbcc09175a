"""A grid of blocks: threads that run one at a time, wait for each other where an op says so, and must not meet in memory.

Each thread of a block is a thread of Python that has the turn until it waits or ends; then the next one has it. So every
run is the same run, and what two threads do between the same barriers is compared by their marks in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.emulator.machine import EmulationError, Machine
from irc.codegen.emulator.memory import Array, Fault, Memory, Tickets
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation

WARP = 32
STACK = 1 << 20
"""Bytes of stack of each of Python's threads."""

Extents = tuple[int, int, int]
Meeting = Callable[[list[Any]], list[Any]]
"""What comes of the values that all who meet bring, in their order: one for each."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread stands."""

    grid: Extents
    block_size: Extents
    block: Extents
    thread: int

    @property
    def at(self) -> Extents:
        """The thread's place in its block."""
        return coordinates(self.thread, self.block_size)

    @property
    def threads(self) -> int:
        """Threads of a block."""
        x, y, z = self.block_size
        return x * y * z


def coordinates(number: int, extents: Extents) -> Extents:
    """A number as (x, y, z), x the fastest."""
    x, y, _ = extents
    return number % x, number // x % y, number // (x * y)


class Interval(Tickets):
    """Marks that a barrier makes old: entries are (interval, thread), the last thread's number + 1 stands for several."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.several = threads
        self.number = 0

    def next(self) -> None:
        """A barrier, or another block."""
        self.number += 1

    def read(self, memory: Memory, dtype: np.dtype[Any], places: Array) -> None:
        self._meet(memory, dtype, places, self.writers, "reads what thread {} wrote in")
        rows = memory.elements(self._marks(self.readers, memory), dtype)
        before = rows[places]
        mine = self._own()
        fresh = before < self.number * (self.several + 1)
        rows[places] = np.where(fresh | (before == mine), mine, mine - self.now + self.several)

    def write(self, memory: Memory, dtype: np.dtype[Any], places: Array) -> None:
        self._meet(memory, dtype, places, self.writers, "writes what thread {} wrote in")
        self._meet(memory, dtype, places, self.readers, "writes what thread {} read in")
        memory.elements(self._marks(self.writers, memory), dtype)[places] = self._own()

    def _own(self) -> int:
        return self.number * (self.several + 1) + self.now

    def _meet(
        self, memory: Memory, dtype: np.dtype[Any], places: Array, marks: dict[Memory, Array], fault: str
    ) -> None:
        if memory not in marks:
            return
        found = memory.elements(marks[memory], dtype)[places]
        start = self.number * (self.several + 1)
        others = found[(found >= start) & (found != self._own())]
        if others.size:
            other = int(others.flat[0]) - start
            name = "several" if other == self.several else str(other)
            raise Fault(f"{fault.format(name)} {memory.name}, with no barrier between")


class Thread(Machine):
    """A machine that is one thread of a block."""

    def __init__(self, host: Machine, team: Team, place: Place) -> None:
        self.symbols, self.order, self.globals = host.symbols, host.order, host.globals
        self.frame = {}
        self.foralls = team.tickets
        self.team = team
        self.place = place
        self.copies: list[list[tuple[Memory, np.dtype[Any], Array]]] = [[]]
        """Asynchronous copies of each group that is not waited for; the last is still open."""

    @property
    def lane(self) -> int:
        return self.place.thread % WARP

    def meet(self, op: Operation, warp: bool, value: Any, meeting: Meeting) -> Any:
        """Waits for the others of the warp or block at this op; what comes of it for this thread."""
        return self.team.wait(self.place.thread, op, warp, value, meeting)


class _Abandoned(BaseException):
    """Ends a thread whose block has failed."""


@dataclass(slots=True)
class _Waiting:
    op: Operation
    warp: bool
    value: Any
    meeting: Meeting


class Team:
    """The threads of one block. `start` runs them all to their ends."""

    def __init__(self, size: int, tickets: list[Tickets], interval: Interval) -> None:
        self.size = size
        self.tickets = tickets
        self.interval = interval
        self.waiting: dict[int, _Waiting] = {}
        self.results: dict[int, Any] = {}
        self.done: set[int] = set()
        self.failure: tuple[int, BaseException] | None = None
        self.abandoned = False
        self.turn = [threading.Semaphore(0) for _ in range(size)]
        self.back = threading.Semaphore(0)

    def run(self, body: Callable[[int], None], *, alone: bool) -> None:
        """Runs `body(thread)` for each; where they are `alone`, none of them waits, and no other threads are needed."""
        if alone:
            for n in range(self.size):
                self.interval.now = n
                self._guarded(body, n)
                self._raise()
            return
        before = threading.stack_size(STACK)
        try:
            crew = [
                threading.Thread(target=self._live, args=(body, n), daemon=True) for n in range(self.size)
            ]
            for thread in crew:
                thread.start()
        finally:
            threading.stack_size(before)
        try:
            self._turns()
        finally:
            self.abandoned = True
            for n in range(self.size):
                if n not in self.done:
                    self.turn[n].release()
            for thread in crew:
                thread.join()

    def _live(self, body: Callable[[int], None], n: int) -> None:
        self.turn[n].acquire()
        if not self.abandoned:
            self._guarded(body, n)
        self.done.add(n)
        if not self.abandoned:
            self.back.release()

    def _guarded(self, body: Callable[[int], None], n: int) -> None:
        try:
            body(n)
        except _Abandoned:
            pass
        except BaseException as error:
            self.failure = (n, error)

    def _raise(self) -> None:
        if self.failure is None:
            return
        n, error = self.failure
        if isinstance(error, EmulationError):
            raise EmulationError(f"{error.message}, in thread {n}", span=error.span) from None
        raise error

    def _turns(self) -> None:
        """Gives each thread that can go on its turn, until all have ended."""
        ready = list(range(self.size))
        while ready:
            for n in ready:
                self.interval.now = n
                self.turn[n].release()
                self.back.acquire()
                self._raise()
            ready = self._met()
            if not ready and len(self.done) < self.size:
                self._stuck()

    def wait(self, n: int, op: Operation, warp: bool, value: Any, meeting: Meeting) -> Any:
        """Called by thread n: gives the turn back until those it waits for are there."""
        self.waiting[n] = _Waiting(op, warp, value, meeting)
        self.back.release()
        self.turn[n].acquire()
        if self.abandoned:
            raise _Abandoned
        return self.results.pop(n)

    def _met(self) -> list[int]:
        """The threads whose meeting is complete; it takes place."""
        gone: list[int] = []
        for start in range(0, self.size, WARP):
            warp = range(start, min(start + WARP, self.size))
            if self._together(warp) and self.waiting[start].warp:
                gone += self._hold(warp)
        everybody = range(self.size)
        if not gone and self._together(everybody) and not self.waiting[0].warp:
            gone = self._hold(everybody)
            self.interval.next()
        return sorted(gone)

    def _together(self, threads: range) -> bool:
        """All wait, at the same op."""
        return all(n in self.waiting for n in threads) and len({id(self.waiting[n].op) for n in threads}) == 1

    def _hold(self, threads: range) -> list[int]:
        held = [self.waiting.pop(n) for n in threads]
        results = held[0].meeting([w.value for w in held])
        self.results |= dict(zip(threads, results, strict=True))
        return list(threads)

    def _stuck(self) -> None:
        n = min(self.waiting)
        op = self.waiting[n].op
        first = n // WARP * WARP if self.waiting[n].warp else 0
        last = min(first + WARP, self.size) if self.waiting[n].warp else self.size
        other = next(t for t in range(first, last) if t not in self.waiting or self.waiting[t].op is not op)
        does = "has ended" if other in self.done else f"waits at '{self.waiting[other].op.name}'"
        raise EmulationError(
            f"'{op.name}' is reached by thread {n}, which waits for thread {other}, which {does}: a deadlock",
            span=span_of(op.location),
        )


def run_grid(
    host: Machine, name: str, body: Block, grid: Extents, size: Extents, alone: bool,
    arguments: Callable[[], Sequence[Any]],
) -> None:  # fmt: skip
    """Runs the blocks of a kernel one after the other. `arguments()` makes what the threads of a block are given, the memory
    they share among it; `alone` says that no thread waits for another."""
    x, y, z = grid
    threads = size[0] * size[1] * size[2]
    between, interval = Tickets(), Interval(threads)
    for number in range(x * y * z):
        between.now = number
        interval.next()
        given = arguments()
        at = coordinates(number, grid)
        team = Team(threads, [*host.foralls, between, interval], interval)

        def one(thread: int, team: Team = team, at: Extents = at, given: Sequence[Any] = given) -> None:
            Thread(host, team, Place(grid, size, at, thread)).call(body, given)

        try:
            team.run(one, alone=alone)
        except EmulationError as error:
            raise EmulationError(f"{error.message} of block {at} of @{name}", span=error.span) from None

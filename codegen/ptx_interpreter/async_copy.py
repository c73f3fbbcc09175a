"""cp.async: copies that are on their way until waited for (PTX ISA, section 9.7.9.25).

Bytes are copied at once, but marked as in flight: reading them before the thread that copies has waited is a fault, and for
other threads the copy is a write at the moment of that wait, which a barrier must follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.access import Places
from irc.codegen.ptx_interpreter.assembler import Assembler, Source, executes
from irc.codegen.ptx_interpreter.errors import Fault, first
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.mbarrier import bulk_copy
from irc.codegen.ptx_interpreter.scalars import Array
from irc.codegen.ptx_interpreter.shadow import IN_FLIGHT, KNOWN
from irc.codegen.ptx_interpreter.syntax import Instruction


@dataclass(slots=True)
class _Copy:
    """Places that lanes copy to, and the group of the lane each copy belongs to."""

    offsets: Array
    width: int
    lanes: Array
    groups: Array


class Copies:
    """Copies in flight in a batch. Each lane numbers its groups; `open` is the one its next copy belongs to."""

    def __init__(self, m: Machine) -> None:
        self.open: Array = np.zeros(m.size, np.int64)
        self.done: Array = np.zeros(m.size, np.int64)
        self.flying: list[_Copy] = []

    @staticmethod
    def of(m: Machine) -> Copies:
        """Those of a machine."""
        if Copies not in m.state:
            m.state[Copies] = Copies(m)
        found: Copies = m.state[Copies]
        return found

    def start(self, m: Machine, offsets: Array, width: int) -> None:
        lanes = m.lanes
        self.flying.append(_Copy(offsets, width, lanes, self.open[lanes]))

    def commit(self, m: Machine) -> None:
        self.open[m.lanes] += 1

    def wait(self, m: Machine, left: int) -> None:
        """All groups of the active lanes but the last `left` are done."""
        lanes = m.lanes
        self.done[lanes] = np.maximum(self.done[lanes], self.open[lanes] - left)
        still: list[_Copy] = []
        for copy in self.flying:
            done = copy.groups < self.done[copy.lanes]
            if done.any():
                self._land(m, copy.offsets[done], copy.width)
            if not done.all():
                rest = ~done
                still.append(_Copy(copy.offsets[rest], copy.width, copy.lanes[rest], copy.groups[rest]))
        self.flying = still

    @staticmethod
    def _land(m: Machine, offsets: Array, width: int) -> None:
        shadow = m.shared.shadow
        units = shadow.units(offsets, width)
        shadow.set_state(units, KNOWN)
        shadow.writers.time[units] = shadow.writers.latest = m.clocks.now


@executes("cp")
def cp(i: Instruction, a: Assembler) -> Step:
    if i.modifiers[:2] == ("async", "commit_group"):
        return lambda m: Copies.of(m).commit(m)
    if i.modifiers[:2] == ("async", "wait_group"):
        left = a.source(i.operands[0], "u32")
        return lambda m: Copies.of(m).wait(m, int(left(m)[0]))
    if i.modifiers[:2] == ("async", "wait_all"):
        return _wait_all
    if i.has("bulk"):
        return bulk_copy(i, a)
    if i.modifiers[0] != "async" or i.modifiers[1] not in ("ca", "cg"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    return _copy(i, a)


def _wait_all(m: Machine) -> None:
    copies = Copies.of(m)
    copies.commit(m)
    copies.wait(m, 0)


def _copy(i: Instruction, a: Assembler) -> Step:
    """`[shared], [global], size, bytes to read`; the rest is zeros."""
    to, of = a.address(i.operands[0]), a.address(i.operands[1])
    width = int(a.source(i.operands[2], "u32")(_NOBODY)[0])
    if width not in (4, 8, 16) or (i.has("cg") and width != 16):
        raise a.refuse(f"the instruction '{i.opcode}' of {width} bytes")
    plain = len(i.operands) == 3 or i.has("L2::cache_hint")
    given: Source | None = None if plain else a.source(i.operands[3], "u32")

    def step(m: Machine) -> None:
        addresses = m.per_lane(of(m))
        if given is None:
            words = Places(m, addresses, "global", width, "an asynchronous copy").load(record=True)
        else:
            words = _partial(m, addresses, m.per_lane(given(m)), width)
        target = Places(m, m.per_lane(to(m)), "shared", width, "an asynchronous copy")
        _, _, offsets = target.parts[0]
        m.shared.note_write(m.clocks, offsets, width, m.numbers(), "an asynchronous copy", IN_FLIGHT)
        m.shared.view(width)[offsets // width] = words
        Copies.of(m).start(m, offsets, width)

    return step


_NOBODY: Any = None
"""What a literal does not need."""


def _partial(m: Machine, addresses: Array, sizes: Array, width: int) -> Array:
    """Words of which so many bytes are read and the others are zero."""
    if (sizes > width).any():
        raise Fault(f"an asynchronous copy of {width} bytes reads {int(sizes.max())}", first(sizes > width))
    table = np.zeros((len(addresses), width), np.uint8)
    for size in np.unique(sizes).tolist():
        chosen = sizes == size
        step = int(np.gcd(size, width))

        def read(m: Machine, step: int = step, size: int = size, chosen: Array = chosen) -> None:
            for at in range(0, size, step):
                places = Places(m, addresses[chosen] + np.uint64(at), "global", step, "an asynchronous copy")
                words = places.load(record=True)
                table[chosen, at : at + step] = np.ascontiguousarray(words).view(np.uint8).reshape(-1, step)

        if size:
            m.within(chosen, read)
    return table.view(np.uint64) if width == 16 else table.view(f"u{width}")[:, 0]

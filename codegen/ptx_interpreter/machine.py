"""The threads of a batch of blocks, all at once: registers as arrays over them, and the group that runs now.

A lane is a thread's number in the batch; blocks are filled up to whole warps with lanes that never run. A register whose
value is the same for all lanes is kept as an array of one element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.errors import Fault
from irc.codegen.ptx_interpreter.memory import GlobalMemory, Region
from irc.codegen.ptx_interpreter.scalars import RAW, Array
from irc.codegen.ptx_interpreter.shadow import WARP, Clocks

Dimensions = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is launched: the blocks, and the threads of each."""

    grid: Dimensions
    block: Dimensions

    @property
    def blocks(self) -> int:
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def threads(self) -> int:
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def lanes(self) -> int:
        """Threads of a block, filled up to whole warps."""
        return -(-self.threads // WARP) * WARP


class Machine:
    """State of one batch. `active` are the lanes of the group that runs, in increasing order; None: all there are.

    `whole` says that the group is all that are still alive: a result may then take the register's place for all lanes."""

    def __init__(
        self,
        shape: Shape,
        blocks: range,
        registers: int,
        memory: GlobalMemory,
        shared: int,
        local: int,
        clock: int,
    ) -> None:
        self.shape = shape
        self.blocks = blocks
        self.size = len(blocks) * shape.lanes
        self.registers: list[Array | None] = [None] * registers
        self.memory = memory
        self.shared_stride = -(-shared // 16) * 16
        shared_size = self.shared_stride * len(blocks)
        self.shared = Region(
            "shared memory", shared_size, known=False, stride=self.shared_stride, shared=True
        )
        self.shared_size = shared
        self.local_size = -(-local // 16) * 16
        local_size = self.local_size * self.size
        self.local = Region("local memory", local_size, known=False, stride=self.local_size)
        self.parameters = Region("the parameters", 0, known=True)
        self.symbols: dict[str, int] = {}
        self.clocks = Clocks(blocks.start * shape.lanes, shape.lanes, self.size, clock)
        self.threads: Array = (self.clocks.first + np.arange(self.size)).astype(np.int32)
        self.active: Array | None = None
        self.whole = True
        self.state: dict[type, Any] = {}
        """What families of instructions keep for themselves."""
        self.special: dict[str, Array] = {}

    # Values of arithmetic: for every lane when the group is whole, else for the active ones.

    def get(self, register: int) -> Array:
        held = self.registers[register]
        if held is None:
            raise Fault(f"register {register} is read before anything is written to it", 0)
        if self.whole or held.shape[0] == 1:
            return held
        return held[self.active]

    def put(self, register: int, bits: Array) -> None:
        if self.whole:
            self.registers[register] = bits
        else:
            self.put_lanes(register, bits)

    def lanes_of(self, value: Array) -> Array:
        """An operand as the active lanes have it: [active] or [1]."""
        if self.active is None or not self.whole or value.shape[0] == 1:
            return value
        return value[self.active]

    def put_lanes(self, register: int, bits: Array) -> None:
        """Writes [active] or [1] bits to the active lanes."""
        if self.active is None:
            self.registers[register] = bits
            return
        held = self.registers[register]
        if self.whole:
            new = np.zeros(self.size, bits.dtype)
        elif held is None:
            new = anything(self.size, bits.dtype)
        else:
            new = held.copy() if held.shape[0] > 1 else np.full(self.size, held[0])
        new[self.active] = bits
        self.registers[register] = new

    # The group.

    @property
    def lanes(self) -> Array:
        """The active lanes."""
        return np.arange(self.size) if self.active is None else self.active

    @property
    def count(self) -> int:
        return self.size if self.active is None else len(self.active)

    def per_lane(self, value: Array) -> Array:
        """An operand as [active]."""
        found = self.lanes_of(value)
        return found if found.shape[0] == self.count else np.broadcast_to(found, (self.count,))

    def numbers(self) -> Array:
        """The active threads by their number in the launch."""
        return self.threads if self.active is None else self.threads[self.active]

    def within(self, chosen: Array, run: Callable[[Machine], None]) -> None:
        """Runs a step for those of the active lanes that are chosen, [active] booleans."""
        before, was_whole = self.active, self.whole
        self.active, self.whole = self.lanes[chosen], False
        try:
            run(self)
        except Fault as fault:
            if fault.lane is not None:
                fault.lane = int(np.flatnonzero(chosen)[fault.lane])
            raise
        finally:
            self.active, self.whole = before, was_whole

    def place(self, lane: int) -> tuple[Dimensions, Dimensions]:
        """Block and thread of a lane, each (x, y, z)."""
        block, thread = divmod(lane, self.shape.lanes)
        return coordinates(self.blocks.start + block, self.shape.grid), coordinates(thread, self.shape.block)


def anything(size: int, dtype: np.dtype[Any]) -> Array:
    """What lanes read from a register that they have not written."""
    return np.full(size, 0xA5, np.uint8).repeat(dtype.itemsize).view(RAW[dtype.itemsize]).astype(dtype)


def coordinates(number: Any, extents: Dimensions) -> Any:
    """A number, or each of an array, as (x, y, z), x the fastest."""
    x, y, _ = extents
    return number % x, number // x % y, number // (x * y)


Step = Callable[[Machine], None]
"""An instruction, ready to run for the active group."""

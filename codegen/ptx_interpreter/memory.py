"""The memories of a launch: global buffers with addresses, and the shared, local and constant ones of the threads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.errors import Fault, first
from irc.codegen.ptx_interpreter.scalars import RAW, Array
from irc.codegen.ptx_interpreter.shadow import IN_FLIGHT, KNOWN, UNKNOWN, Clocks, Shadow
from irc.errors import IrcError

ALIGNMENT = 256
"""What an allocation is aligned to, as those of the driver are."""
_FIRST = 0x10_0000_0000
_GAP = 4096
"""At least so many bytes that belong to nobody lie between two allocations."""

SHARED_WINDOW = 0x7F00_0000_0000
LOCAL_WINDOW = 0x7E00_0000_0000
WINDOW = 1 << 32
"""Where the shared and local memory of a thread lie in the generic address space."""


class Region:
    """Bytes with their marks: a global buffer, or the shared or local memories of all blocks or threads that run."""

    def __init__(
        self,
        name: str,
        size: int,
        address: int = 0,
        *,
        known: bool,
        constant: bool = False,
        stride: int = 0,
        shared: bool = False,
    ) -> None:
        self.name = name
        self.size = size
        self.address = address
        self.constant = constant
        self.stride = stride or size
        """The size of one of the equal parts it has, and messages count in."""
        padded = -(-size // 16) * 16
        self.bytes: Array = np.zeros(padded, np.uint8)
        self.shadow = Shadow(padded, known=known, shared=shared)

    def view(self, width: int) -> Array:
        """The bytes by elements of 1, 2, 4 or 8 of them; by [n, 2] words of 8 for 16."""
        return self.bytes.view(np.uint64).reshape(-1, 2) if width == 16 else self.bytes.view(RAW[width])

    def load(self, clocks: Clocks, start: Array, width: int, threads: Array | None, what: str) -> Array:
        """[n] or [n, 2] words at byte offsets, which lie inside. `threads` are the readers; None: nobody is recorded."""
        shadow = self.shadow
        if threads is not None or not shadow.whole:
            units = shadow.units(start, width)
            self._expect_known(units, what)
            if threads is not None:
                marks = threads if units.ndim == 1 else threads[:, None]
                self._expect_order(
                    shadow.writers.conflict(clocks, units, marks), units, "reads", "wrote", what
                )
                shadow.readers.touch(clocks, units, marks)
        return self.view(width)[start >> (width.bit_length() - 1)]

    def store(
        self, clocks: Clocks, start: Array, width: int, values: Array, threads: Array | None, what: str
    ) -> None:
        """Writes words at byte offsets, which lie inside."""
        if self.constant:
            raise Fault(f"{what} writes {self.name}, which is constant", 0)
        self.note_write(clocks, start, width, threads, what)
        self.view(width)[start >> (width.bit_length() - 1)] = values

    def note_write(
        self, clocks: Clocks, start: Array, width: int, threads: Array | None, what: str, state: int = KNOWN
    ) -> Array:
        """Marks accesses as written now, or on their way; the units."""
        shadow = self.shadow
        units = shadow.units(start, width)
        if threads is not None:
            marks = threads if units.ndim == 1 else threads[:, None]
            self._expect_order(shadow.writers.conflict(clocks, units, marks), units, "writes", "wrote", what)
            self._expect_order(shadow.readers.conflict(clocks, units, marks), units, "writes", "read", what)
            meeting = shadow.writers.own(clocks, units, marks)
            if meeting is not None:
                row = first(meeting)
                raise Fault(
                    f"{what} writes byte {self._byte(units.reshape(len(units), -1)[row, 0])} of {self.name}, "
                    "which another thread writes at the same time: a race",
                    row,
                )
        if not shadow.whole and (shadow.state[units] == IN_FLIGHT).any():
            row = first(shadow.state[units] == IN_FLIGHT)
            raise Fault(f"{what} writes {self.name} where an asynchronous copy is still on its way", row)
        shadow.set_state(units, state)
        return units

    def _byte(self, unit: int) -> int:
        return int(unit) * self.shadow.unit % self.stride

    def _expect_known(self, units: Array, what: str) -> None:
        if self.shadow.whole:
            return
        state = self.shadow.state[units]
        if (state == KNOWN).all():
            return
        row = first(state != KNOWN)
        column = int(np.flatnonzero((state != KNOWN).reshape(len(state), -1)[row])[0])
        unit = int(units.reshape(len(units), -1)[row, column])
        where = f"byte {self._byte(unit)} of {self.name}"
        if self.shadow.state[unit] == UNKNOWN:
            raise Fault(f"{what} reads {where}, which nothing has written", row)
        raise Fault(f"{what} reads {where}, whose asynchronous copy nobody has waited for", row)

    def _expect_order(self, bad: Array | None, units: Array, does: str, did: str, what: str) -> None:
        if bad is None:
            return
        row = first(bad)
        column = int(np.flatnonzero(bad.reshape(len(bad), -1)[row])[0])
        unit = int(units.reshape(len(units), -1)[row, column])
        raise Fault(
            f"{what} {does} byte {self._byte(unit)} of {self.name}, which another thread {did} "
            "with no barrier between: a race",
            row,
        )


class GlobalMemory:
    """Buffers of a device. Addresses are what kernels get; gaps between buffers belong to nobody."""

    def __init__(self) -> None:
        self._next = _FIRST
        self._starts: list[int] = []
        self.regions: list[Region] = []
        self.modules: dict[Any, dict[str, int]] = {}
        """The variables of each module that was launched over it: address by name."""

    def allocate(self, array: Any, name: str = "", *, constant: bool = False) -> int:
        """A buffer that begins as a dense copy of `array`; its address. Nothing may write a constant one."""
        data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        region = self._new(data.size, name, known=True, constant=constant)
        region.bytes[: data.size] = data
        return region.address

    def reserve(self, size: int, name: str = "") -> int:
        """A buffer of so many bytes that nothing has written; its address."""
        return self._new(size, name, known=False, constant=False).address

    def release(self, address: int) -> None:
        """Gives a buffer back: its bytes belong to nobody."""
        number = self._starts.index(address)
        del self._starts[number], self.regions[number]

    def _new(self, size: int, name: str, *, known: bool, constant: bool) -> Region:
        region = Region(
            name or f"buffer {len(self.regions)}", size, self._next, known=known, constant=constant
        )
        self._starts.append(region.address)
        self.regions.append(region)
        self._next += -(-(size + _GAP) // ALIGNMENT) * ALIGNMENT
        return region

    def read(self, address: int, shape: Sequence[int], dtype: Any) -> Array:
        """A copy of what lies at an address. Raises IrcError outside a buffer, or where something was never written."""
        kind = np.dtype(dtype)
        region, start, size = self._span(address, int(np.prod(shape)) * kind.itemsize)
        shadow = region.shadow
        if not shadow.whole and size:
            units = shadow.state[start // shadow.unit : -(-(start + size) // shadow.unit)]
            missing = int((units != KNOWN).sum()) * shadow.unit
            if missing:
                raise IrcError(f"{min(missing, size)} bytes of {region.name} are never written")
        return region.bytes[start : start + size].view(kind).reshape(tuple(shape)).copy()

    def write(self, address: int, array: Any) -> None:
        """Puts an array at an address, which from then on is known."""
        data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        region, start, size = self._span(address, data.size)
        region.bytes[start : start + size] = data
        self._set(region, start, size, KNOWN)

    def forget(self, address: int, size: int) -> None:
        """Marks bytes as never written, as a place of an arena that gets a new tenant."""
        region, start, size = self._span(address, size)
        self._set(region, start, size, UNKNOWN)

    def _set(self, region: Region, start: int, size: int, state: int) -> None:
        if not size:
            return
        step = int(np.gcd.reduce([start, size, 16]))
        units = region.shadow.units(np.arange(start, start + size, step), step)
        region.shadow.set_state(units, state)

    def _span(self, address: int, size: int) -> tuple[Region, int, int]:
        region = self.find(address)
        if region is None or address + size > region.address + region.size:
            raise IrcError(f"{size} bytes at {address:#x} lie in no buffer")
        return region, address - region.address, size

    def find(self, address: int) -> Region | None:
        """The buffer an address lies in, or the last one before it."""
        number = bisect_right(self._starts, address) - 1
        return self.regions[number] if number >= 0 else None

    def groups(self, addresses: Array, width: int, what: str) -> list[tuple[Region, Array | None]]:
        """The buffers that accesses of `width` bytes lie in, each with the rows that do; None for all of them.

        Faults where one lies outside all, or is not aligned to its width."""
        low, high = int(addresses.min()), int(addresses.max())
        wrong = (addresses & np.uint64(width - 1)) != 0
        if wrong.any():
            row = first(wrong)
            raise Fault(f"{what} of {width} bytes is misaligned at address {int(addresses[row]):#x}", row)
        region = self.find(low)
        if region is not None and high + width <= region.address + region.size:
            return [(region, None)]
        numbers = (
            np.searchsorted(np.asarray(self._starts, np.uint64), addresses, side="right").astype(np.int64) - 1
        )
        ends = np.asarray([0, *(r.address + r.size for r in self.regions)], np.uint64)[numbers + 1]
        outside = (numbers < 0) | (addresses + np.uint64(width) > ends)
        if outside.any():
            row = first(outside)
            raise Fault(self._outside(int(addresses[row]), width, what), row)
        return [(self.regions[n], np.flatnonzero(numbers == n)) for n in np.unique(numbers)]

    def _outside(self, address: int, width: int, what: str) -> str:
        region = self.find(address)
        if region is None:
            return f"{what} of {width} bytes is out of bounds: address {address:#x} lies in no buffer"
        offset = address - region.address
        return (
            f"{what} of {width} bytes is out of bounds: address {address:#x} is byte {offset} of {region.name}, "
            f"which has {region.size}"
        )

"""Buffers as bytes that know what happened to them: what was written, and by which ticket of a forall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LINE = 64
"""What the arena, stack buffers and globals are aligned to."""


class Fault(Exception):
    """What an op did wrong; the machine adds the op and its line."""


class Memory:
    """One allocation. `aligned` is what its first byte is known to be a multiple of; `known` marks bytes ever written."""

    def __init__(self, name: str, size: int, aligned: int = LINE, *, constant: bool = False) -> None:
        self.name = name
        self.size = size
        self.aligned = aligned
        self.constant = constant
        self.bytes: Array = np.zeros(size, np.uint8)
        self.known: Array = np.zeros(size, bool)

    @staticmethod
    def holding(name: str, array: Array, aligned: int = LINE, *, constant: bool = False) -> Memory:
        """An allocation that begins as a dense copy of `array`."""
        data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        memory = Memory(name, data.size, aligned, constant=constant)
        memory.bytes[:] = data
        memory.known[:] = True
        return memory

    def elements(self, plane: Array, dtype: np.dtype[Any]) -> Array:
        """`plane` (a byte's worth each) by elements of `dtype`: the data as values, the marks as rows of one a byte."""
        whole = plane[: self.size // dtype.itemsize * dtype.itemsize]
        return whole.view(dtype) if plane is self.bytes else whole.reshape(-1, dtype.itemsize)


@dataclass(frozen=True, slots=True)
class Buffer:
    """A memref: element (i, j, ...) is `offset + i * strides[0] + ...` elements after byte `start` of `memory`."""

    memory: Memory
    start: int
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    element: Any

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.element.numpy

    def __str__(self) -> str:
        shape = "x".join(map(str, (*self.sizes, self.element)))
        return f"memref<{shape}> in {self.memory.name}"

    def places(self, at: Sequence[Array]) -> Array:
        """The number, in elements from the start of the memory, of each element that the index arrays name.

        Faults where one lies outside the memref or its memory, or where the memref's start is not aligned to its elements."""
        if self.start % self.dtype.itemsize or self.memory.aligned % self.dtype.itemsize:
            raise Fault(f"uses {self}, which starts at byte {self.start}, misaligned for its elements")
        for dim, (index, size) in enumerate(zip(at, self.sizes, strict=True)):
            if np.any((index < 0) | (index >= size)):
                wrong = index[(index < 0) | (index >= size)].flat[0] if np.ndim(index) else index
                raise Fault(f"reaches index {wrong} of dimension {dim}, outside {self}")
        found = np.asarray(self.offset + self.start // self.dtype.itemsize, np.int64)
        for index, stride in zip(at, self.strides, strict=True):
            found = found + index * stride
        limit = self.memory.size // self.dtype.itemsize
        if np.any((found < 0) | (found >= limit)):
            raise Fault(f"reaches past the {self.memory.size} bytes of {self.memory.name} through {self}")
        return found

    def alignment(self, place: int) -> int:
        """What the address of an element is known to be a multiple of."""
        return gcd(self.memory.aligned, place * self.dtype.itemsize)


class Tickets:
    """Who read and wrote what during one forall. An entry is -1 (nobody), a ticket, or -2 (several, readers only)."""

    def __init__(self) -> None:
        self.now = 0
        self.writers: dict[Memory, Array] = {}
        self.readers: dict[Memory, Array] = {}

    def read(self, memory: Memory, dtype: np.dtype[Any], places: Array) -> None:
        """Faults where another ticket wrote what this one reads."""
        self._expect(memory, dtype, places, self.writers, "reads what {} wrote in")
        rows = memory.elements(self._marks(self.readers, memory), dtype)
        before = rows[places]
        rows[places] = np.where((before == -1) | (before == self.now), self.now, -2)

    def write(self, memory: Memory, dtype: np.dtype[Any], places: Array) -> None:
        """Faults where another ticket read or wrote what this one writes."""
        self._expect(memory, dtype, places, self.writers, "writes what {} wrote in")
        self._expect(memory, dtype, places, self.readers, "writes what {} read in")
        memory.elements(self._marks(self.writers, memory), dtype)[places] = self.now

    def _expect(
        self, memory: Memory, dtype: np.dtype[Any], places: Array, marks: dict[Memory, Array], fault: str
    ) -> None:
        if memory not in marks:
            return
        found = memory.elements(marks[memory], dtype)[places]
        others = found[(found != -1) & (found != self.now)]
        if others.size:
            other = "another ticket" if others.flat[0] == -2 else f"ticket {others.flat[0]}"
            raise Fault(f"in ticket {self.now} {fault.format(other)} {memory.name}")

    def _marks(self, marks: dict[Memory, Array], memory: Memory) -> Array:
        if memory not in marks:
            marks[memory] = np.full(memory.size, -1, np.int32)
        return marks[memory]

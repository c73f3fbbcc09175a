"""Memory for big results, reused when the arrays that held it are gone.

Fresh pages cost more than most kernels: filling 64 MB of new memory takes three to ten times as long as
filling it again. So results of a megabyte and more live in blocks that come back here when the last array
over them dies."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

BIG = 1 << 20  # results of this many bytes and more come from here; below, NumPy's allocator is faster

_STEP = 64 << 10
_HUGE_PAGE = 2 << 20


@dataclass(frozen=True, slots=True)
class _Block:
    """``size`` bytes at ``offset`` of an anonymous map."""

    map: mmap.mmap
    offset: int
    size: int


class _Lease(np.ndarray[Any, Any]):
    """The bytes of one block while it is in use: the base of a result, which dies with the last view of it.

    Its own base is the map and not an array: NumPy lets a view skip over bases that have the view's type."""

    pool: BlockPool | None = None
    block: _Block

    def __del__(self) -> None:
        if self.pool is not None:
            self.pool._give_back(self.block)


class BlockPool:
    """Blocks that died and wait to be used again, at most ``limit`` bytes of them.

    A lease can die at any moment and in any thread, so its way back is single operations on a dict and a
    list."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free: dict[int, list[_Block]] = {}

    @property
    def free_bytes(self) -> int:
        """How many bytes wait for reuse."""
        return sum(size * len(blocks) for size, blocks in list(self._free.items()))

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """An uninitialised C-contiguous array; of 2 MB and more it starts at a huge page."""
        nbytes = math.prod(shape) * dtype.itemsize
        step = _HUGE_PAGE if nbytes >= _HUGE_PAGE else _STEP
        size = max(1, -(-nbytes // step)) * step
        try:
            block = self._free[size].pop()
        except (KeyError, IndexError):
            block = _new_block(size)
        lease = _Lease((size,), np.uint8, block.map, block.offset)
        lease.block, lease.pool = block, self
        return np.ndarray(shape, dtype, lease)

    def release(self) -> None:
        """Give the blocks that wait for reuse back to the system."""
        self._free.clear()

    def _give_back(self, block: _Block) -> None:
        if self.free_bytes + block.size <= self.limit:
            self._free.setdefault(block.size, []).append(block)


def _new_block(size: int) -> _Block:
    """Fresh memory; of huge pages, out of a map that is one page longer so that it holds an aligned range."""
    kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    if size < _HUGE_PAGE:
        return _Block(mmap.mmap(-1, size, flags=kind), 0, size)
    whole = mmap.mmap(-1, size + _HUGE_PAGE, flags=kind)
    whole.madvise(mmap.MADV_HUGEPAGE)
    start = np.frombuffer(whole, np.uint8).__array_interface__["data"][0]
    return _Block(whole, -start % _HUGE_PAGE, size)


def _memory() -> int:
    """Bytes of memory of this machine."""
    with open("/proc/meminfo", encoding="ascii") as table:
        return int(table.readline().split()[1]) << 10


RESULTS = BlockPool(limit=_memory() // 8)
"""The pool of every program's results."""

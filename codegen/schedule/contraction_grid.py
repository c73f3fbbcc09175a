"""Tiles of a contraction on a grid: what a block of threads computes, and how much of that one thread holds. Chosen by shape
alone; no choice changes a bit of the result, since every element runs through depth in order."""

from __future__ import annotations

from dataclasses import dataclass

THREADS = 256
GROUP = 4
"""Rows and columns of a piece of a thread's tile: 16 bytes of f32."""
_SIDE = 16
"""Threads along rows, and along columns."""
_FILLED = 64
"""Blocks of the large tile that are worth its size: about half of a large GPU's processors."""


@dataclass(frozen=True, slots=True)
class GridSchedule:
    """A block computes `rows` by `columns` elements, `depth` steps at a time; each of its threads, in a square of 16 by 16,
    has rows / 16 by columns / 16 of them, in pieces of 4 by 4."""

    rows: int
    columns: int
    depth: int

    @property
    def row_pieces(self) -> int:
        """Pieces of a thread along rows."""
        return self.rows // (_SIDE * GROUP)

    @property
    def column_pieces(self) -> int:
        """Pieces of a thread along columns."""
        return self.columns // (_SIDE * GROUP)

    @property
    def row_step(self) -> int:
        """Rows between pieces of a thread."""
        return _SIDE * GROUP

    @property
    def side(self) -> int:
        """Threads along each side."""
        return _SIDE


def grid_schedule(
    matrices: int, rows: int, columns: int, depth: int, element_bytes: int
) -> GridSchedule | None:
    """The schedule of a problem with sums of so many bytes; None where a tile would mostly be empty, and a thread an element does as well."""
    if rows < 32 or columns < 32 or depth < 8:
        return None
    large = matrices * -(-rows // 128) * -(-columns // 128)
    if large >= _FILLED and element_bytes <= 4 and min(rows, columns) >= 96 and depth > 8:
        return GridSchedule(128, 128, 8)
    return GridSchedule(64, 64, 16)

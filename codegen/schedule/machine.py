"""What kernels are shaped for: lowering asks this, never for a target's name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """`vector_bits`: of the widest vector register. `is_grid`: work is cut as finely as it goes, one ticket for a thread or a
    warp of a grid, instead of a few tickets for a pool of threads that run vectors."""

    vector_bits: int = 512
    is_grid: bool = False


HOST = Machine()
"""Vectors of 512 bits: what kernels are shaped for where nobody says otherwise."""
GRID = Machine(128, True)
"""A GPU's grid: threads that move up to 128 bits at a time."""
WARP = 32
"""Threads of a warp."""

"""How the dimensions of a reshape's two sides belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.ir.types import Dim


@dataclass(frozen=True, slots=True)
class Group:
    """Dimensions of the operand and of the result that hold the same elements, row-major. Extents of 1 are in no group."""

    source: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def is_one(self) -> bool:
        """One dimension that stays one."""
        return len(self.source) == len(self.target) == 1


def groups(source: Sequence[Dim], target: Sequence[Dim]) -> list[Group] | None:
    """The groups of a reshape, in order; None where an extent is 0 or not known."""
    if any(n is None or n == 0 for n in (*source, *target)):
        return None
    left = [i for i, n in enumerate(source) if n != 1]
    right = [i for i, n in enumerate(target) if n != 1]
    found: list[Group] = []
    while left and right:
        a, b = [left.pop(0)], [right.pop(0)]
        m, n = source[a[0]], target[b[0]]
        while m != n:
            short, rest, extents = (a, left, source) if m < n else (b, right, target)  # type: ignore[operator]
            short.append(rest.pop(0))
            m, n = (m * extents[short[-1]], n) if short is a else (m, n * extents[short[-1]])  # type: ignore[operator]
        found.append(Group(tuple(a), tuple(b)))
    return found


def without_ones(shape: Sequence[Dim]) -> tuple[Dim, ...]:
    return tuple(n for n in shape if n != 1)

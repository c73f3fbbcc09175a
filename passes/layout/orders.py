"""Orders of dimensions. A value held in order `p` is a tensor whose dimension i is the value's dimension p[i]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Order = tuple[int, ...]
T = TypeVar("T")


def identity(rank: int) -> Order:
    return tuple(range(rank))


def permuted(items: Sequence[T], order: Order) -> tuple[T, ...]:
    """What belongs to dimension order[i], at place i."""
    return tuple(items[d] for d in order)


def inverse(order: Order) -> Order:
    """Where each dimension stands in the order."""
    places = [0] * len(order)
    for place, d in enumerate(order):
        places[d] = place
    return tuple(places)


def step(held: Order, wanted: Order) -> Order:
    """The permutation of the `transpose` that takes a tensor held in one order to another."""
    return permuted(inverse(held), wanted)


def moves_nothing(permutation: Order, shape: Sequence[int | None]) -> bool:
    """Whether a transpose by this permutation moves only extents of 1, so that it is a reshape."""
    moved = [d for d in permutation if shape[d] != 1]
    return moved == sorted(moved)


def keeps_order(dims: Sequence[int], order: Order) -> bool:
    """Whether these dimensions stand in the order as they stood before, relative to each other."""
    places = [inverse(order)[d] for d in sorted(dims)]
    return places == sorted(places)

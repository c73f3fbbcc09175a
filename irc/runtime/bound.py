"""Calls with some of their arguments given once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def bound(
    call: Callable[..., list[Any]], count: int, arrays: Mapping[int, Any], last: Sequence[Any]
) -> Callable[..., list[Any]]:
    """A call of `call`, which takes `count` arguments and then `last`, without those that `arrays` gives by number."""
    given = [*(arrays.get(i) for i in range(count)), *last]
    free = [i for i in range(count) if i not in arrays]

    def run(*others: Any) -> list[Any]:
        if len(others) != len(free):
            raise TypeError(f"{len(free)} arguments are not bound, {len(others)} are given")
        every = given.copy()
        for i, array in zip(free, others, strict=True):
            every[i] = array
        return call(*every)

    return run

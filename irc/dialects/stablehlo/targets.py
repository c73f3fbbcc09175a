"""Custom calls whose meaning is known: for each target a function of the op and its operands' arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.dialects.stablehlo.numerics import Array
from irc.errors import IrcError
from irc.ir.locations import span_of
from irc.ir.operation import Operation

Meaning = Callable[..., Any]

MEANINGS: dict[str, Meaning] = {}


def meaning(*targets: str) -> Callable[[Meaning], Meaning]:
    """Registers what `stablehlo.custom_call @target` computes."""

    def register(function: Meaning) -> Meaning:
        MEANINGS.update(dict.fromkeys(targets, function))
        return function

    return register


@meaning("check.eq")
def check_equal(op: Operation, expected: Array, found: Array) -> Array:
    """True; raises IrcError where two arrays are not equal, NaN to NaN included (a test's way of saying what it wants)."""
    if expected.dtype == found.dtype and expected.shape == found.shape:
        apart = int(np.sum((expected != found) & ~((expected != expected) & (found != found))))
    else:
        apart = expected.size
    if not apart:
        return np.asarray(True)
    raise IrcError(f"check.eq: {apart} of {expected.size} elements differ", span=span_of(op.location))

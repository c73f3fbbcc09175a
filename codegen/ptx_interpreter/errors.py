"""What goes wrong while PTX runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.errors import IrcError


class PtxError(IrcError):
    """A kernel that does what it must not: the message names kernel, block and thread, the span is its line of PTX."""


class Fault(Exception):
    """What a lane did wrong; the launch adds kernel, block, thread and line.

    `lane` is its number in the batch of blocks that runs; None where no single one is to blame."""

    def __init__(self, message: str, lane: int | None = None) -> None:
        self.lane = lane
        super().__init__(message)


def first(bad: np.ndarray[Any, Any]) -> int:
    """The row of the first true entry."""
    return int(np.flatnonzero(bad.reshape(bad.shape[0], -1).any(axis=1))[0])

"""Arguments that cannot go in as they lie: copied and counted, or refused, as the user chooses (IRC_ARGUMENTS)."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from irc import options

POLICIES = ("copy", "exact", "convert")
"""copy: an array that is not contiguous, or of the other byte order, is copied; a wrong dtype is refused. exact: both are
refused. convert: a wrong dtype is copied as well, where NumPy's `same_kind` casting allows it."""


@dataclass(frozen=True, slots=True)
class Copies:
    """How many arguments were copied in this process because they could not go in as they lie, and their bytes."""

    count: int
    bytes: int


_LOCK = threading.Lock()
_counted = Copies(0, 0)


def copies() -> Copies:
    """What was copied so far."""
    return _counted


def note(nbytes: int) -> None:
    """Counts one copy."""
    global _counted
    with _LOCK:
        _counted = Copies(_counted.count + 1, _counted.bytes + nbytes)


def policy_of(chosen: str | None) -> str:
    """The policy chosen for a program, else IRC_ARGUMENTS's, else `copy`; raises ValueError for another word."""
    found = chosen or options.text("IRC_ARGUMENTS") or "copy"
    if found not in POLICIES:
        raise ValueError(f"arguments are taken by {', '.join(POLICIES)}, not '{found}'")
    return found

"""A dictionary that forgets what was not used for long: it stays bounded when every call brings a new key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from irc import options

V = TypeVar("V")


class Bounded(Generic[V]):
    """At most `limit()` entries by key; at least the half of them that was used last.

    Two generations instead of a list in order of use: what was found or added since the last turn is young; when the young
    fill half of the limit, the old go and the young grow old. So finding a young entry is one look-up."""

    def __init__(self, what: str, limit: Callable[[], int]) -> None:
        """`what` says what the entries are, for the line that tells of their going."""
        self.what = what
        self.limit = limit
        self._young: dict[Hashable, V] = {}
        self._old: dict[Hashable, V] = {}

    def get(self, key: Hashable) -> V | None:
        """The entry of a key, which is young from now on; None where there is none."""
        found = self._young.get(key)
        if found is None and self._old:
            found = self._old.pop(key, None)
            if found is not None:
                self[key] = found
        return found

    def __setitem__(self, key: Hashable, value: V) -> None:
        self._young[key] = value
        if len(self._young) >= max(1, self.limit() // 2):
            self._turn()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _turn(self) -> None:
        gone, self._old, self._young = self._old, self._young, {}
        if gone:
            tell(f"{len(gone)} {self.what}, unused for longest, are forgotten: {self.limit()} are kept")

    def snapshot(self) -> tuple[dict[Hashable, V], dict[Hashable, V]]:
        """What it holds, for `restore`."""
        return dict(self._young), dict(self._old)

    def restore(self, held: tuple[dict[Hashable, V], dict[Hashable, V]]) -> None:
        """Holds what it held, and nothing else."""
        self._young, self._old = dict(held[0]), dict(held[1])


def program_limit() -> int:
    """How many compiled programs a process keeps (IRC_PROGRAM_LIMIT)."""
    given = options.text("IRC_PROGRAM_LIMIT")
    return int(given) if given.isdigit() and int(given) > 0 else 512


def template_limit() -> int:
    """How many operations on types they were recorded with: most are shared by many programs."""
    return 16 * program_limit()


def is_told() -> bool:
    """Whether IRC_LOG asks for lines about compiling again."""
    return options.logged("recompile") or options.logged("compile")


def tell(text: str) -> None:
    """One line about compiling again, where it is asked for."""
    if is_told():
        print(f"irc: {text}", file=sys.stderr)

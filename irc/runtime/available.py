"""How much memory this process may still take: what the user says, what the system and its limits leave."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

from irc import options
from irc.errors import IrcError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def user_limit() -> int | None:
    """IRC_MEMORY_LIMIT in bytes: a number, with K, M, G or T (powers of 1,024) behind it or not; None when unset."""
    text = options.text("IRC_MEMORY_LIMIT").strip()
    return parse_bytes(text) if text else None


def parse_bytes(text: str) -> int:
    """The number of bytes that a text such as `512M` or `3.5GiB` says; raises IrcError for any other."""
    plain = text.strip().upper().removesuffix("B").removesuffix("I")
    unit = plain[-1:] if plain[-1:] in _UNITS else ""
    try:
        return int(float(plain.removesuffix(unit)) * _UNITS[unit])
    except ValueError:
        raise IrcError(
            f"'{text}' is no number of bytes", notes=("write for example 512M or 3.5G (powers of 1,024)",)
        ) from None


def readable(nbytes: int) -> str:
    """A number of bytes as people say it: `3.2 GiB`."""
    amount = float(nbytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{nbytes} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def available() -> tuple[int, str]:
    """(bytes, what leaves no more): the least of the free memory, the control group's limit and the address space's."""
    return min((*_free(), *_control_group(), *_address_space()), default=(1 << 62, "no limit"))


def _free() -> Iterator[tuple[int, str]]:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) << 10, "free memory"


def _control_group() -> Iterator[tuple[int, str]]:
    """Version 2's memory.max and version 1's limit_in_bytes, less what is in use; caches count as free."""
    for folder, limit, used in (
        (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        most, now = _number(folder / limit), _number(folder / used)
        if most is not None and now is not None:
            cached = sum(
                int(line.split()[1])
                for line in _lines(folder / "memory.stat")
                if line.startswith(("inactive_file ", "active_file "))
            )
            yield max(0, most - now + cached), "the control group's limit"


def _address_space() -> Iterator[tuple[int, str]]:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        pages = int(_lines(Path("/proc/self/statm"))[0].split()[0])
        yield max(0, soft - pages * resource.getpagesize()), "the limit on address space (RLIMIT_AS)"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    text = "".join(_lines(path))
    return int(text) if text.isdecimal() else None

"""Object code kept between processes, by what it was made from.

An entry is one file: a line of JSON (the key, field by field, and the payload's digest), then the payload. It is written
beside its place and moved there, so that two processes at once see all of it or nothing. One whose digest does not hold
is made again. When all entries together are bigger than the limit, those unused longest go."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import irc
from irc import options
from irc.ir.cache_folder import cache_folder
from irc.runtime.available import parse_bytes

Fields = Mapping[str, str]
"""What decides the payload, by name, in the order in which a person wants to be told which one differs."""

_SUFFIX = ".object"
_ABANDONED = 3600  # seconds
_SHARE = 8
"""A write removes old entries once in so many times, and whenever one is bigger than this share of the limit."""


@dataclass(frozen=True)
class Entry:
    """One file of the cache. `used` is when it was read last, in seconds since 1970."""

    path: Path
    fields: Fields
    nbytes: int
    used: float


class DiskCache:
    """A folder of entries."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def path(self, fields: Fields) -> Path:
        """Where the entry of a key is."""
        return self.folder / f"{_digest(json.dumps(dict(fields), sort_keys=True).encode())[:40]}{_SUFFIX}"

    def get(self, fields: Fields) -> bytes | None:
        """The payload of a key; None where there is none, or it is damaged (it is removed then)."""
        path = self.path(fields)
        try:
            head, _, payload = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        try:
            known = json.loads(head)
            sound = known["fields"] == dict(fields) and known["sha256"] == _digest(payload)
        except (ValueError, KeyError, TypeError):
            sound = False
        with contextlib.suppress(OSError):
            if not sound:
                path.unlink()
            else:
                os.utime(path)
        return payload if sound else None

    def put(self, fields: Fields, payload: bytes) -> None:
        """Keeps a payload; where the folder cannot be written, nothing happens."""
        path = self.path(fields)
        head = json.dumps({"fields": dict(fields), "sha256": _digest(payload)}).encode() + b"\n"
        if len(payload) > self.limit:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                file.write(head + payload)
            os.replace(name, path)
        except OSError:
            return
        if path.name[0] in "01" or len(payload) * _SHARE > self.limit:  # about one in eight
            self.collect(self.limit)

    def entries(self) -> list[Entry]:
        """All entries, the one used last first; damaged ones are left out."""
        return sorted(self._read(), key=lambda e: (-e.used, e.path.name))

    def _read(self) -> Iterator[Entry]:
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                with path.open("rb") as file:
                    fields = json.loads(file.readline())["fields"]
                found = path.stat()
                yield Entry(path, fields, found.st_size, found.st_mtime)

    def collect(self, limit: int) -> list[Entry]:
        """Removes entries, those unused longest first, until the rest is at most `limit` bytes; returns them."""
        for part in self.folder.glob("*.part"):  # of a process that ended while it wrote
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > _ABANDONED:
                    part.unlink()
        total, gone = 0, []
        for entry in self.entries():
            total += entry.nbytes
            if total > limit:
                with contextlib.suppress(OSError):
                    entry.path.unlink()
                gone.append(entry)
        return gone

    def why(self, fields: Fields) -> str:
        """Which field made a key miss, against the entry that agrees with it most."""
        near = self.nearest(fields)
        if near is None:
            return "nothing is kept yet"
        if near.fields.get("module") != fields["module"]:
            return f"no program with this content (module {fields['module'][:12]}) was compiled before"
        wrong = [name for name, value in fields.items() if near.fields.get(name) != value]
        if not wrong:
            return "the entry was damaged, or removed"
        told = (f"{name} is {fields[name]!r}, there it is {near.fields.get(name)!r}" for name in wrong)
        return "the module was compiled under another key: " + "; ".join(told)

    def nearest(self, fields: Fields) -> Entry | None:
        """The entry that agrees with a key in most fields, the first ones counting most; None in an empty cache."""
        return max(self.entries(), key=lambda e: _agreement(e.fields, fields), default=None)


def _agreement(a: Fields, b: Fields) -> tuple[bool, int]:
    return a.get("module") == b.get("module"), sum(a.get(name) == value for name, value in b.items())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def disk_cache() -> DiskCache | None:
    """The cache of this user: None where IRC_CACHE is 0, or there is no folder for it."""
    folder = cache_folder()
    if options.text("IRC_CACHE", "1") in ("0", "false") or folder is None:
        return None
    limit = options.text("IRC_CACHE_LIMIT")
    return DiskCache(folder / "objects", parse_bytes(limit) if limit else 1 << 30)


@functools.cache
def compiler() -> str:
    """irc's version, and a digest of what its source files are (path, size, time of change): an edited one compiles anew."""
    seen = hashlib.sha256()
    for name in ("irc", "irc.passes", "irc.codegen"):
        (root,) = find_spec(name).submodule_search_locations  # type: ignore[union-attr,misc]
        for folder, _, files in sorted(os.walk(root)):
            for file in sorted(f for f in files if f.endswith((".py", ".lark"))):
                found = os.stat(os.path.join(folder, file))
                seen.update(f"{folder}/{file} {found.st_size} {found.st_mtime_ns}\n".encode())
    return f"{irc.__version__} {seen.hexdigest()[:16]}"

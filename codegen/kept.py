"""Programs kept on disk: the key of a module, and what of its program is enough to run it again."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from irc import options
from irc.codegen.memory_plan import MemoryPlan
from irc.codegen.stamp import ProgramStamp
from irc.dialects.builtin import Module
from irc.ir.extents import parsed
from irc.ir.keys import digest
from irc.runtime.disk_cache import DiskCache, Fields, compiler
from irc.runtime.jit import machine_fields
from irc.runtime.target import Target


def fields_of(module: Module | str, pipeline: str, target: Target, opt: int) -> Fields:
    """The key of a program: the module by content (a digest), the compiler, the machine, the options."""
    return {
        "module": module if isinstance(module, str) else digest(module),
        "irc": compiler(),
        **machine_fields(target),
        "pipeline": pipeline,
        "opt": str(opt),
    }


@dataclass(frozen=True)
class Kept:
    """A program as it lies on disk. The two numbers are those of its memory plan."""

    stamp: ProgramStamp
    object_code: bytes
    total_bytes: int
    new_bytes: int

    @staticmethod
    def read(cache: DiskCache, fields: Fields) -> Kept | None:
        """The program of a key, or None."""
        payload = cache.get(fields)
        if payload is None:
            return None
        stamp, needs, code = payload.split(b"\n", 2)
        known = ProgramStamp.read(stamp.decode(), "")
        assert known is not None
        return Kept(known, code, **{name: parsed(str(n)) for name, n in json.loads(needs).items()})

    @staticmethod
    def write(
        cache: DiskCache, fields: Fields, stamp: ProgramStamp, object_code: bytes, plan: MemoryPlan
    ) -> None:
        """Keeps a program under its key."""
        total, new = (n if isinstance(n, int) else str(n) for n in (plan.total_bytes, plan.new_bytes))
        needs = json.dumps({"total_bytes": total, "new_bytes": new})
        cache.put(fields, f"{stamp.header('')}{needs}\n".encode() + object_code)


@dataclass
class Shelf:
    """Where the program of one compilation is looked for on disk, and put; without a cache it is empty, and takes nothing.

    A text has an entry of its own, which says the key of the program it became: one that is on disk is not parsed again."""

    cache: DiskCache | None
    target: Target
    opt: int
    fields: Fields | None = None
    text: Fields | None = None

    def of_text(self, text: str, given: Sequence[object]) -> Kept | None:
        """The program that a text became with what else was given with it."""
        if self.cache is None:
            return None
        content = hashlib.sha256(f"{given!r}\n{text}".encode()).hexdigest()
        self.text = {**fields_of(content, "", self.target, self.opt), "is": "text"}
        known = self.cache.get(self.text)
        return None if known is None else Kept.read(self.cache, json.loads(known))

    def of_module(self, module: Module, left: str) -> Kept | None:
        """The program of a module with this pipeline left to run; of kernels, which have none, nothing is kept."""
        if self.cache is None or not left:
            return None
        self.fields = fields_of(module, left, self.target, self.opt)
        found = Kept.read(self.cache, self.fields)
        if found is not None:
            self._refer()
        elif options.logged("cache"):
            print(f"irc: not on disk: {self.cache.why(self.fields)}", file=sys.stderr)
        return found

    def keep(self, stamp: ProgramStamp, object_code: bytes, plan: MemoryPlan) -> None:
        """Keeps the program of a module that was looked for."""
        if self.cache is not None and self.fields is not None:
            Kept.write(self.cache, self.fields, stamp, object_code, plan)
            self._refer()

    def _refer(self) -> None:
        if self.cache is not None and self.text is not None:
            self.cache.put(self.text, json.dumps(dict(self.fields or {})).encode())

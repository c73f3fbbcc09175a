"""Programs kept on disk: the key of a module, and what of its program is enough to run it again."""

from __future__ import annotations

import json
from dataclasses import dataclass

from irc.codegen.memory_plan import MemoryPlan
from irc.codegen.stamp import ProgramStamp
from irc.dialects.builtin import Module
from irc.ir.extents import parsed
from irc.ir.keys import digest
from irc.runtime.disk_cache import DiskCache, Fields, compiler
from irc.runtime.jit import machine_fields
from irc.runtime.target import Target


def fields_of(module: Module, pipeline: str, target: Target, opt: int) -> Fields:
    """The key of a program: the module by content, the compiler, the machine, the options."""
    return {
        "module": digest(module),
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

"""LLVM text to object code, and object code to addresses. No pass pipeline runs: the text is final."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import llvmlite.binding as llvm

from irc.errors import IrcError
from irc.runtime.disk_cache import disk_cache
from irc.runtime.target import Target, host_target, initialise, initialise_all

_LOCK = threading.RLock()
_names = itertools.count()


class AssemblyError(IrcError):
    """LLVM text or object code that LLVM refuses: a fault of whoever wrote it, never of the user's
    program."""


def target_machine(target: Target, opt: int = 1) -> llvm.TargetMachine:
    """LLVM's code generator for ``target``. Position-independent code is what the loader can place
    anywhere."""
    if target.triple == host_target().triple:
        initialise()
    else:
        initialise_all()
    try:
        chosen = llvm.Target.from_triple(target.triple)
    except RuntimeError as error:
        raise AssemblyError(f"no code generator for {target.triple}: {error}") from None
    return chosen.create_target_machine(
        cpu=target.cpu, features=target.features, opt=opt, reloc="pic", codemodel="small"
    )


def _parse(text: str, target: Target, machine: llvm.TargetMachine) -> tuple[llvm.ModuleRef, llvm.ContextRef]:
    """A verified module in a context of its own, so that threads share no LLVM types."""
    context = llvm.create_context()
    try:
        module = llvm.parse_assembly(text, context)
        module.triple = target.triple
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        raise AssemblyError(f"LLVM refuses this text: {str(error).strip()}") from None
    return module, context


def assemble(text: str, target: Target | None = None, opt: int = 1) -> bytes:
    """Object code (ELF) of LLVM ``text``: the same text, target and ``opt`` give the same bytes in every
    process.

    ``opt`` is the code generator's level: 0 (fast to make), 1 or 2. Raises AssemblyError on text LLVM
    refuses."""
    target = target or host_target()
    with _LOCK:
        machine = target_machine(target, opt)
        module, _context = _parse(text, target, machine)
        return bytes(machine.emit_object(module))


def machine_fields(target: Target) -> dict[str, str]:
    """What of LLVM and the machine decides object code, for the key of a cache."""
    version = ".".join(map(str, llvm.llvm_version_info))
    return {"llvm": version, "triple": target.triple, "cpu": target.cpu, "features": target.features}


def assembled(text: str) -> bytes:
    """Object code of a text of irc's own for the host: kept on disk between processes, where there is a place for it."""
    target, cache = host_target(), disk_cache()
    if cache is None:
        return assemble(text)
    fields = {"module": hashlib.sha256(text.encode()).hexdigest(), **machine_fields(target)}
    found = cache.get(fields)
    if found is None:
        found = assemble(text)
        cache.put(fields, found)
    return found


def assembly(text: str, target: Target | None = None, opt: int = 1) -> str:
    """The assembly listing of LLVM ``text``: what ``assemble`` encodes, for people."""
    target = target or host_target()
    with _LOCK:
        machine = target_machine(target, opt)
        module, _context = _parse(text, target, machine)
        return str(machine.emit_assembly(module))


def wrap_assembly(listing: str) -> str:
    """LLVM text around an assembly listing: `assemble` gives the listing's code."""
    lines = (line.replace("\\", "\\5C").replace('"', "\\22") for line in listing.splitlines())
    return "".join(f'module asm "{line}"\n' for line in lines)


@dataclass(slots=True, eq=False)
class _Engine:
    """A linker. It keeps some 10 kB of every library for ever, so each serves a few, and is closed when all are gone."""

    jit: llvm.LLJIT
    room: int = 64
    alive: int = 0


_ENGINES: deque[_Engine] = deque()
"""Engines in use; the last one has room."""

_DEAD: deque[tuple[_Engine, llvm.ResourceTracker]] = deque()
_FOREVER: list[Code] = []


class Code:
    """Object code linked into this process, and the `addresses` of its symbols: they hold as long as this object does.

    Who calls one keeps the object. No worker of the pool is inside code whose call has returned (see `pool`); a Python
    thread that calls an entry point holds it. At interpreter exit nothing is unlinked."""

    __slots__ = ("_engine", "_tracker", "addresses")

    def __init__(self, engine: _Engine, tracker: llvm.ResourceTracker, symbols: Iterable[str]) -> None:
        self._engine, self._tracker = engine, tracker
        self.addresses: dict[str, int] = {name: tracker[name] for name in symbols}

    def __del__(self, dead: deque[tuple[_Engine, llvm.ResourceTracker]] = _DEAD) -> None:
        # It may die in any thread, under any lock: it is unlinked when the next one is linked.
        dead.append((self._engine, self._tracker))


def _bury() -> None:
    """Unlinks what died."""
    while _DEAD:
        engine, tracker = _DEAD.popleft()
        tracker.close()
        engine.alive -= 1
        if not engine.alive and not engine.room:
            engine.jit.close()
            _ENGINES.remove(engine)


def _engine() -> _Engine:
    if not _ENGINES or not _ENGINES[-1].room:
        machine = target_machine(host_target())
        _ENGINES.append(_Engine(llvm.create_lljit_compiler(machine, use_jit_link=True, suppress_errors=True)))
    return _ENGINES[-1]


def link(object_code: bytes, symbols: Iterable[str], imports: Mapping[str, int] | None = None) -> Code:
    """Links ``object_code`` into this process for as long as the result lives.

    ``imports`` gives the addresses of names that the process itself does not export. Raises AssemblyError
    where a name is left unresolved."""
    wanted = list(symbols)
    with _LOCK:
        _bury()
        builder = llvm.JITLibraryBuilder().add_object_img(object_code).add_current_process()
        for name, address in (imports or {}).items():
            builder.import_symbol(name, address)
        for name in wanted:
            builder.export_symbol(name)
        engine = _engine()
        try:
            tracker = builder.link(engine.jit, f"irc.{next(_names)}")
        except RuntimeError as error:
            raise AssemblyError(f"the object code does not link: {error}") from None
        engine.room -= 1
        engine.alive += 1
        return Code(engine, tracker, wanted)


def load(
    object_code: bytes, symbols: Iterable[str], imports: Mapping[str, int] | None = None
) -> dict[str, int]:
    """``link`` for ever, for code of irc's own that threads are always in: the addresses of ``symbols``."""
    _FOREVER.append(link(object_code, symbols, imports))
    return _FOREVER[-1].addresses

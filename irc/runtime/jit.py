"""LLVM text to object code, and object code to addresses. No pass pipeline runs: the text is final."""

from __future__ import annotations

import functools
import hashlib
import itertools
import threading
from collections.abc import Iterable, Mapping

import llvmlite.binding as llvm

from irc.errors import IrcError
from irc.runtime.disk_cache import disk_cache
from irc.runtime.target import Target, host_target, initialise, initialise_all

# Programs are never unloaded: a worker thread or another Python thread may be inside one, and at
# interpreter exit the pool's workers still spin in generated code. The engine lives in a cache (llvmlite
# disposes of nothing once the interpreter is finalizing) and trackers are detached.
_LOCK = threading.RLock()
_names = itertools.count()


class AssemblyError(IrcError):
    """LLVM text or object code that LLVM refuses: a fault of whoever wrote it, never of the user's
    program."""


def target_machine(target: Target, opt: int = 2) -> llvm.TargetMachine:
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


def assemble(text: str, target: Target | None = None, opt: int = 2) -> bytes:
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


def assembly(text: str, target: Target | None = None, opt: int = 2) -> str:
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


@functools.cache
def _engine() -> llvm.LLJIT:
    return llvm.create_lljit_compiler(target_machine(host_target()), use_jit_link=True, suppress_errors=True)


def load(
    object_code: bytes, symbols: Iterable[str], imports: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Link ``object_code`` into this process, for ever; the addresses of ``symbols``.

    ``imports`` gives the addresses of names that the process itself does not export. Raises AssemblyError
    where a name is left unresolved."""
    wanted = list(symbols)
    with _LOCK:
        builder = llvm.JITLibraryBuilder().add_object_img(object_code).add_current_process()
        for name, address in (imports or {}).items():
            builder.import_symbol(name, address)
        for name in wanted:
            builder.export_symbol(name)
        try:
            tracker = builder.link(_engine(), f"irc.{next(_names)}")
        except RuntimeError as error:
            raise AssemblyError(f"the object code does not link: {error}") from None
        tracker.detach()
        return {name: tracker[name] for name in wanted}

"""PTX to machine code of an NVIDIA GPU, with neither a toolkit nor a GPU: the library of the wheel `nvidia-nvjitlink`
(`pip install 'irc[cuda]'`). The driver assembles by itself, and takes what this makes only where it is new enough."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from irc.errors import UnsupportedError
from irc.runtime.disk_cache import disk_cache
from irc.runtime.jit import AssemblyError

_PTX = 2  # NVJITLINK_INPUT_PTX
_PLACES = (("cu13/lib/libnvJitLink.so.13", "13_0"), ("nvjitlink/lib/libnvJitLink.so.12", "12_0"))
"""Where wheels keep the library, and the version of the interface that all of that major version have."""


KNOWN = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_100a", "sm_120")
"""Processors that the library may be asked about: at a name it does not know it ends the process."""


class _Library:
    """The functions of one version of the library."""

    def __init__(self, path: Path, version: str) -> None:
        self.library = ctypes.CDLL(str(path))
        self.version = version
        self.major = int(version.partition("_")[0])

    def call(self, name: str, *arguments: Any) -> int:
        """Calls a function; its status."""
        return int(getattr(self.library, f"__nvJitLink{name}_{self.version}")(*arguments))


def _found() -> tuple[Path, str] | None:
    spec = find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for place, version in _PLACES:
            if (Path(folder) / place).exists():
                return Path(folder) / place, version
    return None


@functools.cache
def library() -> _Library:
    """The library, loaded once a process. Raises UnsupportedError where its wheel is not installed."""
    found = _found()
    if found is None:
        raise UnsupportedError("assembling PTX needs the wheel nvidia-nvjitlink: pip install 'irc[cuda]'")
    return _Library(*found)


def is_installed() -> bool:
    """Whether PTX can be assembled here."""
    return _found() is not None


def assemble_ptx(ptx: str, processor: str) -> bytes:
    """The machine code (a cubin) of a text of PTX for a processor such as `sm_80`, kept on disk by content.

    Raises AssemblyError with the assembler's words, UnsupportedError without the library."""
    if processor not in KNOWN:
        raise UnsupportedError(f"there is no assembler for {processor} (processors: {', '.join(KNOWN)})")
    nv, cache = library(), disk_cache()
    fields = {
        "module": hashlib.sha256(ptx.encode()).hexdigest(),
        "assembler": f"nvJitLink {nv.version}",
        "cpu": processor,
    }
    found = cache.get(fields) if cache is not None else None
    if found is None:
        found = _assembled(nv, ptx, processor)
        if cache is not None:
            cache.put(fields, found)
    return found


def _assembled(nv: _Library, ptx: str, processor: str) -> bytes:
    handle = ctypes.c_void_p()
    options = (ctypes.c_char_p * 1)(f"-arch={processor}".encode())
    if nv.call("Create", ctypes.byref(handle), ctypes.c_uint32(1), options):
        raise AssemblyError(f"there is no assembler for {processor}")
    try:
        data = ptx.encode() + b"\0"
        failed = nv.call("AddData", handle, _PTX, data, ctypes.c_size_t(len(data)), b"kernels")
        failed = failed or nv.call("Complete", handle)
        if failed:
            log = _bytes(nv, handle, "ErrorLog").rstrip(b"\0").decode(errors="replace").strip()
            raise AssemblyError(f"the assembler refuses this PTX: {log or f'error {failed}'}")
        return _bytes(nv, handle, "LinkedCubin")
    finally:
        nv.call("Destroy", ctypes.byref(handle))


def _bytes(nv: _Library, handle: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    nv.call(f"Get{what}Size", handle, ctypes.byref(size))
    made = ctypes.create_string_buffer(max(size.value, 1))
    nv.call(f"Get{what}", handle, made)
    return made.raw[: size.value]

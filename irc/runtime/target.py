"""The machine that native code is made for: a triple, a processor name and its features."""

from __future__ import annotations

import functools
import platform
import threading
from dataclasses import dataclass

import llvmlite.binding as llvm

from irc.errors import UnsupportedError

# llvmlite's global initialisation and its option table are shared by the process; LLVM ends the process
# when an option is given twice, so both happen once, under this lock.
_LOCK = threading.Lock()
_initialised = False


def initialise() -> None:
    """Make LLVM ready for the host, once a process."""
    global _initialised
    with _LOCK:
        if _initialised:
            return
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        llvm.initialize_native_asmparser()
        # Loop strength reduction takes an eighth of code generation and gains nothing on unrolled vector
        # loops.
        llvm.set_option("irc", "--disable-lsr")
        _initialised = True


@functools.cache
def initialise_all() -> None:
    """Make LLVM ready for every processor it knows, which only code for others than the host needs."""
    initialise()
    with _LOCK:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()


@dataclass(frozen=True, slots=True)
class Target:
    """A native target. ``features`` is LLVM's comma-separated list (``+avx2,-avx512f``)."""

    triple: str
    cpu: str
    features: str

    def has(self, feature: str) -> bool:
        return f"+{feature}" in self.features.split(",")

    @property
    def is_device(self) -> bool:
        """Whether the code runs on an accelerator, not on the host."""
        return self.triple.startswith("nvptx64")

    @property
    def vector_bits(self) -> int:
        """The width of the widest vector register: 512 (AVX-512), 256 (AVX2) or 128."""
        if self.has("avx512f"):
            return 512
        return 256 if self.has("avx2") else 128

    @property
    def runs_here(self) -> bool:
        """Whether this process can execute its code."""
        host = host_target()
        wanted = [f for f in self.features.split(",") if f.startswith("+")]
        same = self.triple.partition("-")[0] == host.triple.partition("-")[0]
        return same and set(wanted) <= set(host.features.split(","))


_X86_2 = "+cx16,+popcnt,+sahf,+sse3,+sse4.1,+sse4.2,+ssse3"
_X86_3 = f"{_X86_2},+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+xsave"
_X86_4 = f"{_X86_3},+avx512bw,+avx512cd,+avx512dq,+avx512f,+avx512vl"

PROCESSORS = {
    "x86-64-v3": Target("x86_64-unknown-linux-gnu", "x86-64-v3", _X86_3),
    "x86-64-v4": Target("x86_64-unknown-linux-gnu", "x86-64-v4", _X86_4),
    "aarch64": Target("aarch64-unknown-linux-gnu", "generic", "+fp-armv8,+neon"),
}
"""Processors by name, for code that is to run on others than the host: the levels of the x86-64 psABI that have fused
multiply-adds, and ARMv8-A."""


def host_target() -> Target:
    """The machine this process runs on. Raises UnsupportedError where no pool or entry point exists."""
    return _host_target()


@functools.cache
def _host_target() -> Target:
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise UnsupportedError(
            f"native code needs Linux on x86_64 or aarch64, this is {platform.system()} {platform.machine()}"
        )
    features = llvm.get_host_cpu_features()
    listed = ",".join(f"{'+' if features[name] else '-'}{name}" for name in sorted(features))
    return Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), listed)

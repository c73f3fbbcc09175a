"""Kernels to a program for a device: cut, emitted, and as PTX, with the host's list of launches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from irc.codegen.emit.module import emit_device_module
from irc.codegen.gpu.outline import outline
from irc.codegen.gpu.program import HostProgram, read_program
from irc.codegen.gpu.target import ptx
from irc.codegen.stamp import ProgramStamp
from irc.dialects.builtin import Module
from irc.dialects.gpu import DeviceModule
from irc.errors import UnsupportedError
from irc.runtime.target import Target


@dataclass(frozen=True)
class DeviceProgram:
    """A program's kernels on a device (`kernels` holds the `gpu.module` and @main), and what calling it needs to know."""

    kernels: Module
    llvm: str
    stamp: ProgramStamp
    target: Target

    @cached_property
    def ptx(self) -> str:
        """PTX text of all kernels."""
        return ptx(self.llvm, self.target)

    @cached_property
    def host(self) -> HostProgram:
        """What the host launches, in order."""
        return read_program(self.kernels)


def compile_kernels(kernels: Module, target: Target) -> DeviceProgram:
    """The program of a module of kernel functions, or of one that is cut already. Raises UnsupportedError, naming it, for
    what has no code on the device."""
    stamp = ProgramStamp.of(kernels)
    if not any(isinstance(op, DeviceModule) for op in kernels.operations):
        kernels = outline(kernels)
    for op in kernels.operations:
        if isinstance(op, DeviceModule):
            return DeviceProgram(kernels, emit_device_module(op, target), stamp, target)
    raise UnsupportedError("the module has no kernels for a device")

"""A device that is an interpreter of PTX: for tests, and where there is no GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from irc.codegen.gpu.target import EMULATED
from irc.codegen.ptx_interpreter import GlobalMemory, load
from irc.runtime.devices import Array, DeviceArray, Graph, Grid, Pointers


class EmulatedBlock:
    """A buffer of the interpreter's memory."""

    def __init__(self, memory: GlobalMemory, nbytes: int, name: str) -> None:
        self.memory = memory
        self.address = memory.reserve(nbytes, name)

    def __del__(self) -> None:
        self.memory.release(self.address)


class EmulatedKernels:
    """Runs the kernels of a text of PTX, every thread of them, and raises where one does what it must not."""

    def __init__(self, memory: GlobalMemory, ptx: str) -> None:
        self.memory, self.module = memory, load(ptx)

    def launch(self, grid: Grid, pointers: tuple[int, ...]) -> None:
        """Runs a kernel to its end."""
        self.module.launch(
            self.memory,
            grid.kernel,
            grid=(grid.blocks, 1, 1),
            block=(grid.threads, 1, 1),
            arguments=list(pointers),
            shared_bytes=grid.shared,
        )

    def graph(self, launches: Sequence[Grid], pointers: Pointers) -> Graph | None:
        return None


class EmulatedDevice:
    """The interpreter's memory."""

    name = EMULATED

    def __init__(self) -> None:
        self.memory = GlobalMemory()

    def reserve(self, nbytes: int, name: str) -> EmulatedBlock:
        return EmulatedBlock(self.memory, nbytes, name)

    def write(self, address: int, array: Array) -> None:
        self.memory.write(address, array)

    def read(self, address: int, array: Array) -> None:
        array[...] = self.memory.read(address, array.shape, array.dtype)

    def copy(self, to: int, source: int, nbytes: int) -> None:
        self.memory.write(to, self.memory.read(source, (nbytes,), "u1"))

    def load(self, ptx: str, processor: str) -> EmulatedKernels:
        return EmulatedKernels(self.memory, ptx)

    def wait(self) -> None:
        """Every launch has run to its end."""

    def capsule(self, array: DeviceArray, stream: int | None) -> Any:
        self.dlpack_device()

    def adopt(self, other: Any) -> DeviceArray:
        self.dlpack_device()

    def dlpack_device(self) -> NoReturn:
        raise BufferError(
            "the memory of an interpreter of PTX is no other library's: copy the array to the host"
        )

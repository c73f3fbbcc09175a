"""A device that is an interpreter of PTX: for tests, and where there is no GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from irc.codegen.gpu.execution import Array
from irc.codegen.ptx_interpreter import GlobalMemory, load


class EmulatedDevice:
    """Runs the kernels of a text of PTX, every thread of them, and raises where one does what it must not."""

    def __init__(self, ptx: str) -> None:
        self.module = load(ptx)
        self.memory = GlobalMemory()
        self.lock = threading.Lock()

    def upload(self, array: Array, name: str) -> int:
        """New memory with the bytes of an array."""
        return self.memory.allocate(array, name)

    def reserve(self, nbytes: int, name: str) -> int:
        """New memory that nothing has written."""
        return self.memory.reserve(nbytes, name)

    def download(self, address: int, array: Array) -> None:
        """Fills an array from memory."""
        if array.size:
            array[...] = self.memory.read(address, array.shape, array.dtype)

    def launch(self, kernel: str, blocks: int, threads: int, pointers: Sequence[int], shared: int) -> None:
        """Runs a kernel to its end."""
        self.module.launch(
            self.memory,
            kernel,
            grid=(blocks, 1, 1),
            block=(threads, 1, 1),
            arguments=list(pointers),
            shared_bytes=shared,
        )

    def release(self) -> None:
        """Forgets all memory."""
        self.memory = GlobalMemory()

"""Devices with a memory of their own, and arrays that live there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from irc.ir.types import TensorType

Array = np.ndarray[Any, Any]


class Block(Protocol):
    """Memory of a device; it is given back when nobody holds it any more."""

    @property
    def address(self) -> int:
        """Where it begins."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A kernel on a grid of `blocks` blocks of `threads` threads, each block with `shared` bytes of memory."""

    kernel: str
    blocks: int
    threads: int
    shared: int


Pointers = Sequence[tuple[int, ...]]
"""What each launch of a list is given: addresses."""


class Graph(Protocol):
    """Launches that a device runs in order at one call."""

    def run(self, pointers: Pointers) -> None:
        """Starts them with these addresses, after all launches before."""


class Kernels(Protocol):
    """Kernels on a device, made ready."""

    def launch(self, grid: Grid, pointers: tuple[int, ...]) -> None:
        """Starts a kernel after all launches before."""

    def graph(self, launches: Sequence[Grid], pointers: Pointers) -> Graph | None:
        """The launches as one; None where the device has nothing of the kind."""


class Device(Protocol):
    """What kernels run on: an accelerator, or an interpreter of its code. All it does is done in one order."""

    name: str

    def reserve(self, nbytes: int, name: str) -> Block:
        """New memory that nothing has written."""

    def write(self, address: int, array: Array) -> None:
        """Puts the bytes of a dense array somewhere; the array may change afterwards."""

    def read(self, address: int, array: Array) -> None:
        """Fills a dense array, after all launches so far."""

    def copy(self, to: int, source: int, nbytes: int) -> None:
        """Copies within the memory."""

    def load(self, ptx: str, processor: str) -> Kernels:
        """The kernels of a text of PTX made for a processor."""

    def wait(self) -> None:
        """Until all launches so far are done."""

    def capsule(self, array: DeviceArray, stream: int | None) -> Any:
        """The array as a DLPack capsule for another library. Raises BufferError where none can read this memory."""

    def adopt(self, other: Any) -> DeviceArray:
        """The memory of another library's array (an object of the DLPack protocol). Raises BufferError like `capsule`."""

    def dlpack_device(self) -> tuple[int, int]:
        """The device in DLPack's numbers. Raises BufferError like `capsule`."""


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Steps of a dense row-major array, in elements."""
    steps = [1]
    for extent in reversed(shape[1:]):
        steps.append(steps[-1] * extent)
    return tuple(reversed(steps))[: len(shape)] if shape else ()


class DeviceArray:
    """A dense array in a device's memory. NumPy functions take it and copy it to the host; so does `numpy()`.

    A compiled program that is given it as a donated argument writes its result here."""

    __slots__ = ("__weakref__", "block", "device", "type")

    def __init__(self, device: Device, block: Block, type: TensorType) -> None:
        self.device, self.block, self.type = device, block, type

    @staticmethod
    def of(device: Device, array: Any, type: TensorType, name: str = "an array") -> DeviceArray:
        """A copy of a host's array."""
        made = DeviceArray.empty(device, type, name)
        if type.nbytes:
            device.write(made.address, np.ascontiguousarray(array))
        return made

    @staticmethod
    def empty(device: Device, type: TensorType, name: str) -> DeviceArray:
        """An array that nothing has written yet."""
        return DeviceArray(device, device.reserve(type.nbytes, name), type)

    @property
    def address(self) -> int:
        return self.block.address

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.static_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.type.element.numpy)

    @property
    def ndim(self) -> int:
        return self.type.rank

    @property
    def size(self) -> int:
        return self.type.size

    @property
    def nbytes(self) -> int:
        return self.type.nbytes

    def numpy(self) -> Array:
        """A copy on the host."""
        made = np.empty(self.shape, self.dtype)
        if made.nbytes:
            self.device.read(self.address, made)
        return made

    def copy(self) -> DeviceArray:
        """A copy in the same memory."""
        made = DeviceArray.empty(self.device, self.type, "a copy")
        if self.nbytes:
            self.device.copy(made.address, self.address, self.nbytes)
        return made

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __dlpack__(self, *, stream: int | None = None, **asked: Any) -> Any:
        return self.device.capsule(self, stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device.dlpack_device()

    def __repr__(self) -> str:
        return f"<{self.type} on {self.device.name}>"

"""NVIDIA's driver: a device, its memory, and kernels of PTX, which the driver assembles. The library is asked for when a
device is first wanted; nothing else of CUDA is needed."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.errors import IrcError, UnsupportedError

Array = np.ndarray[Any, Any]
LIBRARY = "libcuda.so.1"

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
_SHARED_SIZE = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
_ORDINARY_SHARED = 48 << 10


class CudaError(IrcError):
    """The driver refuses a call."""


class _Driver:
    """The driver's library with one context, that of the first device."""

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL(LIBRARY)
        except OSError:
            raise UnsupportedError(
                f"target 'cuda' needs NVIDIA's driver, and {LIBRARY} is not on this machine "
                "(--target ptx-emulated runs without one)"
            ) from None
        self.call("cuInit", 0)
        device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.device = device
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.context = context

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function of the driver; raises CudaError with the driver's own words."""
        status = getattr(self.library, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(status, ctypes.byref(text))
            said = text.value.decode() if text.value else f"error {status}"
            raise CudaError(f"{name}: {said}")

    def attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
        return value.value


@functools.cache
def driver() -> _Driver:
    """The driver, made ready once a process. Raises UnsupportedError where there is none."""
    return _Driver()


def capability() -> tuple[int, int]:
    """The compute capability of the first device."""
    d = driver()
    return d.attribute(_MAJOR), d.attribute(_MINOR)


class CudaDevice:
    """The first device with the kernels of a text of PTX; `lock` is held by the one call that uses it."""

    def __init__(self, ptx: str) -> None:
        self.driver = driver()
        self.lock = threading.Lock()
        self._current()
        module = ctypes.c_void_p()
        self.driver.call("cuModuleLoadData", ctypes.byref(module), ptx.encode() + b"\0")
        self.module = module
        self.functions: dict[str, ctypes.c_void_p] = {}
        self.memory: list[tuple[int, int]] = []
        """Address and size of what this call holds."""
        self.free: dict[int, list[int]] = {}
        """Addresses of finished calls' memory, by size: asking the driver takes longer than most kernels."""

    def _current(self) -> None:
        self.driver.call("cuCtxSetCurrent", self.driver.context)

    def upload(self, array: Array, name: str) -> int:
        """New memory with the bytes of an array."""
        address = self.reserve(array.nbytes, name)
        if array.nbytes:
            data = np.ascontiguousarray(array)
            self.driver.call(
                "cuMemcpyHtoD_v2", ctypes.c_uint64(address), ctypes.c_void_p(data.ctypes.data),
                ctypes.c_size_t(data.nbytes),
            )  # fmt: skip
        return address

    def reserve(self, nbytes: int, name: str) -> int:
        """New memory; the driver aligns it to 256 bytes."""
        self._current()
        size = max(nbytes, 1)
        waiting = self.free.get(size)
        if waiting:
            address = waiting.pop()
        else:
            pointer = ctypes.c_uint64()
            self.driver.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
            address = pointer.value
        self.memory.append((address, size))
        return address

    def download(self, address: int, array: Array) -> None:
        """Fills an array from memory, after all launches so far."""
        if array.nbytes:
            self.driver.call(
                "cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(address),
                ctypes.c_size_t(array.nbytes),
            )  # fmt: skip

    def launch(self, kernel: str, blocks: int, threads: int, pointers: Sequence[int], shared: int) -> None:
        """Puts a kernel into the stream."""
        values = [ctypes.c_uint64(p) for p in pointers]
        parameters = (ctypes.c_void_p * max(len(values), 1))(*(ctypes.addressof(v) for v in values))
        self.driver.call(
            "cuLaunchKernel", self._function(kernel, shared), blocks, 1, 1, threads, 1, 1, shared,
            None, parameters, None,
        )  # fmt: skip

    def wait(self) -> None:
        """Until all launches so far are done."""
        self.driver.call("cuCtxSynchronize")

    def _function(self, kernel: str, shared: int) -> ctypes.c_void_p:
        if kernel not in self.functions:
            function = ctypes.c_void_p()
            self.driver.call("cuModuleGetFunction", ctypes.byref(function), self.module, kernel.encode())
            if shared > _ORDINARY_SHARED:
                self.driver.call("cuFuncSetAttribute", function, _SHARED_SIZE, shared)
            self.functions[kernel] = function
        return self.functions[kernel]

    def release(self) -> None:
        """The call's memory waits for the next one."""
        for address, size in self.memory:
            self.free.setdefault(size, []).append(address)
        self.memory.clear()

    def close(self) -> None:
        """Gives all memory and the kernels back to the driver."""
        self.release()
        for address in (a for addresses in self.free.values() for a in addresses):
            self.driver.call("cuMemFree_v2", ctypes.c_uint64(address))
        self.free.clear()
        self.driver.call("cuModuleUnload", self.module)

"""NVIDIA's driver where there is none: a library of one function, which hands out functions written here, so that cuda-core
itself runs unchanged. Kernels run in the interpreter of PTX. It lasts as long as its process."""

from __future__ import annotations

import ctypes
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter import GlobalMemory, PtxModule, load

SOURCE = """
typedef int (*find)(const char *, void **, int, unsigned long long, int *);
find found;
int cuGetProcAddress(const char *name, void **made, int version, unsigned long long flags)
{ int status; return found(name, made, version, flags, &status); }
int cuGetProcAddress_v2(const char *name, void **made, int version, unsigned long long flags, int *status)
{ return found(name, made, version, flags, status); }
"""
FIND = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_ulonglong,
    ctypes.POINTER(ctypes.c_int),
)  # fmt: skip
WORDS = 12
_LOADED: list[FakeDriver] = []
"""Drivers whose functions may still be called."""
CALL = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * WORDS)
NOT_SUPPORTED, NOT_FOUND, OUT_OF_MEMORY = 801, 500, 2
TEXTS = {
    NOT_SUPPORTED: b"operation not supported", NOT_FOUND: b"named symbol not found", OUT_OF_MEMORY: b"out of memory",
}  # fmt: skip


def i32(address: int, value: int) -> None:
    ctypes.c_int32.from_address(address).value = value


def i64(address: int, value: int) -> None:
    ctypes.c_uint64.from_address(address).value = value


class FakeDriver:
    """One GPU of compute capability 9.0. `calls` notes every call by name; `assembled` tells which PTX a cubin is made of."""

    version = 13000
    capability = (9, 0)

    def __init__(self, folder: Path) -> None:
        source, library = folder / "driver.c", folder / "libcuda.so.1"
        source.write_text(SOURCE)
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source], check=True
        )
        _LOADED.append(self)
        self.calls: list[str] = []
        self.missing: list[str] = []
        self.memory = GlobalMemory()
        self.assembled: dict[bytes, str] = {}
        self.modules: list[PtxModule] = []
        self.images: list[bytes] = []
        self.kernels: list[tuple[PtxModule, str]] = []
        self.graphs: list[list[dict[str, Any]]] = []
        self.limit: int | None = None
        self._made: dict[str, Any] = {}
        self._words = {code: ctypes.create_string_buffer(text) for code, text in TEXTS.items()}
        # cuda-core asks for libcuda.so.1 by that name, and gets the one that is loaded already.
        self._library = ctypes.CDLL(str(library))
        self._find = FIND(self._find_function)
        ctypes.c_void_p.in_dll(self._library, "found").value = ctypes.cast(self._find, ctypes.c_void_p).value

    def _find_function(self, name: bytes, made: Any, version: int, flags: int, status: Any) -> int:
        word = name.decode()
        if word not in self._made:
            self._made[word] = CALL(self._calling(word))
        made[0] = ctypes.cast(self._made[word], ctypes.c_void_p).value
        if status:
            status[0] = 0
        return 0

    def _calling(self, name: str) -> Callable[..., int]:
        calls = self.calls

        def call(*arguments: int | None) -> int:
            calls.append(name)
            function = getattr(self, name, None)
            if function is None:
                self.missing.append(name)
                return NOT_SUPPORTED
            try:
                return int(function(*[a or 0 for a in arguments[: function.__code__.co_argcount - 1]]) or 0)
            except Exception:
                traceback.print_exc()
                return NOT_SUPPORTED

        return call

    # The device.

    def cuInit(self, flags: int) -> int:
        return 0

    def cuGetErrorName(self, code: int, text: int) -> int:
        return self.cuGetErrorString(code, text)

    def cuGetErrorString(self, code: int, text: int) -> int:
        i64(text, ctypes.addressof(self._words[code]))
        return 0

    def cuDriverGetVersion(self, version: int) -> None:
        i32(version, self.version)

    def cuDeviceGetCount(self, count: int) -> None:
        i32(count, 1)

    def cuDeviceGet(self, device: int, number: int) -> None:
        i32(device, number)

    def cuDeviceGetAttribute(self, value: int, attribute: int, device: int) -> None:
        major, minor = self.capability
        # 100 multiprocessors at 1 GHz, memory of 512 bits at 1 GHz; 115: it has memory pools.
        known = {75: major, 76: minor, 115: 1, 16: 100, 13: 1_000_000, 36: 1_000_000, 37: 512}
        i32(value, known.get(attribute & 0xFFFFFFFF, 0))

    def cuDevicePrimaryCtxRetain(self, context: int, device: int) -> None:
        i64(context, 0x100)

    def cuDevicePrimaryCtxRelease_v2(self, device: int) -> None: ...

    def cuDevicePrimaryCtxRelease(self, device: int) -> None: ...

    def cuCtxSetCurrent(self, context: int) -> None: ...

    def cuCtxGetCurrent(self, context: int) -> None:
        i64(context, 0x100)

    def cuCtxGetDevice(self, device: int) -> None:
        i32(device, 0)

    def cuCtxGetStreamPriorityRange(self, least: int, greatest: int) -> None:
        i32(least, 0)
        i32(greatest, 0)

    def cuStreamCreateWithPriority(self, stream: int, flags: int, priority: int) -> None:
        i64(stream, 0x200)

    def cuStreamIsCapturing(self, stream: int, status: int) -> None:
        i32(status, 0)

    def cuStreamSynchronize(self, stream: int) -> None: ...

    def cuStreamDestroy_v2(self, stream: int) -> None: ...

    def cuStreamGetCtx(self, stream: int, context: int) -> None:
        i64(context, 0x100)

    # Memory.

    def cuDeviceGetMemPool(self, pool: int, device: int) -> None:
        i64(pool, 0x300)

    def cuMemPoolGetAttribute(self, pool: int, attribute: int, value: int) -> None:
        i64(value, 0)

    def cuMemPoolSetAttribute(self, pool: int, attribute: int, value: int) -> None: ...

    def cuMemAllocFromPoolAsync(self, pointer: int, size: int, pool: int, stream: int) -> int:
        if self.limit is not None and size > self.limit:
            return OUT_OF_MEMORY
        i64(pointer, self.memory.reserve(size, "memory"))
        return 0

    def cuMemFreeAsync(self, pointer: int, stream: int) -> None:
        self.memory.release(pointer)

    def cuPointerGetAttributes(self, count: int, attributes: int, values: int, pointer: int) -> None:
        for i in range(count & 0xFFFFFFFF):
            kind = ctypes.c_int32.from_address(attributes + 4 * i).value
            place = ctypes.c_uint64.from_address(values + 8 * i).value
            i32(place, {2: 2, 9: 0}.get(kind, 0))  # memory type: device; its ordinal

    def cuMemcpyHtoDAsync(self, to: int, source: int, size: int, stream: int) -> None:
        data = (ctypes.c_uint8 * size).from_address(source)
        self.memory.write(to, np.frombuffer(data, np.uint8))

    def cuMemcpyDtoHAsync(self, to: int, source: int, size: int, stream: int) -> None:
        data = self.memory.read(source, (size,), np.uint8).tobytes()
        ctypes.memmove(to, data, size)

    def cuMemcpyDtoDAsync(self, to: int, source: int, size: int, stream: int) -> None:
        self.memory.write(to, self.memory.read(source, (size,), np.uint8))

    # Kernels.

    def cuLibraryLoadData(self, library: int, code: int, *options: int) -> None:
        image = self._image(code)
        self.images.append(image)
        self.modules.append(load(self.assembled[image] if image.startswith(b"\x7fELF") else image.decode()))
        i64(library, len(self.modules))

    def _image(self, code: int) -> bytes:
        """The bytes of a cubin that was assembled here, or of a text that ends with 0."""
        for made in self.assembled:
            if ctypes.string_at(code, len(made)) == made:
                return made
        return ctypes.string_at(code)

    def cuLibraryUnload(self, library: int) -> None: ...

    def cuLibraryGetKernel(self, kernel: int, library: int, name: int) -> int:
        module, word = self.modules[library - 1], ctypes.string_at(name).decode()
        if word not in module.kernels:
            return NOT_FOUND
        self.kernels.append((module, word))
        i64(kernel, 0x1000 + len(self.kernels) - 1)
        return 0

    def cuKernelSetAttribute(self, attribute: int, value: int, kernel: int, device: int) -> None: ...

    def cuKernelGetParamInfo(self, kernel: int, number: int, offset: int, size: int) -> int:
        return 1

    def cuLaunchKernel(
        self, kernel: int, gx: int, gy: int, gz: int, bx: int, by: int, bz: int, shared: int, stream: int,
        parameters: int, extra: int,
    ) -> None:  # fmt: skip
        self._run(kernel, (gx, gy, gz), (bx, by, bz), shared, self._values(kernel, parameters))

    def cuLaunchKernelEx(self, config: int, kernel: int, parameters: int, extra: int) -> None:
        words = [ctypes.c_uint32.from_address(config + 4 * i).value for i in range(7)]
        self._run(kernel, tuple(words[:3]), tuple(words[3:6]), words[6], self._values(kernel, parameters))

    def _values(self, kernel: int, parameters: int) -> list[int]:
        module, name = self.kernels[kernel - 0x1000]
        count = len(module.text.functions[name].parameters)
        places = [ctypes.c_uint64.from_address(parameters + 8 * i).value for i in range(count)]
        return [ctypes.c_uint64.from_address(place).value for place in places]

    def _run(self, kernel: int, grid: Any, block: Any, shared: int, values: list[int]) -> None:
        module, name = self.kernels[kernel - 0x1000]
        module.launch(self.memory, name, grid=grid, block=block, arguments=values, shared_bytes=shared)

    # Graphs: a definition is a list of nodes, and what runs is a copy of it.

    def cuGraphCreate(self, graph: int, flags: int) -> None:
        self.graphs.append([])
        i64(graph, 0x4000 + len(self.graphs) - 1)

    def cuGraphAddKernelNode(
        self, node: int, graph: int, dependencies: int, count: int, parameters: int
    ) -> None:
        nodes = self.graphs[graph - 0x4000]
        before = [ctypes.c_uint64.from_address(dependencies + 8 * i).value for i in range(count)]
        assert before == ([self._node(graph, len(nodes) - 1)] if nodes else [])
        nodes.append(self._kernel_node(parameters))
        i64(node, self._node(graph, len(nodes) - 1))

    @staticmethod
    def _node(graph: int, number: int) -> int:
        return (graph << 16) + number

    def _kernel_node(self, parameters: int) -> dict[str, Any]:
        sizes = [ctypes.c_uint32.from_address(parameters + 8 + 4 * i).value for i in range(7)]
        places = ctypes.c_uint64.from_address(parameters + 40).value
        kernel = (
            ctypes.c_uint64.from_address(parameters + 56).value
            or ctypes.c_uint64.from_address(parameters).value
        )
        return {
            "kernel": kernel, "grid": tuple(sizes[:3]), "block": tuple(sizes[3:6]), "shared": sizes[6],
            "values": self._values(kernel, places),
        }  # fmt: skip

    def cuGraphInstantiateWithParams(self, graph: int, definition: int, parameters: int) -> None:
        self.graphs.append([dict(node) for node in self.graphs[definition - 0x4000]])
        i64(graph, 0x4000 + len(self.graphs) - 1)

    def cuGraphExecNodeSetParams(self, graph: int, node: int, parameters: int) -> None:
        # A word with the node's kind, three of nothing, then the kernel's.
        self.graphs[graph - 0x4000][node & 0xFFFF] = self._kernel_node(parameters + 16)

    def cuGraphLaunch(self, graph: int, stream: int) -> None:
        for node in self.graphs[graph - 0x4000]:
            self._run(node["kernel"], node["grid"], node["block"], node["shared"], node["values"])

    def cuGraphExecDestroy(self, graph: int) -> None: ...

    def cuGraphDestroy(self, graph: int) -> None: ...

    def cuUserObjectCreate(self, made: int, pointer: int, destroy: int, count: int, flags: int) -> None:
        i64(made, pointer)

    def cuUserObjectRelease(self, made: int, count: int) -> None: ...

    def cuGraphReleaseUserObject(self, graph: int, made: int, count: int) -> None: ...

    def cuGraphRetainUserObject(self, graph: int, made: int, count: int, flags: int) -> None: ...

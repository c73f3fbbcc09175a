"""NVIDIA's GPUs through the package cuda-core (`pip install 'irc[cuda]'`), which is asked for when a device is first wanted.

Everything goes into one stream. Memory comes from the driver's pool in the stream's order, so that an array may die while
kernels that read it are under way."""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from irc.errors import IrcError, UnsupportedError
from irc.ir.types import TensorType, element_of
from irc.runtime import nvjitlink
from irc.runtime.devices import Array, DeviceArray, Grid, Pointers, dense_strides

_SHARED_SIZE = "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES"
_ORDINARY_SHARED = 48 << 10
LIBRARY = "libcuda.so.1"
DLPACK_CUDA = 2  # kDLCUDA


class CudaError(IrcError):
    """The driver refuses a call."""


class CudaBlock:
    """Memory of the pool; it goes back in the stream's order when nobody holds it."""

    __slots__ = ("address", "buffer")

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer
        self.address = int(buffer.handle)


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Memory that another library holds, and gives back when nobody here holds this."""

    owner: Any
    address: int


class CudaGraph:
    """Launches one after another as an executable graph. Nodes whose addresses have changed are updated before it runs."""

    def __init__(self, kernels: CudaKernels, grids: Sequence[Grid], pointers: Pointers) -> None:
        self.stream = kernels.device.stream
        self.configs = [(kernels.config(grid), kernels.function(grid)) for grid in grids]
        self.pointers = list(pointers)
        with _refusals():
            self.definition = kernels.device.core.graph.GraphDefinition()
            self.nodes = []
            last = self.definition
            for (config, function), given in zip(self.configs, pointers, strict=True):
                last = last.launch(config, function, *given)
                self.nodes.append(last)
            self.graph = self.definition.instantiate()

    def run(self, pointers: Pointers) -> None:
        with _refusals():
            for i, given in enumerate(pointers):
                if given != self.pointers[i]:
                    config, function = self.configs[i]
                    self.graph[self.nodes[i]].update(config=config, kernel=function, args=given)
                    self.pointers[i] = given
            self.graph.launch(self.stream)


class CudaKernels:
    """Kernels of one module of machine code."""

    def __init__(self, device: CudaDevice, code: Any) -> None:
        self.device = device
        self.code = code
        self.functions: dict[str, Any] = {}

    def launch(self, grid: Grid, pointers: tuple[int, ...]) -> None:
        """Puts a kernel into the stream."""
        with _refusals():
            self.device.core.launch(self.device.stream, self.config(grid), self.function(grid), *pointers)

    def graph(self, launches: Sequence[Grid], pointers: Pointers) -> CudaGraph:
        return CudaGraph(self, launches, pointers)

    def config(self, grid: Grid) -> Any:
        """The grid in cuda-core's words."""
        return self.device.core.LaunchConfig(grid=grid.blocks, block=grid.threads, shmem_size=grid.shared)

    def function(self, grid: Grid) -> Any:
        """The kernel of a grid, allowed the shared memory that it asks for."""
        if grid.kernel not in self.functions:
            with _refusals():
                found = self.functions[grid.kernel] = self.code.get_kernel(grid.kernel)
                if grid.shared > _ORDINARY_SHARED:
                    self.device.allow_shared(found, grid.shared)
        return self.functions[grid.kernel]


class CudaDevice:
    """The first device."""

    name = "cuda"

    def __init__(self) -> None:
        self.core, self.driver = _packages()
        with _refusals():
            self.device = self.core.Device(0)
            self.device.set_current()
            self.stream = self.device.create_stream()
            found = self.device.compute_capability
        self.capability = (int(found[0]), int(found[1]))

    def reserve(self, nbytes: int, name: str) -> CudaBlock:
        """New memory; the driver aligns it to 256 bytes."""
        with _refusals():
            self.device.set_current()
            return CudaBlock(self.device.allocate(max(nbytes, 1), stream=self.stream))

    def write(self, address: int, array: Array) -> None:
        self._call("cuMemcpyHtoDAsync", address, array.ctypes.data, array.nbytes, self.stream.handle)
        # Until then the copy may still read the array.
        self.wait()

    def read(self, address: int, array: Array) -> None:
        self._call("cuMemcpyDtoHAsync", array.ctypes.data, address, array.nbytes, self.stream.handle)
        self.wait()

    def copy(self, to: int, source: int, nbytes: int) -> None:
        self._call("cuMemcpyDtoDAsync", to, source, nbytes, self.stream.handle)

    def load(self, ptx: str, processor: str) -> CudaKernels:
        """The kernels as machine code from the disk's cache where this driver takes it, else as PTX, which it assembles."""
        self.device.set_current()
        name = self.machine_code(processor)
        with _refusals():
            if name is not None:
                cubin = nvjitlink.assemble_ptx(ptx, name)
                return CudaKernels(self, self.core.ObjectCode.from_cubin(cubin))
            return CudaKernels(self, self.core.ObjectCode.from_ptx(ptx.encode()))

    def machine_code(self, processor: str) -> str | None:
        """The processor to assemble for: None where the assembler is not here, newer than the driver, or does not know it.

        A driver loads the machine code of every assembler of its own major version."""
        major, minor = self.capability
        name = processor if processor.endswith("a") else f"sm_{major}{minor}"
        if not nvjitlink.is_installed() or name not in nvjitlink.KNOWN:
            return None
        version = self._call("cuDriverGetVersion")
        return name if version // 1000 >= nvjitlink.library().major else None

    def wait(self) -> None:
        with _refusals():
            self.stream.sync()

    def allow_shared(self, kernel: Any, nbytes: int) -> None:
        """Lets a kernel use more shared memory than every kernel may."""
        attribute = getattr(self.driver.CUfunction_attribute, _SHARED_SIZE)
        self._call("cuKernelSetAttribute", attribute, nbytes, kernel.handle, self.device.device_id)

    def capsule(self, array: DeviceArray, stream: int | None) -> Any:
        block: Any = array.block
        view = self.core.utils.StridedMemoryView.from_buffer(block.buffer, array.shape, dtype=array.dtype)
        if stream != -1:
            self.wait()
        return view.__dlpack__(stream=-1, max_version=None)

    def adopt(self, other: Any) -> DeviceArray:
        view = self.core.utils.StridedMemoryView.from_dlpack(other, stream_ptr=int(self.stream.handle))
        type = TensorType(tuple(view.shape), element_of(view.dtype))
        if view.strides is not None and tuple(view.strides) != dense_strides(type.static_shape):
            raise BufferError(
                f"an array of strides {tuple(view.strides)} is not dense: make it contiguous first"
            )
        return DeviceArray(self, Borrowed(view, view.ptr), type)

    def dlpack_device(self) -> tuple[int, int]:
        return DLPACK_CUDA, int(self.device.device_id)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Calls a function of the driver that cuda-core has no word for."""
        status, *found = getattr(self.driver, name)(*arguments)
        if status:
            _, text = self.driver.cuGetErrorString(status)
            raise CudaError(f"{name}: {text.decode() if text else status}")
        return found[0] if found else None


def _packages() -> tuple[Any, Any]:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        raise UnsupportedError(
            f"target 'cuda' needs NVIDIA's driver, and {LIBRARY} is not on this machine "
            "(--target ptx-emulated runs without one)"
        ) from None
    try:
        core = importlib.import_module("cuda.core")
        driver = importlib.import_module("cuda.bindings.driver")
        for part in ("graph", "utils"):
            importlib.import_module(f"cuda.core.{part}")
    except ImportError as error:
        raise UnsupportedError(
            f"target 'cuda' needs the package cuda-core: pip install 'irc[cuda]' ({error})"
        ) from None
    (status,) = driver.cuInit(0)
    if status:
        raise UnsupportedError(f"target 'cuda' needs a GPU, and NVIDIA's driver finds none: {status.name}")
    return core, driver


@contextmanager
def _refusals() -> Iterator[None]:
    """What the driver refuses, as an error of irc's with the driver's words."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ != "CUDAError":  # cuda-core has no public name for it
            raise
        raise CudaError(f"the driver refuses: {error}") from None


@functools.cache
def cuda_device() -> CudaDevice:
    """The device, made ready once a process. Raises UnsupportedError where there is none."""
    return CudaDevice()

"""The calls that NVIDIA's driver gets, where there is none: a stand-in whose kernels run in the interpreter of PTX."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from irc.codegen.ptx_interpreter import GlobalMemory, PtxModule, load
from irc.dialects.builtin import parse
from irc.driver import compile_module
from irc.errors import IrcError
from irc.runtime import cuda

PROGRAM = """
func.func @main(%x: tensor<40x70xf32>, %y: tensor<70x50xf32>) -> (tensor<40x50xf32>, tensor<40xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<40x70xf32>, tensor<70x50xf32>) -> tensor<40x50xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<40x50xf32>, tensor<f32>) -> tensor<40xf32>
  return %0, %1 : tensor<40x50xf32>, tensor<40xf32>
}"""


class StandIn:
    """The functions of the driver that irc calls, by their names there; each notes that it was called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.memory = GlobalMemory()
        self.texts: list[str] = []
        self.modules: list[PtxModule] = []
        self.names: list[tuple[int, str]] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("cu"):
            object.__getattribute__(self, "calls").append(name)
        return object.__getattribute__(self, name)

    def cuInit(self, flags: int) -> int:
        return 0

    def cuDeviceGet(self, device: Any, number: int) -> int:
        return 0

    def cuDeviceGetAttribute(self, value: Any, number: int, device: Any) -> int:
        value._obj.value = {75: 9, 76: 0}[number]
        return 0

    def cuDevicePrimaryCtxRetain(self, context: Any, device: Any) -> int:
        return 0

    def cuCtxSetCurrent(self, context: Any) -> int:
        return 0

    def cuModuleLoadData(self, module: Any, image: bytes) -> int:
        self.texts.append(image.rstrip(b"\0").decode())
        self.modules.append(load(self.texts[-1]))
        module._obj.value = len(self.modules)
        return 0

    def cuModuleUnload(self, module: Any) -> int:
        return 0

    def cuModuleGetFunction(self, function: Any, module: Any, name: bytes) -> int:
        if name.decode() not in self.texts[module.value - 1]:
            return 500
        self.names.append((module.value - 1, name.decode()))
        function._obj.value = len(self.names)
        return 0

    def cuGetErrorString(self, status: int, text: Any) -> int:
        text._obj.value = b"named symbol not found"
        return 0

    def cuMemAlloc_v2(self, pointer: Any, size: Any) -> int:
        pointer._obj.value = self.memory.reserve(size.value, "memory")
        return 0

    def cuMemFree_v2(self, pointer: Any) -> int:
        return 0

    def cuMemcpyHtoD_v2(self, to: Any, source: Any, size: Any) -> int:
        data = (ctypes.c_uint8 * size.value).from_address(source.value)
        self.memory.write(to.value, np.frombuffer(data, np.uint8))
        return 0

    def cuMemcpyDtoH_v2(self, to: Any, source: Any, size: Any) -> int:
        data = self.memory.read(source.value, (size.value,), np.uint8).tobytes()
        ctypes.memmove(to.value, data, size.value)
        return 0

    def cuLaunchKernel(self, function: Any, *launch: Any) -> int:
        module, name = self.names[function.value - 1]
        *sizes, shared, stream, parameters, extra = launch
        assert stream is None and extra is None
        entry = re.search(rf"\.entry {name}\(([^)]*)\)", self.texts[module])
        assert entry is not None
        count = entry[1].count(".param")
        values = [ctypes.c_uint64.from_address(parameters[i]).value for i in range(count)]
        grid, block = tuple(sizes[:3]), tuple(sizes[3:])
        self.modules[module].launch(
            self.memory, name, grid=grid, block=block, arguments=values, shared_bytes=shared
        )
        return 0


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    made = StandIn()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: made)
    cuda.driver.cache_clear()
    yield made
    cuda.driver.cache_clear()


def test_a_program_on_the_driver_gives_the_hosts_bits(stand_in: StandIn) -> None:
    module = parse(PROGRAM)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 70), np.float32), rng.standard_normal((70, 50), np.float32)
    program = compile_module(module, target="cuda")
    for _ in range(2):
        for made, host in zip(program(x, y), compile_module(module)(x, y), strict=True):
            assert made.tobytes() == host.tobytes()
    assert ".target sm_90a" in stand_in.texts[0]


def test_memory_and_kernels_are_asked_for_once(stand_in: StandIn) -> None:
    program = compile_module(parse(PROGRAM), target="cuda")
    arrays = np.ones((40, 70), np.float32), np.ones((70, 50), np.float32)
    program(*arrays)
    first = list(stand_in.calls)
    stand_in.calls.clear()
    program(*arrays)
    again = set(stand_in.calls)
    assert again == {"cuCtxSetCurrent", "cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuLaunchKernel"}
    assert first.count("cuModuleLoadData") == 1
    program.device.close()  # type: ignore[attr-defined]
    assert stand_in.calls.count("cuMemFree_v2") == first.count("cuMemAlloc_v2")


def test_the_drivers_words_reach_the_user(stand_in: StandIn) -> None:
    device = cuda.CudaDevice("// nothing\n.version 7.1\n.target sm_80\n.address_size 64\n")
    with pytest.raises(IrcError, match="cuModuleGetFunction: named symbol not found"):
        device.launch("absent", 1, 32, [], 0)

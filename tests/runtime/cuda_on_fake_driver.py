"""The runtime for NVIDIA's GPUs: cuda-core runs unchanged on a driver of ours. `test_cuda.py` runs these in a process of their
own, since a driver stays for good."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_driver import FakeDriver
from programs import PRODUCT as PROGRAM

import irc
import irc.torch as torch
from irc import to_device
from irc.dialects.builtin import parse
from irc.driver import DeviceExecutable, compile_module
from irc.errors import IrcError
from irc.runtime import nvjitlink
from irc.runtime.cuda import cuda_device
from irc.runtime.devices import Grid

LOOP = """
func.func @main(%x: tensor<40xf32>, %n: tensor<i64>) -> tensor<40xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i64>
  %one = stablehlo.constant dense<1> : tensor<i64>
  %0:2 = stablehlo.while(%i = %zero, %a = %x) : tensor<i64>, tensor<40xf32>
    cond {
      %p = stablehlo.compare LT, %i, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %j = stablehlo.add %i, %one : tensor<i64>
      %b = stablehlo.multiply %a, %a : tensor<40xf32>
      stablehlo.return %j, %b : tensor<i64>, tensor<40xf32>
    }
  return %0#1 : tensor<40xf32>
}"""
BENCH = Path(__file__).parents[1] / "bench" / "gpu.py"
EMPTY = "// nothing\n.version 7.1\n.target sm_80\n.address_size 64\n"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> FakeDriver:
    return FakeDriver(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def driver(installed: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDriver]:
    """The driver, which knows what PTX each cubin of now is made of."""
    assemble = nvjitlink.assemble_ptx

    def noted(ptx: str, processor: str) -> bytes:
        made = assemble(ptx, processor)
        installed.assembled[made] = ptx
        return made

    monkeypatch.setattr(nvjitlink, "assemble_ptx", noted)
    installed.version = 13000
    cuda_device().wait()
    installed.calls.clear()
    installed.images.clear()
    yield installed
    assert installed.missing == []


def arguments() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 70), np.float32), rng.standard_normal((70, 50), np.float32)


def same(made: Any, host: Any) -> bool:
    return all(np.asarray(m).tobytes() == h.tobytes() for m, h in zip(made, host, strict=True))


def compiled(text: str, **options: Any) -> DeviceExecutable:
    made = compile_module(parse(text), target="cuda", **options)
    assert isinstance(made, DeviceExecutable)
    return made


def test_a_program_gives_the_hosts_bits(driver: FakeDriver) -> None:
    program, arrays = compiled(PROGRAM), arguments()
    host = compile_module(parse(PROGRAM))(*arrays)
    for _ in range(3):
        assert same(program(*arrays), host)
    assert "sm_90a" in repr(program)


def test_device_arrays_do_not_travel(driver: FakeDriver) -> None:
    program, arrays = compiled(PROGRAM), arguments()
    given = [to_device(a, "cuda") for a in arrays]
    made = program(*given)
    driver.calls.clear()
    made = program(*given)
    assert not any("HtoD" in name or "DtoH" in name for name in driver.calls)
    assert same(made, compile_module(parse(PROGRAM))(*arrays))
    assert sum("DtoH" in name for name in driver.calls) == 2


def test_from_the_second_call_on_the_launches_are_one_graph(driver: FakeDriver) -> None:
    program, arrays = compiled(PROGRAM), arguments()
    given = [to_device(a, "cuda") for a in arrays]
    host = compile_module(parse(PROGRAM))(*arrays)
    program(*given)
    assert driver.calls.count("cuLaunchKernelEx") == 2 and "cuGraphLaunch" not in driver.calls
    kept = [program(*given)]
    driver.calls.clear()
    kept.append(program(*given))
    # New results, new addresses: both nodes write to one.
    assert Counter(driver.calls)["cuGraphExecNodeSetParams"] == 2
    assert "cuLaunchKernelEx" not in driver.calls and driver.calls.count("cuGraphLaunch") == 1
    other = to_device(arrays[0] * 2, "cuda")
    doubled = program(other, given[1])
    assert same(kept[0], host) and same(kept[1], host)
    assert same(doubled, compile_module(parse(PROGRAM))(arrays[0] * 2, arrays[1]))
    assert driver.calls.count("cuGraphInstantiateWithParams") == 0


STEP = """
func.func @main(%w: tensor<40xf32>, %g: tensor<40xf32>) -> (tensor<40xf32>, tensor<f32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.subtract %w, %g : tensor<40xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<40xf32>, tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<40xf32>, tensor<f32>
}"""


def test_a_donated_array_is_overwritten_and_nothing_travels(driver: FakeDriver) -> None:
    program = compiled(STEP, donate={0: 0})
    start, change = np.arange(40, dtype=np.float32), np.full(40, 0.5, np.float32)
    weight, gradient = to_device(start, "cuda"), to_device(change, "cuda")
    driver.calls.clear()
    for _ in range(4):
        found, _ = program(weight, gradient)
        assert found is weight
    assert not any("HtoD" in name or "DtoH" in name for name in driver.calls)
    np.testing.assert_array_equal(weight.numpy(), start - 2)
    with pytest.raises(ValueError, match=r"argument 1 shares memory with argument 0, f32\[40\]"):
        program(weight, weight)


def test_the_hosts_loop_runs_graphs(driver: FakeDriver) -> None:
    program, x = compiled(LOOP), np.linspace(0.5, 1, 40).astype(np.float32)
    assert "1 loop driven by the host" in repr(program)
    for n in (0, 3):
        host = compile_module(parse(LOOP))(x, np.int64(n))
        assert same(program(x, np.int64(n)), host)
    assert driver.calls.count("cuGraphLaunch") > 0


def test_memory_goes_back(driver: FakeDriver) -> None:
    program, arrays = compiled(PROGRAM), arguments()
    program(*arrays)
    before = len(driver.memory.regions)
    program(*arrays)
    assert len(driver.memory.regions) == before
    del program
    gc.collect()
    assert len(driver.memory.regions) < before


def test_machine_code_comes_from_the_disk(
    driver: FakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRC_CACHE", "1")
    monkeypatch.setenv("IRC_CACHE_DIR", str(tmp_path))
    arrays = arguments()
    first = compiled(PROGRAM)(*arrays)
    assert driver.images[-1].startswith(b"\x7fELF")
    monkeypatch.setattr(nvjitlink, "_assembled", lambda *given: pytest.fail("assembled again"))
    assert same(compiled(PROGRAM)(*arrays), first)


def test_an_older_driver_gets_ptx(driver: FakeDriver) -> None:
    driver.version = 12040
    arrays = arguments()
    assert same(compiled(PROGRAM)(*arrays), compile_module(parse(PROGRAM))(*arrays))
    assert b".target sm_90a" in driver.images[-1]


def test_the_drivers_words_reach_the_user(driver: FakeDriver) -> None:
    kernels = cuda_device().load(EMPTY, "sm_80")
    with pytest.raises(IrcError, match="the driver refuses: named symbol not found"):
        kernels.launch(Grid("absent", 1, 32, 0), ())
    driver.limit = 1000
    with pytest.raises(IrcError, match="the driver refuses: out of memory"):
        to_device(np.zeros(4000, np.float32), "cuda")
    driver.limit = None


class Tensor(ctypes.Structure):
    """DLTensor, as dlpack.h lays it out."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )  # fmt: skip


def test_a_capsule_shows_the_array_where_it_is(driver: FakeDriver) -> None:
    array = to_device(np.arange(6, dtype=np.float32).reshape(2, 3), "cuda")
    assert array.__dlpack_device__() == (2, 0)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    capsule = array.__dlpack__(stream=1)
    shown = Tensor.from_address(pointer(capsule, b"dltensor"))
    assert (shown.data, shown.device_type, shown.device_id) == (array.address, 2, 0)
    assert (shown.code, shown.bits, shown.lanes, shown.byte_offset) == (2, 32, 1, 0)
    assert shown.shape[: shown.ndim] == [2, 3]
    address = array.address
    del array
    assert driver.memory.read(address, (6,), np.float32).tolist() == [0, 1, 2, 3, 4, 5]


def test_another_librarys_array_is_taken_where_it_is(driver: FakeDriver) -> None:
    array = to_device(np.arange(6, dtype=np.float32).reshape(2, 3), "cuda")
    seen = cuda_device().adopt(array)
    assert (seen.address, seen.type) == (array.address, array.type)
    shown = torch.from_dlpack(array)
    assert str(shown.device) == "cuda:0" and shown.is_cuda and shown.data_ptr() == array.address
    address = array.address
    del array, shown
    assert driver.memory.read(address, (6,), np.float32).tolist() == [0, 1, 2, 3, 4, 5]
    assert seen.numpy().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_training_on_cuda_has_the_hosts_bits(driver: FakeDriver) -> None:
    """The torch frontend on the driver: parameters stay there, and from the third step on a step is one graph."""

    def losses(device: str) -> list[float]:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).to(device)
        updates = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        @irc.compile
        def step(x: Any, y: Any) -> Any:
            updates.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            updates.step()
            return loss

        x, y = torch.randn(4, 6).to(device), torch.randint(0, 3, (4,)).to(device)
        found = []
        for _ in range(5):
            driver.calls.clear()
            loss = step(x, y)
            moved = [name for name in driver.calls if "HtoD" in name or "DtoH" in name]
            found.append(loss.item())
        assert moved == []
        return found

    host = losses("cpu")
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1
    assert losses("cuda") == host
    assert driver.calls.count("cuGraphLaunch") == 1 and "cuLaunchKernelEx" not in driver.calls
    torch.cuda.synchronize()


def test_the_bench_runs(driver: FakeDriver) -> None:
    place = importlib.util.spec_from_file_location("gpu_bench", BENCH)
    assert place is not None and place.loader is not None
    sys.modules["gpu_bench"] = bench = importlib.util.module_from_spec(place)
    place.loader.exec_module(bench)
    for case in bench.CASES[:3]:
        assert not bench.check(case, "cuda").isupper()
        assert "%" in bench.time_case(case, case.small, None, repeats=1)
    roof = bench.roof_of(cuda_device())
    assert (roof.f32, roof.matrix, roof.nbytes) == (2 * 128 * 1e11, 4096 * 1e11, 2 * 1e9 * 512 / 8)

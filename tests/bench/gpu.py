"""What kernels reach on a GPU: every case is checked against the host's bits, then timed, beside torch on the same device where
it is installed. `python tests/bench/gpu.py [--quick] [--emulated]`: minutes; emulated checks alone, small, and needs no GPU."""

from __future__ import annotations

import argparse
import contextlib
import functools
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "codegen"))

from device_programs import arrays_for, dot, on_matrix_units

from irc.codegen.gpu.devices import to_device
from irc.dialects.builtin import Module, parse
from irc.driver import DeviceExecutable, Executable, Observer, compile_module, observing, retargeted
from irc.passes.hooks import Hook


@dataclass(frozen=True)
class Case:
    """A program of some sizes: its work in floating operations and bytes moved, and how torch writes it. It is checked at
    the size `small`, in the interpreter of PTX only where `emulated`."""

    name: str
    make: Callable[[int], Module]
    small: int
    sizes: tuple[int, ...]
    flops: Callable[[int], float]
    nbytes: Callable[[int], float]
    peer: Callable[[Any, Sequence[Any]], Any]
    exact: bool = True
    emulated: bool = True


def matmul(n: int, element: str = "f32") -> Module:
    how = "contracting_dims = [1] x [0]" + (on_matrix_units("bf16") if element == "bf16" else "")
    return dot(f"{n}x{n}", f"{n}x{n}", f"{n}x{n}", element, how, "f32")


def rows(n: int, body: str) -> Module:
    t = f"tensor<{n}x{n}xf32>"
    reducer = "across dimensions = [1]"
    reduced = f"({t}, tensor<f32>) -> tensor<{n}xf32>"
    spread = f"dims = [0] : (tensor<{n}xf32>) -> {t}"
    text = body.format(t=t, n=n, reducer=reducer, reduced=reduced, spread=spread)
    return parse(f"func.func @main(%x: {t}) -> {t} {{\n{text}\n}}")


SOFTMAX = """
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum {reducer} : {reduced}
  %1 = stablehlo.broadcast_in_dim %0, {spread}
  %2 = stablehlo.subtract %x, %1 : {t}
  %3 = stablehlo.exponential %2 : {t}
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add {reducer} : {reduced}
  %5 = stablehlo.broadcast_in_dim %4, {spread}
  %6 = stablehlo.divide %3, %5 : {t}
  return %6 : {t}"""

LAYERNORM = """
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %count = stablehlo.constant dense<{n}.0> : tensor<{n}xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add {reducer} : {reduced}
  %1 = stablehlo.divide %0, %count : tensor<{n}xf32>
  %2 = stablehlo.broadcast_in_dim %1, {spread}
  %3 = stablehlo.subtract %x, %2 : {t}
  %4 = stablehlo.multiply %3, %3 : {t}
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add {reducer} : {reduced}
  %6 = stablehlo.divide %5, %count : tensor<{n}xf32>
  %7 = stablehlo.rsqrt %6 : tensor<{n}xf32>
  %8 = stablehlo.broadcast_in_dim %7, {spread}
  %9 = stablehlo.multiply %3, %8 : {t}
  return %9 : {t}"""

CHAIN = """
  %0 = stablehlo.tanh %x : {t}
  %1 = stablehlo.multiply %0, %x : {t}
  %2 = stablehlo.add %1, %x : {t}
  return %2 : {t}"""

SEED = Path(__file__).parents[2] / "examples" / "seeds" / "cnn.py"


class _Last(Observer):
    """Keeps the tensor level of the program that was compiled last."""

    module: Module

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        assert executable.stages.tensor is not None
        self.module = retargeted(executable.stages.tensor)


@functools.cache
def seed_step(batch: int) -> Module:
    """A training step of the seed network, as the host compiles it when its program runs."""
    seen = _Last()
    source = (
        SEED.read_text().replace("(32, 3, 32, 32)", f"({batch}, 3, 32, 32)").replace("(32,)", f"({batch},)")
    )
    source = re.sub(
        r"^import torch\b(\.)?", lambda m: f"import irc.torch{m[1] or ' as torch'}", source, flags=re.M
    )
    with observing(seen), contextlib.redirect_stdout(None):
        exec(compile(source.replace("range(20)", "range(3)"), str(SEED), "exec"), {"__name__": "__main__"})
    return seen.module


def seed_peer(torch: Any, arrays: Sequence[Any]) -> None:
    """One eager step of the same network in torch."""
    _seed_in_torch(torch, int(max(a.shape[0] for a in arrays if a.dim() == 4 and a.shape[1] == 3)))()


@functools.cache
def _seed_in_torch(torch: Any, batch: int) -> Callable[[], None]:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 16 * 16, 128),
        nn.ReLU(), nn.Linear(128, 10),
    ).cuda()  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, labels = torch.randn(batch, 3, 32, 32).cuda(), torch.randint(0, 10, (batch,)).cuda()

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


MATRICES = (1024, 2048, 4096, 8192)

CASES = [
    Case("f32 matmul", matmul, 96, MATRICES, lambda n: 2.0 * n**3, lambda n: 12.0 * n**2, lambda t, a: a[0] @ a[1] + a[2]),
    Case(
        "bf16 matmul", lambda n: matmul(n, "bf16"), 96, MATRICES, lambda n: 2.0 * n**3, lambda n: 8.0 * n**2,
        lambda t, a: (a[0] @ a[1]).float() + a[2], exact=False,
    ),
    Case(
        "softmax", lambda n: rows(n, SOFTMAX), 70, (8192,), lambda n: 5.0 * n**2, lambda n: 8.0 * n**2,
        lambda t, a: t.softmax(a[0], 1),
    ),
    Case(
        "layernorm", lambda n: rows(n, LAYERNORM), 70, (4096,), lambda n: 7.0 * n**2, lambda n: 8.0 * n**2,
        lambda t, a: t.nn.functional.layer_norm(a[0], a[0].shape[1:]),
    ),
    Case(
        "x + x tanh x", lambda n: rows(n, CHAIN), 70, (8192,), lambda n: 20.0 * n**2, lambda n: 8.0 * n**2,
        lambda t, a: a[0] + a[0] * t.tanh(a[0]),
    ),
    Case(
        "seed CNN step", seed_step, 4, (32, 256), lambda n: 26.7e6 * n, lambda n: 2.3e6 * n + 50e6, seed_peer,
        emulated=False,
    ),
]  # fmt: skip


def check(case: Case, target: str) -> str:
    """Compares a small case with the host's code."""
    module = case.make(case.small)
    arrays = arrays_for(module)
    made, host = compile_module(module, target=target)(*arrays)[0], compile_module(module)(*arrays)[0]
    if case.exact:
        return "the host's bits" if made.tobytes() == host.tobytes() else "OTHER BITS"
    error = float(np.abs(made - host).max())
    return f"within {error:.1e}" if error < 1e-3 else f"WRONG by {error:.1e}"


@dataclass(frozen=True)
class Roof:
    """What the device could do: floating operations and bytes a second, from its clocks and units (the driver's numbers)."""

    f32: float
    matrix: float
    nbytes: float

    def seconds(self, case: Case, size: int) -> float:
        """The least time that a case can take."""
        return max(
            case.flops(size) / (self.f32 if case.exact else self.matrix), case.nbytes(size) / self.nbytes
        )


LANES = {(8, 0): 64}
"""f32 units of a multiprocessor, where they are not 128."""
MATRIX = {8: 2048, 9: 4096}
"""Dense 16-bit floating operations of a multiprocessor in a clock, by the capability's first number (8.0: half on others)."""


def roof_of(device: Any) -> Roof:
    """The roof of a CudaDevice."""
    found, capability = device.device.properties, device.capability
    clocks = found.multiprocessor_count * found.clock_rate * 1e3
    matrix = MATRIX.get(capability[0], 4096) // (2 if capability[0] == 8 and capability[1] else 1)
    lanes = LANES.get(capability, 128)
    # Data moves at both edges of the memory's clock.
    nbytes = 2.0 * found.memory_clock_rate * 1e3 * found.global_memory_bus_width / 8
    return Roof(2.0 * lanes * clocks, float(matrix) * clocks, nbytes)


def timed(run: Callable[[], object], wait: Callable[[], object], repeats: int) -> float:
    """Seconds of one run: the best of five rounds, after one that is not counted."""
    best = float("inf")
    for number in range(6):
        wait()
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        wait()
        if number:
            best = min(best, (time.perf_counter() - start) / repeats)
    return best


def time_case(case: Case, size: int, torch: Any, repeats: int = 20) -> str:
    """The table's columns of a large case: milliseconds, what that reaches, its share of the roof, and torch's time."""
    module = case.make(size)
    program = compile_module(module, target="cuda")
    assert isinstance(program, DeviceExecutable)
    arrays = arrays_for(module)
    given = [to_device(a, "cuda") for a in arrays]
    device: Any = program.loaded.device
    mine = timed(lambda: program.resident(*given), device.wait, repeats)
    share = roof_of(device).seconds(case, size) / mine
    line = f"{1e3 * mine:9.3f} {case.flops(size) / mine / 1e12:9.2f} {case.nbytes(size) / mine / 1e9:9.0f} {share:6.0%}"
    if torch is None:
        return line
    there = [torch.tensor(a.astype(np.float32)).cuda().to(_torch_type(torch, a)) for a in arrays]
    peer = timed(lambda: case.peer(torch, there), torch.cuda.synchronize, repeats)
    return f"{line} {1e3 * peer:9.3f} {peer / mine:7.2f}"


def _torch_type(torch: Any, array: Any) -> Any:
    return torch.bfloat16 if array.dtype.itemsize == 2 else torch.float32


def peer_library() -> Any:
    """torch where it is installed and has a device."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulated", action="store_true", help="only check, in the interpreter of PTX")
    parser.add_argument("--quick", action="store_true", help="the smallest size of each")
    arguments = parser.parse_args()
    torch = None if arguments.emulated else peer_library()
    began = time.monotonic()
    print(
        f"{'case':14} {'size':>5} {'checked':20} {'ms':>9} {'TFLOP/s':>9} {'GB/s':>9} {'roof':>6} {'torch ms':>9} {'ratio':>7}"
    )
    for case in CASES:
        if arguments.emulated and not case.emulated:
            continue
        checked = check(case, "ptx-emulated" if arguments.emulated else "cuda")
        sizes = (case.small,) if arguments.emulated else case.sizes[: 1 if arguments.quick else None]
        for size in sizes:
            columns = "" if arguments.emulated else time_case(case, size, torch)
            print(f"{case.name:14} {size:5} {checked:20} {columns}", flush=True)
    print(f"{time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()

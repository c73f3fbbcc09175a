"""Figures of the runtime, as ratios measured in the same run: `python tests/bench/runtime_figures.py [NAME ...]`.

compile_times [FOLDER]   cold compile of StableHLO texts, irc's CPU time over JAX's: fresh processes, both warmed by a tiny
                         program, so that imports and first uses are in neither
threads                  two threads over one: best rounds and medians; on a busy machine only medians mean something
oversubscribed           the same while two other processes take what processors they get: calls for a tenth of a second each
calls                    a call: fresh outputs, given outputs, and through a compiled function
memory                   resident memory over shapes that each are a program"""

from __future__ import annotations

import os

os.environ["IRC_CACHE"] = "0"

import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import irc

TEXTS = Path(__file__).parents[2].parent / "shared" / "bench" / "stablehlo"
PROGRAMS = (
    "W1_mlp_b1.nhwc", "W1_mlp_b128.nhwc", "W2_cnn_b32.nhwc", "W3_resnet18_b1.nhwc", "W3_resnet18_b1.nchw", "W4_lstm.nhwc",
    "W5_bert_mini_b8.nhwc", "W5_gpt2_layer_b1.nhwc", "W6_mobilenet_b1.nhwc",
    "T1_mlp.nhwc", "T2_cnn.nhwc", "T3_lstm.nhwc", "T4_gpt.nhwc",
)  # fmt: skip

_IRC = """
import sys, time, irc, irc.driver
t = "tensor<64x64xf32>"
irc.compile_module(irc.parse(f"func.func @main(%a: {t}) -> {t} {{ %0 = stablehlo.dot_general %a, %a, "
    f"contracting_dims = [1] x [0] : ({t}, {t}) -> {t} return %0 : {t} }}"))
text = open(sys.argv[1]).read()
start = time.process_time()
irc.compile_module(irc.parse(text))
print(time.process_time() - start)
"""

_JAX = """
import sys, time, jax, numpy as np
from jax._src import compiler, xla_bridge
from jax._src.interpreters import mlir
from jax._src.lib import xla_client
from jax._src.lib.mlir import ir
backend = xla_bridge.get_backend("cpu")
jax.jit(lambda x: x @ x)(np.ones((64, 64), np.float32))
text = open(sys.argv[1]).read()
start = time.process_time()
with mlir.make_ir_context():
    devices = xla_client.DeviceList(tuple(backend.local_devices()[:1]))
    backend.compile_and_load(ir.Module.parse(text), devices, compiler.get_compile_options(1, 1))
print(time.process_time() - start)
"""


def _seconds(code: str, path: Path) -> float:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def compile_times(folder: Path = TEXTS, rounds: int = 3) -> None:
    """Cold compile, irc over JAX (below 1: irc is faster); the least of some interleaved rounds of each."""
    ratios = []
    for name in PROGRAMS:
        samples = [
            (_seconds(_IRC, folder / f"{name}.mlir"), _seconds(_JAX, folder / f"{name}.mlir"))
            for _ in range(rounds)
        ]
        ours, theirs = (min(s) for s in zip(*samples, strict=True))
        ratios.append(ours / theirs)
        print(
            f"compile {name:22} irc {ours:5.2f} s, JAX {theirs:5.2f} s CPU: {ours / theirs:4.2f}", flush=True
        )
    print(f"compile, geometric mean of irc over JAX: {statistics.geometric_mean(ratios):.2f}")


def _product(n: int) -> str:
    t = f"tensor<{n}x{n}xf32>"
    return (
        f"func.func @main(%a: {t}, %b: {t}) -> {t} {{\n  %0 = stablehlo.dot_general %a, %b, "
        f"contracting_dims = [1] x [0] : ({t}, {t}) -> {t}\n  return %0 : {t}\n}}"
    )


def _loaded(text: str) -> Callable[[], Any]:
    """A program with arguments of its own."""
    program = irc.compile_module(irc.parse(text))
    rng = np.random.default_rng(0)
    arrays = []
    for t in program.stamp.inputs:
        dtype = t.element.numpy
        zero = dtype.kind in "iub"
        arrays.append(
            np.zeros(t.shape, dtype) if zero else (0.05 * rng.standard_normal(t.shape)).astype(dtype)
        )
    return partial(program.call, *arrays)


def _threaded_cases(folder: Path, sizes: tuple[int, ...]) -> dict[str, str]:
    cases = {f"product {n}": _product(n) for n in sizes}
    for name in ("W3_resnet18_b1.nhwc", "W5_bert_mini_b8.nhwc", "T2_cnn.nhwc"):
        path = folder / f"{name}.mlir"
        if path.exists():
            cases[name] = path.read_text()
    return cases


def threads(folder: Path = TEXTS, rounds: int = 20) -> None:
    """Wall time of one thread over that of two; the load says whether both processors were free."""
    for name, text in _threaded_cases(folder, (256, 512, 1024, 2048)).items():
        run = _loaded(text)
        times: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(rounds):
            for count, kept in times.items():
                irc.set_num_threads(count)
                run()
                kept.append(min(timeit.repeat(run, number=1, repeat=3)))
        best = min(times[1]) / min(times[2])
        middle = statistics.median(times[1]) / statistics.median(times[2])
        print(
            f"two threads over one, {name:20} best {best:.2f}, median {middle:.2f} (load {os.getloadavg()[0]:.1f})",
            flush=True,
        )


def oversubscribed(folder: Path = TEXTS, rounds: int = 20) -> None:
    """Wall time of two threads over that of one beside two processes that never rest: below 1, two are faster."""
    cases = {name: _loaded(text) for name, text in _threaded_cases(folder, (256, 512)).items()}
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        for name, run in cases.items():
            calls = max(1, int(0.1 / min(timeit.repeat(run, number=1, repeat=5))))
            ratios = []
            for _ in range(rounds):
                times = []
                for count in (1, 2):
                    irc.set_num_threads(count)
                    run()
                    times.append(timeit.timeit(run, number=calls))
                ratios.append(times[1] / times[0])
            tenth = statistics.quantiles(ratios, n=10)
            print(
                f"two threads' time over one's, oversubscribed, {name:20} median {statistics.median(ratios):.2f}, "
                f"p90 {tenth[-1]:.2f}, most {max(ratios):.2f} (load {os.getloadavg()[0]:.1f})",
                flush=True,
            )
    finally:
        for other in others:
            other.kill()


def _microseconds(run: Callable[[], Any]) -> float:
    run()
    return min(timeit.repeat(run, number=2000, repeat=15)) / 2000 * 1e6


def calls() -> None:
    """Microseconds of calls that compute next to nothing, and np.add's for the machine's speed of now."""
    import irc.torch as torch

    t = "tensor<4xf32>"
    names = [f"%a{i}" for i in range(10)]
    head = f"func.func @main({', '.join(f'{n}: {t}' for n in names)})"
    sums = "".join(f"  %s{i} = stablehlo.add {n}, {n} : {t}\n" for i, n in enumerate(names))
    every = ", ".join(f"%s{i}" for i in range(10))
    one = irc.compile_module(irc.parse(f"{head} -> {t} {{\n{sums}  return %s0 : {t}\n}}"))
    ten = irc.compile_module(
        irc.parse(f"{head} -> ({', '.join([t] * 10)}) {{\n{sums}  return {every} : {', '.join([t] * 10)}\n}}")
    )
    arrays = [np.ones(4, np.float32) for _ in names]
    out = [np.ones(4, np.float32) for _ in names]
    tensors = [torch.ones(4) for _ in names]
    for tensor in tensors:
        tensor.numpy()
    single = irc.compile(lambda x: x + 1)
    several = irc.compile(lambda *xs: tuple(x + 1 for x in xs))
    for function, given in ((single, tensors[:1]), (several, tensors)):
        function(*given)
        function(*given)
    rows = {
        "np.add": lambda: np.add(arrays[0], arrays[1]),
        "10 inputs, 1 fresh output": lambda: one.call(*arrays),
        "10 inputs, 10 fresh outputs": lambda: ten.call(*arrays),
        "10 inputs, 1 given output": lambda: one.program.into(*arrays, out[0]),
        "10 inputs, 10 given outputs": lambda: ten.program.into(*arrays, *out),
        "compiled function, 1 tensor": lambda: single(tensors[0]),
        "compiled function, 10 tensors in and out": lambda: several(*tensors),
    }
    for name, run in rows.items():
        print(f"call: {name:42} {_microseconds(run):6.2f} us")


def memory(shapes: int = 600) -> None:
    """Resident memory while a function meets shapes that each are a program of their own."""
    import irc.torch as torch

    os.environ["IRC_PROGRAM_LIMIT"] = "32"
    function = irc.compile(lambda x: x * 2.0 + 1.0, dynamic=False)
    begun = time.monotonic()
    for n in range(1, shapes + 1):
        function(torch.tensor(np.ones((n % 100 + 1, n // 100 + 1), np.float32)))
        if n % (shapes // 4) == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            print(
                f"memory after {n:5} shapes: {pages * os.sysconf('SC_PAGE_SIZE') / 1e6:.1f} MB, {time.monotonic() - begun:.0f} s"
            )


FIGURES = {f.__name__: f for f in (calls, memory, threads, oversubscribed, compile_times)}

if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()

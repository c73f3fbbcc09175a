"""How fast contractions are next to NumPy: `python tests/codegen/lower/benchmark_contraction.py [matmul conv gradient ...]`.

One thread each. Times are the process's own, interleaved; the best of several runs. GF/s count the products and sums of
the op; the last column is how many times faster than NumPy (matmul alone) in the same run."""

from __future__ import annotations

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", IRC_NUM_THREADS="1")

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from group_programs import NHWC, WEIGHT_GRADIENT, bias_relu, compile_group, convolution, matmul, samples

from irc.codegen.lower.contraction import lower_contraction

Call = Callable[[], Any]


def best(calls: list[Call], seconds: float = 0.3) -> list[float]:
    """Seconds of one call of each: the least of interleaved measurements."""
    counts = []
    for call in calls:
        call()
        start = time.process_time()
        call()
        counts.append(max(1, int(0.005 / max(time.process_time() - start, 1e-6))))
    least = [float("inf")] * len(calls)
    end = time.monotonic() + seconds * len(calls)
    while time.monotonic() < end:
        for i, (call, count) in enumerate(zip(calls, counts, strict=True)):
            start = time.process_time()
            for _ in range(count):
                call()
            least[i] = min(least[i], (time.process_time() - start) / count)
    return least


def measure(name: str, func: Any, flops: float, peer: Callable[..., Any] | None = None) -> None:
    group = lower_contraction(func)
    program = compile_group(func, group)
    arrays = samples(func)
    outputs = [np.empty(v.type.static_shape, v.type.element.numpy) for v in func.returned]
    calls: list[Call] = [lambda: program.into(*arrays, *outputs)]
    if peer is not None:
        calls.append(lambda: peer(*arrays, outputs[-1]))
    times = best(calls)
    schedule = group.functions[-1].attributes["irc.schedule"]
    tile = f"{schedule['mr'].value}x{schedule['nv'].value} {schedule['pack_b'].value}"
    rates = "".join(f"{flops / t / 1e9:9.1f}" for t in times)
    ratio = f"{times[1] / times[0]:7.2f}" if peer is not None else ""
    print(f"{name:34}{times[0] * 1e6:10.1f} us  {tile:10}{rates}{ratio}", flush=True)


def products() -> None:
    for m, n, k, turned in MATMULS:
        left, right = "lhs" in turned, "rhs" in turned

        def peer(x: Any, w: Any, out: Any, left: bool = left, right: bool = right) -> None:
            np.matmul(x.T if left else x, w.T if right else w, out=out)

        measure(f"{m}x{n}x{k} {turned}", matmul(m, n, k, turned=turned), 2.0 * m * n * k, peer)
    for count, m, n, k in ((96, 64, 64, 64), (96, 32, 32, 32), (48, 128, 128, 64)):
        func = matmul(m, n, k, batch=(count,))
        measure(
            f"{count} of {m}x{n}x{k}",
            func,
            2.0 * count * m * n * k,
            lambda x, w, out: np.matmul(x, w, out=out),
        )


def epilogues() -> None:
    def peer(x: Any, w: Any, bias: Any, out: Any) -> None:
        np.matmul(x, w, out=out)
        np.add(out, bias, out=out)
        np.maximum(out, 0, out=out)

    for m, n, k in ((256, 256, 256), (2048, 2048, 64)):
        measure(f"{m}x{n}x{k} bias, relu", matmul(m, n, k, after=bias_relu), 2.0 * m * n * k, peer)


def convolutions() -> None:
    for batch, size, channels, features, filters, stride in CONVOLUTIONS:
        func = convolution(
            (batch, size, size, channels),
            (filters, filters, channels, features),
            window_strides=(stride, stride),
            numbers=NHWC,
        )
        out = (size - filters) // stride + 1
        name = f"{batch}x{size}x{size} {channels}->{features} {filters}x{filters} s{stride}"
        measure(name, func, 2.0 * batch * out * out * features * filters * filters * channels)


def weight_gradients() -> None:
    for batch, size, channels, features in ((32, 34, 3, 64), (32, 34, 64, 64), (8, 16, 128, 128)):
        out = size - 2
        func = convolution(
            (batch, size, size, channels), (batch, out, out, features), numbers=WEIGHT_GRADIENT
        )
        flops = 2.0 * batch * out * out * features * 9 * channels
        measure(f"gradient {batch}x{size}x{size} {channels}->{features}", func, flops)


MATMULS = (
    *((n, n, n, "") for n in (32, 64, 100, 128, 200, 256, 512, 1000, 1024, 2048)),
    (32, 128, 784, ""), (32, 128, 3136, ""), (32, 10, 128, ""), (128, 784, 256, ""), (8, 1024, 1024, ""),
    (4, 4096, 1024, ""), (1, 4096, 1024, ""), (1, 4096, 4096, ""), (1, 256, 256, ""), (1, 1024, 784, "rhs"),
    (256, 256, 256, "lhs"), (784, 128, 32, "lhs"), (1024, 1024, 128, "lhs"), (256, 256, 256, "rhs"),
    (512, 512, 512, "rhs"), (32, 784, 128, "rhs"), (32, 128, 16384, "rhs"), (128, 32, 16384, ""),
    (128, 16384, 32, "lhs"), (32, 16384, 128, ""),
)  # fmt: skip
CONVOLUTIONS = (
    (32, 34, 3, 64, 3, 1), (1, 58, 64, 64, 3, 1), (8, 58, 64, 64, 3, 1), (1, 30, 128, 128, 3, 1), (1, 30, 128, 128, 3, 2),
    (1, 16, 256, 256, 3, 1), (1, 9, 512, 512, 3, 1), (8, 56, 64, 256, 1, 1), (8, 56, 256, 64, 1, 1), (32, 34, 64, 3, 3, 1),
)  # fmt: skip
SETS: dict[str, Callable[[], None]] = {
    "matmul": products, "epilogue": epilogues, "conv": convolutions, "gradient": weight_gradients,
}  # fmt: skip

if __name__ == "__main__":
    print(f"{'':34}{'irc':>10}     {'tile':10}{'GF/s':>9}{'NumPy':>9}{'ratio':>7}")
    for chosen in sys.argv[1:] or SETS:
        SETS[chosen]()

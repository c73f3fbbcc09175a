"""Single kernels beside PyTorch and NumPy, one thread: `python tests/bench/kernels.py [GROUP or part of a name ...]`.

Times are medians of the process's CPU time over interleaved rounds, after the results have been compared. The roof is the
rate of fused multiply-adds of this machine, or what a copy of as many bytes reaches, both measured in the same run."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ["IRC_CACHE"] = "0"  # compile times are those of compiling

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from ctypes import CFUNCTYPE, c_int64
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

import irc
from irc.runtime import jit

ROUNDS = 9
Array = np.ndarray[Any, Any]


@dataclass
class Case:
    """One kernel: its text for irc, its arguments, and the same with the peers. `work` is in flops or in bytes."""

    group: str
    name: str
    text: str
    arguments: list[Array]
    peers: dict[str, Callable[[], Any]]
    work: float
    is_flops: bool = True
    tolerance: float = 2e-3


@dataclass
class Cases:
    """The cases, by group."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def array(self, *shape: int) -> Array:
        return self.random.standard_normal(shape, dtype=np.float32)

    def __iter__(self) -> Iterator[Callable[[], Case]]:
        for make in (self.products, self.convolutions, self.rows, self.movements):
            yield from make()

    # Contractions

    def products(self) -> Iterator[Callable[[], Case]]:
        for n in (32, 64, 100, 128, 200, 256, 512, 1000, 1024, 2048):
            yield partial(self.product, n, n, n)
        for m, n, k in (
            (32, 128, 784), (32, 128, 3136), (32, 10, 128), (128, 784, 256), (8, 1024, 1024), (4, 4096, 1024),
        ):  # fmt: skip
            yield partial(self.product, m, n, k)
        for m, n, k in ((256, 256, 256), (512, 512, 512), (784, 128, 32), (1024, 1024, 128)):
            yield partial(self.product, m, n, k, "tn")
        for m, n, k in (
            (64, 64, 64),
            (256, 256, 256),
            (512, 512, 512),
            (32, 784, 128),
            (1024, 1024, 512),
            (8, 1024, 1024),
        ):
            yield partial(self.product, m, n, k, "nt")
        for n, k in ((256, 256), (1024, 784), (4096, 1024), (4096, 4096)):
            yield partial(self.product, 1, n, k)
        for n, k in ((1024, 784), (4096, 4096)):
            yield partial(self.product, 1, n, k, "nt")
        for m, n, k in ((8, 1024, 1024), (32, 128, 784), (256, 256, 256), (128, 1024, 1024)):
            yield partial(self.product, m, n, k, "nn", 1, True)
            yield partial(self.product, m, n, k, "nt", 1, True)
        for b, m, n, k in ((96, 64, 64, 64), (96, 32, 32, 32), (96, 128, 64, 128), (48, 128, 128, 64)):
            yield partial(self.product, m, n, k, "nn", b)
        yield partial(self.product, 128, 128, 64, "nt", 48)

    def product(
        self, m: int, n: int, k: int, kind: str = "nn", batch: int = 1, constant: bool = False
    ) -> Case:
        many = (batch,) if batch > 1 else ()
        x = self.array(*many, *((k, m) if kind[0] == "t" else (m, k)))
        y = self.array(*many, *((n, k) if kind[1] == "t" else (k, n)))
        axis = len(many)
        depth = (axis if kind[0] == "t" else axis + 1, axis + 1 if kind[1] == "t" else axis)
        batching = "batching_dims = [0] x [0], " if many else ""
        tx, ty, to = tensor(x), tensor(y), f"tensor<{'x'.join(map(str, (*many, m, n)))}xf32>"
        head = f"%a: {tx}" if constant else f"%a: {tx}, %b: {ty}"
        body = (
            f'  %b = stablehlo.constant dense<"0x{y.tobytes().hex().upper()}"> : {ty}\n' if constant else ""
        )
        body += (
            f"  %r = stablehlo.dot_general %a, %b, {batching}contracting_dims = [{depth[0]}] x [{depth[1]}] "
            f": ({tx}, {ty}) -> {to}\n"
        )
        left = x.swapaxes(-1, -2) if kind[0] == "t" else x
        right = y.swapaxes(-1, -2) if kind[1] == "t" else y
        peers = {
            "numpy": partial(np.matmul, left, right),
            "torch": partial(torch.matmul, torch.from_numpy(left), torch.from_numpy(right)),
        }
        if constant:
            linear = torch._C._nn.linear
            peers["torch"] = partial(linear, torch.from_numpy(x), torch.from_numpy(right.T))
        name = f"{kind} {f'{batch} x ' if many else ''}{m}x{n}x{k}{' constant' if constant else ''}"
        arguments = [x] if constant else [x, y]
        return Case("gemm", name, main(head, body, to), arguments, peers, 2.0 * batch * m * n * k)

    def convolutions(self) -> Iterator[Callable[[], Case]]:
        for n, size, c, k, window, step, groups in (
            (1, 56, 64, 64, 3, 1, 1), (8, 56, 64, 64, 3, 1, 1), (8, 32, 3, 64, 3, 1, 1), (1, 28, 128, 128, 3, 1, 1),
            (1, 14, 256, 256, 3, 1, 1), (1, 16, 256, 256, 3, 1, 1), (1, 7, 512, 512, 3, 1, 1), (1, 56, 32, 32, 3, 1, 1),
            (1, 28, 128, 128, 3, 2, 1), (1, 224, 3, 64, 7, 2, 1), (8, 56, 64, 256, 1, 1, 1), (8, 56, 256, 64, 1, 1, 1),
            (1, 56, 128, 128, 3, 1, 128), (8, 56, 128, 128, 3, 1, 128), (1, 112, 32, 32, 3, 1, 32),
            (1, 14, 512, 512, 3, 1, 512), (1, 112, 96, 96, 3, 2, 96), (1, 28, 128, 128, 3, 1, 4), (1, 56, 128, 128, 3, 1, 32),
        ):  # fmt: skip
            yield partial(self.convolution, n, size, c, k, window, step, groups)
        yield partial(self.convolution, 1, 56, 64, 64, 3, 1, 1, True)
        yield partial(self.convolution, 1, 14, 256, 256, 3, 1, 1, True)

    def convolution(
        self, n: int, size: int, c: int, k: int, window: int, step: int, groups: int, constant: bool = False
    ) -> Case:
        x, w = self.array(n, size, size, c), self.array(window, window, c // groups, k)
        w /= math.sqrt(window * window * c / groups)
        pad = window // 2
        out = (size + 2 * pad - window) // step + 1
        to = f"tensor<{n}x{out}x{out}x{k}xf32>"
        body = (
            f'  %w = stablehlo.constant dense<"0x{w.tobytes().hex().upper()}"> : {tensor(w)}\n'
            if constant
            else ""
        )
        body += (
            "  %r = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
            f"window = {{stride = [{step}, {step}], pad = [[{pad}, {pad}], [{pad}, {pad}]]}} "
            f"{{batch_group_count = 1 : i64, feature_group_count = {groups} : i64}} "
            f": ({tensor(x)}, {tensor(w)}) -> {to}\n"
        )
        head = f"%x: {tensor(x)}" if constant else f"%x: {tensor(x)}, %w: {tensor(w)}"
        planes = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        kernel = torch.from_numpy(np.ascontiguousarray(w.transpose(3, 2, 0, 1)))
        last = torch.channels_last
        convolve = partial(torch.conv2d, stride=step, padding=pad, groups=groups)

        def channels_last() -> Array:
            return convolve(planes_last, kernel_last).permute(0, 2, 3, 1)  # type: ignore[no-any-return]

        planes_last, kernel_last = planes.to(memory_format=last), kernel.to(memory_format=last)
        peers = {
            "channels last": channels_last,
            "channels first": lambda: convolve(planes, kernel).permute(0, 2, 3, 1),
        }
        kind = "depthwise " if groups == c else f"groups {groups} " if groups > 1 else ""
        name = f"{kind}N{n} {size} {c}->{k} {window}x{window}{' stride 2' if step == 2 else ''}{' constant' if constant else ''}"
        work = 2.0 * n * out * out * k * window * window * c / groups
        return Case("convolution", name, main(head, body, to), [x] if constant else [x, w], peers, work)

    # Rows, columns and elements

    def rows(self) -> Iterator[Callable[[], Case]]:
        for shape in ((256, 1024), (4096, 1024), (16384, 1024)):
            for make in (self.softmax, self.layernorm):
                yield partial(make, *shape)
        for shape in ((256, 1024), (4096, 4096), (65536, 64), (64, 65536)):
            yield partial(self.sums, 1, *shape)
            yield partial(self.sums, 0, *shape)
        for n in (1 << 16, 1 << 20, 1 << 24):
            yield partial(self.gelu, n)
            yield partial(self.linear, n)

    def softmax(self, m: int, n: int) -> Case:
        x = self.array(m, n)
        t, r = tensor(x), f"tensor<{m}xf32>"
        body = f"""  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %m = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : ({t}, tensor<f32>) -> {r}
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : ({r}) -> {t}
  %d = stablehlo.subtract %x, %mb : {t}
  %e = stablehlo.exponential %d : {t}
  %s = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [1] : ({t}, tensor<f32>) -> {r}
  %sb = stablehlo.broadcast_in_dim %s, dims = [0] : ({r}) -> {t}
  %r = stablehlo.divide %e, %sb : {t}
"""
        peers = {"torch": partial(torch.softmax, torch.from_numpy(x), 1)}
        return Case("row", f"softmax {m}x{n}", main(f"%x: {t}", body, t), [x], peers, 8.0 * m * n, False)

    def layernorm(self, m: int, n: int) -> Case:
        x, g, h = self.array(m, n), self.array(n), self.array(n)
        t, r, v = tensor(x), f"tensor<{m}xf32>", f"tensor<{n}xf32>"
        body = f"""  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<{n}.0> : {r}
  %eps = stablehlo.constant dense<1.0e-5> : {r}
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : ({t}, tensor<f32>) -> {r}
  %mean = stablehlo.divide %s, %n : {r}
  %mb = stablehlo.broadcast_in_dim %mean, dims = [0] : ({r}) -> {t}
  %d = stablehlo.subtract %x, %mb : {t}
  %q = stablehlo.multiply %d, %d : {t}
  %qs = stablehlo.reduce(%q init: %zero) applies stablehlo.add across dimensions = [1] : ({t}, tensor<f32>) -> {r}
  %var = stablehlo.divide %qs, %n : {r}
  %ve = stablehlo.add %var, %eps : {r}
  %i = stablehlo.rsqrt %ve : {r}
  %ib = stablehlo.broadcast_in_dim %i, dims = [0] : ({r}) -> {t}
  %y = stablehlo.multiply %d, %ib : {t}
  %gb = stablehlo.broadcast_in_dim %g, dims = [1] : ({v}) -> {t}
  %z = stablehlo.multiply %y, %gb : {t}
  %hb = stablehlo.broadcast_in_dim %h, dims = [1] : ({v}) -> {t}
  %r = stablehlo.add %z, %hb : {t}
"""
        given = [torch.from_numpy(a) for a in (x, g, h)]
        peers = {"torch": lambda: torch.layer_norm(given[0], (n,), given[1], given[2])}
        head = f"%x: {t}, %g: {v}, %h: {v}"
        return Case("row", f"layernorm {m}x{n}", main(head, body, t), [x, g, h], peers, 8.0 * m * n, False)

    def sums(self, axis: int, m: int, n: int) -> Case:
        x = self.array(m, n)
        r = f"tensor<{(m, n)[1 - axis]}xf32>"
        body = f"""  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %r = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [{axis}] : ({tensor(x)}, tensor<f32>) -> {r}
"""
        peers = {"torch": partial(torch.sum, torch.from_numpy(x), axis), "numpy": partial(np.sum, x, axis)}
        name = f"{'row' if axis else 'column'} sums {m}x{n}"
        return Case("row", name, main(f"%x: {tensor(x)}", body, r), [x], peers, 4.0 * m * n, False, 1e-1)

    def gelu(self, n: int) -> Case:
        x, a, c = self.array(n), self.array(n), self.array(n)
        t = tensor(x)
        body = f"""  %p = stablehlo.multiply %x, %a : {t}
  %u = stablehlo.add %p, %c : {t}
  %half = stablehlo.constant dense<0.5> : {t}
  %one = stablehlo.constant dense<1.0> : {t}
  %root = stablehlo.constant dense<0.70710678> : {t}
  %k = stablehlo.multiply %u, %root : {t}
  %e = chlo.erf %k : {t} -> {t}
  %f = stablehlo.add %e, %one : {t}
  %h = stablehlo.multiply %u, %half : {t}
  %r = stablehlo.multiply %h, %f : {t}
"""
        given = [torch.from_numpy(v) for v in (x, a, c)]
        peers = {"torch": lambda: torch.nn.functional.gelu(torch.addcmul(given[2], given[0], given[1]))}
        head = f"%x: {t}, %a: {t}, %c: {t}"
        return Case("elements", f"gelu(x*a+b) {n}", main(head, body, t), [x, a, c], peers, 16.0 * n, False)

    def linear(self, n: int) -> Case:
        x, a, c = self.array(n), self.array(n), self.array(n)
        t = tensor(x)
        body = f"  %p = stablehlo.multiply %x, %a : {t}\n  %r = stablehlo.add %p, %c : {t}\n"
        given = [torch.from_numpy(v) for v in (x, a, c)]
        peers = {"torch": lambda: torch.addcmul(given[2], given[0], given[1])}
        head = f"%x: {t}, %a: {t}, %c: {t}"
        return Case("elements", f"x*a+b {n}", main(head, body, t), [x, a, c], peers, 16.0 * n, False)

    def movements(self) -> Iterator[Callable[[], Case]]:
        for shape in ((64, 3136), (512, 512), (1024, 1024), (4096, 4096)):
            yield partial(self.transpose, *shape)
        yield self.embedding
        for n in (1 << 10, 1 << 20):
            yield partial(self.sort, n)

    def transpose(self, m: int, n: int) -> Case:
        x = self.array(m, n)
        t, r = tensor(x), f"tensor<{n}x{m}xf32>"
        body = f"  %r = stablehlo.transpose %x, dims = [1, 0] : ({t}) -> {r}\n"
        given = torch.from_numpy(x)
        peers = {"torch": lambda: given.t().contiguous(), "numpy": lambda: np.ascontiguousarray(x.T)}
        return Case(
            "movement", f"transpose {m}x{n}", main(f"%x: {t}", body, r), [x], peers, 8.0 * m * n, False
        )

    def embedding(self) -> Case:
        """The sums of 32 rows of a table each, as in a bag of words."""
        table, rows = self.array(50000, 128), self.random.integers(0, 50000, (1024, 32), dtype=np.int32)
        body = f"""  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %i = stablehlo.reshape %i0 : (tensor<1024x32xi32>) -> tensor<1024x32x1xi32>
  %e = "stablehlo.gather"(%t, %i) <{{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 1, 128>}}> : ({tensor(table)}, tensor<1024x32x1xi32>) -> tensor<1024x32x128xf32>
  %r = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<1024x32x128xf32>, tensor<f32>) -> tensor<1024x128xf32>
"""
        given, places = torch.from_numpy(table), torch.from_numpy(rows)
        peers = {"torch": lambda: torch.nn.functional.embedding_bag(places, given, mode="sum")}
        head = f"%t: {tensor(table)}, %i0: tensor<1024x32xi32>"
        text = main(head, body, "tensor<1024x128xf32>")
        return Case(
            "movement", "gather-sum 1024x32 of 128", text, [table, rows], peers, 4.0 * 1024 * 32 * 128, False
        )

    def sort(self, n: int) -> Case:
        x = self.array(n)
        t = tensor(x)
        body = f"""  %r = "stablehlo.sort"(%x) <{{dimension = 0 : i64, is_stable = true}}> ({{
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %p = stablehlo.compare LT, %a, %b, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  }}) : ({t}) -> {t}
"""
        given = torch.from_numpy(x)
        peers = {"numpy": partial(np.sort, x), "torch": lambda: torch.sort(given).values}
        return Case("movement", f"sort {n}", main(f"%x: {t}", body, t), [x], peers, 8.0 * n, False)


def tensor(x: Array) -> str:
    """The type of an f32 array."""
    return f"tensor<{'x'.join(map(str, x.shape))}xf32>"


def main(arguments: str, body: str, result: str) -> str:
    return f"func.func @main({arguments}) -> {result} {{\n{body}  return %r : {result}\n}}"


def peak() -> float:
    """Flops a second of independent fused multiply-adds on 16 lanes."""
    lanes, many = "<16 x float>", 24
    first = "\n".join(
        f"  %a{i} = phi {lanes} [ zeroinitializer, %entry ], [ %b{i}, %turn ]" for i in range(many)
    )
    name = "llvm.fma.v16f32"
    step = "\n".join(
        f"  %b{i} = call {lanes} @{name}({lanes} %x, {lanes} %x, {lanes} %a{i})" for i in range(many)
    )
    sums = "\n".join(f"  %s{i} = fadd {lanes} %{f's{i - 1}' if i else 'x'}, %b{i}" for i in range(many))
    text = f"""
declare {lanes} @{name}({lanes}, {lanes}, {lanes})
define i64 @irc_peak(i64 %n) {{
entry:
  %f = uitofp i64 %n to float
  %one = insertelement {lanes} zeroinitializer, float %f, i64 0
  %x = shufflevector {lanes} %one, {lanes} poison, <16 x i32> zeroinitializer
  br label %turn
turn:
  %i = phi i64 [ 0, %entry ], [ %j, %turn ]
{first}
{step}
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %n
  br i1 %more, label %turn, label %end
end:
{sums}
  %r = extractelement {lanes} %s{many - 1}, i64 0
  %k = fptosi float %r to i32
  %w = sext i32 %k to i64
  ret i64 %w
}}"""
    run = CFUNCTYPE(c_int64, c_int64)(jit.load(jit.assemble(text), ["irc_peak"])["irc_peak"])
    turns, best = 200_000, math.inf
    for _ in range(15):
        start = time.process_time()
        run(turns)
        best = min(best, time.process_time() - start)
    return 2.0 * 16 * many * turns / best


def copy_rate(bytes_moved: float) -> float:
    """Bytes a second, read and written, of NumPy's copy into memory that is there."""
    source = np.ones(max(1024, int(bytes_moved / 8)), np.float32)
    target = np.empty_like(source)
    (spent,) = interleaved([partial(np.copyto, target, source)])
    return 2.0 * source.nbytes / spent


def interleaved(runs: Sequence[Callable[[], Any]], seconds: float = 0.02) -> list[float]:
    """The median CPU time of each run, measured in turns."""
    counts = []
    for run in runs:
        run()
        start = time.process_time()
        run()
        counts.append(max(1, int(seconds / max(time.process_time() - start, 1e-6))))
    samples: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, count, kept in zip(runs, counts, samples, strict=True):
            start = time.process_time()
            for _ in range(count):
                run()
            kept.append((time.process_time() - start) / count)
    return [statistics.median(kept) for kept in samples]


def measure(case: Case, roof: float) -> float:
    """Prints one line; returns the best peer's time over irc's."""
    start = time.process_time()
    program = irc.compile_module(irc.parse(case.text))
    compiling = time.process_time() - start
    found = program(*case.arguments)[0]
    for name, peer in case.peers.items():
        np.testing.assert_allclose(
            found, np.asarray(peer()), rtol=case.tolerance, atol=case.tolerance, err_msg=name
        )
    ours, *theirs = interleaved([partial(program.call, *case.arguments), *case.peers.values()])
    limit = roof if case.is_flops else copy_rate(case.work)
    times = ", ".join(f"{n} {1e6 * t:.1f}" for n, t in zip(case.peers, theirs, strict=True))
    rate = case.work / ours * 1e-9
    print(
        f"{case.group:12}{case.name:38} {1e6 * ours:10.1f} us {rate:7.1f} {'GF/s' if case.is_flops else 'GB/s'} "
        f"{100 * case.work / ours / limit:5.0f} % of the roof, best peer {min(theirs) / ours:5.2f} x   "
        f"({times}; compile {1e3 * compiling:.0f} ms)",
        flush=True,
    )
    return min(theirs) / ours


def run(wanted: Sequence[str]) -> None:
    irc.set_num_threads(1)
    torch.set_num_threads(1)
    roof = peak()
    print(f"roof: {roof * 1e-9:.0f} GF/s of f32 fused multiply-adds on one core")
    ratios: dict[str, list[float]] = {}
    for make in Cases():
        case = make()
        if not wanted or any(w in f"{case.group} {case.name}" for w in wanted):
            ratios.setdefault(case.group, []).append(measure(case, roof))
    for group, kept in ratios.items():
        print(
            f"{group}: {math.exp(statistics.mean(map(math.log, kept))):.2f} x the best peer (geometric mean)"
        )


if __name__ == "__main__":
    run(sys.argv[1:])

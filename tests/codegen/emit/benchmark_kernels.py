"""Prints what emitted kernels reach beside NumPy: `python tests/codegen/emit/benchmark_kernels.py`."""

from __future__ import annotations

import os
import time
import timeit
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from kernels import Body, Writer, module_of

from irc.codegen.emit import emit_module
from irc.dialects import arith, math, vector
from irc.ir.affine import AffineMapAttr
from irc.ir.operation import Value
from irc.ir.types import MemRefType, TensorType, VectorType, f32
from irc.runtime import jit, pool
from irc.runtime.executable import NativeProgram

GEMM = {
    "indexing_maps": tuple(AffineMapAttr.select(3, d) for d in ((0, 2), (2, 1), (0, 1))),
    "iterator_types": ("parallel", "parallel", "reduction"),
}


def gemm(m: int, n: int, k: int, *, sequential: bool) -> Body:
    """Tiles of 6x64, the row tail by bounds (masked rows are not written), no packing."""

    def body(b: Writer, left: Value, right: Value, out: Value) -> None:
        def tile(b: Writer, i: Value, j: Value) -> None:
            i, j = (b.emit(arith.MulI(v, b.constant(s))) for v, s in ((i, 6), (j, 64)))
            bounds = (m % 6 == 0, n % 64 == 0)

            def step(b: Writer, p: Value, acc: Value) -> list[Value]:
                x = b.read(left, (i, p), (6, 1), in_bounds=(bounds[0], True))
                y = b.read(right, (p, j), (1, 64), in_bounds=(True, bounds[1]))
                return [b.emit(vector.Contract(x, y, acc, **GEMM))]

            acc = b.loop(0, k, 1, [b.constant(0.0, VectorType((6, 64), f32))], step)
            b.write(acc, out, (i, j), in_bounds=bounds)

        b.forall((-(-m // 6), -(-n // 64)), tile, sequential=sequential)

    return body


def softmax(rows: int, columns: int) -> Body:
    """Three passes over a row of tiles of 64: maximum, exponentials and their sum, division."""

    def body(b: Writer, source: Value, out: Value) -> None:
        def row(b: Writer, i: Value) -> None:
            tile = VectorType((1, 64), f32)

            def largest(b: Writer, j: Value, top: Value) -> list[Value]:
                return [b.emit(arith.MaximumF(top, b.read(source, (i, j), (1, 64))))]

            top = b.loop(0, columns, 64, [b.constant(-np.inf, tile)], largest)
            top = _across(b, top, "maximumf", -np.inf)

            def powers(b: Writer, j: Value, total: Value) -> list[Value]:
                made = b.emit(math.Exp(b.emit(arith.SubF(b.read(source, (i, j), (1, 64)), top))))
                b.write(made, out, (i, j))
                return [b.emit(arith.AddF(total, made))]

            total = b.loop(0, columns, 64, [b.constant(0.0, tile)], powers)
            total = b.emit(arith.DivF(b.constant(1.0, tile), _across(b, total, "add", 0.0)))

            def scale(b: Writer, j: Value) -> list[Value]:
                b.write(b.emit(arith.MulF(b.read(out, (i, j), (1, 64)), total)), out, (i, j))
                return []

            b.loop(0, columns, 64, [], scale)

        b.forall((rows,), row, sequential=True)

    return body


def _across(b: Writer, tile: Value, kind: str, start: float) -> Value:
    """A row reduced to one number in every lane."""
    zero = b.constant(start, VectorType((1,), f32))
    one = b.emit(vector.MultiReduction(tile, zero, kind=kind, reduction_dims=(1,)))
    wide = b.emit(vector.ShapeCast(one, result_types=[VectorType((1, 1), f32)]))
    return b.emit(vector.Broadcast(wide, result_types=[tile.type]))


def transpose(n: int) -> Body:
    """16x16 at a time, along the rows that are written: across them it is half as fast."""

    def body(b: Writer, source: Value, out: Value) -> None:
        def tile(b: Writer, j: Value, i: Value) -> None:
            i, j = (b.emit(arith.MulI(v, b.constant(16))) for v in (i, j))
            made = b.emit(vector.Transpose(b.read(source, (i, j), (16, 16)), permutation=(1, 0)))
            b.write(made, out, (j, i))

        b.forall((n // 16, n // 16), tile, sequential=True)

    return body


def pointwise(n: int, write: Callable[[Writer, Value], Value], *, sequential: bool = True) -> Body:
    def body(b: Writer, source: Value, out: Value) -> None:
        def part(b: Writer, i: Value) -> None:
            start = b.emit(arith.MulI(i, b.constant(n // 8)))

            def step(b: Writer, j: Value) -> list[Value]:
                at = b.emit(arith.AddI(start, j))
                b.write(write(b, b.read(source, (at,), (64,))), out, (at,))
                return []

            b.loop(0, n // 8, 64, [], step)

        b.forall((8,), part, sequential=sequential)

    return body


def measured(body: Body, shapes: Sequence[tuple[int, ...]]) -> tuple[float, list[np.ndarray]]:
    """The median time of a call, and what it computed; the last shape is the result's."""
    types = [TensorType(s, f32) for s in shapes]
    start = time.perf_counter()
    module = module_of([MemRefType(t.shape, f32) for t in types], body)
    text = emit_module(module)
    emitted = time.perf_counter()
    code = jit.assemble(text)
    assembled = time.perf_counter()
    program = NativeProgram(code, types[:-1], types[-1:])
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    program.into(*arrays)
    print(
        f"  {text.count(chr(10)):6} lines, emitted in {(emitted - start) * 1e3:.1f} ms, "
        f"assembled in {(assembled - emitted) * 1e3:.1f} ms"
    )
    return seconds(lambda: program.into(*arrays)), arrays


def seconds(call: Callable[[], Any]) -> float:
    number = max(1, int(0.005 / max(timeit.timeit(call, number=3) / 3, 1e-7)))
    return sorted(timeit.repeat(call, number=number, repeat=11))[5] / number


def main() -> None:
    for m, n, k in ((64, 64, 64), (192, 256, 256), (100, 100, 100), (128, 784, 256), (512, 512, 512)):
        for threads in (1, 2) if m > 64 else (1,):
            pool.set_num_threads(threads)
            time_, (x, y, out) = measured(gemm(m, n, k, sequential=threads == 1), [(m, k), (k, n), (m, n)])
            error = np.abs(out - x @ y).max()
            rate = 2 * m * n * k / 1e9
            peer = seconds(lambda x=x, y=y, out=out: np.matmul(x, y, out=out))
            print(
                f"gemm {m}x{n}x{k}, {threads} threads: {rate / time_:.0f} GF/s (error {error:.0e}), numpy {rate / peer:.0f}"
            )
    pool.set_num_threads(1)
    for rows, columns in ((256, 1024), (32, 10240)):
        time_, (x, out) = measured(softmax(rows, columns), [(rows, columns)] * 2)
        want = np.exp(x - x.max(1, keepdims=True))
        error = np.abs(out - want / want.sum(1, keepdims=True)).max()
        print(
            f"softmax {rows}x{columns}: {time_ * 1e6:.0f} us, {x.size / time_ / 1e9:.2f} elements/ns (error {error:.0e})"
        )
    for n in (512, 1024):
        time_, (x, out) = measured(transpose(n), [(n, n)] * 2)
        assert (out == x.T).all()
        peer = seconds(lambda x=x, out=out: np.copyto(out, x.T))
        print(f"transpose {n}x{n}: {8 * x.size / time_ / 1e9:.0f} GB/s, numpy {8 * x.size / peer / 1e9:.0f}")
    for name, write in {
        "exp": lambda b, v: b.emit(math.Exp(v)),
        "tanh": lambda b, v: b.emit(math.Tanh(v)),
        "erf": lambda b, v: b.emit(math.Erf(v)),
        "relu": lambda b, v: b.emit(arith.MaximumF(v, b.constant(0.0, v.type))),
    }.items():
        for n, threads in ((1 << 15, 1), (1 << 20, 1), (1 << 20, 2)):
            pool.set_num_threads(threads)
            time_, (x, _) = measured(pointwise(n, write, sequential=threads == 1), [(n,)] * 2)
            print(f"{name} of {n}, {threads} threads: {x.size / time_ / 1e9:.1f} elements/ns")


if __name__ == "__main__":
    main()

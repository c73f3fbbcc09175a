"""What one core of this machine can do at best: measured once, by code that does nothing else, and kept in the cache folder."""

from __future__ import annotations

import ctypes
import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from irc.ir.cache_folder import cache_folder
from irc.runtime import jit
from irc.runtime.target import Target, host_target

ACCUMULATORS = 12
"""Multiply-adds in flight: more than latency times throughput of any processor seen."""
STEPS = 1 << 20
WORKING_SETS = (1 << 18, 1 << 20, 1 << 24, 1 << 28)
"""Bytes read and written by a copy: in the first cache after L1, filling it, in the last cache, in memory."""
ROUNDS = 9


def measured() -> tuple[float, tuple[tuple[int, float], ...]]:
    """(multiply-adds' FLOPs a second, (working set, bytes a second) of a copy for each of WORKING_SETS)."""
    target = host_target()
    path = _path(target)
    if path is not None and path.is_file():
        kept = json.loads(path.read_text())
        return kept["flops"], tuple((size, rate) for size, rate in kept["bandwidths"])
    flops, bandwidths = _flops(target), tuple((size, _bandwidth(target, size)) for size in WORKING_SETS)
    if path is not None:
        path.write_text(json.dumps({"flops": flops, "bandwidths": bandwidths}))
    return flops, bandwidths


def _path(target: Target) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / f"roofs-{target.cpu}.json"


def _flops(target: Target) -> float:
    lanes = target.vector_bits // 32
    seconds = _best(lambda: _kernels(target)["multiply_add"](STEPS))
    return 2 * lanes * ACCUMULATORS * STEPS / seconds


def _bandwidth(target: Target, working_set: int) -> float:
    """Of the better of a copy through the caches and one past them."""
    source, made = _aligned(working_set // 2), _aligned(working_set // 2)
    count = max(1, (1 << 26) // working_set)
    code = _kernels(target)

    def copies(name: str) -> Callable[[], None]:
        return lambda: code[name](count, source.nbytes, source.ctypes.data, made.ctypes.data)

    return working_set * count / min(_best(copies("copy")), _best(copies("copy_past")))


def _aligned(nbytes: int) -> np.ndarray[Any, Any]:
    """Bytes that start at a multiple of 64."""
    raw = np.ones(nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + nbytes]


def _best(run: Callable[[], object]) -> float:
    run()
    taken = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        run()
        taken.append(time.thread_time() - start)
    return min(taken)


@functools.cache
def _kernels(target: Target) -> dict[str, Callable[..., None]]:
    lanes = target.vector_bits // 32
    text = _multiply_add(lanes) + _copy("copy", lanes, "") + _copy("copy_past", lanes, ", !nontemporal !0")
    code = jit.load(jit.assembled(text + "!0 = !{i32 1}\n"), ("multiply_add", "copy", "copy_past"))
    copy = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
    return {
        "multiply_add": ctypes.CFUNCTYPE(None, ctypes.c_int64)(code["multiply_add"]),
        "copy": copy(code["copy"]),
        "copy_past": copy(code["copy_past"]),
    }


def _multiply_add(lanes: int) -> str:
    vector = f"<{lanes} x float>"
    phis = "".join(
        f"  %a{i} = phi {vector} [ splat (float {float(i)}), %entry ], [ %b{i}, %loop ]\n"
        for i in range(ACCUMULATORS)
    )
    steps = "".join(
        f"  %b{i} = call {vector} @llvm.fma.v{lanes}f32({vector} %a{i}, {vector} splat (float 0.5), {vector} %a{i})\n"
        for i in range(ACCUMULATORS)
    )
    uses = "".join(
        f"  %s{i} = fadd {vector} {f'%s{i - 1}' if i else 'zeroinitializer'}, %b{i}\n"
        for i in range(ACCUMULATORS)
    )
    return f"""declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})
@sink = internal global {vector} zeroinitializer, align 64
define void @multiply_add(i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}{steps}  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
{uses}  store volatile {vector} %s{ACCUMULATORS - 1}, ptr @sink, align 64
  ret void
}}
"""


def _copy(name: str, lanes: int, how: str) -> str:
    vector, bytes_, unroll = f"<{lanes} x float>", 4 * lanes, 4
    moves = "".join(
        f"""  %at{u} = add i64 %i, {u * bytes_}
  %p{u} = getelementptr i8, ptr %source, i64 %at{u}
  %q{u} = getelementptr i8, ptr %made, i64 %at{u}
  %v{u} = load {vector}, ptr %p{u}, align 64
  store {vector} %v{u}, ptr %q{u}, align 64{how}
"""
        for u in range(unroll)
    )
    return f"""define void @{name}(i64 %rounds, i64 %bytes, ptr %source, ptr %made) {{
entry:
  br label %again
again:
  %round = phi i64 [ 0, %entry ], [ %round.next, %end ]
  br label %loop
loop:
  %i = phi i64 [ 0, %again ], [ %next, %loop ]
{moves}  %next = add i64 %i, {unroll * bytes_}
  %more = icmp ult i64 %next, %bytes
  br i1 %more, label %loop, label %end
end:
  %round.next = add i64 %round, 1
  %again.more = icmp ult i64 %round.next, %rounds
  br i1 %again.more, label %again, label %done
done:
  ret void
}}
"""

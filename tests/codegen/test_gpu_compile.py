"""Every op of kernels on every element type, compiled for each processor in a process of its own, and run as PTX.

LLVM ends the process on what it cannot select: here that is a failing test, never a user's crash."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_ops import (
    ALL,
    FLOATS,
    THREADS,
    TILES,
    Case,
    device_module,
    elementwise,
    function,
    kernel,
    llvm_text,
    tiles,
)
from ptx_texts import run

from irc.codegen.emit.device import DEVICE
from irc.codegen.emit.module import HANDLERS
from irc.codegen.emulator.machine import Machine
from irc.codegen.gpu.target import PROCESSORS, check_declared, device_target, ptx
from irc.codegen.ptx_interpreter import load
from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.ir.types import element_types

REFUSED = Path(__file__).parent / "refused_on_devices.txt"
CHILD = """
import json, sys
from irc.codegen.gpu.target import device_target, ptx
target = device_target(sys.argv[1])
made = {}
for name, text in json.load(sys.stdin).items():
    print(name, file=sys.stderr, flush=True)
    made[name] = ptx(text, target)
json.dump(made, sys.stdout)
"""
TOGETHER = 40
"""Kernels that are compiled as one module, unless the process ends on it."""
CASES = {c.name: c for c in elementwise()}
WIDE = {f"{c.name}, four": c for c in CASES.values() if c.op.startswith("arith") and "cmp" not in c.op}
OTHERS = dict(tiles())
ELEMENTS: dict[str, Any] = {str(t): t for t in element_types()}


KERNELS: dict[str, str] = {name: kernel(case) for name, case in CASES.items()} | OTHERS
KERNELS |= {name: kernel(case, lanes=4) for name, case in WIDE.items()}
ENTRIES = {name: f"k{number}" for number, name in enumerate(KERNELS)}


@functools.cache
def accepted(processor: str) -> tuple[dict[str, str], dict[str, str]]:
    """(kernels, each under a name of its own; why each of the others is refused)."""
    target = device_target(processor)
    made: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name, text in KERNELS.items():
        renamed = text.replace("gpu.func @k(", f"gpu.func @{ENTRIES[name]}(", 1)
        try:
            check_declared(llvm_text(device_module(renamed), target))
        except UnsupportedError as error:
            refused[name] = error.message
        else:
            made[name] = renamed
    return made, refused


@functools.cache
def compiled(processor: str) -> dict[str, str]:
    """PTX that holds each kernel, made by child processes. Where one ends on a module of several, they are tried alone;
    where it ends on one kernel, that is missing."""
    kernels, _ = accepted(processor)
    names = list(kernels)
    waiting = [names[n : n + TOGETHER] for n in range(0, len(names), TOGETHER)]
    made: dict[str, str] = {}
    while waiting:
        done, reached = _child(processor, [[kernels[n] for n in group] for group in waiting])
        for group, text in zip(waiting, done, strict=False):
            made |= dict.fromkeys(group, text)
        rest = waiting[reached:]
        waiting = ([[name] for name in rest[0]] if rest and len(rest[0]) > 1 else []) + rest[1:]
    return made


def _child(processor: str, groups: list[list[str]]) -> tuple[list[str], int]:
    """(PTX of modules of kernels, the number of the module on which the process ended; that of modules where none)."""
    target = device_target(processor)
    given = {str(n): llvm_text(device_module(*group), target) for n, group in enumerate(groups)}
    command = [sys.executable, "-c", CHILD, processor]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    if done.returncode == 0:
        return list(json.loads(done.stdout).values()), len(groups)
    reached = max(int(line) for line in done.stderr.splitlines() if line in given)
    return _child(processor, groups[:reached])[0] if reached else [], reached


@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_kernel_is_compiled_or_refused(processor: str) -> None:
    made, _ = accepted(processor)
    missing = [name for name in made if name not in compiled(processor)]
    assert missing == [], "LLVM ends the process on these"


@pytest.mark.parametrize("processor", PROCESSORS)
def test_what_is_refused_may_only_shrink(processor: str) -> None:
    _, refused = accepted(processor)
    listed = REFUSED.read_text(encoding="utf-8").splitlines()
    assert sorted({f"{name}: {why}" for name, why in refused.items()}) == listed


def test_no_op_is_left_out() -> None:
    """Every op that has code on a device stands in one of the kernels; calls and assertions have none there."""
    host = {"cf.assert", "func.call", "memref.get_global", "memref.view", "scf.forall"}
    wanted = {c.name for c in {**HANDLERS, **DEVICE}} - host
    used: set[str] = set()
    for text in KERNELS.values():
        used |= set(re.findall(r"\b(?:arith|math|vector|scf|memref|gpu|nvgpu)\.\w+(?:\.sync)?", text))
    places = {"gpu.block_id", "gpu.block_dim", "gpu.grid_dim", "gpu.lane_id", "gpu.subgroup_id"}
    assert wanted - used - places == set()


def test_an_intrinsic_without_code_is_refused_and_not_compiled() -> None:
    text = 'declare float @llvm.sin.f32(float)\ndefine ptx_kernel void @"k"(ptr %a) {\n  ret void\n}\n'
    with pytest.raises(UnsupportedError, match=r"no PTX for a call of 'llvm\.sin\.f32'"):
        ptx(text, device_target("sm_80"))


# What the kernels compute.


def values(type: str, other: str, op: str, seed: int) -> Any:
    """Operands of an op: many magnitudes, and nothing that the op leaves undefined."""
    rng = np.random.default_rng(seed)
    dtype = _dtype(type)
    if type == "i1":
        return rng.integers(0, 2, THREADS).astype(bool)
    if type in FLOATS:
        made = rng.standard_normal(THREADS) * np.exp2(rng.integers(-5, 6, THREADS))
        if op in ("arith.fptosi", "arith.fptoui"):
            bits = 1 if other == "i1" else np.iinfo(_dtype(other)).bits
            made = np.abs(made) % (1 if bits == 1 else 100)
        return made.astype(dtype)
    info = np.iinfo(dtype)
    made = rng.integers(info.min, info.max, THREADS, dtype, endpoint=True)
    if op.startswith("arith.sh"):
        return np.abs(made) % dtype.type(info.bits) if seed % 2 else made
    if op.startswith(("arith.div", "arith.rem")):
        return np.where(made == 0, dtype.type(3), made)
    return made >> rng.integers(0, info.bits, THREADS).astype(dtype)


def _dtype(type: str) -> Any:
    return np.dtype(np.int64) if type == "index" else np.dtype(ELEMENTS[type].numpy)


def emulated(case: Case, operands: list[Any]) -> Any:
    found = function(case)
    (result,) = Machine(Module.of([found])).call(found.block, operands)
    return result


@pytest.mark.parametrize("op", sorted({c.op for c in elementwise()}))
def test_ptx_gives_the_bits_of_the_emulator(op: str) -> None:
    """Every elementwise op, one element a thread, through LLVM and the interpreter."""
    texts_ = compiled("sm_80")
    for name, case in CASES.items():
        if case.op != op or name not in texts_:
            continue
        operands = [values(t, case.result, op, 10 + 2 * n + (n > 0)) for n, t in enumerate(case.operands)]
        with np.errstate(all="ignore"):
            want = np.asarray(emulated(case, operands))
        got = run(texts_[name], operands, np.zeros(THREADS, want.dtype), name=ENTRIES[name], block=(THREADS,))
        both = (got != got) & (want != want)
        kind = f"u{want.dtype.itemsize}"
        bad = (got.view(kind) != want.view(kind)) & ~both
        assert not bad.any(), (name, [o[bad][:3] for o in operands], got[bad][:3], want[bad][:3])


@pytest.mark.parametrize("processor", PROCESSORS)
def test_the_interpreter_takes_all_that_is_compiled(processor: str) -> None:
    found = [load(text) for text in sorted(set(compiled(processor).values()))]
    assert sum(len(m.kernels) for m in found) == len(compiled(processor))
    for module in found:
        assert all(module.kernel(name).blocks for name in module.kernels)


@pytest.mark.parametrize("name", sorted({n.rpartition(" ")[0] for n in OTHERS}))
def test_tiles_and_memory_run_as_ptx(name: str) -> None:
    """No kernel does what the interpreter reports, and both widths of registers give the same for all types."""
    texts_ = compiled("sm_80")
    for t in ALL:
        text = texts_.get(f"{name} {t}")
        if text is None:
            continue
        dtype = _dtype(t)
        rows = np.arange(THREADS * 4).reshape(THREADS, 4) % (2 if t == "i1" else 50)
        entry, shared = ENTRIES[f"{name} {t}"], THREADS * 4 * dtype.itemsize if "{s}" in TILES[name] else 0
        like = np.zeros((THREADS, 4), dtype)
        got = run(text, [rows.astype(dtype)], like, name=entry, block=(THREADS,), shared=shared)
        want = TILE_RESULTS.get(name)
        if want is not None:
            assert (got == want(rows).astype(dtype)).all(), t


def _turned(v: Any) -> Any:
    """Lane n of a warp has of tiles 1 and 2 two elements of column n // 4, as `ldmatrix.trans` gives them."""
    tiles = np.asarray(v).reshape(4, 8, 8)
    lanes = np.arange(32)
    parts = [tiles[t, lanes % 4 * 2 + e, lanes // 4] for t in (1, 2) for e in (0, 1)]
    return np.tile(np.stack(parts, 1), (2, 1))


def _multiplied(v: Any) -> Any:
    """Tiles 0 to 3 as a 16x16 matrix times tiles 0 and 1 as a 16x8 one; each lane's part of the result."""
    tiles = np.asarray(v, np.float64).reshape(4, 8, 8)
    left = np.block([[tiles[0], tiles[2]], [tiles[1], tiles[3]]])
    product = left @ np.concatenate([tiles[0], tiles[1]], 1).T
    lanes = np.arange(32)
    parts = [product[lanes // 4 + row, lanes % 4 * 2 + e] for row in (0, 8) for e in (0, 1)]
    return np.tile(np.stack(parts, 1), (2, 1))


TILE_RESULTS = {
    "nvgpu.ldmatrix": _turned,
    "nvgpu.mma.sync": _multiplied,
    "vector.broadcast": lambda v: np.broadcast_to(v[:, :1], v.shape),
    "vector.extract": lambda v: np.broadcast_to(v[:, 1:2], v.shape),
    "vector.shuffle": lambda v: v[:, [3, 1, 1, 0]],
    "vector.transpose": lambda v: v[:, [0, 2, 1, 3]],
    "vector.gather": lambda v: v,
    "vector.multi_reduction <or>": lambda v: np.broadcast_to(np.bitwise_or.reduce(v, 1)[:, None], v.shape),
    "vector.multi_reduction <maxui>": lambda v: np.broadcast_to(v.max(1)[:, None], v.shape),
    "vector.multi_reduction <minimumf>": lambda v: np.zeros(v.shape),
    "gpu.shuffle": lambda v: np.broadcast_to(v[np.arange(THREADS) ^ 5, :1], v.shape),
    "shared memory": lambda v: v[np.arange(THREADS) ^ 4],
    "nvgpu.device_async_copy": lambda v: v,
    "nvgpu.device_async_copy of pairs": lambda v: v,
    "memref.alloca": lambda v: np.broadcast_to(v[:, 1:2], v.shape),
    "scf.for": lambda v: np.concatenate([v[:, 3:], v[:, 1:]], 1),
    "scf.while": lambda v: np.stack([v[:, 0], v[:, 3], v[:, 2], v[:, 3]], 1),
    "scf.if": lambda v: np.where(np.arange(THREADS)[:, None] < 4, v, 0),
}

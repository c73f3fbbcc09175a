"""Kernels for a device, an op at a time: blocks, barriers, shuffles, copies and matrix products, and the faults they name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from device_programs import arrays_for, dot, same_bits
from small_programs import PROGRAMS

from irc.codegen.emulator import EmulationError, emulate
from irc.dialects.builtin import Module, parse
from irc.driver import compile_module

SLOW = ("convolution", "matmul", "sum of 4200 rows")
RNG = np.random.default_rng(11)


def cut(module: Module) -> Module:
    """The program's kernels, cut for a device."""
    program: Any = compile_module(module, target="sm_80")
    return program.device_program.kernels


@pytest.mark.parametrize("name", [n for n in PROGRAMS if n not in SLOW])
def test_programs_give_the_hosts_bits(name: str) -> None:
    module = parse(PROGRAMS[name])
    arrays = arrays_for(module)
    wanted = compile_module(module)(*(a.copy() for a in arrays))
    got = emulate(cut(module), *(a.copy() for a in arrays))
    assert all(same_bits(np.asarray(w), np.asarray(g)) for w, g in zip(wanted, got, strict=True))


def test_a_product_in_tiles_of_shared_memory() -> None:
    module = dot("20x16", "16x24", "20x24", "f32", "contracting_dims = [1] x [0]")
    arrays = arrays_for(module)
    wanted = compile_module(module)(*(a.copy() for a in arrays))
    assert same_bits(np.asarray(wanted[0]), emulate(cut(module), *arrays)[0])


SPACE = "#gpu.address_space<workgroup>"


def launched(
    body: str, *, blocks: int = 2, threads: int = 64, shared: str = "64xf32", size: int = 128
) -> Module:
    """A module that launches one kernel: %i is the thread, %n the block, %g the place of both; %a and %o have `size`."""
    return parse(f"""module attributes {{gpu.container_module, irc.signature = (tensor<{size}xf32>) -> tensor<{size}xf32>}} {{
  gpu.module @kernels {{
    gpu.func @k(%a: memref<{size}xf32>, %o: memref<{size}xf32>) workgroup(%s: memref<{shared}, {SPACE}>) kernel
        attributes {{known_block_size = array<i32: {threads}, 1, 1>}} {{
      %i = gpu.thread_id x
      %n = gpu.block_id x
      %t = arith.constant {threads} : index
      %start = arith.muli %n, %t : index
      %g = arith.addi %start, %i : index
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c63 = arith.constant 63 : index
      %j = arith.subi %c63, %i : index
      %x = memref.load %a[%g] : memref<{size}xf32>
{body}
      gpu.return
    }}
  }}
  func.func @main(%a: memref<{size}xf32>, %o: memref<{size}xf32>, %arena: memref<0xi8>) {{
    %one = arith.constant 1 : index
    %b = arith.constant {blocks} : index
    %t = arith.constant {threads} : index
    gpu.launch_func @kernels::@k blocks in (%b, %one, %one) threads in (%t, %one, %one)
      args(%a : memref<{size}xf32>, %o : memref<{size}xf32>)
    return
  }}
}}""")


X = np.arange(128, dtype=np.float32)
REVERSE = f"""
      memref.store %x, %s[%i] : memref<64xf32, {SPACE}>
      gpu.barrier
      %y = memref.load %s[%j] : memref<64xf32, {SPACE}>
      memref.store %y, %o[%g] : memref<128xf32>"""
COPY = f"""
      %e = nvgpu.device_async_copy %a[%g], %s[%i], 1 : memref<128xf32> to memref<64xf32, {SPACE}>
      %group = nvgpu.device_async_create_group %e
      nvgpu.device_async_wait %group {{numGroups = 0 : i32}}
      gpu.barrier
      %y = memref.load %s[%j] : memref<64xf32, {SPACE}>
      memref.store %y, %o[%g] : memref<128xf32>"""
SUM = """
      %w = arith.constant 32 : i32
      %d = arith.constant 16 : i32
      %u, %ok = gpu.shuffle xor %x, %d, %w : f32
      %y = arith.addf %x, %u : f32
      memref.store %y, %o[%g] : memref<128xf32>"""


def test_right_kernels() -> None:
    reversed_ = X.reshape(2, 64)[:, ::-1].reshape(-1)
    assert (emulate(launched(REVERSE), X)[0] == reversed_).all()
    assert (emulate(launched(COPY), X)[0] == reversed_).all()
    assert (emulate(launched(SUM), X)[0] == X + X[np.arange(128) ^ 16]).all()


STORE = "      memref.store %y, %o[%g] : memref<128xf32>"
FAULTS = {
    "no barrier": (
        REVERSE.replace("gpu.barrier", ""),
        r"'memref.load' reads what nothing has written|reads what thread \d+ wrote in workgroup memory, with no barrier",
    ),
    "no barrier before it is used again": (
        REVERSE.replace(STORE, f"      memref.store %y, %s[%i] : memref<64xf32, {SPACE}>\n{STORE}"),
        r"'memref.load' reads what thread 31 wrote in workgroup memory, with no barrier between, in thread 32 of block",
    ),
    "a barrier in a branch": (
        f"      %low = arith.cmpi ult, %i, %c1 : index\n      scf.if %low {{\n        gpu.barrier\n      }}\n{REVERSE}",
        r"'gpu.barrier' is reached by thread 0, which waits for thread 1, which waits at 'gpu.barrier': a deadlock",
    ),
    "a barrier that others never reach": (
        f"      %low = arith.cmpi ult, %i, %c63 : index\n      scf.if %low {{\n        gpu.barrier\n      }}\n"
        f"      %y = arith.addf %x, %x : f32\n{STORE}",
        r"'gpu.barrier' is reached by thread 0, which waits for thread 63, which has ended: a deadlock",
    ),
    "a shuffle in a branch": (
        f"      %low = arith.cmpi ult, %i, %c1 : index\n      scf.if %low {{\n{SUM}\n      }}",
        r"'gpu.shuffle' is reached by thread 0, which waits for thread 1, which has ended: a deadlock",
    ),
    "no wait": (
        COPY.replace("nvgpu.device_async_wait %group {numGroups = 0 : i32}", ""),
        r"reads what nothing has written, memref<64xf32> in workgroup memory",
    ),
    "a wait for too few groups": (
        COPY.replace("numGroups = 0", "numGroups = 1"),
        r"reads what nothing has written, memref<64xf32> in workgroup memory",
    ),
    "no barrier after the wait": (
        COPY.replace("gpu.barrier", ""),
        r"reads what nothing has written|with no barrier between",
    ),
    "blocks that meet": (
        REVERSE.replace("%o[%g]", "%o[%i]"),
        r"writes what ticket 0 wrote in result 0, in thread 0 of block \(1, 0, 0\) of @k",
    ),
    "threads that meet": (
        REVERSE.replace("%o[%g]", "%o[%c0]"),
        r"writes what thread 0 wrote in result 0, with no barrier between, in thread 1 of block \(0, 0, 0\) of @k",
    ),
    "past the end": (
        REVERSE.replace("%s[%j]", "%s[%g]"),
        r"reaches index 64 of dimension 0, outside memref<64xf32> in workgroup memory",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(name: str) -> None:
    body, says = FAULTS[name]
    with pytest.raises(EmulationError, match=says):
        emulate(launched(body), X)


def test_launches_that_do_not_fit_their_kernel() -> None:
    text = str(launched(REVERSE)).replace("array<i32: 64, 1, 1>", "array<i32: 32, 1, 1>")
    with pytest.raises(EmulationError, match=r"launches blocks of \(64, 1, 1\), and @k is for \(32, 1, 1\)"):
        emulate(parse(text), X)
    with pytest.raises(EmulationError, match=r"launches @kernels::@other, which there is not"):
        emulate(parse(str(launched(REVERSE)).replace("@kernels::@k", "@kernels::@other")), X)


def test_a_product_by_matrix_units() -> None:
    """One warp: tiles from shared memory by ldmatrix, m16n8k16 in f16 with f32 sums."""
    a, b = ((RNG.integers(-8, 8, s) / 4).astype(np.float16) for s in ((16, 16), (16, 8)))
    body = f"""
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      scf.for %m = %c0 to %c8 step %c1 {{
        %at = arith.muli %i, %c8 : index
        %k = arith.addi %at, %m : index
        %row = arith.divui %k, %c16 : index
        %col = arith.remui %k, %c16 : index
        %v = memref.load %a[%k] : memref<640xf32>
        %h = arith.truncf %v : f32 to f16
        memref.store %h, %s[%row, %col] : memref<24x16xf16, {SPACE}>
      }}
      scf.for %m = %c0 to %c4 step %c1 {{
        %c256 = arith.constant 256 : index
        %at = arith.muli %i, %c4 : index
        %k = arith.addi %at, %m : index
        %from = arith.addi %k, %c256 : index
        %row = arith.divui %k, %c16 : index
        %to = arith.addi %row, %c16 : index
        %col = arith.remui %k, %c16 : index
        %v = memref.load %a[%from] : memref<640xf32>
        %h = arith.truncf %v : f32 to f16
        memref.store %h, %s[%to, %col] : memref<24x16xf16, {SPACE}>
      }}
      gpu.barrier
      %low = arith.remui %i, %c16 : index
      %upper = arith.divui %i, %c16 : index
      %col8 = arith.muli %upper, %c8 : index
      %left = nvgpu.ldmatrix %s[%low, %col8] {{numTiles = 4 : i32, transpose = false}} : memref<24x16xf16, {SPACE}> -> vector<4x2xf16>
      %eighth = arith.remui %i, %c8 : index
      %brow = arith.addi %eighth, %c16 : index
      %half = arith.divui %low, %c8 : index
      %bcol = arith.muli %half, %c8 : index
      %right = nvgpu.ldmatrix %s[%brow, %bcol] {{numTiles = 2 : i32, transpose = false}} : memref<24x16xf16, {SPACE}> -> vector<2x2xf16>
      %zero = arith.constant dense<0.0> : vector<2x2xf32>
      %sum = nvgpu.mma.sync (%left, %right, %zero) {{mmaShape = [16, 8, 16]}} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
      %flat = vector.shape_cast %sum : vector<2x2xf32> to vector<4xf32>
      %place = arith.muli %i, %c4 : index
      vector.store %flat, %o[%place] : memref<640xf32>, vector<4xf32>
      %c128 = arith.constant 128 : index
      %c640 = arith.constant 640 : index
      %rest = arith.addi %i, %c128 : index
      %c32 = arith.constant 32 : index
      scf.for %m = %rest to %c640 step %c32 {{
        memref.store %x, %o[%m] : memref<640xf32>
      }}"""
    given = np.zeros(640, np.float32)
    given[:256], given[256:384] = a.reshape(-1), b.T.reshape(-1)
    module = launched(body, blocks=1, threads=32, shared="24x16xf16", size=640)
    (made,) = emulate(module, given)
    got = np.zeros((16, 8))
    for lane in range(32):
        for e in range(4):
            got[lane // 4 + 8 * (e // 2), lane % 4 * 2 + e % 2] = made[4 * lane + e]
    assert (got == a.astype(np.float64) @ b.astype(np.float64)).all()

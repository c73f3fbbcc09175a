"""Kernels of PTX for tests: small ones around a few instructions, what LLVM makes of its IR, and a product of matrices."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from irc.codegen.ptx_interpreter import GlobalMemory, PtxModule, load

HEADER = ".version 8.0\n.target sm_90a\n.address_size 64\n"
REGISTERS = """
\t.reg .pred %p<20>;
\t.reg .b16 %rs<40>;
\t.reg .b32 %r<100>;
\t.reg .f32 %f<40>;
\t.reg .b64 %rd<40>;
\t.reg .f64 %fd<40>;
"""
LAYOUT = "e-i64:64-i128:128-v16:16-v32:32-n16:32:64"


def kernel(body: str, parameters: str = ".param .u64 a, .param .u64 o", variables: str = "") -> str:
    """One kernel `k` of this body, with registers of every kind."""
    return f"{HEADER}{variables}\n.visible .entry k({parameters})\n{{{REGISTERS}{body}\n\tret;\n}}\n"


def from_llvm(ir: str, cpu: str = "sm_80") -> str:
    """What LLVM makes of functions for a GPU."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple = "nvptx64-nvidia-cuda"
    module = llvm.parse_assembly(f'target triple = "{triple}"\ntarget datalayout = "{LAYOUT}"\n{ir}')
    features = {"sm_80": "+ptx71", "sm_90a": "+ptx80"}[cpu]
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=2)
    return machine.emit_assembly(module)


def run(
    ptx: str, arrays: Sequence[Any], out: Any, *, name: str = "k", grid: Any = (1,), block: Any = (32,), shared: int = 0,
    scalars: Sequence[Any] = (), known: bool = False,
) -> Any:  # fmt: skip
    """The output, like `out`, of a kernel that takes pointers to arrays, one to the output, and scalars."""
    memory = GlobalMemory()
    like = np.asarray(out)
    given = [memory.allocate(a, f"input {n}") for n, a in enumerate(arrays)]
    place = memory.allocate(like, "output") if known else memory.reserve(like.nbytes, "output")
    _loaded(ptx).launch(
        memory, name, grid=grid, block=block, arguments=[*given, place, *scalars], shared_bytes=shared
    )
    return memory.read(place, like.shape, like.dtype)


@functools.lru_cache(maxsize=4)
def _loaded(ptx: str) -> PtxModule:
    return load(ptx)


def elementwise(instructions: str, widths: Sequence[int], result: int) -> str:
    """A kernel of one warp: operands x0, x1, ... of so many bytes each are loaded into `%x0`, ..., `%y` is stored."""
    lines = [f"\t.reg .b{8 * w} %x{n};" if w > 1 else f"\t.reg .b16 %x{n};" for n, w in enumerate(widths)]
    lines.append(f"\t.reg .b{8 * max(result, 2)} %y;")
    lines.append("\tmov.u32 %r1, %tid.x;\n\tmov.u32 %r2, %ctaid.x;\n\tmov.u32 %r3, %ntid.x;")
    lines.append("\tmad.lo.u32 %r1, %r2, %r3, %r1;")
    for n, w in enumerate(widths):
        lines.append(
            f"\tld.param.u64 %rd1, [x{n}];\n\tmul.wide.u32 %rd2, %r1, {w};\n\tadd.s64 %rd1, %rd1, %rd2;"
        )
        lines.append(f"\tld.global.b{8 * w} %x{n}, [%rd1];")
    lines.append(instructions)
    lines.append(
        f"\tld.param.u64 %rd1, [o];\n\tmul.wide.u32 %rd2, %r1, {result};\n\tadd.s64 %rd1, %rd1, %rd2;"
    )
    lines.append(f"\tst.global.b{8 * result} [%rd1], %y;")
    parameters = "".join(f".param .u64 x{n}, " for n in range(len(widths))) + ".param .u64 o"
    return kernel("\n".join(lines), parameters)


def compute(instructions: str, operands: Sequence[Any], result: Any) -> Any:
    """`%y` of instructions over `%x0`, `%x1`, ..., element by element; arrays of a multiple of 32 elements, dtype `result`."""
    arrays = [np.ascontiguousarray(o) for o in operands]
    size = arrays[0].size
    ptx = elementwise(instructions, [a.itemsize for a in arrays], np.dtype(result).itemsize)
    return run(ptx, arrays, np.zeros(size, result), grid=(size // 32,))


# A product of matrices in bf16: 128x128 of the result a block, steps of 32, two stages of cp.async.

_A_ROW, _B_ROW = 80, 272
_A_STAGE, _B_STAGE = 128 * _A_ROW, 32 * _B_ROW
GEMM_SHARED = 2 * (_A_STAGE + _B_STAGE)


def _copies(stage: str) -> str:
    """The tile of step %r20 into a stage."""
    lines = []
    for n in range(2):
        lines.append(f"""
\tadd.u32 %r30, %tid, {256 * n};
\tshr.u32 %r31, %r30, 2;
\tand.b32 %r32, %r30, 3;
\tadd.u32 %r33, %row0, %r31;
\tmul.lo.u32 %r33, %r33, %k;
\tshl.b32 %r34, %r32, 3;
\tadd.u32 %r33, %r33, %r34;
\tmad.lo.u32 %r33, %r20, 32, %r33;
\tmul.wide.u32 %rd10, %r33, 2;
\tadd.s64 %rd10, %rd1, %rd10;
\tmul.lo.u32 %r35, %r31, {_A_ROW};
\tmad.lo.u32 %r35, %r32, 16, %r35;
\tmad.lo.u32 %r35, {stage}, {_A_STAGE}, %r35;
\tadd.u32 %r35, %r35, %smem;
\tcp.async.cg.shared.global [%r35], [%rd10], 16;
\tshr.u32 %r31, %r30, 4;
\tand.b32 %r32, %r30, 15;
\tmad.lo.u32 %r33, %r20, 32, %r31;
\tmul.lo.u32 %r33, %r33, %n;
\tshl.b32 %r34, %r32, 3;
\tadd.u32 %r33, %r33, %r34;
\tadd.u32 %r33, %r33, %col0;
\tmul.wide.u32 %rd10, %r33, 2;
\tadd.s64 %rd10, %rd2, %rd10;
\tmul.lo.u32 %r35, %r31, {_B_ROW};
\tmad.lo.u32 %r35, %r32, 16, %r35;
\tmad.lo.u32 %r35, {stage}, {_B_STAGE}, %r35;
\tadd.u32 %r35, %r35, %smem;
\tcp.async.cg.shared.global [%r35+{2 * _A_STAGE}], [%rd10], 16;""")
    return "".join(lines)


def _products() -> str:
    lines = []
    for k in range(2):
        for i in range(4):
            registers = ", ".join(f"%a{i}_{n}" for n in range(4))
            lines.append(
                f"\tldmatrix.sync.aligned.m8n8.x4.shared.b16 {{{registers}}}, [%r40+{16 * i * _A_ROW + 32 * k}];"
            )
        for j in range(2):
            registers = ", ".join(f"%b{2 * j + n // 2}_{n % 2}" for n in range(4))
            offset = 16 * k * _B_ROW + 32 * j
            lines.append(
                f"\tldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {{{registers}}}, [%r41+{offset}];"
            )
        for i in range(4):
            for j in range(4):
                c = ", ".join(f"%c{i}_{j}_{n}" for n in range(4))
                a = ", ".join(f"%a{i}_{n}" for n in range(4))
                lines.append(
                    f"\tmma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {{{c}}}, {{{a}}}, {{%b{j}_0, %b{j}_1}}, {{{c}}};"
                )
    return "\n".join(lines)


def _stores() -> str:
    lines = ["\tshr.u32 %r50, %lane, 2;\n\tand.b32 %r51, %lane, 3;\n\tshl.b32 %r51, %r51, 1;"]
    lines.append("\tadd.u32 %r50, %r50, %row0;\n\tadd.u32 %r50, %r50, %wrow;")
    lines.append("\tadd.u32 %r51, %r51, %col0;\n\tadd.u32 %r51, %r51, %wcol;")
    for i in range(4):
        for half in range(2):
            lines.append(f"\tadd.u32 %r52, %r50, {16 * i + 8 * half};\n\tmad.lo.u32 %r52, %r52, %n, %r51;")
            lines.append("\tmul.wide.u32 %rd11, %r52, 4;\n\tadd.s64 %rd11, %rd3, %rd11;")
            for j in range(4):
                pair = f"{{%c{i}_{j}_{2 * half}, %c{i}_{j}_{2 * half + 1}}}"
                lines.append(f"\tst.global.v2.b32 [%rd11+{32 * j}], {pair};")
    return "\n".join(lines)


def gemm() -> str:
    """`gemm(a, b, c, n, k)`: c[m, n] = a[m, k] b[k, n] in bf16 with f32 sums; grid (n / 128, m / 128), blocks of 256."""
    sums = [f"%c{i}_{j}_{n}" for i in range(4) for j in range(4) for n in range(4)]
    tiles = [f"%a{i}_{n}" for i in range(4) for n in range(4)] + [
        f"%b{j}_{n}" for j in range(4) for n in range(2)
    ]
    zeros = "\n".join(f"\tmov.b32 {c}, 0f00000000;" for c in sums)
    body = f"""
\t.reg .b32 {", ".join((*sums, *tiles))};
\t.reg .b32 %tid, %lane, %warp, %row0, %col0, %wrow, %wcol, %n, %k, %smem;
\tld.param.u64 %rd1, [a];
\tld.param.u64 %rd2, [b];
\tld.param.u64 %rd3, [c];
\tld.param.u32 %n, [n];
\tld.param.u32 %k, [k];
\tmov.u32 %smem, tiles;
\tmov.u32 %tid, %tid.x;
\tand.b32 %lane, %tid, 31;
\tshr.u32 %warp, %tid, 5;
\tmov.u32 %r1, %ctaid.y;
\tshl.b32 %row0, %r1, 7;
\tmov.u32 %r1, %ctaid.x;
\tshl.b32 %col0, %r1, 7;
\tshr.u32 %wrow, %warp, 2;
\tshl.b32 %wrow, %wrow, 6;
\tand.b32 %wcol, %warp, 3;
\tshl.b32 %wcol, %wcol, 5;
\tand.b32 %r2, %lane, 15;
\tshr.u32 %r3, %lane, 4;
\tshl.b32 %r3, %r3, 4;
\tadd.u32 %r4, %r2, %wrow;
\tmad.lo.u32 %r10, %r4, {_A_ROW}, %r3;
\tadd.u32 %r10, %r10, %smem;
\tmad.lo.u32 %r11, %r2, {_B_ROW}, %r3;
\tmad.lo.u32 %r11, %wcol, 2, %r11;
\tadd.u32 %r11, %r11, %smem;
\tadd.u32 %r11, %r11, {2 * _A_STAGE};
{zeros}
\tshr.u32 %r19, %k, 5;
\tmov.u32 %r20, 0;
\tmov.u32 %r21, 0;
{_copies("%r21")}
\tcp.async.commit_group;
\tmov.u32 %r22, 0;
LOOP:
\tadd.u32 %r20, %r22, 1;
\tand.b32 %r21, %r20, 1;
\tsetp.ge.u32 %p1, %r20, %r19;
\t@%p1 bra LAST;
{_copies("%r21")}
LAST:
\tcp.async.commit_group;
\tcp.async.wait_group 1;
\tbar.sync 0;
\tand.b32 %r21, %r22, 1;
\tmad.lo.u32 %r40, %r21, {_A_STAGE}, %r10;
\tmad.lo.u32 %r41, %r21, {_B_STAGE}, %r11;
{_products()}
\tbar.sync 0;
\tmov.u32 %r22, %r20;
\tsetp.lt.u32 %p2, %r22, %r19;
\t@%p2 bra LOOP;
{_stores()}"""
    parameters = ".param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n, .param .u32 k"
    text = kernel(body, parameters, ".extern .shared .align 16 .b8 tiles[];")
    return text.replace(".entry k(", ".entry gemm(")

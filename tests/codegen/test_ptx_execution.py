"""Memory, control flow, warps and tiles of PTX, and what LLVM emits for a GPU."""

from __future__ import annotations

import time
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from ptx_texts import GEMM_SHARED, compute, from_llvm, gemm, kernel, run

from irc.codegen.ptx_interpreter import GlobalMemory, load
from irc.codegen.ptx_interpreter.text import parse
from irc.errors import ParseError

BF16 = ml_dtypes.bfloat16
RNG = np.random.default_rng(3)

PLACE = """
\tmov.u32 %r1, %tid.x;
\tmov.u32 %r2, %ctaid.x;
\tmov.u32 %r3, %ntid.x;
\tmad.lo.u32 %r4, %r2, %r3, %r1;
\tmul.wide.u32 %rd3, %r4, 4;
\tld.param.u64 %rd1, [a];
\tld.param.u64 %rd2, [o];
\tadd.s64 %rd4, %rd1, %rd3;
\tadd.s64 %rd5, %rd2, %rd3;
\tld.global.u32 %r5, [%rd4];
"""


def mapped(body: str, x: Any, *, block: int = 64, **options: Any) -> Any:
    """`%r6` of a body that has `%r5 = x[i]` and `%r4 = i`."""
    text = kernel(f"{PLACE}{body}\n\tst.global.u32 [%rd5], %r6;", **options)
    return run(text, [x], np.zeros_like(x), grid=(x.size // block,), block=(block,))


NUMBERS = RNG.integers(0, 1000, 256).astype(np.uint32)


# The text.


def test_scopes_have_names_of_their_own() -> None:
    body = """
\tmov.u32 %r6, %r5;
\t{ .reg .b32 t; .reg .pred P; setp.gt.u32 P, %r5, 500; @P bra END; add.u32 t, %r5, 1; mov.u32 %r6, t; END: }
\t{ .reg .b32 t; .reg .pred P; setp.lt.u32 P, %r5, 100; @P bra END; add.u32 t, %r6, 7; mov.u32 %r6, t; END: }"""
    first = np.where(NUMBERS > 500, NUMBERS, NUMBERS + 1)
    assert (mapped(body, NUMBERS) == np.where(NUMBERS < 100, first, first + 7)).all()


def test_what_is_no_ptx_has_a_place() -> None:
    with pytest.raises(ParseError, match=r"<ptx>:4:1: 'entry' is not known here"):
        parse(".version 8.0\n.target sm_80\n.address_size 64\nentry k() { ret; }")
    with pytest.raises(ParseError, match="ends too early"):
        parse(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret;")


def test_sections_for_debuggers_and_comments_are_passed_over() -> None:
    text = kernel("\t.loc 1 2 3\n\tmov.u32 %r1, 1; // a comment; with marks\n\t/* over\nlines */ ret;")
    text += '\t.file 1 "model.py"\n.section .debug_abbrev\n{\n.b8 1\n.b8 17\n}\n'
    load(text).launch(GlobalMemory(), "k", grid=(1,), block=(32,), arguments=[0, 0])


# Control flow.


def test_lanes_that_part_meet_again() -> None:
    body = """
\tmov.u32 %r6, 0;
\tmov.u32 %r7, %r5;
LOOP:
\tsetp.eq.u32 %p1, %r7, 1;
\t@%p1 bra DONE;
\tsetp.eq.u32 %p3, %r7, 0;
\t@%p3 bra DONE;
\tadd.u32 %r6, %r6, 1;
\tand.b32 %r8, %r7, 1;
\tsetp.eq.u32 %p2, %r8, 0;
\t@%p2 bra EVEN;
\tmad.lo.u32 %r7, %r7, 3, 1;
\tbra LOOP;
EVEN:
\tshr.u32 %r7, %r7, 1;
\tbra LOOP;
DONE:
\tactivemask.b32 %r9;
\tsetp.ne.b32 %p4, %r9, -1;
\t@%p4 trap;"""

    def steps(n: int) -> int:
        count = 0
        while n > 1:
            n, count = (3 * n + 1 if n % 2 else n // 2), count + 1
        return count

    assert mapped(body, NUMBERS).tolist() == [steps(int(n)) for n in NUMBERS]


def test_jumps_through_a_table() -> None:
    body = """
\tand.b32 %r7, %r5, 3;
\tTABLE: .branchtargets A, B, C, A;
\tbrx.idx %r7, TABLE;
A:\tmov.u32 %r6, 10;
\tbra END;
B:\tmov.u32 %r6, 20;
\tbra END;
C:\tmov.u32 %r6, 30;
END:"""
    assert (mapped(body, NUMBERS) == np.array([10, 20, 30, 10])[NUMBERS % 4]).all()


def test_guarded_instructions() -> None:
    body = "\tsetp.gt.u32 %p1, %r5, 400;\n\tmov.u32 %r6, 1;\n\t@%p1 add.u32 %r6, %r5, %r6;\n\t@!%p1 mov.u32 %r6, 2;"
    assert (mapped(body, NUMBERS) == np.where(NUMBERS > 400, NUMBERS + 1, 2)).all()


def test_blocks_that_are_no_whole_warps() -> None:
    x = np.arange(300, dtype=np.uint32)
    assert (mapped("\tadd.u32 %r6, %r5, 1;", x, block=50) == x + 1).all()


def test_places_in_three_dimensions() -> None:
    names = ["%tid.x", "%tid.y", "%tid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z"]
    lines = ["\tmov.u32 %r1, 0;"]
    for name, extent in zip(names, (4, 3, 2, 2, 3, 4), strict=True):
        lines.append(f"\tmov.u32 %r2, {name};\n\tmad.lo.u32 %r1, %r1, {extent}, %r2;")
    lines.append("\tld.param.u64 %rd1, [o];\n\tmul.wide.u32 %rd2, %r1, 4;\n\tadd.s64 %rd1, %rd1, %rd2;")
    lines.append("\tst.global.u32 [%rd1], %r1;")
    got = run(
        kernel("\n".join(lines)), [np.zeros(1)], np.zeros(576, np.uint32), grid=(2, 3, 4), block=(4, 3, 2)
    )
    assert (got == np.arange(576)).all()


# Memory.


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_widths_and_signs(width: int) -> None:
    x = RNG.integers(0, 256, 64 * width, np.uint8).view(f"u{width}")
    signed = x.view(f"i{width}").astype(np.int64)
    got = (
        compute("\tld.global.b64 %rd7, [%rd1];\n\tmov.b64 %y, %rd7;", [x.view(np.uint64)], np.uint64)
        if width == 8
        else None
    )
    text = PLACE.replace("%r4, 4", f"%r4, {width}").replace(
        "ld.global.u32 %r5", f"ld.global.s{8 * width} %rd7"
    )
    text += "\tmul.wide.u32 %rd8, %r4, 8;\n\tadd.s64 %rd9, %rd2, %rd8;\n\tst.global.b64 [%rd9], %rd7;"
    assert (run(kernel(text), [x], np.zeros(64, np.int64), block=(64,)) == signed).all()
    assert got is None or (got == x).all()


def test_vectors() -> None:
    x = np.arange(256, dtype=np.uint16)
    text = PLACE.replace("%r4, 4", "%r4, 8").replace("\tld.global.u32 %r5, [%rd4];", "")
    text += "\tld.global.nc.v4.u16 {%rs1, %rs2, %rs3, %rs4}, [%rd4];\n\tst.global.v4.u16 [%rd5], {%rs4, %rs3, %rs2, %rs1};"
    got = run(kernel(text), [x], np.zeros(256, np.uint16), block=(64,))
    assert (got.reshape(-1, 4) == x.reshape(-1, 4)[:, ::-1]).all()
    text = text.replace("%r4, 8", "%r4, 16").replace(
        "nc.v4.u16 {%rs1, %rs2, %rs3, %rs4}", "v2.u64 {%rd10, %rd11}"
    )
    text = text.replace("v4.u16 [%rd5], {%rs4, %rs3, %rs2, %rs1}", "v2.u64 [%rd5], {%rd11, %rd10}")
    wide = np.arange(128, dtype=np.uint64)
    got = run(kernel(text), [wide], np.zeros(128, np.uint64), block=(64,))
    assert (got.reshape(-1, 2) == wide.reshape(-1, 2)[:, ::-1]).all()


def test_generic_addresses_reach_every_space() -> None:
    body = """
\t.local .align 4 .b8 own[4];
\tmov.u64 %rd6, tile;
\tmul.wide.u32 %rd7, %r1, 4;
\tadd.s64 %rd6, %rd6, %rd7;
\tcvta.shared.u64 %rd8, %rd6;
\tst.u32 [%rd8], %r5;
\tld.shared.u32 %r7, [%rd6];
\tmov.u64 %rd9, own;
\tcvta.local.u64 %rd10, %rd9;
\tst.u32 [%rd10], %r7;
\tld.local.u32 %r6, [%rd9];
\tcvta.to.shared.u64 %rd11, %rd8;
\tsetp.ne.u64 %p1, %rd11, %rd6;
\t@%p1 trap;
\tisspacep.shared %p2, %rd8;
\t@!%p2 trap;"""
    assert (mapped(body, NUMBERS, variables=".shared .align 4 .b8 tile[256];") == NUMBERS).all()


def test_variables_of_the_module() -> None:
    body = "\tand.b32 %r7, %r5, 3;\n\tmul.wide.u32 %rd6, %r7, 4;\n\tmov.u64 %rd7, table;\n\tadd.s64 %rd7, %rd7, %rd6;\n\tld.const.u32 %r6, [%rd7];"
    variables = ".const .align 4 .b8 table[16] = {5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8};"
    assert (mapped(body, NUMBERS, variables=variables) == NUMBERS % 4 + 5).all()


def test_arguments_of_every_kind() -> None:
    parameters = ".param .u64 o, .param .f32 f, .param .u16 h, .param .align 8 .b8 s[16], .param .f64 d"
    body = """
\tld.param.u64 %rd1, [o];
\tld.param.f32 %f1, [f];
\tld.param.u16 %rs1, [h];
\tcvt.rn.f32.u16 %f2, %rs1;
\tld.param.u32 %r1, [s+12];
\tcvt.rn.f32.u32 %f3, %r1;
\tld.param.f64 %fd1, [d];
\tcvt.rn.f32.f64 %f4, %fd1;
\tst.global.v4.f32 [%rd1], {%f1, %f2, %f3, %f4};"""
    scalars = [1.5, np.uint16(7), np.arange(4, dtype=np.uint32).tobytes(), 2.25]
    got = run(kernel(body, parameters), [], np.zeros(4, np.float32), block=(1,), scalars=scalars)
    assert got.tolist() == [1.5, 7, 3, 2.25]


@pytest.mark.parametrize(("name", "type", "wanted"), [
    ("add", "u32", NUMBERS.sum()), ("max", "s32", NUMBERS.max()), ("min", "u32", 0), ("or", "b32", np.bitwise_or.reduce(NUMBERS)),
    ("xor", "b32", np.bitwise_xor.reduce(NUMBERS)),
])  # fmt: skip
def test_atomics(name: str, type: str, wanted: int) -> None:
    text = kernel(f"{PLACE}\tred.global.{name}.{type} [%rd2], %r5;\n\tred.global.add.u32 [%rd2+4], 1;")
    got = run(text, [NUMBERS], np.zeros(2, np.uint32), grid=(4,), block=(64,), known=True)
    assert got.tolist() == [wanted, 256]


def test_atomics_give_what_was_there() -> None:
    body = "\tatom.global.add.u32 %r6, [%rd2], 1;\n\tmul.wide.u32 %rd6, %r6, 4;\n\tadd.s64 %rd6, %rd2, %rd6;\n\tst.global.u32 [%rd6+4], %r5;\n"
    got = run(kernel(PLACE + body), [NUMBERS], np.zeros(257, np.uint32), grid=(4,), block=(64,), known=True)
    assert got[0] == 256 and (np.sort(got[1:]) == np.sort(NUMBERS)).all()


def test_atomics_on_floats_and_swaps() -> None:
    x = RNG.standard_normal(64).astype(np.float32)
    text = kernel(
        PLACE
        + "\tmov.b32 %f1, %r5;\n\tatom.global.add.f32 %f2, [%rd2], %f1;\n\tatom.global.cas.b32 %r9, [%rd2+4], 0, 5;"
    )
    got = run(text, [x], np.zeros(2, np.float32), block=(64,), known=True)
    assert np.isclose(got[0], x.sum(), atol=1e-4) and got.view(np.uint32)[1] == 5


def test_a_part_of_an_asynchronous_copy_is_zeros() -> None:
    body = """
\tmov.u32 %r7, tile;
\tmad.lo.u32 %r8, %r1, 16, %r7;
\tmul.wide.u32 %rd6, %r1, 16;
\tadd.s64 %rd6, %rd1, %rd6;
\tand.b32 %r9, %r1, 3;
\tshl.b32 %r9, %r9, 2;
\tcp.async.cg.shared.global [%r8], [%rd6], 16, %r9;
\tcp.async.wait_all;
\tld.shared.v4.u32 {%r10, %r11, %r12, %r13}, [%r8];
\tmul.wide.u32 %rd7, %r1, 16;
\tadd.s64 %rd7, %rd2, %rd7;
\tst.global.v4.u32 [%rd7], {%r10, %r11, %r12, %r13};"""
    x = np.arange(256, dtype=np.uint32) + 1
    got = run(
        kernel(PLACE + body, variables=".shared .align 16 .b8 tile[1024];"),
        [x],
        np.zeros(256, np.uint32),
        block=(64,),
    )
    kept = np.arange(4)[None, :] < (np.arange(64) % 4)[:, None]
    assert (got.reshape(-1, 4) == np.where(kept, x.reshape(-1, 4), 0)).all()


# Warps.


@pytest.mark.parametrize(("mode", "operands", "source"), [
    ("up", "3, 0", lambda n: np.where(n % 32 >= 3, n - 3, n)),
    ("down", "5, 31", lambda n: np.where(n % 32 < 27, n + 5, n)),
    ("bfly", "7, 31", lambda n: n ^ 7),
    ("idx", "9, 31", lambda n: n // 32 * 32 + 9),
    ("down", "2, 0x181f", lambda n: np.where(n % 8 < 6, n + 2, n)),
    ("idx", "3, 0x181f", lambda n: n // 8 * 8 + 3),
])  # fmt: skip
def test_shuffles(mode: str, operands: str, source: Any) -> None:
    n = np.arange(256)
    assert (mapped(f"\tshfl.sync.{mode}.b32 %r6, %r5, {operands}, -1;", NUMBERS) == NUMBERS[source(n)]).all()
    inside = mapped(
        f"\tshfl.sync.{mode}.b32 %r7|%p1, %r5, {operands}, -1;\n\tselp.u32 %r6, 1, 0, %p1;", NUMBERS
    )
    assert mode == "idx" or (inside == ((source(n) != n) | (mode == "bfly"))).all()


def test_votes_and_reductions() -> None:
    warps = NUMBERS.reshape(-1, 32)
    even = warps % 2 == 0
    bits = (even.astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(1)
    test = "\tand.b32 %r7, %r5, 1;\n\tsetp.eq.u32 %p1, %r7, 0;\n"
    assert (
        mapped(test + "\tvote.sync.ballot.b32 %r6, %p1, -1;", NUMBERS).reshape(-1, 32) == bits[:, None]
    ).all()
    for kind, wanted in (("any", even.any(1)), ("all", even.all(1))):
        got = mapped(test + f"\tvote.sync.{kind}.pred %p2, %p1, -1;\n\tselp.u32 %r6, 1, 0, %p2;", NUMBERS)
        assert (got.reshape(-1, 32) == wanted[:, None]).all()
    for kind, by in (("add", np.add), ("max", np.maximum), ("min", np.minimum)):
        got = mapped(f"\tredux.sync.{kind}.u32 %r6, %r5, -1;", NUMBERS)
        assert (got.reshape(-1, 32) == by.reduce(warps, axis=1)[:, None]).all()


def test_collectives_of_a_part_of_a_warp() -> None:
    body = """
\tand.b32 %r7, %r1, 1;
\tsetp.eq.u32 %p1, %r7, 0;
\t@%p1 bra EVEN;
\tredux.sync.add.u32 %r6, %r5, 0xaaaaaaaa;
\tbra END;
EVEN:
\tredux.sync.max.u32 %r6, %r5, 0x55555555;
END:
\tbar.warp.sync -1;"""
    warps = NUMBERS.reshape(-1, 16, 2)
    wanted = np.stack([warps[..., 0].max(1), warps[..., 1].sum(1)], -1)
    assert (mapped(body, NUMBERS).reshape(-1, 16, 2) == wanted[:, None, :]).all()


def test_a_collective_waits_for_lanes_that_come_later() -> None:
    """Odd lanes take a longer way that lies behind the meeting in the text."""
    body = """
\tand.b32 %r7, %r1, 1;
\tmov.u32 %r8, 0;
\tsetp.eq.u32 %p1, %r7, 1;
\t@%p1 bra LATE;
MEET:
\tadd.u32 %r9, %r5, %r8;
\tredux.sync.add.u32 %r6, %r9, -1;
\tbra END;
LATE:
\tmov.u32 %r8, 100;
\tbra MEET;
END:"""
    got = mapped(body, NUMBERS)
    assert (got.reshape(-1, 32) == NUMBERS.reshape(-1, 32).sum(1)[:, None] + 1600).all()


def test_matches() -> None:
    x = NUMBERS % 5
    warps = x.reshape(-1, 32)
    same = (warps[:, :, None] == warps[:, None, :]).astype(np.uint64) << np.arange(32, dtype=np.uint64)
    assert (mapped("\tmatch.any.sync.b32 %r6, %r5, -1;", x).reshape(-1, 32) == same.sum(2)).all()


def test_barriers_of_some_warps() -> None:
    """Warp 0 makes numbers for warp 1, which waits for it by a barrier of their own."""
    body = """
\tmov.u32 %r7, tile;
\tand.b32 %r8, %r1, 31;
\tmad.lo.u32 %r8, %r8, 4, %r7;
\tmov.u32 %r6, 0;
\tsetp.ge.u32 %p1, %r1, 32;
\t@%p1 bra TAKE;
\tst.shared.u32 [%r8], %r5;
\tbar.arrive 3, 64;
\tbra END;
TAKE:
\tbar.sync 3, 64;
\tld.shared.u32 %r6, [%r8];
END:"""
    got = mapped(body, NUMBERS, variables=".shared .align 4 .b8 tile[128];").reshape(-1, 2, 32)
    assert (got[:, 1] == NUMBERS.reshape(-1, 2, 32)[:, 0]).all() and (got[:, 0] == 0).all()


def test_barriers_that_count() -> None:
    got = mapped("\tsetp.gt.u32 %p1, %r5, 500;\n\tbar.red.popc.u32 %r6, 0, %p1;", NUMBERS)
    assert (got.reshape(-1, 64) == (NUMBERS.reshape(-1, 64) > 500).sum(1)[:, None]).all()


# Tiles.

MMA = """
\tld.param.u64 %rd1, [a];
\tld.param.u64 %rd2, [b];
\tld.param.u64 %rd3, [o];
\tmov.u32 %r1, %tid.x;
"""


def fragment(matrix: Any, registers: int, *, right: bool) -> Any:
    """[32, registers] of a left [m, k] or right [k, n] operand by the tables of the PTX ISA."""
    size = matrix.dtype.itemsize
    together = max(4 // size, 1)
    made = np.zeros((32, registers, together), matrix.dtype)
    for lane in range(32):
        for register in range(registers):
            row = lane // 4 + (0 if right or matrix.shape[0] == 8 else 8 * (register % 2))
            block = register if right or matrix.shape[0] == 8 else register // 2
            for e in range(together):
                k = block * 4 * together + lane % 4 * together + e
                made[lane, register, e] = matrix[k, row] if right else matrix[row, k]
    return made.view(np.uint64 if size == 8 else np.uint32)[..., 0]


@pytest.mark.parametrize(("shape", "type", "dtype", "sums"), [
    ((16, 8, 16), "bf16", BF16, "f32"), ((16, 8, 16), "f16", np.float16, "f32"), ((16, 8, 16), "f16", np.float16, "f16"),
    ((16, 8, 8), "bf16", BF16, "f32"), ((16, 8, 8), "tf32", np.float32, "f32"), ((16, 8, 4), "tf32", np.float32, "f32"),
    ((16, 8, 32), "s8", np.int8, "s32"), ((8, 8, 4), "f64", np.float64, "f64"), ((16, 8, 32), "e4m3", ml_dtypes.float8_e4m3fn, "f32"),
])  # fmt: skip
def test_products_of_tiles(shape: tuple[int, int, int], type: str, dtype: Any, sums: str) -> None:
    m, n, k = shape
    a, b = ((RNG.integers(-8, 8, s) / (1 if type == "s8" else 4)).astype(dtype) for s in ((m, k), (k, n)))
    wide = type == "f64"
    together = 1 if wide else max(4 // np.dtype(dtype).itemsize, 1)
    left, right = m // 8 * k // (4 * together), k // (4 * together)
    out = m // 8 * (1 if sums == "f16" else 2)
    bits, size = ("b64", 8) if wide else ("b32", 4)
    register = "%rd1" if wide else "%r1"
    text = MMA
    for names, count, pointer in (("1", left, "%rd1"), ("2", right, "%rd2")):
        text += f"\tmul.wide.u32 %rd4, %r1, {count * size};\n\tadd.s64 %rd5, {pointer}, %rd4;\n"
        text += "".join(
            f"\tld.global.{bits} {register}{names}{i}, [%rd5+{size * i}];\n" for i in range(count)
        )
    text += "".join(f"\tmov.{bits} {register}3{i}, 0;\n" for i in range(out))
    lists = [
        ", ".join(f"{register}{g}{i}" for i in range(c))
        for g, c in (("3", out), ("1", left), ("2", right), ("3", out))
    ]
    text += (
        f"\tmma.sync.aligned.m{m}n{n}k{k}.row.col.{sums}.{type}.{type}.{sums} "
        + ", ".join(f"{{{x}}}" for x in lists)
        + ";\n"
    )
    text += f"\tmul.wide.u32 %rd4, %r1, {out * size};\n\tadd.s64 %rd5, %rd3, %rd4;\n"
    text += "".join(f"\tst.global.{bits} [%rd5+{size * i}], {register}3{i};\n" for i in range(out))
    text = (
        kernel(text, ".param .u64 a, .param .u64 b, .param .u64 o")
        .replace("%rd<40>", "%rd<400>")
        .replace("%r<100>", "%r<400>")
    )
    result = {"f32": np.float32, "f16": np.float16, "s32": np.int32, "f64": np.float64}[sums]
    per_lane = m * n // 32
    got = run(
        text,
        [fragment(a, left, right=False), fragment(b, right, right=True)],
        np.zeros((32, per_lane), result),
    )
    found = np.zeros((m, n))
    for lane in range(32):
        for e in range(per_lane):
            found[lane // 4 + 8 * (e // 2), lane % 4 * 2 + e % 2] = got[lane, e]
    assert (found == a.astype(np.float64) @ b.astype(np.float64)).all()


@pytest.mark.parametrize("flipped", [False, True])
def test_tiles_go_to_registers_and_back(flipped: bool) -> None:
    """Four tiles of 8x8 are read as they lie or flipped, and written as they lie."""
    tile = RNG.integers(0, 1 << 16, (4, 8, 8)).astype(np.uint16)
    body = f"""
\tld.param.u64 %rd1, [a];
\tld.param.u64 %rd2, [o];
\tmov.u32 %r1, %tid.x;
\tmul.wide.u32 %rd3, %r1, 16;
\tadd.s64 %rd4, %rd1, %rd3;
\tadd.s64 %rd5, %rd2, %rd3;
\tmov.u32 %r2, tile;
\tmad.lo.u32 %r3, %r1, 16, %r2;
\tcp.async.cg.shared.global [%r3], [%rd4], 16;
\tcp.async.wait_all;
\tbar.warp.sync -1;
\tldmatrix.sync.aligned.m8n8.x4{".trans" if flipped else ""}.shared.b16 {{%r4, %r5, %r6, %r7}}, [%r3];
\tbar.warp.sync -1;
\tstmatrix.sync.aligned.m8n8.x4.shared.b16 [%r3], {{%r4, %r5, %r6, %r7}};
\tbar.warp.sync -1;
\tld.shared.v4.u32 {{%r8, %r9, %r10, %r11}}, [%r3];
\tst.global.v4.u32 [%rd5], {{%r8, %r9, %r10, %r11}};"""
    got = run(kernel(body, variables=".shared .align 16 .b8 tile[512];"), [tile], np.zeros_like(tile))
    assert (got == (tile.swapaxes(1, 2) if flipped else tile)).all()


# What LLVM emits.

LLVM = r"""
@table = internal addrspace(4) constant [4 x float] [float 1.0, float 2.0, float 4.0, float 8.0], align 16
@tile = internal addrspace(3) global [64 x float] undef, align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare float @llvm.sqrt.f32(float)
declare float @llvm.maximum.f32(float, float)
declare i32 @llvm.fptosi.sat.i32.f32(float)
declare i32 @llvm.ctpop.i32(i32)

define float @scaled(float %x, <4 x float> %v, i32 %n) noinline {
  %some = icmp sgt i32 %n, 40
  br i1 %some, label %yes, label %no
yes:
  %y = fmul float %x, 3.0
  ret float %y
no:
  %e = extractelement <4 x float> %v, i32 2
  %z = fadd float %x, %e
  ret float %z
}

define ptx_kernel void @k(ptr addrspace(1) align 16 %a, ptr addrspace(1) %o) "nvvm.reqntid"="64" {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr <4 x float>, ptr addrspace(1) %a, i32 %t
  %v = load <4 x float>, ptr addrspace(1) %p, align 16
  %x = extractelement <4 x float> %v, i32 0
  %s = call float @scaled(float %x, <4 x float> %v, i32 %t)
  %q = fdiv float %s, 7.0
  %r = call float @llvm.sqrt.f32(float %q)
  %m = call float @llvm.maximum.f32(float %r, float 0.5)
  %h = fptrunc float %m to bfloat
  %h2 = fmul bfloat %h, %h
  %w = fpext bfloat %h2 to float
  %sp = getelementptr [64 x float], ptr addrspace(3) @tile, i32 0, i32 %t
  store float %w, ptr addrspace(3) %sp
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %back = sub i32 63, %t
  %sq = getelementptr [64 x float], ptr addrspace(3) @tile, i32 0, i32 %back
  %other = load float, ptr addrspace(3) %sq
  %stack = alloca [4 x float], align 16
  %low = and i32 %t, 3
  %slot = getelementptr float, ptr %stack, i32 %low
  store float %other, ptr %slot
  %kept = load float, ptr %slot
  %tp = getelementptr float, ptr addrspace(4) @table, i32 %low
  %tv = load float, ptr addrspace(4) %tp
  %i = call i32 @llvm.fptosi.sat.i32.f32(float %kept)
  %bits = call i32 @llvm.ctpop.i32(i32 %i)
  %f = sitofp i32 %bits to float
  %u = fmul float %kept, %tv
  %y = fadd float %u, %f
  %op = getelementptr float, ptr addrspace(1) %o, i32 %t
  store float %y, ptr addrspace(1) %op
  ret void
}
"""


@pytest.mark.parametrize("cpu", ["sm_80", "sm_90a"])
def test_what_llvm_emits(cpu: str) -> None:
    """Calls, spilled arrays, tables, barriers, conversions: the same as NumPy, step by step."""
    x = np.abs(RNG.standard_normal((64, 4)) * 50).astype(np.float32)
    n = np.arange(64)
    scaled = np.where(n > 40, x[:, 0] * np.float32(3), x[:, 0] + x[:, 2])
    m = np.maximum(np.sqrt(scaled / np.float32(7)), np.float32(0.5)).astype(BF16)
    kept = (m.astype(np.float32) ** 2).astype(BF16).astype(np.float32)[::-1]
    wanted = kept * np.array([1, 2, 4, 8], np.float32)[n % 4] + np.bitwise_count(
        kept.astype(np.int32)
    ).astype(np.float32)
    got = run(from_llvm(LLVM, cpu), [x], np.zeros(64, np.float32), block=(64,))
    assert (got == wanted).all()


# Speed: what the interpreter is for has to be quick enough to be run.


def test_a_million_elements_and_a_product_of_matrices_in_seconds() -> None:
    x = RNG.standard_normal(1 << 20).astype(np.float32)
    text = kernel(
        f"{PLACE}\tmov.b32 %f1, %r5;\n\tfma.rn.f32 %f2, %f1, %f1, 0f3F800000;\n\tst.global.f32 [%rd5], %f2;"
    )
    start = time.perf_counter()
    got = run(text, [x], np.zeros_like(x), grid=(4096,), block=(256,))
    elementwise = time.perf_counter() - start
    assert (got == (x.astype(np.float64) ** 2 + 1).astype(np.float32)).all()
    a, b = (RNG.standard_normal(s).astype(BF16) for s in ((512, 256), (256, 512)))
    start = time.perf_counter()
    got = run(gemm(), [a, b], np.zeros((512, 512), np.float32), name="gemm", grid=(4, 4), block=(256,), shared=GEMM_SHARED,
              scalars=[512, 256])  # fmt: skip
    product = time.perf_counter() - start
    np.testing.assert_allclose(got, a.astype(np.float64) @ b.astype(np.float64), atol=1e-4)
    assert elementwise < 10 and product < 10

"""Right kernels of PTX, each with faults planted in it: every one is reported, at its line, for what it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from ptx_texts import GEMM_SHARED, gemm, kernel, run

from irc.codegen.ptx_interpreter import GlobalMemory, PtxError, load
from irc.errors import IrcError, ParseError, UnsupportedError

# A sum of 128 numbers by one block: shared memory, barriers, then a warp's shuffles.

SUM = kernel(
    """
\tmov.u32 %r1, %tid.x;
\tld.param.u64 %rd1, [a];
\tmul.wide.u32 %rd2, %r1, 4;
\tadd.s64 %rd3, %rd1, %rd2;
\tld.global.f32 %f1, [%rd3];
\tmov.u32 %r2, tile;
\tmad.lo.u32 %r3, %r1, 4, %r2;
\tst.shared.f32 [%r3], %f1;
\tbar.sync 0;
\tsetp.ge.u32 %p1, %r1, 64;
\t@%p1 bra MEET;
\tld.shared.f32 %f2, [%r3+256];
\tadd.rn.f32 %f1, %f1, %f2;
\tst.shared.f32 [%r3], %f1;
MEET:
\tbar.sync 0;
\tsetp.ge.u32 %p2, %r1, 32;
\t@%p2 bra DONE;
\tld.shared.f32 %f2, [%r3+128];
\tadd.rn.f32 %f1, %f1, %f2;
\tmov.b32 %r5, %f1;
\tshfl.sync.down.b32 %r6, %r5, 16, 31, -1;
\tmov.b32 %f3, %r6;
\tadd.rn.f32 %f1, %f1, %f3;
\tmov.b32 %r5, %f1;
\tshfl.sync.bfly.b32 %r6, %r5, 8, 31, -1;
\tmov.b32 %f3, %r6;
\tadd.rn.f32 %f1, %f1, %f3;
\tsetp.ne.u32 %p3, %r1, 0;
\t@%p3 bra DONE;
\tld.param.u64 %rd4, [o];
\tst.global.f32 [%rd4], %f1;
DONE:
""",
    variables=".shared .align 16 .b8 tile[512];",
)


def sum_of(ptx: str) -> Any:
    x = np.arange(128, dtype=np.float32)
    return run(ptx, [x], np.zeros(1, np.float32), block=(128,))


# y = x + 1, four at a time, over 2000 numbers in two blocks of 256.

ADD = kernel(
    """
\tmov.u32 %r1, %tid.x;
\tmov.u32 %r2, %ctaid.x;
\tmad.lo.u32 %r3, %r2, 256, %r1;
\tshl.b32 %r4, %r3, 2;
\tsetp.ge.u32 %p1, %r4, 2000;
\t@%p1 bra DONE;
\tld.param.u64 %rd1, [a];
\tld.param.u64 %rd2, [o];
\tmul.wide.u32 %rd3, %r4, 4;
\tadd.s64 %rd4, %rd1, %rd3;
\tadd.s64 %rd5, %rd2, %rd3;
\tld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd4];
\tadd.rn.f32 %f1, %f1, 0f3F800000;
\tadd.rn.f32 %f2, %f2, 0f3F800000;
\tadd.rn.f32 %f3, %f3, 0f3F800000;
\tadd.rn.f32 %f4, %f4, 0f3F800000;
\tst.global.v4.f32 [%rd5], {%f1, %f2, %f3, %f4};
DONE:
"""
)


def added(ptx: str) -> Any:
    return run(ptx, [np.arange(2000, dtype=np.float32)], np.zeros(2000, np.float32), grid=(2,), block=(256,))


def product(ptx: str) -> Any:
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal(s).astype(ml_dtypes.bfloat16) for s in ((128, 96), (96, 128)))
    like = np.zeros((128, 128), np.float32)
    return run(ptx, [a, b], like, name="gemm", block=(256,), shared=GEMM_SHARED, scalars=[128, 96])


def test_the_kernels_are_right() -> None:
    partial = np.arange(128, dtype=np.float32).reshape(4, 32).sum(0)
    assert sum_of(SUM)[0] == partial[[0, 16, 8, 24]].sum()
    assert (added(ADD) == np.arange(2000) + 1).all()
    rng = np.random.default_rng(1)
    a, b = (
        rng.standard_normal(s).astype(ml_dtypes.bfloat16).astype(np.float64) for s in ((128, 96), (96, 128))
    )
    np.testing.assert_allclose(product(gemm()), a @ b, rtol=1e-5, atol=1e-5)


@dataclass(frozen=True)
class Fault:
    """A change of a kernel's text: the nth occurrence of `old` becomes `new`; what the message says, near which line."""

    old: str
    new: str
    says: str
    nth: int = 0
    near: str = ""
    """Part of the line that is blamed."""


def planted(text: str, fault: Fault) -> str:
    pieces = text.split(fault.old)
    assert len(pieces) > fault.nth + 1, fault.old
    return fault.old.join(pieces[: fault.nth + 1]) + fault.new + fault.old.join(pieces[fault.nth + 1 :])


SUM_FAULTS = {
    "a barrier that is missing": Fault("\tbar.sync 0;\n", "", r"reads byte \d+ of shared memory, which another thread wrote with no barrier", 0, "ld.shared"),
    "a second barrier that is missing": Fault("\tbar.sync 0;\n", "", r"reads byte \d+ of shared memory, which another thread wrote", 1, "ld.shared"),
    "a barrier in a branch": Fault("\tadd.rn.f32 %f1, %f1, %f2;\n\tst.shared", "\tbar.sync 0;\n\tadd.rn.f32 %f1, %f1, %f2;\n\tst.shared", r"deadlock|divergent|no barrier", 0),
    "a barrier that exited threads miss": Fault("bra MEET", "bra DONE", r"deadlock: 64 of 128 threads of the block wait at barrier 0; thread \(64, 0, 0\) has exited", 0, "bar.sync"),
    "a barrier of too few threads": Fault("bar.sync 0;", "bar.sync 0, 64;", r"no barrier between|barrier 0 of 64 threads is reached by 128", 0),
    "a barrier of too many": Fault("bar.sync 0;", "bar.sync 1, 160;", r"deadlock: 128 of 128 threads of the block wait at barrier 1", 0),
    "shared memory that nobody wrote": Fault("st.shared.f32 [%r3], %f1;", "setp.eq.u32 %p4, %r1, 70;\n\t@!%p4 st.shared.f32 [%r3], %f1;", r"thread \(6, 0, 0\): a load reads byte 280 of shared memory, which nothing has written", 0, "ld.shared"),
    "shared memory past its end": Fault("[%r3+256]", "[%r3+260]", r"thread \(63, 0, 0\): a load of 4 bytes is out of bounds: byte 0x200 of shared memory, which has 512", 0, "ld.shared"),
    "a shuffle in a branch": Fault("\tshfl.sync.bfly", "\tsetp.ge.u32 %p5, %r1, 16;\n\t@%p5 bra DONE;\n\tshfl.sync.bfly", r"'shfl.sync.bfly.b32' is divergent: it waits for lane 16 of its warp, which has exited", 0, "shfl.sync.bfly"),
    "a mask without the lane itself": Fault("8, 31, -1", "8, 31, 65535", r"is run by lane 16, which its mask 0xffff leaves out", 0, "shfl.sync.bfly"),
    "a shuffle from a lane outside the mask": Fault("\tshfl.sync.bfly.b32 %r6, %r5, 8, 31, -1", "\tmov.u32 %r7, 65535;\n\tsetp.ge.u32 %p5, %r1, 16;\n\t@%p5 mov.u32 %r7, -65536;\n\tshfl.sync.bfly.b32 %r6, %r5, 16, 31, %r7", r"reads lane 16, which its mask leaves out", 0, "shfl.sync.bfly"),
    "masks that differ": Fault("\tshfl.sync.bfly.b32 %r6, %r5, 8, 31, -1", "\tmov.u32 %r7, -1;\n\tsetp.eq.u32 %p5, %r1, 3;\n\t@%p5 mov.u32 %r7, 65535;\n\tshfl.sync.bfly.b32 %r6, %r5, 8, 31, %r7", r"gets different masks", 0, "shfl.sync.bfly"),
    "all threads write the result": Fault("\t@%p3 bra DONE;\n", "", r"writes byte 0 of output, which another thread writes at the same time: a race", 0, "st.global"),
    "a misaligned place": Fault("[%r3+256]", "[%r3+254]", r"a load of 4 bytes is misaligned at byte 254 of shared memory", 0, "ld.shared"),
    "a register that nothing wrote": Fault("%f1, %f1, %f3", "%f1, %f1, %f9", r"register %f9 is read before anything is written to it", 0, "%f9"),
    "a store into shared memory meant for global": Fault("st.global.f32 [%rd4]", "st.shared.f32 [%rd4]", r"a store of 4 bytes is out of bounds: byte 0x\w+ of shared memory", 0, "st.shared"),
}  # fmt: skip

ADD_FAULTS = {
    "a bound that is off by one": Fault("%r4, 2000", "%r4, 2001", r"block \(1, 0, 0\), thread \(244, 0, 0\): a load of 16 bytes is out of bounds: address 0x\w+ is byte 8000 of input 0, which has 8000", 0, "ld.global"),
    "no bound at all": Fault("\t@%p1 bra DONE;\n", "", r"out of bounds", 0, "ld.global"),
    "four elements at an odd place": Fault("[%rd4]", "[%rd4+4]", r"thread \(0, 0, 0\): a load of 16 bytes is misaligned at address 0x\w+4", 0, "ld.global"),
    "blocks that overlap": Fault("%r2, 256, %r1", "%r2, 255, %r1", r"block \(1, 0, 0\), thread \(0, 0, 0\): a store writes byte \d+ of output, which another thread wrote|writes at the same time", 0, "st.global"),
    "the output read": Fault("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd4]", "ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd5]", r"a load reads byte 0 of output, which nothing has written", 0, "ld.global"),
    "an argument taken for another": Fault("[a]", "[o]", r"which nothing has written", 0, "ld.global"),
}  # fmt: skip

GEMM_FAULTS = {
    "no wait": Fault("\tcp.async.wait_group 1;\n", "", r"ldmatrix reads byte \d+ of shared memory, whose asynchronous copy nobody has waited for", 0, "ldmatrix"),
    "a wait for one group too few": Fault("wait_group 1", "wait_group 2", r"whose asynchronous copy nobody has waited for", 0, "ldmatrix"),
    "copies that are not committed": Fault("\tcp.async.commit_group;\n\tmov", "\tmov", r"whose asynchronous copy nobody has waited for", 0, "ldmatrix"),
    "no barrier after the wait": Fault("\tbar.sync 0;\n", "", r"ldmatrix reads byte \d+ of shared memory, which another thread wrote with no barrier", 0, "ldmatrix"),
    "no barrier before the stage is used again": Fault("\tbar.sync 0;\n\tmov.u32 %r22", "\tmov.u32 %r22", r"an asynchronous copy writes byte \d+ of shared memory, which another thread read with no barrier", 0, "cp.async"),
    "one stage for two": Fault("\tand.b32 %r21, %r20, 1;", "\tmov.u32 %r21, 0;", r"which nothing has written|still on its way|another thread read", 0),
    "a tile in a branch": Fault("\tldmatrix", "\tsetp.ge.u32 %p7, %lane, 16;\n\t@%p7 bra LAST;\n\tldmatrix", r"deadlock|divergent|no barrier", 0),
    "a row too far": Fault("mad.lo.u32 %r33, %r20, 32, %r33", "mad.lo.u32 %r33, %r20, 40, %r33", r"thread \(254, 0, 0\): an asynchronous copy of 16 bytes is out of bounds", 3, "cp.async"),
    "rows that are not aligned": Fault("mul.lo.u32 %r35, %r31, 80", "mul.lo.u32 %r35, %r31, 72", r"misaligned at byte \d+ of shared memory", 0, "cp.async"),
}  # fmt: skip

CASES = [
    pytest.param(text, fault, by, id=f"{family}: {name}")
    for family, text, faults, by in (
        ("sum", SUM, SUM_FAULTS, sum_of),
        ("add", ADD, ADD_FAULTS, added),
        ("product", gemm(), GEMM_FAULTS, product),
    )
    for name, fault in faults.items()
]


@pytest.mark.parametrize(("text", "fault", "by"), CASES)
def test_a_planted_fault_is_reported(text: str, fault: Fault, by: Callable[[str], Any]) -> None:
    wrong = planted(text, fault)
    with pytest.raises(PtxError) as caught:
        by(wrong)
    message = str(caught.value)
    assert re.search(fault.says, message), message
    assert re.search(r"kernel '\w+', block \(\d+, 0, 0\), thread \(\d+, 0, 0\): ", message)
    assert caught.value.line is not None
    assert fault.near in wrong.split("\n")[caught.value.line - 1], message


def one(body: str, **options: Any) -> Any:
    return run(kernel(body), [np.arange(32, dtype=np.uint32)], np.zeros(32, np.uint32), **options)


STORE = "\tld.param.u64 %rd9, [o];\n\tmov.u32 %r98, %tid.x;\n\tmul.wide.u32 %rd8, %r98, 4;\n\tadd.s64 %rd9, %rd9, %rd8;\n\tst.global.u32 [%rd9], {};"


def test_an_endless_loop() -> None:
    module = load(kernel("AGAIN:\n\tbra AGAIN;"))
    with pytest.raises(PtxError, match="no end is in sight after 1000 runs"):
        module.launch(GlobalMemory(), "k", grid=(1,), block=(32,), arguments=[0, 0], limit=1000)


def test_local_memory_is_a_threads_own_and_has_an_end() -> None:
    text = "\t.local .align 4 .b8 own[16];\n\tmov.u32 %r1, %tid.x;\n\tand.b32 %r2, %r1, 3;\n\tshl.b32 %r2, %r2, 2;\n\tcvt.u64.u32 %rd2, %r2;\n\tmov.u64 %rd1, own;\n\tadd.s64 %rd1, %rd1, %rd2;\n\tst.local.u32 [%rd1], %r1;\n\tld.local.u32 %r3, [%rd1{}];\n"
    assert (one(text.format("") + STORE.format("%r3")) == np.arange(32)).all()
    with pytest.raises(
        PtxError, match=r"thread \(3, 0, 0\): .*out of bounds: byte 0x10 of local memory, which has 16"
    ):
        one(text.format("+4").replace("st.local.u32 [%rd1]", "st.local.v2.u32 [own+8], {%r1, %r1};\n\tst.local.u32 [own+4]") + STORE.format("%r3"))  # fmt: skip
    with pytest.raises(PtxError, match=r"reads byte 12 of local memory, which nothing has written"):
        one(text.replace("[%rd1{}]", "[own+12]") + STORE.format("%r3"))


def test_constants_are_not_written() -> None:
    text = kernel(
        "\tmov.u64 %rd1, table;\n\tst.global.u32 [%rd1], 3;",
        variables=".const .align 4 .b32 table[2] = {1, 2};",
    )
    with pytest.raises(PtxError, match="writes variable table, which is constant"):
        run(text, [np.zeros(1)], np.zeros(1))


def test_the_read_only_path_does_not_see_what_the_kernel_wrote() -> None:
    text = ADD.replace("DONE:\n", "\tld.global.f32 %f5, [%rd5];\nDONE:\n")
    assert (added(text) == np.arange(2000) + 1).all()
    with pytest.raises(
        PtxError, match=r"by the read-only path \(.nc\) reads output, which this kernel writes"
    ):
        added(text.replace("ld.global.f32", "ld.global.nc.f32"))


def test_what_another_block_wrote_is_not_read_without_a_fence() -> None:
    body = """
\tld.param.u64 %rd1, [o];
\tmov.u32 %r1, %tid.x;
\tmov.u32 %r2, %ctaid.x;
\tmad.lo.u32 %r3, %r2, 32, %r1;
\tmul.wide.u32 %rd2, %r3, 4;
\tadd.s64 %rd3, %rd1, %rd2;
\tst.global.u32 [%rd3], %r3;
\t{}
\txor.b32 %r4, %r3, 32;
\tmul.wide.u32 %rd2, %r4, 4;
\tadd.s64 %rd3, %rd1, %rd2;
\tld.global.u32 %r5, [%rd3];"""
    arrays, like = [np.zeros(1)], np.zeros(64, np.uint32)
    with pytest.raises(
        PtxError, match=r"a load reads byte 128 of output, which another thread wrote with no barrier"
    ):
        run(kernel(body.format("bar.sync 0;")), arrays, like, grid=(2,))
    assert (run(kernel(body.format("membar.gl;")), arrays, like, grid=(2,)) == np.arange(64)).all()


NEIGHBOURS = """
\tmov.u32 %r1, %tid.x;
\tmov.u32 %r2, tile;
\tmad.lo.u32 %r3, %r1, 4, %r2;
\tst.shared.u32 [%r3], %r1;
\tbar.warp.sync -1;
\txor.b32 %r4, %r1, 1;
\tmad.lo.u32 %r5, %r4, 4, %r2;
\tld.shared.u32 %r6, [%r5];
\tbar.warp.sync -1;
\tst.shared.u32 [%r3], %r6;
"""


def test_barriers_of_a_warp_put_its_lanes_in_order_and_no_others() -> None:
    def swapped(text: str) -> Any:
        text = kernel(text + STORE.format("%r6"), variables=".shared .align 4 .b8 tile[256];")
        return run(text, [np.zeros(1)], np.zeros(64, np.uint32), block=(64,))

    assert (swapped(NEIGHBOURS) == np.arange(64) ^ 1).all()
    with pytest.raises(PtxError, match=r"a load reads byte 4 of shared memory, which another thread wrote"):
        swapped(NEIGHBOURS.replace("\tbar.warp.sync -1;\n", "", 1))
    first, _, last = NEIGHBOURS.rpartition("\tbar.warp.sync -1;\n")
    with pytest.raises(PtxError, match=r"a store writes byte 0 of shared memory, which another thread read"):
        swapped(first + last)
    with pytest.raises(PtxError, match=r"another thread wrote with no barrier between|nothing has written"):
        swapped(NEIGHBOURS.replace("%r1, 1;", "%r1, 32;"))


def test_what_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match=r"does not take the instruction 'tex.2d.v4.f32.s32'"):
        load(kernel("\ttex.2d.v4.f32.s32 {%f1, %f2, %f3, %f4}, [a, {%r1, %r2}];")).kernel("k")
    with pytest.raises(UnsupportedError, match=r"'add.rz.f64'"):
        load(kernel("\tadd.rz.f64 %fd1, %fd1, %fd2;")).kernel("k")
    with pytest.raises(UnsupportedError, match=r"calls 'vprintf', which it does not define"):
        load(kernel("\tcall.uni (%r1), vprintf, (%rd1, %rd2);")).kernel("k")
    with pytest.raises(UnsupportedError, match=r"'%nothing', which is declared nowhere"):
        load(kernel("\tmov.b32 %r1, %nothing;")).kernel("k")
    with pytest.raises(ParseError, match=r"'.bogus' is not known in a declaration"):
        load(".version 8.0\n.target sm_80\n.address_size 64\n.global .bogus x;")


def test_launches_that_no_device_takes() -> None:
    module = load(kernel("").replace(")\n{", ")\n.reqntid 64\n{"))
    memory = GlobalMemory()
    with pytest.raises(PtxError, match=r"wants blocks of \(64, 1, 1\) threads"):
        module.launch(memory, "k", grid=(1,), block=(32,), arguments=[0, 0])
    with pytest.raises(PtxError, match=r"bytes of shared memory are more than the 232448 of sm_90a"):
        module.launch(memory, "k", grid=(1,), block=(64,), arguments=[0, 0], shared_bytes=1 << 20)
    with pytest.raises(IrcError, match="takes 2 arguments, not 1"):
        module.launch(memory, "k", grid=(1,), block=(64,), arguments=[0])
    with pytest.raises(IrcError, match="has no kernel 'other'; it has k"):
        module.launch(memory, "other", grid=(1,), block=(64,), arguments=[0])


def test_memory_that_was_not_written_is_not_read_back() -> None:
    memory = GlobalMemory()
    place = memory.reserve(64, "half")
    memory.write(place, np.arange(8, dtype=np.float32))
    assert (memory.read(place, (8,), np.float32) == np.arange(8)).all()
    with pytest.raises(IrcError, match="bytes of half are never written"):
        memory.read(place, (16,), np.float32)
    memory.forget(place + 4, 4)
    with pytest.raises(IrcError, match="4 bytes of half are never written"):
        memory.read(place, (2,), np.float32)
    with pytest.raises(IrcError, match="lie in no buffer"):
        memory.read(place, (17,), np.float32)

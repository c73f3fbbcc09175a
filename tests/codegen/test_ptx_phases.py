"""Barriers in shared memory and bulk copies of PTX: right kernels, and the faults planted in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ptx_texts import kernel, run

from irc.codegen.ptx_interpreter import PtxError

VARIABLES = ".shared .align 128 .b8 tile[1024];\n.shared .align 8 .b64 arrived;"
BEGIN = """
\tmov.u32 %r1, %tid.x;
\tld.param.u64 %rd1, [a];
\tld.param.u64 %rd2, [o];
\tmov.u32 %r2, tile;
\tmov.u32 %r3, arrived;
\tmad.lo.u32 %r4, %r1, 4, %r2;
\tmov.u32 %r5, %ctaid.x;
\tmul.wide.u32 %rd3, %r5, 1024;
\tadd.s64 %rd1, %rd1, %rd3;
\tadd.s64 %rd2, %rd2, %rd3;
\tmul.wide.u32 %rd4, %r1, 4;
\tadd.s64 %rd5, %rd2, %rd4;
\tsetp.ne.u32 %p1, %r1, 0;
\t@%p1 bra READY;
\tmbarrier.init.shared::cta.b64 [%r3], COUNT;
READY:
\tbar.sync 0;
"""
WAIT = """
WAIT:
\tmbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 0;
\t@%p2 bra GO;
\tbra WAIT;
GO:
"""
COPY = (
    BEGIN.replace("COUNT", "1")
    + """
\t@%p1 bra WAIT;
\tmbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 1024;
\tcp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2], [%rd1], 1024, [%r3];"""
    + WAIT
    + "\tld.shared.u32 %r6, [%r4];\n\tst.global.u32 [%rd5], %r6;"
)
EXCHANGE = (
    BEGIN.replace("COUNT", "256")
    + """
\tmul.lo.u32 %r7, %r1, 3;
\tst.shared.u32 [%r4], %r7;
\tmbarrier.arrive.shared::cta.b64 %rd6, [%r3];"""
    + WAIT.replace("try_wait.parity", "test_wait").replace("[%r3], 0", "[%r3], %rd6")
    + """
\txor.b32 %r8, %r1, 255;
\tmad.lo.u32 %r9, %r8, 4, %r2;
\tld.shared.u32 %r6, [%r9];
\tst.global.u32 [%rd5], %r6;"""
)
X = np.arange(512, dtype=np.uint32)


def result(body: str) -> Any:
    return run(kernel(body, variables=VARIABLES), [X], np.zeros_like(X), grid=(2,), block=(256,))


def test_bulk_copies_arrive_at_a_barrier() -> None:
    assert (result(COPY) == X).all()


def test_threads_that_arrive_see_what_the_others_wrote() -> None:
    assert (result(EXCHANGE).reshape(2, 256) == np.arange(255, -1, -1) * 3).all()


@pytest.mark.parametrize(("body", "says"), [
    (COPY.replace(WAIT, "\nWAIT:\n"), r"a load reads byte 0 of shared memory, whose asynchronous copy nobody has waited for"),
    (COPY.replace("_, [%r3], 1024", "_, [%r3], 1040"), r"deadlock: 'mbarrier.try_wait.parity.shared::cta.b64' waits for a phase"),
    (COPY.replace("[%rd1], 1024", "[%rd1+16], 1024"), r"a bulk copy of 16 bytes is out of bounds"),
    (COPY.replace("[%rd1], 1024", "[%rd1], 1000"), r"a bulk copy of 1000 bytes, which is no multiple of 16"),
    (COPY.replace("[%r2], [%rd1]", "[%r2+16], [%rd1]"), r"a bulk copy of 1024 bytes to byte 16 of shared memory does not fit there"),
    (COPY.replace("\tmbarrier.init.shared::cta.b64 [%r3], 1;\n", ""), r"the mbarrier at byte 1024 of shared memory is not initialised"),
    (EXCHANGE.replace(", 256;", ", 257;"), r"deadlock: 'mbarrier.test_wait.shared::cta.b64' waits for a phase that nobody completes"),
    (EXCHANGE.replace(WAIT.replace("try_wait.parity", "test_wait").replace("[%r3], 0", "[%r3], %rd6"), ""), r"another thread wrote with no barrier between|nothing has written"),
    (EXCHANGE.replace("%rd6, [%r3];", "%rd6, [%r3], 200;"), r"more threads arrive at an mbarrier than the 256 it counts"),
])  # fmt: skip
def test_planted_faults_are_reported(body: str, says: str) -> None:
    with pytest.raises(PtxError, match=says):
        result(body)

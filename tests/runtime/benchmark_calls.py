"""Prints what a call costs beside a NumPy call: `python tests/runtime/benchmark_calls.py`."""

from __future__ import annotations

import timeit

import numpy as np
from programs import NOTHING, count

from irc.ir.types import TensorType, f32, i64
from irc.runtime import jit, pool
from irc.runtime.executable import NativeProgram

TILE = TensorType((32, 10), f32)


def nanoseconds(statement: str, **names: object) -> float:
    """The least of five runs, the loop's own cost included."""
    return min(timeit.repeat(statement, globals=names, number=20_000, repeat=5)) / 20_000 * 1e9


def main() -> None:
    a = np.zeros((32, 10), np.float32)
    print(f"np.add of 320 elements            {nanoseconds('f(a, a)', f=np.add, a=a):8.0f} ns")
    for inputs, outputs in ((1, 1), (10, 1), (5, 5), (10, 10), (100, 50)):
        for keep_gil in (True, False):
            program = NativeProgram(
                jit.assemble(NOTHING), [TILE] * inputs, [TILE] * outputs, keep_gil=keep_gil, arena_bytes=4096
            )
            given = [a] * inputs
            given_out = [np.empty_like(a) for _ in range(outputs)]
            call = nanoseconds("f(*x)", f=program.call, x=given)
            into = nanoseconds("f(*x)", f=program.into, x=given + given_out)
            held = "held" if keep_gil else "released"
            print(f"{inputs:3} in {outputs:2} out, GIL {held:8}  call {call:8.0f} ns  into {into:8.0f} ns")
    type_ = TensorType((8,), i64)
    program = NativeProgram(jit.assemble(count(8)), [type_], [type_])
    region = nanoseconds("f(x)", f=program.call, x=np.zeros(8, np.int64)) / 20
    print(f"a region of 8 tickets, {pool.get_num_threads()} threads   {region:8.0f} ns")


if __name__ == "__main__":
    main()

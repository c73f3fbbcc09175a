"""``python -m irc.codegen.vector_math [count]``: the largest error found of each function, and its bound."""

from __future__ import annotations

import sys

from irc.codegen.vector_math.accuracy import MEASURED, measure, stated_bound
from irc.codegen.vector_math.builder import DType
from irc.codegen.vector_math.ops import COMPLEX, REAL, measure_op

DTYPES: tuple[DType, ...] = ("f32", "f64")


def main(arguments: list[str]) -> int:
    """Print the table, in ulp, from `count` samples in f64 and 20 times as many in f32; 1 if a bound is broken."""
    count = int(arguments[0]) if arguments else 6000
    broken = False
    print(f"{'function':31} {'type':12} {'bound':>6} {'ulp':>7}  at")
    for name in MEASURED:
        for dtype in DTYPES:
            found, bound = (
                measure(name, dtype, 20 * count if dtype == "f32" else count),
                stated_bound(name, dtype),
            )
            broken |= found.ulp > bound
            where = ", ".join(repr(a) for a in found.arguments)
            print(f"{name:31} {dtype:12} {bound:6.2f} {found.ulp:7.3f}  {where}")
    return int(broken | print_ops(count))


def print_ops(count: int) -> bool:
    """The same for functions that are made at the tensor level, of as many arguments as in f64; whether a bound is broken."""
    broken = False
    for is_complex, table in ((False, REAL), (True, COMPLEX)):
        for name, op in table.items():
            for dtype in DTYPES:
                found, bound = measure_op(name, dtype, is_complex, count // 4), op.bound(dtype)
                broken |= found.ulp > bound
                kind = f"complex<{dtype}>" if is_complex else dtype
                where = ", ".join(repr(a) for a in found.arguments)
                print(f"{name:31} {kind:12} {bound:6.2f} {found.ulp:7.3f}  {where}")
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

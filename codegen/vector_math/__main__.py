"""``python -m irc.codegen.vector_math [count]``: the largest error found of each function, and its bound."""

from __future__ import annotations

import sys

from irc.codegen.vector_math.accuracy import MEASURED, measure, stated_bound
from irc.codegen.vector_math.builder import DType


def main(arguments: list[str]) -> int:
    """Print the table, in ulp, from `count` samples in f64 and 20 times as many in f32; 1 if a bound is broken."""
    count = int(arguments[0]) if arguments else 6000
    dtypes: tuple[DType, ...] = ("f32", "f64")
    broken = False
    print(f"{'function':12} {'type':4} {'bound':>6} {'ulp':>7}  at")
    for name in MEASURED:
        for dtype in dtypes:
            found, bound = (
                measure(name, dtype, 20 * count if dtype == "f32" else count),
                stated_bound(name, dtype),
            )
            broken |= found.ulp > bound
            where = ", ".join(repr(a) for a in found.arguments)
            print(f"{name:12} {dtype:4} {bound:6.2f} {found.ulp:7.3f}  {where}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Samples of ops kept for old programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.types import f64, i32
from samples.case import breaks, random, tensor, value, works


def dot(b: Any, x: Any, y: Any) -> Any:
    return b.emit(S.Dot(x, y))


works("stablehlo.dot", "matrices", dot, random(3, 4), random(4, 5))
works("stablehlo.dot", "matrix-vector", dot, random(3, 4), random(4))
works("stablehlo.dot", "vectors", dot, random(4), random(4, seed=1))
breaks("stablehlo.dot", "C1", lambda: S.Dot(value(2, 3, 4), value(4, 5)))
breaks("stablehlo.dot", "C2", lambda: S.Dot(value(3, 4), value(5, 4)))
breaks("stablehlo.dot", "C3", lambda: S.Dot(value(3, 4), value(4, of=f64)))

works(
    "stablehlo.broadcast", "leading", lambda b, x: b.emit(S.Broadcast(x, broadcast_sizes=(2, 1))), random(3)
)
breaks("stablehlo.broadcast", "C1", lambda: S.Broadcast(value(3), broadcast_sizes=(-1,)))
breaks(
    "stablehlo.broadcast",
    "C2",
    lambda: S.Broadcast(value(3), broadcast_sizes=(2,), result_types=[tensor(3, 2)]),
)


def rng(label: str, a: Any = None, b: Any = None, result: Any = None, distribution: str = "UNIFORM") -> None:
    shape = S.Constant.of(np.array([2, 3])).result
    breaks(
        "stablehlo.rng",
        label,
        lambda: S.Rng(
            a or value(),
            b or value(),
            shape,
            rng_distribution=distribution,
            result_types=[result or tensor(2, 3)],
        ),
    )


rng("C1", b=value(of=f64))
rng("C2", a=value(of=i32), b=value(of=i32), result=tensor(2, 3, of=i32), distribution="NORMAL")
rng("C3", result=tensor(2))
breaks("stablehlo.set_dimension_size", "C1", lambda: S.SetDimensionSize(value(3), value(of=i32), dimension=1))

"""Samples of chlo's ops that are no functions of elements: scan, constant_like."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as S
from irc.dialects.chlo import ConstantLike
from irc.dialects.chlo_scan import Scan
from irc.ir.attributes import FloatAttr
from irc.ir.builder import Builder
from irc.ir.types import f32, i32
from samples.case import breaks, random, region, tensor, value, works

NO_ORACLE = "XLA does not take it"


def running_sum(b: Builder, x: Any, carry: Any) -> Any:
    total = b.emit(S.Add(x, carry))
    return [total, total]


def scanned(dimension: int, **more: Any) -> Any:
    def build(b: Builder, x: Any, start: Any) -> Any:
        body = region([start.type, start.type], running_sum)
        return b.emit(Scan.of([x], [start], body, dimension, **more))

    return build


works("chlo.scan", "rows", scanned(0), random(5, 3), random(3), refused=NO_ORACLE)
works(
    "chlo.scan", "columns-backwards", scanned(1, is_reverse=True), random(3, 5), random(3), refused=NO_ORACLE
)


def counting(b: Builder, start: Any) -> Any:
    """No inputs: an output, and a carry that is one of them less."""

    def body(inner: Builder, carry: Any) -> Any:
        return [carry, inner.emit(S.Negate(carry))]

    return b.emit(Scan.of([], [start], region([start.type], body), 0, scan_dim_size=4))


works("chlo.scan", "no-inputs", counting, random(3), refused=NO_ORACLE)
ROW = tensor(3)


def broken(label: str, inputs: Any, inits: Any, types: Any, body: Any = running_sum, **more: Any) -> None:
    given = {"dimension": 0, **more}
    breaks("chlo.scan", label, lambda: Scan.of(inputs, inits, region(types, body), **given))


broken("C1", [], [value(3)], [ROW], lambda b, c: c)
broken("C2", [value(5, 3)], [value(3)], [ROW, ROW], dimension=2)
broken("C3", [value(5, 3)], [value(3)], [ROW, ROW], scan_dim_size=4)
broken("C4", [value(5, 3)], [value(3)], [ROW, tensor(3, of=i32)], lambda b, x, c: [x, c])
broken("C5", [value(5, 3)], [value(3)], [ROW, ROW], result_types=[tensor(4, 3, of=f32), ROW])

HALF = FloatAttr(0.5, f32)
works(
    "chlo.constant_like",
    "floats",
    lambda b, x: b.emit(ConstantLike(x, value=HALF)),
    random(3, 4),
    refused=NO_ORACLE,
)
breaks(
    "chlo.constant_like", "C1", lambda: ConstantLike(value(2), value=HALF, result_types=[tensor(2, of=i32)])
)

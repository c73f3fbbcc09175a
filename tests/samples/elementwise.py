"""Samples of elementwise ops: each on every kind of element of its domain, edge values included."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from irc.dialects import chlo
from irc.dialects import stablehlo as S
from irc.dialects.describe import op_names
from irc.ir.operation import Operation, registered
from irc.ir.types import ComplexType, f32, f64, i1, i32
from samples.case import breaks, random, tensor, value, works

BF16 = ml_dtypes.bfloat16
INF, NAN = np.inf, np.nan

EDGES: dict[str, Any] = {
    "f32": np.array(
        [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-5, 30, -30, 1e10, INF, -INF, NAN], np.float32
    ),
    "f64": np.array(
        [0.0, -0.0, 1, -1, 0.5, 1.5, -2.5, 1e-9, 100, -100, 0.49999999999999994, INF, NAN], np.float64
    ),
    "bf16": np.array([0.0, 1, -1, 0.5, 1.5, -2.5, 3.140625, INF, NAN]).astype(BF16),
    "f16": np.array([0.0, 1, -1, 0.5, 1.5, -2.5, 3.140625, INF, NAN], np.float16),
    "i32": np.array([0, 1, -1, 7, -7, 2**31 - 1, -(2**31), 12345], np.int32),
    "i8": np.array([0, 1, -1, 7, -7, 127, -128], np.int8),
    "ui8": np.array([0, 1, 2, 7, 127, 128, 255], np.uint8),
    "ui32": np.array([0, 1, 2, 31, 32, 2**31, 2**32 - 1], np.uint32),
    "i1": np.array([False, True]),
    "c64": np.array([0, 1, -1, 1j, 0.5 - 2j, -3 + 0.25j, 2 + 2j], np.complex64),
}
KINDS = {
    "float": ("f32", "f64", "bf16", "f16"),
    "signed": ("i32", "i8"),
    "unsigned": ("ui8", "ui32"),
    "bool": ("i1",),
    "complex": ("c64",),
}

DIFFERS = {
    ("stablehlo.maximum", "c64"): "XLA compares real parts alone, the specification imaginary ones too",
    ("stablehlo.minimum", "c64"): "XLA compares real parts alone, the specification imaginary ones too",
    ("stablehlo.power", "c64"): "XLA's 0 to a complex power is NaN in other places",
}
"""Where XLA on the CPU gives other answers than the definition, and why it may."""

REFUSED = {
    ("stablehlo.cbrt", "c64"): "XLA takes no complex cube root",
    ("stablehlo.remainder", "c64"): "XLA takes no complex remainder",
}


def about_xla(name: str, kind: str) -> dict[str, str]:
    return {"differs": DIFFERS.get((name, kind), ""), "refused": REFUSED.get((name, kind), "")}


def unary_ops() -> list[type[Operation]]:
    """Ops of one operand and no attribute that must be given."""
    return [
        cls
        for name in (*op_names("stablehlo"), *op_names("chlo"))
        if (cls := registered(name)) is not None
        and getattr(cls, "elementwise", False)
        and len(cls.operand_fields) == 1
        and cls not in (S.Convert, S.ReducePrecision)
    ]


def binary_ops() -> list[type[Operation]]:
    return [
        cls
        for name in (*op_names("stablehlo"), *op_names("chlo"))
        if (cls := registered(name)) is not None
        and getattr(cls, "elementwise", False)
        and len(cls.operand_fields) == 2
        and cls not in (S.Compare, S.Complex)
    ]


def pairs(edges: Any) -> tuple[Any, Any]:
    """Every edge value with every other."""
    x, y = np.meshgrid(np.arange(len(edges)), np.arange(len(edges)))
    return edges[x.reshape(-1)], edges[y.reshape(-1)]


def domain(cls: Any) -> list[str]:
    return [kind for element in cls.domain for kind in KINDS[element]]


def emit(cls: Any) -> Any:
    return lambda b, *operands: b.emit(cls(*operands))


for op in unary_ops():
    for kind in domain(op):
        works(op.name, kind, emit(op), EDGES[kind], **about_xla(op.name, kind))

EXPONENTS = np.array([0, 1, 2, 3, 7, 31])
ORDERS, POINTS = np.array([0, 1, 2, 3, 10]), np.array([0.25, 0.5, 1, 2.5, 30])


def binary_inputs(cls: Any, kind: str) -> tuple[Any, Any]:
    """Every edge value with every other, but for functions that are defined, or that XLA gets right, on less."""
    edges = EDGES[kind]
    if cls is S.Power and edges.dtype.kind in "iu":
        x, y = np.meshgrid(edges, EXPONENTS.astype(edges.dtype))
    elif cls in (chlo.Polygamma, chlo.Zeta):
        x, y = np.meshgrid((ORDERS + 2 * (cls is chlo.Zeta)).astype(edges.dtype), POINTS.astype(edges.dtype))
    else:
        return pairs(edges)
    return x.reshape(-1), y.reshape(-1)


for op in binary_ops():
    for kind in domain(op):
        works(op.name, kind, emit(op), *binary_inputs(op, kind), **about_xla(op.name, kind))
works(
    "stablehlo.power",
    "negative-exponents",
    emit(S.Power),
    np.array([1, -1, -1, 2, 0, -5], np.int32),
    np.array([-1, -2, -3, -1, -1, -7], np.int32),
)
works("chlo.zeta", "f64-edges", emit(chlo.Zeta), *pairs(EDGES["f64"]), differs="XLA has its NaNs elsewhere")

WRONG_DOMAIN = {"float": f32, "signed": i32, "bool": i1, "complex": ComplexType(f32)}


def outside(cls: Any) -> Any:
    """An element type that the op does not take, or None."""
    return next((t for kind, t in WRONG_DOMAIN.items() if kind not in cls.domain), None)


for op in unary_ops():
    first = value(
        2, of=registered(op.name).domain and {"float": f32, "signed": i32, "bool": i1}.get(op.domain[0], i32)
    )
    breaks(
        op.name,
        "C1",
        lambda op=op, x=first: op(x, result_types=[tensor(3, of=op(x).results[0].type.element)]),
    )
    if outside(op):
        breaks(op.name, "I1", lambda op=op: op(value(2, of=outside(op))))

for op in binary_ops():
    element = f32 if "float" in op.domain else i32
    breaks(op.name, "C1", lambda op=op, e=element: op(value(2, of=e), value(3, of=e)))
    if outside(op):
        breaks(op.name, "I1", lambda op=op: op(value(2, of=outside(op)), value(2, of=outside(op))))

for op in (S.Abs, S.Real, S.Imag):
    breaks(op.name, "C2", lambda op=op: op(value(2), result_types=[tensor(2, of=f64)]))

# complex

works("stablehlo.complex", "f32", emit(S.Complex), random(3), random(3, seed=1))
works(
    "stablehlo.complex",
    "f64",
    emit(S.Complex),
    random(3, dtype=np.float64),
    random(3, dtype=np.float64, seed=1),
)
breaks("stablehlo.complex", "C1", lambda: S.Complex(value(2), value(3)))
breaks(
    "stablehlo.complex",
    "C2",
    lambda: S.Complex(value(2), value(2), result_types=[tensor(3, of=ComplexType(f32))]),
)
breaks(
    "stablehlo.complex",
    "C3",
    lambda: S.Complex(value(2), value(2), result_types=[tensor(2, of=ComplexType(f64))]),
)

# reduce_precision

for exponent, mantissa in ((5, 10), (8, 7), (8, 0), (1, 3), (4, 23)):
    works(
        "stablehlo.reduce_precision",
        f"e{exponent}m{mantissa}",
        lambda b, x, e=exponent, m=mantissa: b.emit(S.ReducePrecision(x, exponent_bits=e, mantissa_bits=m)),
        np.concatenate(
            [EDGES["f32"], random(64) * 1e4, random(64) * 1e-5, np.float32([65504, 65520, 7e4, 3e38, 1e-7])]
        ),
    )
breaks(
    "stablehlo.reduce_precision",
    "C1",
    lambda: S.ReducePrecision(value(2), exponent_bits=5, mantissa_bits=2, result_types=[tensor(3)]),
)
breaks(
    "stablehlo.reduce_precision", "C2", lambda: S.ReducePrecision(value(2), exponent_bits=0, mantissa_bits=2)
)
breaks(
    "stablehlo.reduce_precision", "C3", lambda: S.ReducePrecision(value(2), exponent_bits=5, mantissa_bits=-1)
)

# compare

for direction in ("EQ", "NE", "GE", "GT", "LE", "LT"):
    for kind in ("f32", "bf16", "i32", "ui8", "i1", "c64"):
        if kind != "c64" or direction in ("EQ", "NE"):
            works(
                "stablehlo.compare",
                f"{direction}-{kind}",
                lambda b, x, y, d=direction: b.emit(S.Compare(x, y, comparison_direction=d)),
                *pairs(EDGES[kind]),
            )
    works(
        "stablehlo.compare",
        f"{direction}-total",
        lambda b, x, y, d=direction: b.emit(
            S.Compare(x, y, comparison_direction=d, compare_type="TOTALORDER")
        ),
        *pairs(np.append(EDGES["f32"], -np.float32(NAN))),
    )
breaks("stablehlo.compare", "C1", lambda: S.Compare(value(2), value(2, of=f64), comparison_direction="EQ"))
breaks("stablehlo.compare", "C2", lambda: S.Compare(value(2), value(3), comparison_direction="EQ"))
breaks(
    "stablehlo.compare",
    "C3",
    lambda: S.Compare(value(2), value(2), comparison_direction="EQ", compare_type="SIGNED"),
)

# select and clamp

works("stablehlo.select", "elements", emit(S.Select), random(5, dtype=bool), random(5), random(5, seed=1))
works("stablehlo.select", "scalar", emit(S.Select), np.array(True), random(5), random(5, seed=1))
works(
    "stablehlo.select",
    "integers",
    emit(S.Select),
    random(2, 3, dtype=bool),
    random(2, 3, dtype=np.int8),
    random(2, 3, dtype=np.int8, seed=1),
)
breaks("stablehlo.select", "C1", lambda: S.Select(value(3, of=i1), value(2), value(2)))
breaks("stablehlo.select", "C2", lambda: S.Select(value(2, of=i1), value(2), value(3)))
breaks("stablehlo.select", "I1", lambda: S.Select(value(2), value(2), value(2)))

works("stablehlo.clamp", "elements", emit(S.Clamp), random(5), random(5, seed=1), random(5, seed=2))
works("stablehlo.clamp", "scalars", emit(S.Clamp), np.int32(-1), EDGES["i32"], np.int32(5))
works("stablehlo.clamp", "nan", emit(S.Clamp), np.float32(-1), EDGES["f32"], np.float32(1))
breaks("stablehlo.clamp", "C1", lambda: S.Clamp(value(3), value(2), value(2)))
breaks("stablehlo.clamp", "C2", lambda: S.Clamp(value(2), value(2), value(3)))
breaks("stablehlo.clamp", "C3", lambda: S.Clamp(value(2), value(2, of=f64), value(2, of=f64)))
breaks("stablehlo.clamp", "C4", lambda: S.Clamp(value(2), value(2), value(2), result_types=[tensor(3)]))

# chlo.top_k

works("chlo.top_k", "rows", lambda b, x: b.emit(chlo.TopK(x, k=3)), random(4, 9))
works("chlo.top_k", "ties", lambda b, x: b.emit(chlo.TopK(x, k=4)), np.array([3, 1, 3, 2, 3, 1], np.int32))
breaks("chlo.top_k", "C1", lambda: chlo.TopK(value(), k=1))
breaks("chlo.top_k", "C2", lambda: chlo.TopK(value(2), k=3))
breaks("chlo.top_k", "C3", lambda: chlo.TopK(value(2), k=1, result_types=[tensor(1), tensor(1)]))

"""Samples of contractions and solvers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.types import f16, f32, f64, i32
from samples.case import breaks, random, tensor, value, works

Dims = S.DotDimensionNumbers
MATMUL = Dims((), (), (1,), (0,))


def dot(dims, of=None, **more):
    def build(b, x, y):
        d = dims
        types = None
        if of is not None:
            plain = S.DotGeneral(x, y, dot_dimension_numbers=d).result.type
            types = [plain.with_element(of)]
        return b.emit(S.DotGeneral(x, y, dot_dimension_numbers=d, result_types=types, **more))

    return build


works("stablehlo.dot_general", "matmul", dot(MATMUL), random(5, 7), random(7, 6))
works(
    "stablehlo.dot_general",
    "f64",
    dot(MATMUL),
    random(5, 7, dtype=np.float64),
    random(7, 6, dtype=np.float64),
)
works("stablehlo.dot_general", "vectors", dot(Dims((), (), (0,), (0,))), random(9), random(9, seed=1))
works("stablehlo.dot_general", "outer", dot(Dims()), random(3), random(4))
works(
    "stablehlo.dot_general",
    "batched",
    dot(Dims((0, 2), (1, 0), (1,), (3,))),
    random(2, 5, 3, 4),
    random(3, 2, 6, 5),
)
works(
    "stablehlo.dot_general", "two-summed", dot(Dims((), (), (0, 2), (1, 0))), random(4, 2, 3), random(3, 4, 5)
)
works(
    "stablehlo.dot_general",
    "integers",
    dot(MATMUL),
    random(3, 4, dtype=np.int32),
    random(4, 2, dtype=np.int32),
)
works(
    "stablehlo.dot_general",
    "i8-to-i32",
    dot(MATMUL, of=i32),
    random(3, 4, dtype=np.int8),
    random(4, 2, dtype=np.int8),
)
works(
    "stablehlo.dot_general",
    "bf16-to-f32",
    dot(MATMUL, of=f32),
    random(3, 40).astype(ml_dtypes.bfloat16),
    random(40, 2).astype(ml_dtypes.bfloat16),
)
works(
    "stablehlo.dot_general",
    "f16",
    dot(MATMUL),
    random(3, 40, dtype=np.float16),
    random(40, 2, dtype=np.float16),
)
works(
    "stablehlo.dot_general",
    "complex",
    dot(MATMUL),
    random(3, 4, dtype=np.complex64),
    random(4, 2, dtype=np.complex64),
)
works(
    "stablehlo.dot_general",
    "precision",
    dot(MATMUL, precision_config=("HIGHEST", "HIGHEST")),
    random(3, 4),
    random(4, 2),
)
works("stablehlo.dot_general", "no-terms", dot(MATMUL), random(3, 0), random(0, 2))

ALGORITHM: dict[str, Any] = {
    "lhs_precision_type": f32,
    "rhs_precision_type": f32,
    "accumulation_type": f32,
    "lhs_component_count": 1,
    "rhs_component_count": 1,
    "num_primitive_operations": 1,
    "allow_imprecise_accumulation": False,
}


def broken_dot(label, dims=MATMUL, lhs=None, rhs=None, algorithm=None, **more):
    chosen = S.DotAlgorithm(**{**ALGORITHM, **algorithm}) if algorithm is not None else None
    breaks(
        "stablehlo.dot_general",
        label,
        lambda: S.DotGeneral(
            lhs or value(2, 3), rhs or value(3, 4), dot_dimension_numbers=dims, algorithm=chosen, **more
        ),
    )


broken_dot("C1", Dims((0,), (), (), ()))
broken_dot("C2", Dims((), (), (1,), ()))
broken_dot("C3", Dims((1,), (1,), (1,), (0,)), rhs=value(3, 3))
broken_dot("C4", Dims((0,), (0,), (1,), (0,)), rhs=value(3, 3))
broken_dot("C5", Dims((2,), (0,), (), ()))
broken_dot("C6", Dims((), (), (2,), (0,)))
broken_dot("C7", Dims((0,), (2,), (), ()))
broken_dot("C8", Dims((), (), (1,), (2,)))
broken_dot("C9", Dims((0,), (0,), (), ()))
broken_dot("C10", Dims((), (), (0,), (0,)))
broken_dot("C11", precision_config=("DEFAULT",))
broken_dot("C12", result_types=[tensor(2, 5)])
broken_dot("C13", rhs=value(3, 4, of=f64))
broken_dot("C21", precision_config=("HIGH", "DEFAULT"), algorithm={})
broken_dot("C22", algorithm={"lhs_component_count": 0})
broken_dot("C23", algorithm={"rhs_component_count": 0})
broken_dot("C24", algorithm={"num_primitive_operations": 0})


def conv_dims(rank: int, layout: str = "last") -> S.ConvDimensionNumbers:
    """Channels last (kernel spatial, in, out), or first (kernel out, in, spatial)."""
    n = rank - 2
    last = tuple(range(1, n + 1))
    first = tuple(range(2, n + 2))
    if layout == "first":
        return S.ConvDimensionNumbers(0, 1, first, 1, 0, first, 0, 1, first)
    return S.ConvDimensionNumbers(0, n + 1, last, n, n + 1, tuple(range(n)), 0, n + 1, last)


def conv(rank=4, layout="last", features=1, batches=1, **more):
    return lambda b, x, k: b.emit(
        S.Convolution(
            x,
            k,
            dimension_numbers=conv_dims(rank, layout),
            feature_group_count=features,
            batch_group_count=batches,
            **more,
        )
    )


CONVOLUTIONS: dict[str, tuple[Any, Any, Any]] = {
    "plain": (conv(), random(2, 6, 7, 3), random(3, 2, 3, 4)),
    "first": (conv(layout="first", padding=((1, 1), (1, 1))), random(2, 3, 6, 5), random(4, 3, 3, 3)),
    "strided": (
        conv(window_strides=(2, 3), padding=((0, 1), (2, 0))),
        random(1, 7, 8, 2),
        random(3, 3, 2, 3),
    ),
    "dilated": (conv(lhs_dilation=(2, 1), rhs_dilation=(1, 2)), random(1, 4, 7, 2), random(3, 2, 2, 3)),
    "reversed": (conv(window_reversal=(True, False)), random(1, 5, 5, 2), random(3, 2, 2, 3)),
    "groups": (conv(features=2), random(2, 5, 5, 4), random(3, 3, 2, 6)),
    "depthwise": (conv(features=4), random(1, 5, 5, 4), random(3, 3, 1, 4)),
    "batches": (conv(batches=2), random(4, 5, 5, 3), random(3, 3, 3, 6)),
    "one": (conv(rank=3), random(2, 9, 3), random(3, 3, 4)),
    "three": (conv(rank=5), random(1, 4, 4, 3, 2), random(2, 2, 2, 2, 3)),
    "none": (conv(rank=2), random(2, 3), random(3, 4)),
    "cut": (conv(padding=((-1, 0), (0, -2))), random(1, 6, 6, 1), random(3, 3, 1, 2)),
    "empty": (conv(), random(1, 2, 2, 1), random(3, 3, 1, 2)),
    "f64": (conv(), random(1, 4, 4, 2, dtype=np.float64), random(2, 2, 2, 2, dtype=np.float64)),
    "bf16": (
        conv(),
        random(1, 4, 4, 8).astype(ml_dtypes.bfloat16),
        random(2, 2, 8, 2).astype(ml_dtypes.bfloat16),
    ),
    "integers": (conv(), random(1, 4, 4, 2, dtype=np.int32), random(2, 2, 2, 2, dtype=np.int32)),
}
for name, (build, x, k) in CONVOLUTIONS.items():
    works("stablehlo.convolution", name, build, x, k)

works(
    "stablehlo.dynamic_conv",
    "padded",
    lambda b, x, k, p: b.emit(
        S.DynamicConv(
            x,
            k,
            p,
            dimension_numbers=conv_dims(4),
            feature_group_count=1,
            batch_group_count=1,
            result_types=[tensor(1, 6, 6, 3)],
        )
    ),
    random(1, 5, 5, 2),
    random(3, 3, 2, 3),
    np.array([[1, 2], [0, 3]], np.int32),
    refused="XLA takes no dynamic_conv",
)


def renumbered(**fields: Any) -> S.ConvDimensionNumbers:
    return replace(conv_dims(4), **fields)


def broken_conv(label: str, lhs: Any = None, rhs: Any = None, **more: Any) -> None:
    given = {"dimension_numbers": conv_dims(4), "feature_group_count": 1, "batch_group_count": 1, **more}
    lhs, rhs = lhs or value(2, 6, 7, 4), rhs or value(3, 3, 4, 8)
    breaks("stablehlo.convolution", label, lambda: S.Convolution(lhs, rhs, **given))
    dynamic = {k: v for k, v in given.items() if k != "padding"}
    amounts = value(3, 2, of=i32) if label == "C4" else value(2, 2, of=i32)
    breaks("stablehlo.dynamic_conv", label, lambda: S.DynamicConv(lhs, rhs, amounts, **dynamic))


broken_conv("C1", rhs=value(3, 4, 8))
broken_conv("C2", window_strides=(1,))
broken_conv("C3", window_strides=(1, 0))
broken_conv("C4", padding=((0, 0),))
broken_conv("C5", lhs_dilation=(1,))
broken_conv("C6", lhs_dilation=(1, 0))
broken_conv("C7", rhs_dilation=(1,))
broken_conv("C8", rhs_dilation=(1, 0))
broken_conv("C9", window_reversal=(True,))
broken_conv("C10", batch_group_count=4)
broken_conv("C11", feature_group_count=3)
broken_conv("C12", dimension_numbers=renumbered(input_spatial_dimensions=(1,)))
broken_conv("C13", dimension_numbers=renumbered(input_spatial_dimensions=(1, 1)))
broken_conv("C14", rhs=value(3, 3, 3, 8))
broken_conv("C15", batch_group_count=2, rhs=value(3, 3, 4, 7))
broken_conv("C16", feature_group_count=2, rhs=value(3, 3, 2, 7))
broken_conv("C17", dimension_numbers=renumbered(kernel_spatial_dimensions=(0,)))
broken_conv("C18", dimension_numbers=renumbered(kernel_spatial_dimensions=(0, 0)))
broken_conv("C19", dimension_numbers=renumbered(output_spatial_dimensions=(1,)))
broken_conv("C20", dimension_numbers=renumbered(output_spatial_dimensions=(1, 1)))
broken_conv("C21", feature_group_count=0)
broken_conv("C22", batch_group_count=0)
broken_conv("C23", feature_group_count=2, batch_group_count=2)
broken_conv("C24", precision_config=("HIGH",))
broken_conv("C25", result_types=[tensor(3, 4, 5, 8)])
broken_conv("C26", result_types=[tensor(2, 4, 5)])
broken_conv("C27", rhs=value(3, 3, 4, 8, of=f16))

# Solvers.

SPD = (lambda m: (m @ m.transpose(0, 2, 1) + 4 * np.eye(4)).astype(np.float32))(random(2, 4, 4))
HERMITIAN = (lambda m: (m @ m.conj().T + 4 * np.eye(3)).astype(np.complex64))(
    random(3, 3, dtype=np.complex64)
)
for lower in (True, False):
    for name, matrix in (("f32", SPD), ("c64", HERMITIAN)):
        works(
            "stablehlo.cholesky",
            f"{name}-{'lower' if lower else 'upper'}",
            lambda b, a, w=lower: b.emit(S.Cholesky(a, lower=w)),
            matrix,
        )
breaks("stablehlo.cholesky", "C1", lambda: S.Cholesky(value(2, 2), result_types=[tensor(3, 3)]))
breaks("stablehlo.cholesky", "C2", lambda: S.Cholesky(value(2)))
breaks("stablehlo.cholesky", "C3", lambda: S.Cholesky(value(2, 3)))


def solve(left=True, lower=True, unit=False, transpose="NO_TRANSPOSE", **more):
    def make(a, b):
        return S.TriangularSolve(
            a, b, left_side=left, lower=lower, unit_diagonal=unit, transpose_a=transpose, **more
        )

    return make


MATRIX = random(2, 3, 3) + 3 * np.eye(3, dtype=np.float32)
for name, make in {
    "lower": solve(),
    "upper": solve(lower=False),
    "unit": solve(unit=True),
    "transposed": solve(transpose="TRANSPOSE"),
    "right": solve(left=False),
}.items():
    works(
        "stablehlo.triangular_solve",
        name,
        lambda b, x, y, m=make: b.emit(m(x, y)),
        MATRIX,
        random(2, 3, 3, seed=1),
    )
works(
    "stablehlo.triangular_solve",
    "adjoint",
    lambda b, x, y: b.emit(solve(transpose="ADJOINT")(x, y)),
    HERMITIAN,
    random(3, 2, dtype=np.complex64),
)
breaks("stablehlo.triangular_solve", "C1", lambda: solve()(value(2, 2), value(2, 2, of=f64)))
breaks("stablehlo.triangular_solve", "C2", lambda: solve()(value(2, 2), value(2)))
breaks("stablehlo.triangular_solve", "C3", lambda: solve()(value(2, 2), value(3, 2)))
breaks(
    "stablehlo.triangular_solve", "C4", lambda: solve(result_types=[tensor(2, 3)])(value(2, 2), value(2, 2))
)

"""dot_general and convolution: every dimension role, stride, padding, dilation, reversal and grouping."""

from __future__ import annotations

import random

import numpy as np
import pytest
from autodiff_harness import check, program_for

from irc.dialects import stablehlo as hlo
from irc.interpreter import interpret
from irc.ir.types import TensorType, bf16, f32
from irc.passes.autodiff import vjp
from irc.passes.expression import Expr

RNG = np.random.default_rng(7)


def dot(x: Expr, y: Expr, batch, over, **more) -> Expr:
    numbers = hlo.DotDimensionNumbers(
        lhs_batching_dimensions=batch[0],
        rhs_batching_dimensions=batch[1],
        lhs_contracting_dimensions=over[0],
        rhs_contracting_dimensions=over[1],
    )
    return x.scope.emit(hlo.DotGeneral(x.value, y.value, dot_dimension_numbers=numbers, **more))


DOTS = {
    "matmul": ((3, 4), (4, 2), ((), ()), ((1,), (0,))),
    "linear": ((3, 4), (2, 4), ((), ()), ((1,), (1,))),
    "transposed": ((4, 3), (4, 2), ((), ()), ((0,), (0,))),
    "vectors": ((4,), (4,), ((), ()), ((0,), (0,))),
    "outer": ((2,), (3,), ((), ()), ((), ())),
    "batched": ((2, 3, 4), (2, 4, 3), ((0,), (0,)), ((2,), (1,))),
    "batch_inside": ((3, 2, 4), (4, 3, 2), ((1,), (2,)), ((2,), (0,))),
    "two_contracted_crossed": ((2, 3, 4), (4, 5, 2), ((), ()), ((0, 2), (2, 0))),
    "everything": ((2, 3, 4, 2), (3, 4, 2, 5), ((1, 3), (0, 2)), ((2,), (1,))),
}


@pytest.mark.parametrize("name", DOTS)
def test_dot_general(name: str) -> None:
    lhs, rhs, batch, over = DOTS[name]
    check(lambda x, y: dot(x, y, batch, over), RNG.standard_normal(lhs), RNG.standard_normal(rhs))


@pytest.mark.parametrize(
    "name, transposes", [("matmul", 0), ("linear", 0), ("transposed", 0), ("batched", 0)]
)
def test_common_contractions_need_no_transpose(name: str, transposes: int) -> None:
    lhs, rhs, batch, over = DOTS[name]
    module = vjp(program_for(lambda x, y: dot(x, y, batch, over), [np.ones(lhs), np.ones(rhs)]))
    assert sum(isinstance(op, hlo.Transpose) for op in module.walk()) == transposes


def test_bf16_operands_of_an_f32_product() -> None:
    x, y = (RNG.standard_normal(s).astype(bf16.numpy) for s in ((3, 4), (4, 2)))
    wide = TensorType((3, 2), f32)
    module = vjp(program_for(lambda x, y: dot(x, y, ((), ()), ((1,), (0,)), result_types=[wide]), [x, y]))
    g = RNG.standard_normal((3, 2)).astype(np.float32)
    _, gx, gy = interpret(module, x, y, g)
    assert gx.dtype == gy.dtype == bf16.numpy
    np.testing.assert_allclose(gx.astype(np.float32), g @ y.astype(np.float32).T, rtol=2**-7)
    np.testing.assert_allclose(gy.astype(np.float32), x.astype(np.float32).T @ g, rtol=2**-7)


def convolution(x: Expr, k: Expr, layout: str = "b01f_01io_b01f", **options) -> Expr:
    inputs, kernel, output = layout.split("_")
    spatial = [c for c in "012" if c in inputs]
    numbers = hlo.ConvDimensionNumbers(
        inputs.index("b"),
        inputs.index("f"),
        tuple(map(inputs.index, spatial)),
        kernel.index("i"),
        kernel.index("o"),
        tuple(map(kernel.index, spatial)),
        output.index("b"),
        output.index("f"),
        tuple(map(output.index, spatial)),
    )
    options = {"feature_group_count": 1, "batch_group_count": 1, **options}
    return x.scope.emit(hlo.Convolution(x.value, k.value, dimension_numbers=numbers, **options))


CONVOLUTIONS = {
    "plain": ((2, 5, 4, 3), (3, 2, 3, 4), {}),
    "same": ((2, 5, 4, 3), (3, 3, 3, 2), {"padding": ((1, 1), (1, 1))}),
    "strided": ((1, 6, 5, 2), (3, 2, 2, 3), {"window_strides": (2, 3), "padding": ((1, 0), (0, 2))}),
    "stride_leaves_a_rest": ((1, 7, 8, 1), (2, 3, 1, 2), {"window_strides": (3, 4)}),
    "kernel_dilation": ((1, 7, 6, 2), (2, 3, 2, 2), {"rhs_dilation": (3, 2), "padding": ((1, 2), (0, 1))}),
    "input_dilation": ((1, 3, 4, 2), (3, 2, 2, 2), {"lhs_dilation": (2, 3), "padding": ((2, 1), (1, 0))}),
    "negative_padding": ((1, 6, 6, 2), (2, 2, 2, 2), {"padding": ((-1, 1), (0, -2))}),
    "reversal": ((1, 5, 5, 2), (3, 2, 2, 3), {"window_reversal": (True, False), "padding": ((1, 1), (0, 0))}),
    "all_at_once": (
        (1, 4, 5, 2),
        (2, 3, 2, 2),
        {
            "window_strides": (2, 1),
            "padding": ((1, 2), (2, 0)),
            "lhs_dilation": (2, 2),
            "rhs_dilation": (2, 1),
            "window_reversal": (False, True),
        },
    ),
    "feature_groups": ((2, 4, 4, 4), (2, 2, 2, 6), {"feature_group_count": 2, "padding": ((1, 0), (0, 1))}),
    "depthwise": ((1, 4, 4, 3), (3, 3, 1, 6), {"feature_group_count": 3, "window_strides": (2, 1)}),
    "batch_groups": ((4, 4, 3, 2), (2, 2, 2, 6), {"batch_group_count": 2, "padding": ((1, 0), (0, 0))}),
    "nchw": ((2, 3, 5, 4), (4, 3, 3, 2), {"layout": "bf01_oi01_bf01", "padding": ((1, 1), (0, 1))}),
    "odd_layouts": ((5, 2, 4, 3), (2, 3, 4, 3), {"layout": "0b1f_0io1_f1b0"}),
    "one_dimension": ((2, 7, 3), (3, 3, 2), {"layout": "b0f_0io_b0f", "window_strides": (2,)}),
    "no_dimension": ((2, 3), (3, 4), {"layout": "bf_io_bf"}),
    "grouped_nchw": ((1, 4, 4, 4), (4, 2, 2, 2), {"layout": "bf01_oi01_bf01", "feature_group_count": 2}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name: str) -> None:
    lhs, rhs, options = CONVOLUTIONS[name]
    order = 2 if name in ("strided", "all_at_once", "depthwise", "batch_groups") else 1
    check(
        lambda x, k: convolution(x, k, **options),
        RNG.standard_normal(lhs),
        RNG.standard_normal(rhs),
        order=order,
    )


def random_convolution(seed: int) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, object]]:
    r = random.Random(seed)
    groups = r.choice([("feature_group_count", 2), ("batch_group_count", 2), ("feature_group_count", 1)])
    kernel = [r.randint(1, 3) for _ in range(2)]
    dilation = [r.randint(1, 2) for _ in range(2)]
    holes = [r.randint(1, 2) for _ in range(2)]
    size = [r.randint(3, 5) for _ in range(2)]
    padding = tuple((r.randint(-1, 2), r.randint(0, 2)) for _ in range(2))
    options = {
        "window_strides": tuple(r.randint(1, 3) for _ in range(2)),
        "padding": padding,
        "lhs_dilation": tuple(holes),
        "rhs_dilation": tuple(dilation),
        "window_reversal": tuple(r.random() < 0.3 for _ in range(2)),
        groups[0]: groups[1],
    }
    features = 2 if groups[0] == "feature_group_count" and groups[1] == 2 else 1
    return (2, *size, 2), (*kernel, 2 // features, 4), options


@pytest.mark.parametrize("seed", range(12))
def test_convolutions_at_random(seed: int) -> None:
    lhs, rhs, options = random_convolution(seed)
    x, k = RNG.standard_normal(lhs), RNG.standard_normal(rhs)
    check(lambda x, k: convolution(x, k, **options), x, k, order=1)


def test_the_weight_gradient_has_batch_and_feature_swapped() -> None:
    module = vjp(program_for(lambda x, k: convolution(x, k), [np.ones((2, 5, 4, 3)), np.ones((3, 2, 3, 4))]))
    texts = [str(op.dimension_numbers) for op in module.walk() if isinstance(op, hlo.Convolution)]
    assert sorted(texts) == sorted(
        f"#stablehlo.conv<{t}>"
        for t in (
            "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]",
            "[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f]",
            "[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]",
        )
    )


def definite(n: int) -> np.ndarray:
    a = RNG.standard_normal((2, n, n))
    return a @ a.swapaxes(-1, -2) + n * np.eye(n)


@pytest.mark.parametrize("lower", [True, False])
def test_cholesky(lower: bool) -> None:
    a = definite(3)
    check(lambda a: a.scope.emit(hlo.Cholesky(a.value, lower=lower)), a)
    for module in (vjp(program_for(lambda a: a.scope.emit(hlo.Cholesky(a.value, lower=lower)), [a])),):
        unread = interpret(module, a, np.ones_like(a))[1] * (np.triu if lower else np.tril)(
            np.ones((3, 3)), 0
        )
        assert not (unread * (1 - np.eye(3))).any()


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("transpose", ["NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"])
def test_triangular_solve(left: bool, lower: bool, unit: bool, transpose: str) -> None:
    def body(a: Expr, b: Expr) -> Expr:
        options = {"left_side": left, "lower": lower, "unit_diagonal": unit, "transpose_a": transpose}
        return a.scope.emit(hlo.TriangularSolve(a.value, b.value, **options))

    a = RNG.standard_normal((2, 3, 3)) + 3 * np.eye(3)
    check(
        body, a, RNG.standard_normal((2, 3, 2) if left else (2, 2, 3)), order=2 if left else 1, tolerance=1e-5
    )

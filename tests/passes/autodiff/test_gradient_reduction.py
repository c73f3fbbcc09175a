"""Folds over dimensions and windows; ties against JAX."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_harness import check, program_for

from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.ir.types import TensorType, f32, i32
from irc.passes.autodiff import vjp
from irc.passes.expression import Expr, binary_region, eq, exp, log, reduce_with, select, sin

RNG = np.random.default_rng(11)
M = RNG.standard_normal((3, 4, 2))
NEUTRAL = {hlo.Add: 0.0, hlo.Multiply: 1.0, hlo.Maximum: -np.inf, hlo.Minimum: np.inf}


def name_of(cls) -> str:
    return cls.name.partition(".")[2] if isinstance(cls, type) else str(cls)


@pytest.mark.parametrize("cls", NEUTRAL, ids=name_of)
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 2), (0, 1, 2)])
def test_reduce(cls, dims) -> None:
    check(lambda x: sin(reduce_with(cls, x, dims, NEUTRAL[cls])), M, tolerance=1e-5)


def test_reduce_add_with_respect_to_the_initial_value() -> None:
    def body(x: Expr, start: Expr) -> Expr:
        region = binary_region(x.scope, hlo.Add, x.element)
        return x.scope.emit(hlo.Reduce([x.value], [start.value], dimensions=(0,), regions=[region]))

    check(body, M[0], np.array(0.3))


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_a_product_with_zeros(zeros: int) -> None:
    x = np.array([0.5, -2.0, 3.0, 1.5])
    x[:zeros] = 0
    check(lambda x: reduce_with(hlo.Multiply, x, (0,), 1.0), x, order=1)


def test_ties_are_shared_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    x = np.array([[1, 3, 3, 0], [2, 2, 2, 2]], np.float32)
    module = vjp(program_for(lambda x: reduce_with(hlo.Maximum, x, (1,), -np.inf), [x]))
    wanted = jax.grad(lambda x: x.max(1).sum())(x)
    np.testing.assert_array_equal(interpret(module, x, np.ones(2, np.float32))[1], wanted)


def arg_max(x: Expr) -> tuple[Expr, Expr]:
    """Values and first indices of the maxima along dimension 1, as JAX writes it."""
    scope = x.scope
    count = scope.iota(TensorType(x.shape, i32), 1)
    value, index = TensorType((), x.element), TensorType((), i32)

    def body(b, v, i, w, j) -> None:
        inner = type(scope)(b)
        v, i, w, j = map(inner.of, (v, i, w, j))
        first = v > w
        either = first | (eq(v, w) & (i < j))
        b.emit(hlo.Return([select(first, v, w).value, select(either, i, j).value]))

    region = scope.builder.region([value, index, value, index], body)
    starts = [scope.constant(-np.inf, value).value, scope.constant(0, index).value]
    return scope.emit(hlo.Reduce([x.value, count.value], starts, dimensions=(1,), regions=[region]))


def test_maximum_with_its_index() -> None:
    x = RNG.standard_normal((3, 5))
    check(lambda x: sin(arg_max(x)[0]), x)
    x[1] = 2.0
    module = vjp(program_for(lambda x: arg_max(x)[0], [x]))
    np.testing.assert_array_equal(interpret(module, x, np.ones(3))[1][1], [1, 0, 0, 0, 0])


def windowed(cls, x: Expr, **options) -> Expr:
    start = x.scope.constant(NEUTRAL[cls], TensorType((), x.element))
    region = binary_region(x.scope, cls, x.element)
    return x.scope.emit(hlo.ReduceWindow([x.value], [start.value], regions=[region], **options))


WINDOWS = {
    "pool": {"window_dimensions": (2, 2), "window_strides": (2, 2)},
    "overlap": {"window_dimensions": (3, 2), "window_strides": (1, 1)},
    "padded": {"window_dimensions": (3, 3), "window_strides": (2, 2), "padding": ((1, 1), (1, 0))},
    "gaps": {"window_dimensions": (2, 1), "window_strides": (3, 2)},
    "window_dilation": {"window_dimensions": (2, 2), "window_dilations": (2, 3), "padding": ((1, 0), (0, 1))},
    "cumulative": {"window_dimensions": (1, 6), "padding": ((0, 0), (5, 0))},
}
SUMS_ONLY = {
    "base_dilation": {"window_dimensions": (2, 3), "base_dilations": (2, 2), "padding": ((1, 0), (0, 1))},
    "negative_padding": {"window_dimensions": (2, 2), "padding": ((-1, 0), (0, -1))},
}


@pytest.mark.parametrize("cls", [hlo.Add, hlo.Maximum, hlo.Minimum], ids=name_of)
@pytest.mark.parametrize("name", WINDOWS)
def test_reduce_window(cls, name: str) -> None:
    check(lambda x: sin(windowed(cls, x, **WINDOWS[name])), RNG.standard_normal((5, 6)))


@pytest.mark.parametrize("name", SUMS_ONLY)
def test_window_sums(name: str) -> None:
    check(lambda x: sin(windowed(hlo.Add, x, **SUMS_ONLY[name])), RNG.standard_normal((5, 6)))


@pytest.mark.parametrize("dilations", [(1, 1), (1, 2)])
def test_the_first_of_equals_in_a_window(dilations) -> None:
    x = np.zeros((2, 4))
    options = {"window_dimensions": (2, 2), "window_dilations": dilations}
    module = vjp(program_for(lambda x: windowed(hlo.Maximum, x, **options), [x]))
    count = 3 if dilations == (1, 1) else 2
    got = interpret(module, x, np.ones((1, count)))[1]
    np.testing.assert_array_equal(got, [[1] * count + [0] * (4 - count), [0] * 4])


def test_max_pool_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    x = RNG.integers(0, 3, (6, 6)).astype(np.float32)
    options = {"window_dimensions": (3, 3), "window_strides": (2, 2), "padding": ((1, 1), (1, 1))}
    module = vjp(program_for(lambda x: windowed(hlo.Maximum, x, **options), [x]))

    def pool(x):  # type: ignore[no-untyped-def]
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (3, 3), (2, 2), ((1, 1), (1, 1)))

    g = RNG.standard_normal((3, 3)).astype(np.float32)
    wanted = jax.vjp(pool, x)[1](g)[0]
    np.testing.assert_allclose(interpret(module, x, g)[1], wanted, rtol=1e-6)


def scattered(x: Expr, source: Expr, start: Expr, direction: str = "GE") -> Expr:
    scalar = TensorType((), x.element)

    def wins(b, a, c) -> None:
        b.emit(hlo.Return([b.emit(hlo.Compare(a, c, comparison_direction=direction, compare_type="FLOAT"))]))

    regions = [x.scope.builder.region([scalar, scalar], wins), binary_region(x.scope, hlo.Add, x.element)]
    options = {"window_dimensions": (2, 2), "window_strides": (1, 2), "padding": ((1, 0), (0, 0))}
    return x.scope.emit(hlo.SelectAndScatter(x.value, source.value, start.value, regions=regions, **options))


@pytest.mark.parametrize("direction", ["GE", "GT", "LE", "LT"])
def test_select_and_scatter(direction: str) -> None:
    x = RNG.standard_normal((3, 4))
    g = RNG.standard_normal((3, 2))
    check(lambda x, g, s: sin(scattered(x, g, s, direction)), x, g, np.array(0.2), tolerance=1e-5)


def test_which_of_equals_select_and_scatter_reads() -> None:
    x, g = np.zeros((3, 4)), np.zeros((3, 2))
    c = np.arange(12.0).reshape(3, 4)
    for direction, wanted in (("GE", [[0, 2], [0, 2], [4, 6]]), ("GT", [[1, 3], [5, 7], [9, 11]])):
        module = vjp(program_for(lambda x, g, s, d=direction: scattered(x, g, s, d), [x, g, np.array(0.0)]))
        got = interpret(module, x, g, np.array(0.0), c)
        forward = interpret(module, x, np.ones((3, 2)), np.array(0.0), c)[0]
        assert (forward.reshape(-1)[np.asarray(wanted).reshape(-1).astype(int)] > 0).all()
        np.testing.assert_array_equal(got[2], wanted)


def body_of(scope, types, make):
    """A region of pairs: `make(a..., b...)` gives the results."""

    def body(b, *arguments) -> None:
        inner = type(scope)(b)
        b.emit(hlo.Return([v.value for v in make(*map(inner.of, arguments))]))

    return scope.builder.region([TensorType((), t) for t in types] * 2, body)


def log_add_exp(a: Expr, b: Expr) -> list[Expr]:
    return [a + log(exp(b - a) + 1)]


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_a_reduction_with_any_body(n: int) -> None:
    def body(x: Expr, start: Expr) -> Expr:
        region = body_of(x.scope, [x.element], log_add_exp)
        return x.scope.emit(hlo.Reduce([x.value], [start.value], dimensions=(0, 2), regions=[region]))

    check(body, RNG.standard_normal((n, 2, 1)), np.array(0.3), tolerance=1e-5)


def test_a_reduction_of_several_operands() -> None:
    def body(x: Expr, y: Expr, u: Expr, v: Expr) -> tuple[Expr, ...]:
        region = body_of(x.scope, [x.element] * 2, lambda a, b, c, d: [a + c, b * d])
        return x.scope.emit(
            hlo.Reduce([x.value, y.value], [u.value, v.value], dimensions=(1,), regions=[region])
        )

    check(body, M[..., 0], M[..., 1], np.array(0.3), np.array(0.7))


@pytest.mark.parametrize("cls", [hlo.Maximum, hlo.Multiply], ids=name_of)
def test_the_initial_value_of_any_reduction(cls) -> None:
    def body(x: Expr, start: Expr) -> Expr:
        region = binary_region(x.scope, cls, x.element)
        return x.scope.emit(hlo.Reduce([x.value], [start.value], dimensions=(0,), regions=[region]))

    check(body, RNG.standard_normal(5), np.array(0.4), tolerance=1e-5)


def test_windows_with_any_body() -> None:
    check(
        lambda x: windowed(hlo.Multiply, x, **WINDOWS["padded"]), RNG.standard_normal((5, 6)), tolerance=1e-5
    )
    check(lambda x: windowed(hlo.Maximum, x, **SUMS_ONLY["base_dilation"]), RNG.standard_normal((3, 3)))

    def body(x: Expr, y: Expr, start: Expr) -> tuple[Expr, ...]:
        region = body_of(x.scope, [x.element] * 2, lambda a, b, c, d: [a * c, a * d + b * c])
        starts = [start.value, x.scope.constant(0, TensorType((), x.element)).value]
        return x.scope.emit(
            hlo.ReduceWindow([x.value, y.value], starts, window_dimensions=(2,), regions=[region])
        )

    check(body, RNG.standard_normal(4), RNG.standard_normal(4), np.array(0.2), tolerance=1e-5)


def test_map() -> None:
    def body(x: Expr, y: Expr) -> Expr:
        def product(b, p, q) -> None:
            inner = type(x.scope)(b)
            b.emit(hlo.Return([(sin(inner.of(p)) * inner.of(q) + 3).value]))

        region = x.scope.builder.region([TensorType((), x.element)] * 2, product)
        return x.scope.emit(hlo.Map([x.value, y.value], dimensions=(0, 1), regions=[region]))

    check(body, M[..., 0], M[..., 1])


def test_what_is_refused_is_named() -> None:
    def body(x: Expr) -> Expr:
        scalar = TensorType((), x.element)

        def fold(b, p, q) -> None:
            total = b.emit(hlo.Add(p, q))
            b.emit(hlo.Return([b.emit(hlo.Reshape(total, result_types=[scalar]))]))

        region = x.scope.builder.region([scalar, scalar], fold)
        start = x.scope.constant(0, scalar)
        return x.scope.emit(hlo.Reduce([x.value], [start.value], dimensions=(0,), regions=[region]))

    with pytest.raises(UnsupportedError, match=r"stablehlo.reduce.*elementwise.*reduce-vjp") as refusal:
        vjp(program_for(body, [M]))
    assert refusal.value.line == 1


def test_a_body_wider_than_its_operand() -> None:
    x = np.arange(1, 7).reshape(2, 3).astype(np.float16)

    def body(x: Expr) -> Expr:
        start = x.scope.constant(0, TensorType((), x.element))
        region = binary_region(x.scope, hlo.Add, f32)
        return x.scope.emit(hlo.Reduce([x.value], [start.value], dimensions=(1,), regions=[region]))

    got = interpret(vjp(program_for(body, [x])), x, np.array([2, 3], np.float32))[1]
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got, [[2, 2, 2], [3, 3, 3]])

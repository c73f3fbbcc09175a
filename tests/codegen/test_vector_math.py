"""Is vector math within its stated bounds, right at special values, and built from exact primitives?"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from fit_vector_math import FITS

from irc.codegen.vector_math import TABLE, exp_log, hyperbolic, trig
from irc.codegen.vector_math.accuracy import MEASURED, measure, stated_bound
from irc.codegen.vector_math.builder import Builder, DType, ldexp_by_multiplication, split_exponent_by_bits
from irc.codegen.vector_math.numpy_builder import NumpyBuilder
from irc.codegen.vector_math.ops import COMPLEX, MANY_BITS, REAL, measure_op, run_op

DTYPES: tuple[DType, ...] = ("f32", "f64")
KINDS = {"f32": np.float32, "f64": np.float64}
INF, NAN = math.inf, math.nan


def run(name: str, dtype: DType, *arguments: object) -> np.ndarray:
    """A function of the table on arrays of `dtype`."""
    return TABLE[name](NumpyBuilder(dtype), *(np.asarray(a, KINDS[dtype]) for a in arguments))


def assert_same(got: np.ndarray, want: object) -> None:
    """Equal as numbers, signs of zeros included; any NaN equals any other."""
    expected = np.asarray(want, got.dtype)
    np.testing.assert_array_equal(got, expected)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MEASURED)
def test_error_is_within_the_stated_bound(name: str, dtype: DType) -> None:
    found = measure(name, dtype, 60_000 if dtype == "f32" else 1500)
    assert found.ulp <= stated_bound(name, dtype), found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "is_complex"), [*product(COMPLEX, [True]), *product(REAL, [False])])
def test_error_of_an_op_is_within_its_bound(name: str, is_complex: bool, dtype: DType) -> None:
    op = (COMPLEX if is_complex else REAL)[name]
    found = measure_op(name, dtype, is_complex, 160 if op.bits == MANY_BITS else 480)
    assert found.ulp <= op.bound(dtype), found


def test_the_logarithm_of_numbers_whose_squares_overflow() -> None:
    for z in (-4.4e-46 - 4.7e180j, 1e300 + 1e300j, 3e-200 + 1e-310j):
        (got,) = run_op("stablehlo.log", "f64", True, [np.array([z])])
        assert got == pytest.approx(np.log(z), rel=1e-15)


def test_exact_functions_are_not_measured() -> None:
    exact = {"absf", "ceil", "copysign", "floor", "fma", "round", "roundeven", "trunc"}
    assert set(TABLE) - set(MEASURED) == {f"math.{name}" for name in exact}


SPECIAL = {
    "math.exp": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, 0), (1e30, INF), (-1e30, 0)],
    "math.exp2": [
        (0.0, 1),
        (-0.0, 1),
        (INF, INF),
        (-INF, 0),
        (1e30, INF),
        (-1e30, 0),
        (10, 1024),
        (-3, 0.125),
    ],
    "math.expm1": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (INF, INF),
        (-INF, -1),
        (1e30, INF),
        (-1e30, -1),
        (1e-45, 1e-45),
    ],
    "math.log": [(1, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1, NAN), (-INF, NAN), (-1e-45, NAN)],
    "math.log2": [(1, 0.0), (8, 3), (2.0**-149, -149), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1, NAN)],
    "math.log1p": [(0.0, 0.0), (-0.0, -0.0), (-1, -INF), (INF, INF), (-2, NAN), (-INF, NAN), (1e-45, 1e-45)],
    "math.tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (30, 1), (-1e30, -1), (1e-45, 1e-45)],
    "math.erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (30, 1), (-1e30, -1)],
    "math.erfc": [(0.0, 1), (-0.0, 1), (INF, 0), (-INF, 2), (1e30, 0), (-1e30, 2), (28, 0), (-28, 2)],
    "math.acos": [(1, 0.0), (2, NAN), (-2, NAN), (INF, NAN)],
    "math.asin": [(0.0, 0.0), (-0.0, -0.0), (1.5, NAN), (-INF, NAN), (1e-45, 1e-45)],
    "math.atan": [(0.0, 0.0), (-0.0, -0.0), (INF, math.pi / 2), (-INF, -math.pi / 2), (1e-45, 1e-45)],
    "math.acosh": [(1, 0.0), (0.5, NAN), (-INF, NAN), (INF, INF)],
    "math.asinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (1e-45, 1e-45)],
    "math.atanh": [(0.0, 0.0), (-0.0, -0.0), (1, INF), (-1, -INF), (1.5, NAN), (-INF, NAN), (1e-45, 1e-45)],
    "math.cosh": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, INF), (800, INF)],
    "math.sinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (-800, -INF), (1e-45, 1e-45)],
    "math.sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (1e-45, 1e-45)],
    "math.cos": [(0.0, 1), (-0.0, 1), (INF, NAN), (-INF, NAN)],
    "math.tan": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (1e-45, 1e-45)],
    "math.sqrt": [(0.0, 0.0), (-0.0, -0.0), (4, 2), (INF, INF), (-1, NAN)],
    "math.rsqrt": [(0.0, INF), (-0.0, -INF), (4, 0.5), (INF, 0), (-1, NAN)],
    "math.cbrt": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (27, 3),
        (-8, -2),
        (INF, INF),
        (-INF, -INF),
        (2.0**-147, 2.0**-49),
    ],
    "math.ceil": [(0.5, 1), (-0.5, -0.0), (-0.0, -0.0), (1e30, 1e30), (-INF, -INF)],
    "math.floor": [(0.5, 0.0), (-0.5, -1), (-0.0, -0.0), (INF, INF)],
    "math.trunc": [(1.5, 1), (-1.5, -1), (-0.5, -0.0), (1e30, 1e30), (-INF, -INF)],
    "math.round": [
        (0.5, 1),
        (-0.5, -1),
        (2.5, 3),
        (0.49999997, 0.0),
        (-0.25, -0.0),
        (8388609, 8388609),
        (INF, INF),
    ],
    "math.roundeven": [(0.5, 0.0), (-0.5, -0.0), (2.5, 2), (3.5, 4), (-INF, -INF)],
    "math.absf": [(-0.0, 0.0), (-2, 2), (-INF, INF)],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, dtype: DType) -> None:
    arguments, results = zip(*SPECIAL[name], (NAN, NAN), strict=True)
    assert_same(run(name, dtype, arguments), results)


CORNERS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 2.0**24, 2.0**24 - 1, 1e-40, 2.0**100, INF]
SIGNED = [*CORNERS, *(-c for c in CORNERS), NAN]


def c99_pow(x: float, y: float) -> float:
    """math.pow, with C99's results where Python raises."""
    odd = y % 2 == 1
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INF if x < 0 and odd else INF
    except ValueError:
        return math.copysign(INF, x if odd else 1.0) if x == 0 else NAN


@pytest.mark.parametrize("dtype", DTYPES)
def test_powf_follows_c99(dtype: DType) -> None:
    pairs = np.array(list(product(SIGNED, SIGNED)), KINDS[dtype])
    exact = np.array([c99_pow(x, y) for x, y in pairs.tolist()])
    with np.errstate(over="ignore", under="ignore"):
        want = exact.astype(KINDS[dtype])
    got = run("math.powf", dtype, pairs[:, 0], pairs[:, 1])
    special = ~np.isfinite(want) | (want == 0) | (np.abs(want) == 1)
    assert_same(got[special], want[special])
    np.testing.assert_array_max_ulp(got[~special], want[~special], 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_atan2_follows_c99(dtype: DType) -> None:
    pairs = np.array(list(product(SIGNED, SIGNED)), KINDS[dtype])
    want = np.array([math.atan2(y, x) for y, x in pairs.tolist()]).astype(KINDS[dtype])
    got = run("math.atan2", dtype, pairs[:, 0], pairs[:, 1])
    np.testing.assert_allclose(got, want, rtol=2 * float(np.finfo(KINDS[dtype]).eps), atol=1e-45)
    known = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(want[known]))


def rounded(value: Fraction, dtype: DType) -> float:
    """The number of `dtype` nearest to `value`, halves to even, slowly."""
    digits, least = (24, -149) if dtype == "f32" else (53, -1074)
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** max(exponent - digits + 1, least)
    result = round(magnitude / unit) * unit
    limit = Fraction(2) ** (128 if dtype == "f32" else 1024)
    number = INF if result >= limit else float(result)
    return -number if value < 0 else number


@pytest.mark.parametrize("dtype", DTYPES)
def test_fma_rounds_once(dtype: DType) -> None:
    rng = np.random.default_rng(1)
    kind, bits = KINDS[dtype], np.uint32 if dtype == "f32" else np.uint64
    n = 1500
    x, y, z = (rng.integers(0, np.iinfo(bits).max, n, dtype=bits).view(kind) for _ in range(3))
    near = [rng.standard_normal(n).astype(kind) for _ in range(2)]
    steps = rng.integers(-2, 3, n) * np.finfo(kind).eps
    with np.errstate(all="ignore"):
        halves = (1 + rng.integers(0, 8, n) * np.finfo(kind).eps).astype(kind)
        x = np.concatenate([x, near[0], halves, near[0] * kind(np.finfo(kind).tiny)])
        y = np.concatenate([y, near[1], halves, near[1]])
        cancelling = -(near[0] * near[1]) * (1 + steps).astype(kind)
        tiny = np.full(n, np.finfo(kind).smallest_subnormal)
        z = np.concatenate([z, cancelling, rng.choice([tiny[0], -tiny[0], kind(1), kind(0)], n), tiny])
    got = NumpyBuilder(dtype).fma(x, y, z)
    finite = np.isfinite(x) & np.isfinite(y) & np.isfinite(z)
    operands = zip(x[finite].tolist(), y[finite].tolist(), z[finite].tolist(), strict=True)
    exact = [Fraction(a) * Fraction(b) + Fraction(c) for a, b, c in operands]
    np.testing.assert_array_equal(got[finite], np.array([rounded(e, dtype) for e in exact]).astype(kind))


@pytest.mark.parametrize("dtype", DTYPES)
def test_ldexp_by_multiplication_is_ldexp(dtype: DType) -> None:
    rng = np.random.default_rng(2)
    kind, limit = KINDS[dtype], 252 if dtype == "f32" else 2044
    x = np.concatenate(
        [rng.uniform(0.5, 2.0, 20_000), rng.standard_normal(20_000), [0.0, -0.0, INF, -INF, NAN]]
    )
    x = np.where((np.abs(x) < 2.0**-24) & (x != 0), 1.0, x).astype(kind)
    n = rng.integers(-limit, limit + 1, x.size).astype(kind)
    b = NumpyBuilder(dtype)
    assert_same(ldexp_by_multiplication(b, x, n), b.ldexp(x, n))
    assert np.isnan(ldexp_by_multiplication(b, kind(NAN), kind(NAN)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_split_exponent(dtype: DType) -> None:
    rng = np.random.default_rng(3)
    kind, bits = KINDS[dtype], np.int32 if dtype == "f32" else np.int64
    x = rng.integers(1, np.array(INF, kind).view(bits), 20_000, dtype=bits).view(kind)
    x = np.concatenate([x, (np.arange(1, 100, dtype=bits)).view(kind)])
    m, e = split_exponent_by_bits(NumpyBuilder(dtype), x)
    assert np.all((m >= 0.75) & (m < 1.5)) and np.all(e == np.rint(e))
    np.testing.assert_array_equal(np.ldexp(m.astype(np.longdouble), e.astype(int)), x)
    m, e = split_exponent_by_bits(NumpyBuilder(dtype), np.array([0.0, -0.0, INF], kind))
    assert_same(np.stack([m, e]), [[1, 1, 1], [-INF, -INF, INF]])
    m, _ = split_exponent_by_bits(NumpyBuilder(dtype), np.array([NAN, -1.0, -INF], kind))
    assert np.isnan(m).all()


def test_coefficients_are_those_of_the_fit() -> None:
    for name, table in (("_EXP", exp_log._EXP), ("_SIN", trig._SIN), ("_COSH", hyperbolic._COSH)):
        assert tuple(FITS[name].solve("f32")[0]) == table["f32"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["math.sin", "math.cos", "math.tan"])
def test_a_lane_does_not_depend_on_its_neighbours(name: str, dtype: DType) -> None:
    x = np.array([1e30, 0.5, -3e4, 2.0**16, 2.0**30, 123456.0, NAN, -1e38], KINDS[dtype])
    assert_same(run(name, dtype, x), np.concatenate([run(name, dtype, x[i : i + 1]) for i in range(x.size)]))


class PlainBuilder(NumpyBuilder):
    """Knows no shortcut: what a target without AVX-512 and without branches computes."""

    split_exponent = Builder.split_exponent
    select_rare = Builder.select_rare
    ldexp = Builder.ldexp


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["math.exp", "math.exp2", "math.powf", "math.erfc", "math.sin", "math.log"])
def test_shortcuts_do_not_change_bits(name: str, dtype: DType) -> None:
    x = np.random.default_rng(4).uniform(-800, 800, (2, 4000)).astype(KINDS[dtype])
    arguments = x if name == "math.powf" else x[:1]
    assert_same(TABLE[name](PlainBuilder(dtype), *arguments), run(name, dtype, *arguments))

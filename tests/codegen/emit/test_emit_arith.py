"""arith and math on tiles and scalars against NumPy, element type by element type."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from kernels import Writer, computed

from irc.codegen.vector_math import TABLE
from irc.codegen.vector_math.numpy_builder import NumpyBuilder
from irc.dialects import arith, math, memref
from irc.errors import UnsupportedError
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType, VectorType, bf16, f16, f32, f64, i1, i8, i16, i32, i64, index
from irc.runtime.target import Target, host_target

N = 45  # two pieces of sixteen and a rest
RNG = np.random.default_rng(7)
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-40, -3e38, 65504.0, 0.5, 2.5, -2.5]


@pytest.fixture(params=["host", "avx2", "sse"])
def target(request: pytest.FixtureRequest) -> Target:
    host = host_target()
    if request.param == "host":
        return host
    if not (host.triple.startswith("x86_64") and host.has("avx2")):
        pytest.skip("needs an x86 processor with AVX2")
    return Target(
        host.triple, *{"avx2": ("haswell", "+avx2,+f16c,+fma"), "sse": ("nehalem", "")}[request.param]
    )


def floats(element: Any, count: int = N) -> np.ndarray:
    values = RNG.standard_normal(count) * 10.0 ** RNG.integers(-3, 4, count)
    values[: len(SPECIAL)] = SPECIAL
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RNG.permutation(values).astype(element.numpy)


def integers(element: Any, count: int = N) -> np.ndarray:
    info = np.iinfo(element.numpy)
    values = RNG.integers(info.min, info.max, count, dtype=element.numpy, endpoint=True)
    values[:4] = [info.min, info.max, 0, 1]
    return values


def applied(
    write: Callable[..., Value], arrays: list[np.ndarray], result: Any, target: Target | None = None
) -> np.ndarray:
    """What `write(b, *tiles)` gives for tiles read from `arrays`."""

    def body(b: Writer, *buffers: Value) -> None:
        *sources, out = buffers
        b.write(write(b, *(b.read(s, (0,), (N,)) for s in sources)), out, (0,))

    half = (np.dtype(np.float16) in [a.dtype for a in arrays] or result is f16) and result is not i16
    if half and target is not None and not target.has("f16c"):
        with pytest.raises(UnsupportedError, match="F16C"):
            computed(body, arrays, [TensorType((N,), result)], target)
        pytest.skip("f16 needs F16C")
    return computed(body, arrays, [TensorType((N,), result)], target)[0]


def same(got: np.ndarray, want: np.ndarray) -> None:
    """Equal bits, but that any NaN is a NaN."""
    want = np.asarray(want).astype(got.dtype)
    nan = (got != got) & (want != want)
    assert (nan | (got.view(f"u{got.itemsize}") == want.view(f"u{got.itemsize}"))).all(), (got, want)


BINARY = {
    arith.AddF: np.add,
    arith.SubF: np.subtract,
    arith.MulF: np.multiply,
    arith.DivF: np.divide,
    arith.RemF: np.fmod,
    math.CopySign: np.copysign,
}


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("element", [f32, f64, f16, bf16], ids=str)
def test_float_binary(op: type[Operation], element: Any, target: Target) -> None:
    x, y = floats(element), floats(element)
    if op is arith.RemF and element is bf16:
        x, y = x[:], np.where(np.abs(y.astype(np.float32)) > 1e-3, y, np.asarray(1, y.dtype))
    got = applied(lambda b, u, v: b.emit(op(u, v)), [x, y], element, target)
    wide = np.float64 if element is f64 else np.float32
    with np.errstate(all="ignore"):
        same(got, BINARY[op](x.astype(wide), y.astype(wide)).astype(element.numpy))


UNARY = {
    arith.NegF: np.negative,
    math.AbsF: np.abs,
    math.Ceil: np.ceil,
    math.Floor: np.floor,
    math.Trunc: np.trunc,
    math.RoundEven: np.rint,
    math.Sqrt: np.sqrt,
}


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("element", [f32, f64, f16, bf16], ids=str)
def test_float_unary(op: type[Operation], element: Any, target: Target) -> None:
    x = floats(element)
    with np.errstate(all="ignore"):
        want = UNARY[op](x.astype(np.float64 if element is f64 else np.float32)).astype(element.numpy)
    same(applied(lambda b, u: b.emit(op(u)), [x], element, target), want)


def test_round_goes_away_from_zero() -> None:
    x = np.resize(np.float32([0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 8388609.0]), N)
    want = np.where(np.abs(x) < 2**23, np.sign(x) * np.floor(np.abs(x.astype("f8")) + 0.5), x)
    np.testing.assert_array_equal(applied(lambda b, u: b.emit(math.Round(u)), [x], f32), want.astype("f4"))


def _maximum(x: np.ndarray, y: np.ndarray, largest: bool) -> np.ndarray:
    """IEEE 754-2019: NaN wins, and -0 is below +0."""
    tie = np.where(np.signbit(x) != largest, x, y)
    other = np.where((x > y) == largest, x, y)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(x == y, tie, other))


@pytest.mark.parametrize("op", [arith.MaximumF, arith.MinimumF])
@pytest.mark.parametrize("element", [f32, f64, bf16], ids=str)
@pytest.mark.parametrize("number", [None, 0.0, -0.0, 1.5, np.nan, np.inf])
@pytest.mark.parametrize("constant_first", [False, True])
def test_maximum_propagates_nan_and_orders_zeros(
    op: type[Operation], element: Any, number: float | None, constant_first: bool
) -> None:
    x = floats(element)
    y = floats(element) if number is None else np.full(N, number, element.numpy)
    x[-2:], y[-2:] = [0.0, -0.0], y[-2:] if number is not None else [-0.0, 0.0]

    def write(b: Writer, u: Value, v: Value) -> Value:
        v = v if number is None else b.constant(number, VectorType((N,), element))
        return b.emit(op(v, u) if constant_first else op(u, v))

    wide = (x.astype("f8"), y.astype("f8"))
    want = _maximum(*(wide[::-1] if constant_first else wide), op is arith.MaximumF)
    same(applied(write, [x, y], element), want.astype(element.numpy))


def test_no_contraction() -> None:
    x, y, z = (floats(f32) for _ in range(3))
    got = applied(lambda b, u, v, w: b.emit(arith.AddF(b.emit(arith.MulF(u, v)), w)), [x, y, z], f32)
    with np.errstate(all="ignore"):
        same(got, x * y + z)


INTEGER = {
    arith.AddI: np.add,
    arith.SubI: np.subtract,
    arith.MulI: np.multiply,
    arith.AndI: np.bitwise_and,
    arith.OrI: np.bitwise_or,
    arith.XOrI: np.bitwise_xor,
    arith.MaxSI: np.maximum,
    arith.MinSI: np.minimum,
}
UNSIGNED = {
    arith.DivUI: np.floor_divide,
    arith.RemUI: np.remainder,
    arith.MaxUI: np.maximum,
    arith.MinUI: np.minimum,
}


@pytest.mark.parametrize("element", [i8, i16, i32, i64], ids=str)
def test_integers(element: Any, target: Target) -> None:
    x, y = integers(element), RNG.permutation(integers(element))
    unsigned = np.dtype(f"u{x.itemsize}")
    some = np.where(y == 0, np.asarray(3, y.dtype), y)
    shift = np.abs(y % np.asarray(element.width, y.dtype)).astype(x.dtype)
    with np.errstate(over="ignore"):
        for op, function in INTEGER.items():
            same(applied(lambda b, u, v, op=op: b.emit(op(u, v)), [x, y], element, target), function(x, y))
        for op, function in UNSIGNED.items():
            want = function(x.view(unsigned), some.view(unsigned)).view(x.dtype)
            same(applied(lambda b, u, v, op=op: b.emit(op(u, v)), [x, some], element, target), want)
        safe = np.where(x == np.iinfo(x.dtype).min, np.asarray(5, x.dtype), x)
        quotient = np.trunc(safe.astype(np.longdouble) / some.astype(np.longdouble)).astype(x.dtype)
        same(applied(lambda b, u, v: b.emit(arith.DivSI(u, v)), [safe, some], element), quotient)
        same(
            applied(lambda b, u, v: b.emit(arith.RemSI(u, v)), [safe, some], element), safe - quotient * some
        )
        for op, want in (
            (arith.ShLI, x << shift),
            (arith.ShRSI, x >> shift),
            (arith.ShRUI, (x.view(unsigned) >> shift.view(unsigned)).view(x.dtype)),
        ):
            same(applied(lambda b, u, v, op=op: b.emit(op(u, v)), [x, shift], element, target), want)
        same(applied(lambda b, u: b.emit(math.AbsI(u)), [x], element), np.abs(x))
    bits = np.array([int(v).bit_count() for v in x.view(unsigned)], x.dtype)
    same(applied(lambda b, u: b.emit(math.CtPop(u)), [x], element), bits)
    zeros = np.array([element.width - int(v).bit_length() for v in x.view(unsigned)], x.dtype)
    same(applied(lambda b, u: b.emit(math.CountLeadingZeros(u)), [x], element), zeros)


@pytest.mark.parametrize("predicate", arith.CMPF)
@pytest.mark.parametrize("element", [f32, f64, bf16], ids=str)
def test_float_comparisons(predicate: str, element: Any) -> None:
    x, y = floats(element), floats(element)
    y[::3] = x[::3]
    got = applied(lambda b, u, v: b.emit(arith.CmpF(u, v, predicate=predicate)), [x, y], i1)
    a, c = x.astype("f8"), y.astype("f8")
    unordered = np.isnan(a) | np.isnan(c)
    ordered = {
        "eq": a == c,
        "gt": a > c,
        "ge": a >= c,
        "lt": a < c,
        "le": a <= c,
        "ne": (a != c) & ~unordered,
    }
    match predicate:
        case "false" | "true":
            want = np.full(N, predicate == "true")
        case "ord" | "uno":
            want = unordered == (predicate == "uno")
        case _:
            want = ordered[predicate[1:]] | (unordered & (predicate[0] == "u"))
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("predicate", arith.CMPI)
def test_integer_comparisons_and_selection(predicate: str, target: Target) -> None:
    x, y = integers(i32), RNG.permutation(integers(i32))
    a, c = (v.view("u4") if predicate[0] == "u" else v for v in (x, y))
    name = predicate[1:] if len(predicate) == 3 else predicate
    want = {"eq": a == c, "ne": a != c, "lt": a < c, "le": a <= c, "gt": a > c, "ge": a >= c}[name]

    def write(b: Writer, u: Value, v: Value) -> Value:
        return b.emit(arith.Select(b.emit(arith.CmpI(u, v, predicate=predicate)), u, v))

    np.testing.assert_array_equal(applied(write, [x, y], i32, target), np.where(want, x, y))


def _nearest_bf16(value: Any) -> Any:
    """The bf16 next to a number, ties to even, by comparing distances."""
    near = np.float32(value).astype(ml_dtypes.bfloat16)
    if not np.isfinite(near.astype(np.float32)) or not np.isfinite(float(value)):
        return near
    bits = int(near.view(np.uint16))
    around = [np.uint16(b & 0xFFFF).view(ml_dtypes.bfloat16) for b in (bits, bits - 1, bits + 1)]
    finite = [c for c in around if np.isfinite(c.astype(np.float32))]
    return min(
        finite, key=lambda c: (abs(Fraction(float(c)) - Fraction(float(value))), int(c.view(np.uint16)) & 1)
    )


CASTS = [
    (arith.ExtF, f16, f32), (arith.ExtF, bf16, f32), (arith.ExtF, f32, f64), (arith.ExtF, bf16, f64),
    (arith.TruncF, f32, f16), (arith.TruncF, f32, bf16), (arith.TruncF, f64, f32), (arith.TruncF, f64, f16),
    (arith.TruncF, f64, bf16), (arith.SIToFP, i32, bf16),
    (arith.ExtSI, i8, i32), (arith.ExtSI, i32, i64), (arith.ExtUI, i8, i64), (arith.ExtUI, i1, i32),
    (arith.TruncI, i64, i8), (arith.TruncI, i32, i16), (arith.TruncI, i32, i1),
    (arith.SIToFP, i8, f32), (arith.SIToFP, i32, f32), (arith.SIToFP, i64, f64), (arith.SIToFP, i64, f32),
    (arith.SIToFP, i8, bf16), (arith.SIToFP, i32, f16), (arith.UIToFP, i8, f32), (arith.UIToFP, i32, f64),
    (arith.FPToSI, f32, i32), (arith.FPToSI, f64, i64), (arith.FPToSI, bf16, i8), (arith.FPToUI, f32, i8),
    (arith.Bitcast, f32, i32), (arith.Bitcast, i64, f64), (arith.Bitcast, bf16, i16), (arith.Bitcast, f16, i16),
]  # fmt: skip


@pytest.mark.parametrize(("op", "source", "result"), CASTS)
def test_casts(op: Any, source: Any, result: Any, target: Target) -> None:
    if source is i1:
        x = RNG.integers(0, 2, N).astype(bool)
    else:
        x = integers(source) if hasattr(source, "signedness") else floats(source)
    if op in (arith.FPToSI, arith.FPToUI):
        x = (np.abs(np.nan_to_num(x.astype("f4"), posinf=1, neginf=1)) % 100).astype(source.numpy)
    given = x.view(f"u{x.itemsize}") if op in (arith.ExtUI, arith.UIToFP) else x
    if op is arith.Bitcast:
        want = x.view(result.numpy)
    elif op is arith.TruncI and result is i1:
        want = (x & 1).astype(bool)
    else:
        with np.errstate(all="ignore"):
            want = given.astype(result.numpy)
        if result is bf16:  # NumPy rounds twice, through f32
            want = np.array([_nearest_bf16(v) for v in given], result.numpy)
    type_ = VectorType((N,), result)
    same(applied(lambda b, u: b.emit(op(u, result_types=[type_])), [x], result, target), want)


def test_bf16_keeps_denormals_and_rounds_to_even() -> None:
    x = np.resize(np.array([1e-39, -2e-40, 1.00390625, 1.01171875, 3.4e38], np.float32), N)
    type_ = VectorType((N,), bf16)
    got = applied(lambda b, u: b.emit(arith.TruncF(u, result_types=[type_])), [x], bf16)
    same(got, x.astype(ml_dtypes.bfloat16))


def test_index_casts() -> None:
    x = integers(i32)
    wide = VectorType((N,), index)

    def write(b: Writer, u: Value) -> Value:
        i = b.emit(arith.IndexCast(u, result_types=[wide]))
        return b.emit(arith.IndexCast(i, result_types=[VectorType((N,), i64)]))

    np.testing.assert_array_equal(applied(write, [x], i64), x.astype("i8"))


@pytest.mark.parametrize("name", sorted(TABLE))
@pytest.mark.parametrize("element", [f32, f64], ids=str)
def test_vector_math_is_the_emulators_bit_for_bit(name: str, element: Any, target: Target) -> None:
    cls = next(c for c in vars(math).values() if isinstance(c, type) and getattr(c, "name", "") == name)
    arrays = [floats(element) for _ in cls.operand_fields]
    want = TABLE[name](NumpyBuilder(str(element)), *arrays)
    same(applied(lambda b, *tiles: b.emit(cls(*tiles)), arrays, element, target), want)


def test_scalars() -> None:
    """The same handlers take scalars: one exp, one bf16 sum, one comparison."""
    x = np.float32([0.3, 2.0])

    def body(b: Writer, source: Value, out: Value) -> None:
        zero, one = b.at(0, 1)
        u, v = (b.emit(memref.Load(source, [i])) for i in (zero, one))
        small = [b.emit(arith.TruncF(w, result_types=[bf16])) for w in (u, v)]
        total = b.emit(arith.ExtF(b.emit(arith.AddF(*small)), result_types=[f32]))
        less = b.emit(arith.CmpF(u, v, predicate="olt"))
        b.emit(memref.Store(b.emit(math.Exp(u)), out, [zero]))
        b.emit(memref.Store(b.emit(arith.Select(less, total, u)), out, [one]))

    (got,) = computed(body, [x], [TensorType((2,), f32)])
    small = x.astype(ml_dtypes.bfloat16)
    same(got, np.float32([TABLE["math.exp"](NumpyBuilder("f32"), x[:1])[0], np.float32(small[0] + small[1])]))

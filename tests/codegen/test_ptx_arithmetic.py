"""Instructions of PTX, each family against NumPy or exact arithmetic in Python."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ldexp
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from ptx_texts import compute

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

BF16 = ml_dtypes.bfloat16
RNG = np.random.default_rng(7)
N = 256


def integers(dtype: Any, size: int = N) -> Any:
    """Random bits of all magnitudes, the extremes first."""
    info = np.iinfo(dtype)
    wide = RNG.integers(info.min, info.max, size, dtype, endpoint=True)
    made = wide >> RNG.integers(0, info.bits, size).astype(dtype)
    made[:6] = [info.min, info.max, 0, 1, np.array(-1).astype(dtype), info.max // 2]
    return made


def floats(dtype: Any, size: int = N) -> Any:
    """Random values of all exponents with zeros, infinities, NaN and subnormals among them."""
    bits = integers(np.dtype(f"u{np.dtype(dtype).itemsize}"), size)
    bits = bits ^ RNG.integers(0, np.iinfo(bits.dtype).max, size, bits.dtype)
    made = bits.view(dtype)
    made[:8] = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.5, 1e-40]).astype(dtype)
    return made


def moderate(dtype: Any, size: int = N) -> Any:
    return (RNG.standard_normal(size) * np.exp2(RNG.integers(-6, 7, size))).astype(dtype)


def same(got: Any, wanted: Any) -> None:
    """Equal bits, any NaN equal to any."""
    wanted = np.asarray(wanted).astype(got.dtype)
    nan = np.isnan(wanted.astype(np.float64)) if wanted.dtype.kind in "fV" else np.zeros(wanted.shape, bool)
    kind = f"u{got.dtype.itemsize}"
    different = (got.view(kind) != wanted.view(kind)) & ~(nan & np.isnan(got.astype(np.float64)))
    assert not different.any(), (got[different][:4], wanted[different][:4])


def exactly(by: Callable[..., int], dtype: Any, *operands: Any) -> Any:
    """Integers by Python, wrapped to a type."""
    bits = np.iinfo(dtype).bits
    made = [by(*(int(v) for v in row)) % (1 << bits) for row in zip(*operands, strict=True)]
    return np.array(made, f"u{bits // 8}").view(dtype)


INTEGER_TYPES = {
    "s16": np.int16,
    "u16": np.uint16,
    "s32": np.int32,
    "u32": np.uint32,
    "s64": np.int64,
    "u64": np.uint64,
}


@pytest.mark.parametrize("type", INTEGER_TYPES)
@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("add", lambda x, y: x + y),
        ("sub", lambda x, y: x - y),
        ("mul.lo", lambda x, y: x * y),
        ("min", min),
        ("max", max),
        ("div", lambda x, y: (abs(x) // abs(y)) * (1 if (x < 0) == (y < 0) else -1)),
        ("rem", lambda x, y: abs(x) % abs(y) * (-1 if x < 0 else 1)),
    ],
)
def test_integers(type: str, name: str, by: Callable[[int, int], int]) -> None:
    dtype = INTEGER_TYPES[type]
    x, y = integers(dtype), integers(dtype)
    if name in ("div", "rem"):
        y = np.where(y == 0, dtype(3), y)
        y[:2] = 7
    same(compute(f"\t{name}.{type} %y, %x0, %x1;", [x, y], dtype), exactly(by, dtype, x, y))


@pytest.mark.parametrize("type", INTEGER_TYPES)
def test_upper_halves_of_products(type: str) -> None:
    dtype = INTEGER_TYPES[type]
    bits = np.iinfo(dtype).bits
    x, y = integers(dtype), integers(dtype)
    same(
        compute(f"\tmul.hi.{type} %y, %x0, %x1;", [x, y], dtype),
        exactly(lambda a, b: a * b >> bits, dtype, x, y),
    )


@pytest.mark.parametrize("type", ["s16", "u16", "s32", "u32"])
def test_wide_products(type: str) -> None:
    dtype, wide = INTEGER_TYPES[type], INTEGER_TYPES[f"{type[0]}{int(type[1:]) * 2}"]
    x, y, z = integers(dtype), integers(dtype), integers(wide)
    same(compute(f"\tmul.wide.{type} %y, %x0, %x1;", [x, y], wide), exactly(lambda a, b: a * b, wide, x, y))
    got = compute(f"\tmad.wide.{type} %y, %x0, %x1, %x2;", [x, y, z], wide)
    same(got, exactly(lambda a, b, c: a * b + c, wide, x, y, z))


def test_sums_of_128_bits_through_carries() -> None:
    xl, xh, yl, yh = (integers(np.uint64) for _ in range(4))
    low = "\tadd.cc.u64 %rd5, %x0, %x2;\n"
    got = compute(low + "\taddc.u64 %y, %x1, %x3;", [xl, xh, yl, yh], np.uint64)
    whole = [
        (int(a) + (int(b) << 64) + int(c) + (int(d) << 64)) >> 64
        for a, b, c, d in zip(xl, xh, yl, yh, strict=True)
    ]
    assert got.tolist() == [w % (1 << 64) for w in whole]
    got = compute("\tsub.cc.u64 %rd5, %x0, %x2;\n\tsubc.u64 %y, %x1, %x3;", [xl, xh, yl, yh], np.uint64)
    whole = [
        ((int(a) + (int(b) << 64)) - (int(c) + (int(d) << 64))) >> 64
        for a, b, c, d in zip(xl, xh, yl, yh, strict=True)
    ]
    assert got.tolist() == [w % (1 << 64) for w in whole]


BITS = [
    ("and.b32 %y, %x0, %x1", lambda a, b, c: a & b),
    ("or.b32 %y, %x0, %x1", lambda a, b, c: a | b),
    ("xor.b32 %y, %x0, %x1", lambda a, b, c: a ^ b),
    ("not.b32 %y, %x0", lambda a, b, c: ~a),
    ("cnot.b32 %y, %x0", lambda a, b, c: int(a == 0)),
    ("lop3.b32 %y, %x0, %x1, %x2, 0x96", lambda a, b, c: a ^ b ^ c),
    ("lop3.b32 %y, %x0, %x1, %x2, 0xCA", lambda a, b, c: (a & b) | (~a & c)),
    ("shl.b32 %y, %x0, 5", lambda a, b, c: a << 5),
    ("shl.b32 %y, %x0, 40", lambda a, b, c: 0),
    ("shr.u32 %y, %x0, 7", lambda a, b, c: a >> 7),
    ("shr.u32 %y, %x0, 32", lambda a, b, c: 0),
    ("shf.l.wrap.b32 %y, %x0, %x1, %x2", lambda a, b, c: ((b << 32 | a) << (c & 31)) >> 32),
    ("shf.r.wrap.b32 %y, %x0, %x1, %x2", lambda a, b, c: (b << 32 | a) >> (c & 31)),
    ("shf.l.clamp.b32 %y, %x0, %x1, %x2", lambda a, b, c: ((b << 32 | a) << min(c, 32)) >> 32),
    ("shf.r.clamp.b32 %y, %x0, %x1, %x2", lambda a, b, c: (b << 32 | a) >> min(c, 32)),
    ("popc.b32 %y, %x0", lambda a, b, c: a.bit_count()),
    ("clz.b32 %y, %x0", lambda a, b, c: 32 - a.bit_length()),
    ("brev.b32 %y, %x0", lambda a, b, c: int(f"{a:032b}"[::-1], 2)),
    ("bfind.u32 %y, %x0", lambda a, b, c: a.bit_length() - 1),
    ("bfe.u32 %y, %x0, 3, 11", lambda a, b, c: a >> 3 & 0x7FF),
    ("bfe.u32 %y, %x0, 25, 11", lambda a, b, c: a >> 25),
    ("bfi.b32 %y, %x0, %x1, 4, 9", lambda a, b, c: (b & ~(0x1FF << 4)) | (a & 0x1FF) << 4),
    ("prmt.b32 %y, %x0, %x1, 0x5410", lambda a, b, c: (a & 0xFFFF) | (b & 0xFFFF) << 16),
    ("prmt.b32 %y, %x0, %x1, 0x0123", lambda a, b, c: int.from_bytes(a.to_bytes(4, "little"), "big")),
    ("prmt.b32 %y, %x0, %x1, 0x8880", lambda a, b, c: (a & 0xFF) | (0xFFFFFF00 if a & 0x80 else 0)),
    ("mad.lo.u32 %y, %x0, %x1, %x2", lambda a, b, c: a * b + c),
    ("sad.u32 %y, %x0, %x1, %x2", lambda a, b, c: abs(a - b) + c),
    ("bmsk.clamp.b32 %y, 4, 6", lambda a, b, c: 0x3F << 4),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "by"), BITS, ids=[t.partition(" %y")[0] + str(n) for n, (t, _) in enumerate(BITS)]
)
def test_bits(text: str, by: Callable[[int, int, int], int]) -> None:
    x, y, z = (integers(np.uint32) for _ in range(3))
    same(compute(f"\t{text};", [x, y, z], np.uint32), exactly(by, np.uint32, x, y, z))


def test_signed_bits() -> None:
    x = integers(np.int32)
    same(compute("\tshr.s32 %y, %x0, 9;", [x], np.int32), x >> 9)
    same(compute("\tshr.s32 %y, %x0, 99;", [x], np.int32), x >> 31)
    same(compute("\tbfe.s32 %y, %x0, 4, 8;", [x], np.int32), (x >> 4).astype(np.int8))
    same(compute("\tszext.wrap.s32 %y, %x0, 12;", [x], np.int32), (x << 20) >> 20)
    same(compute("\tneg.s32 %y, %x0;", [x], np.int32), -x)
    same(
        compute("\tadd.sat.s32 %y, %x0, %x1;", [x, x], np.int32),
        np.clip(2 * x.astype(np.int64), -(2**31), 2**31 - 1),
    )
    wide = integers(np.uint64)
    same(compute("\tclz.b64 %y, %x0;", [wide], np.uint32), [64 - int(v).bit_length() for v in wide])
    same(
        compute("\tbrev.b64 %y, %x0;", [wide], np.uint64),
        np.array([int(f"{int(v):064b}"[::-1], 2) for v in wide], np.uint64),
    )


def test_four_products() -> None:
    x, y, z = integers(np.int32), integers(np.int32), integers(np.int32)
    dots = (x.view(np.int8).reshape(-1, 4).astype(int) * y.view(np.int8).reshape(-1, 4)).sum(1) + z
    same(compute("\tdp4a.s32.s32 %y, %x0, %x1, %x2;", [x, y, z], np.int32), dots.astype(np.int32))


# Floats.


def rounded(x: Fraction, dtype: Any) -> float:
    """The nearest value of a format, ties to even; subnormals included."""
    info = ml_dtypes.finfo(dtype)
    if x == 0:
        return 0.0
    exponent = (abs(x.numerator).bit_length() - x.denominator.bit_length()) - info.nmant - 1
    while abs(x) / Fraction(2) ** exponent >= 1 << (info.nmant + 1):
        exponent += 1
    while abs(x) / Fraction(2) ** exponent < 1 << info.nmant:
        exponent -= 1
    exponent = max(exponent, info.minexp - info.nmant)
    scaled = round(x / Fraction(2) ** exponent)
    return (
        ldexp(scaled, exponent)
        if abs(scaled) * Fraction(2) ** exponent <= float(info.max)
        else (np.inf if x > 0 else -np.inf)
    )


@pytest.mark.parametrize(("type", "dtype"), [("f32", np.float32), ("bf16", BF16), ("f16", np.float16)])
@pytest.mark.parametrize("name", ["add.rn", "sub.rn", "mul.rn", "fma.rn"])
def test_floats_are_rounded_once(type: str, dtype: Any, name: str) -> None:
    x, y, z = (floats(dtype) for _ in range(3))
    z[64:128] = (-x[64:128].astype(np.float64) * y[64:128].astype(np.float64)).astype(dtype)
    operands = [x, y, z] if name == "fma.rn" else [x, y]
    by = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "fma": lambda a, b, c: a * b + c,
    }
    got = compute(
        f"\t{name}.{type} %y, {', '.join(f'%x{n}' for n in range(len(operands)))};", operands, dtype
    )
    for n in range(N):
        given = [float(o[n]) for o in operands]
        if np.isfinite(given).all():
            exact = by[name[:3]](*map(Fraction, given))
            assert float(got[n]) == rounded(exact, dtype), given
    with np.errstate(all="ignore"):
        special = by[name[:3]](*(o.astype(np.float64) for o in operands))
    outside = ~np.isfinite([o.astype(np.float64) for o in operands]).all(0)
    same(got[outside], special[outside].astype(dtype))


def test_double_rounding_is_not_there() -> None:
    """A product whose sum with a tiny term lies just beside the middle of two f32."""
    one = np.full(32, 1 + 2.0**-12, np.float32)
    tiny = np.full(32, 2.0**-60, np.float32)
    exact = rounded(Fraction(float(one[0])) ** 2 + Fraction(float(tiny[0])), np.float32)
    assert compute("\tfma.rn.f32 %y, %x0, %x0, %x1;", [one, tiny], np.float32)[0] == exact
    assert float(np.float32(float(one[0]) ** 2 + float(tiny[0]))) != exact


@pytest.mark.parametrize("mode", ["rz", "rm", "rp"])
def test_directed_rounding(mode: str) -> None:
    x, y = moderate(np.float32), moderate(np.float32)
    got = compute(f"\tadd.{mode}.f32 %y, %x0, %x1;", [x, y], np.float32).astype(np.float64)
    exact = x.astype(np.float64) + y
    spacing = np.spacing(np.abs(got).astype(np.float32))
    assert (np.abs(got - exact) < spacing).all()
    assert {"rz": np.abs(got) <= np.abs(exact), "rm": got <= exact, "rp": got >= exact}[mode].all()


def test_division_and_roots_are_ieee() -> None:
    for type, dtype in (("f32", np.float32), ("f64", np.float64)):
        x, y = floats(dtype), floats(dtype)
        with np.errstate(all="ignore"):
            same(compute(f"\tdiv.rn.{type} %y, %x0, %x1;", [x, y], dtype), x / y)
            same(compute(f"\tsqrt.rn.{type} %y, %x0;", [x], dtype), np.sqrt(x))
            same(compute(f"\trcp.rn.{type} %y, %x0;", [x], dtype), 1 / x)
            same(
                compute(f"\tfma.rn.{type} %y, %x0, %x0, %x0;", [moderate(dtype)], dtype)[:0],
                np.zeros(0, dtype),
            )


def test_signs_and_flushes() -> None:
    x = floats(np.float32)
    same(compute("\tneg.f32 %y, %x0;", [x], np.float32), -x)
    same(compute("\tabs.f32 %y, %x0;", [x], np.float32), np.abs(x))
    same(compute("\tabs.bf16 %y, %x0;", [x.astype(BF16)], BF16), np.abs(x.astype(BF16)))
    small = np.full(32, -1e-40, np.float32)
    assert compute("\tadd.rn.f32 %y, %x0, 0f80000000;", [small], np.float32)[0] != 0
    flushed = compute("\tadd.rn.ftz.f32 %y, %x0, 0f80000000;", [small], np.float32)
    assert np.signbit(flushed).all() and (flushed == 0).all()
    saturated = compute("\tadd.rn.sat.f32 %y, %x0, 0f00000000;", [x], np.float32)
    with np.errstate(all="ignore"):
        same(saturated, np.where(np.isnan(x), 0, np.clip(x + np.float32(0), 0, 1)))


@pytest.mark.parametrize(
    ("type", "dtype"), [("f32", np.float32), ("bf16", BF16), ("f16", np.float16), ("f64", np.float64)]
)
def test_extremes(type: str, dtype: Any) -> None:
    x, y = floats(dtype), np.roll(floats(dtype), 1)
    y[20:40] = x[20:40]
    y[0], y[1] = -0.0, 0.0
    lost = np.isnan(x) | np.isnan(y)
    larger = np.where((x > y) | ((x == y) & ~np.signbit(x)), x, y)
    larger = np.where(np.isnan(x), y, np.where(np.isnan(y), x, larger))
    same(compute(f"\tmax.{type} %y, %x0, %x1;", [x, y], dtype), larger)
    same(compute(f"\tmax.NaN.{type} %y, %x0, %x1;", [x, y], dtype), np.where(lost, dtype(np.nan), larger))
    smaller = compute(f"\tmin.{type} %y, %x0, %x1;", [x, y], dtype)
    same(-compute(f"\tmax.{type} %y, %x0, %x1;", [-x, -y], dtype), smaller)


def test_packed_halves() -> None:
    x, y = moderate(np.float16, 2 * N), moderate(np.float16, 2 * N)
    got = compute("\tadd.rn.f16x2 %y, %x0, %x1;", [x.view(np.uint32), y.view(np.uint32)], np.uint32)
    same(got.view(np.float16), x + y)
    got = compute(
        "\tfma.rn.bf16x2 %y, %x0, %x1, %x1;", [v.astype(BF16).view(np.uint32) for v in (x, y)], np.uint32
    )
    a, b = (v.astype(BF16).astype(np.float64) for v in (x, y))
    wanted = [
        rounded(Fraction(p) * Fraction(q) + Fraction(q), BF16)
        for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    same(got.view(BF16), np.array(wanted))


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("ex2", np.exp2),
        ("sin", np.sin),
        ("cos", np.cos),
        ("tanh", np.tanh),
        ("rsqrt", lambda x: 1 / np.sqrt(x)),
    ],
)
def test_approximations(name: str, by: Callable[[Any], Any]) -> None:
    x = np.abs(moderate(np.float32)) + np.float32(0.1)
    got = compute(f"\t{name}.approx.f32 %y, %x0;", [x], np.float32)
    with np.errstate(over="ignore"):
        same(got, by(x.astype(np.float64)).astype(np.float32))


# Comparisons.

ORDERED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}  # fmt: skip


@pytest.mark.parametrize("name", [*ORDERED, *(f"{n}u" for n in ORDERED), "ne", "neu", "num", "nan"])
@pytest.mark.parametrize(("type", "dtype"), [("f32", np.float32), ("bf16", BF16), ("f64", np.float64)])
def test_comparisons_of_floats(name: str, type: str, dtype: Any) -> None:
    x, y = floats(dtype), np.roll(floats(dtype), 3)
    y[20:60] = x[20:60]
    nan = np.isnan(x) | np.isnan(y)
    match name:
        case "num" | "nan":
            wanted = nan if name == "nan" else ~nan
        case "ne" | "neu":
            wanted = (x != y) & ~nan if name == "ne" else (x != y) | nan
        case _:
            wanted = ORDERED[name[:2]](x, y) & ~nan if len(name) == 2 else ORDERED[name[:2]](x, y) | nan
    text = f"\tsetp.{name}.{type} %p1, %x0, %x1;\n\tselp.u32 %y, 7, 9, %p1;"
    same(compute(text, [x, y], np.uint32), np.where(wanted, 7, 9))


def test_comparisons_of_integers_and_joined_predicates() -> None:
    x, y = integers(np.int32), integers(np.int32)
    got = compute("\tsetp.lt.s32 %p1|%p2, %x0, %x1;\n\tselp.u32 %y, 1, 2, %p2;", [x, y], np.uint32)
    same(got, np.where(x < y, 2, 1))
    got = compute("\tsetp.lt.u32 %p1, %x0, %x1;\n\tselp.u32 %y, 1, 2, !%p1;", [x, y], np.uint32)
    same(got, np.where(x.view(np.uint32) < y.view(np.uint32), 2, 1))
    text = "\tsetp.gt.s32 %p1, %x0, 0;\n\tsetp.gt.and.s32 %p2, %x1, 0, %p1;\n\tselp.u32 %y, 1, 2, %p2;"
    same(compute(text, [x, y], np.uint32), np.where((x > 0) & (y > 0), 1, 2))
    same(compute("\tset.le.u32.s32 %y, %x0, %x1;", [x, y], np.uint32), np.where(x <= y, 0xFFFFFFFF, 0))
    same(compute("\tslct.s32.s32 %y, %x0, 5, %x1;", [x, y], np.int32), np.where(y >= 0, x, 5))


# Conversions.


@pytest.mark.parametrize("mode", ["rni", "rzi", "rmi", "rpi"])
@pytest.mark.parametrize(
    ("type", "dtype"), [("s32", np.int32), ("u32", np.uint32), ("s64", np.int64), ("u64", np.uint64)]
)
def test_floats_to_integers_saturate(mode: str, type: str, dtype: Any) -> None:
    x = np.concatenate([moderate(np.float32), floats(np.float32)])
    by = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}[mode]
    info = np.iinfo(dtype)
    wanted = [0 if np.isnan(v) else int(max(info.min, min(info.max, v))) if np.isfinite(v) else info.max if v > 0 else info.min
              for v in (by(e) if abs(e) < 1e18 else e for e in x.astype(np.float64))]  # fmt: skip
    assert compute(f"\tcvt.{mode}.{type}.f32 %y, %x0;", [x], dtype).tolist() == wanted


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64])
def test_integers_to_floats(dtype: Any) -> None:
    x = integers(dtype)
    type = {np.int32: "s32", np.uint32: "u32", np.int64: "s64", np.uint64: "u64"}[dtype]
    same(compute(f"\tcvt.rn.f32.{type} %y, %x0;", [x], np.float32), x.astype(np.float32))
    wanted = [rounded(Fraction(int(v)), BF16) for v in x]
    same(compute(f"\tcvt.rn.bf16.{type} %y, %x0;", [x], BF16), np.array(wanted))


def test_between_floats() -> None:
    x = floats(np.float32)
    with np.errstate(over="ignore"):
        same(compute("\tcvt.rn.f16.f32 %y, %x0;", [x], np.float16), x.astype(np.float16))
    same(compute("\tcvt.rn.bf16.f32 %y, %x0;", [x], BF16), x.astype(BF16))
    same(compute("\tcvt.f32.bf16 %y, %x0;", [x.astype(BF16)], np.float32), x.astype(BF16).astype(np.float32))
    same(compute("\tcvt.f64.f32 %y, %x0;", [x], np.float64), x.astype(np.float64))
    wide = floats(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        same(compute("\tcvt.rn.f32.f64 %y, %x0;", [wide], np.float32), wide.astype(np.float32))
        same(compute("\tcvt.rmi.f32.f32 %y, %x0;", [x], np.float32), np.floor(x))
    towards_zero = (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    keeps = np.isfinite(x)
    same(compute("\tcvt.rz.bf16.f32 %y, %x0;", [x], BF16)[keeps], towards_zero[keeps].astype(BF16))


def test_packed_conversions() -> None:
    x, y = moderate(np.float32), moderate(np.float32)
    got = compute("\tcvt.rn.bf16x2.f32 %y, %x0, %x1;", [x, y], np.uint32)
    same(got.view(BF16), np.stack([y, x], 1).reshape(-1).astype(BF16))
    got = compute("\tcvt.rn.f16x2.f32 %y, %x0, %x1;", [x, y], np.uint32)
    same(got.view(np.float16), np.stack([y, x], 1).reshape(-1).astype(np.float16))
    got = compute("\tcvt.rn.satfinite.e4m3x2.f32 %y, %x0, %x1;", [x * 10, y * 10], np.uint16)
    clipped = np.clip(np.stack([y, x], 1).reshape(-1) * 10, -448, 448)
    same(got.view(np.uint8), clipped.astype(ml_dtypes.float8_e4m3fn).view(np.uint8))
    back = compute("\tcvt.rn.f16x2.e4m3x2 %y, %x0;", [got], np.uint32)
    same(back.view(np.float16), got.view(ml_dtypes.float8_e4m3fn).astype(np.float16))


def test_tf32() -> None:
    x = moderate(np.float32)
    got = compute("\tcvt.rna.tf32.f32 %y, %x0;", [x], np.float32)
    bits = (x.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    same(got, bits.view(np.float32))


def test_between_integers() -> None:
    x = integers(np.int32)
    same(compute("\tcvt.s64.s32 %y, %x0;", [x], np.int64), x.astype(np.int64))
    same(compute("\tcvt.u64.u32 %y, %x0;", [x], np.uint64), x.view(np.uint32).astype(np.uint64))
    same(compute("\tcvt.s32.s8 %y, %x0;", [x], np.int32), x.astype(np.int8).astype(np.int32))
    same(
        compute("\tcvt.sat.s8.s32 %rs1, %x0;\n\tcvt.s32.s16 %y, %rs1;", [x], np.int32), np.clip(x, -128, 127)
    )
    same(
        compute("\tcvt.u32.u16 %y, %x0;", [x.astype(np.uint16)], np.uint32),
        x.astype(np.uint16).astype(np.uint32),
    )


def test_moves_of_parts() -> None:
    x = integers(np.uint32)
    text = "\tmov.b32 {%rs1, %rs2}, %x0;\n\tmov.b32 %y, {%rs2, %rs1};"
    same(compute(text, [x], np.uint32), (x >> 16) | (x << 16))
    text = "\tmov.b64 %rd5, {%x0, 7};\n\tmov.b64 {%r5, %y}, %rd5;"
    same(compute(text, [x], np.uint32), np.full(N, 7))

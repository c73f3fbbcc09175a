"""Sorts of long rows by the digits of a key: the order that the comparator asks for, equal elements where they were."""

from __future__ import annotations

import ml_dtypes  # noqa: F401  (NumPy knows the narrow floats by it)
import numpy as np
import pytest

import irc

TYPES = {
    "f32": np.float32, "f64": np.float64, "i8": np.int8, "ui8": np.uint8, "i16": np.int16, "i32": np.int32,
    "ui32": np.uint32, "i64": np.int64,
}  # fmt: skip
KINDS = {"f": "TOTALORDER", "i": "SIGNED", "u": "UNSIGNED"}


def numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(7)
    dtype = np.dtype(TYPES[name])
    if dtype.kind == "f":
        x = rng.standard_normal(shape).astype(dtype).round(1)
        special = [
            0.0,
            -0.0,
            np.inf,
            -np.inf,
            np.nan,
            np.copysign(np.nan, -1),
            np.finfo(dtype).smallest_subnormal,
        ]
        x.flat[: len(special)] = special
        return x
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    x = rng.integers(low, high, shape, dtype, endpoint=True)
    x.flat[:4] = [low, high, 0, 1]
    x.flat[4::3] = 5
    return x


def order(x: np.ndarray) -> np.ndarray:
    """Integers in the total order of the numbers."""
    if x.dtype.kind != "f":
        return x
    bits = x.view(np.dtype(f"i{x.dtype.itemsize}"))
    return np.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def sort_text(name: str, shape: tuple[int, ...], dimension: int, compare: str) -> str:
    t, i = (f"tensor<{'x'.join(map(str, shape))}x{e}>" for e in (name, "i32"))
    return f"""func.func @main(%x: {t}, %i: {i}) -> ({t}, {i}) {{
  %0:2 = "stablehlo.sort"(%x, %i) <{{dimension = {dimension} : i64, is_stable = true}}> ({{
  ^bb0(%a: tensor<{name}>, %b: tensor<{name}>, %c: tensor<i32>, %d: tensor<i32>):
    {compare}
    stablehlo.return %p : tensor<i1>
  }}) : ({t}, {i}) -> ({t}, {i})
  return %0#0, %0#1 : {t}, {i}
}}"""


def check(
    name: str, compare: str, keys: np.ndarray, x: np.ndarray, dimension: int, by_digits: bool = True
) -> None:
    places = np.broadcast_to(np.arange(x.size, dtype=np.int32).reshape(x.shape), x.shape).copy()
    program = irc.compile_module(irc.parse(sort_text(name, x.shape, dimension, compare)))
    assert ("arith.shrui" in program.stages.text("kernel") or x.itemsize == 1) == by_digits
    found, moved = program(x, places)
    expected = np.argsort(keys, axis=dimension, kind="stable")
    np.testing.assert_array_equal(moved, np.take_along_axis(places, expected, dimension))
    integer = f"u{x.itemsize}"
    np.testing.assert_array_equal(
        found.view(integer), np.take_along_axis(x, expected, dimension).view(integer)
    )


@pytest.mark.parametrize("direction", ["LT", "GT"])
@pytest.mark.parametrize("name", TYPES)
def test_every_type_in_both_directions(name: str, direction: str) -> None:
    x = numbers(name, (3, 200))
    kind = KINDS[x.dtype.kind]
    compare = (
        f"%p = stablehlo.compare {direction}, %a, %b, {kind} : (tensor<{name}>, tensor<{name}>) -> tensor<i1>"
    )
    keys = order(x).astype(object) * (1 if direction == "LT" else -1)
    check(name, compare, keys, x, 1)


def test_along_the_first_dimension_and_with_sides_swapped() -> None:
    x = numbers("f32", (130, 3))
    compare = "%p = stablehlo.compare GT, %b, %a, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>"
    check("f32", compare, order(x), x, 0)


def test_zeros_are_equal_where_floats_are_compared() -> None:
    x = np.nan_to_num(numbers("f32", (2, 300)))
    compare = "%p = stablehlo.compare LT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>"
    check("f32", compare, x, x, 1)


def test_the_key_may_be_a_function_of_the_element() -> None:
    x = numbers("i32", (1, 500))
    compare = (
        "%k = stablehlo.and %a, %m : tensor<i32>\n %l = stablehlo.and %b, %m : tensor<i32>\n"
        "%p = stablehlo.compare LT, %k, %l, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>"
    )
    compare = "%m = stablehlo.constant dense<1023> : tensor<i32>\n" + compare
    check("i32", compare, x & 1023, x, 1)


def test_two_keys_are_merged() -> None:
    x = numbers("i32", (1, 300)) % 4
    t = "(tensor<i32>, tensor<i32>) -> tensor<i1>"
    compare = (
        f"%e = stablehlo.compare EQ, %a, %b, SIGNED : {t}\n %f = stablehlo.compare GT, %c, %d, SIGNED : {t}\n"
        f"%g = stablehlo.compare LT, %a, %b, SIGNED : {t}\n"
        "%p = stablehlo.select %e, %f, %g : (tensor<i1>, tensor<i1>, tensor<i1>) -> tensor<i1>"
    )
    keys = x.astype(np.int64) * 1000 - np.arange(300)
    check("i32", compare, keys, x, 1, by_digits=False)

"""What two programs that differ only in sizes have in common: formulas found, and the module for every size."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.interpreter import interpret
from irc.ir.extents import size
from irc.ir.types import bf16, f32, f64, i32
from irc.passes.extents import General, general, skeleton
from irc.passes.extents.formulas import Ratio, Size, extent_of, ratio_of

PROGRAM = """
func.func @main(%x: tensor<{b}x{t}x4xf32>, %i: tensor<i32>) -> (tensor<{n}x4xf32>, tensor<{b}x1x4xf32>, tensor<4xf32>) {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<{n}.0> : tensor<4xf32>
  %o = stablehlo.constant dense<0> : tensor<i32>
  %flat = stablehlo.reshape %x : (tensor<{b}x{t}x4xf32>) -> tensor<{n}x4xf32>
  %index = stablehlo.iota dim = 0 : tensor<{n}x4xf32>
  %sum = stablehlo.add %flat, %index : tensor<{n}x4xf32>
  %at = stablehlo.dynamic_slice %x, %o, %i, %o, sizes = [{b}, 1, 4]
    : (tensor<{b}x{t}x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<{b}x1x4xf32>
  %total = stablehlo.reduce(%flat init: %zero) applies stablehlo.add across dimensions = [0]
    : (tensor<{n}x4xf32>, tensor<f32>) -> tensor<4xf32>
  %mean = stablehlo.divide %total, %n : tensor<4xf32>
  func.return %sum, %at, %mean : tensor<{n}x4xf32>, tensor<{b}x1x4xf32>, tensor<4xf32>
}}
"""


def at(b: int, t: int) -> irc.Module:
    return irc.parse(PROGRAM.format(b=b, t=t, n=b * t))


def both(one: irc.Module, two: irc.Module) -> General | None:
    (first, a), (second, b) = skeleton(one), skeleton(two)  # type: ignore[misc]
    assert first == second
    return general(one, a, b)


def test_the_module_for_every_size_means_what_each_size_does() -> None:
    made = both(at(6, 5), at(8, 7))
    assert made is not None
    assert [(s.argument, s.dimension) for s in made.sizes] == [(0, 1), (0, 0)]
    made.module.verify()
    for b, t in ((6, 5), (8, 7), (3, 11), (2, 2)):
        module = at(b, t)
        assert made.fits(skeleton(module)[1])  # type: ignore[index]
        x = np.random.default_rng(0).standard_normal((b, t, 4), np.float32)
        for i in (0, t - 1, t + 5):
            arrays = x, np.int32(i)
            for a, e in zip(interpret(made.module, *arrays), interpret(module, *arrays), strict=True):
                np.testing.assert_array_equal(a, e)


@pytest.mark.parametrize(("b", "t"), [(1, 7), (6, 1), (0, 3)])
def test_sizes_of_one_and_none_are_their_own(b: int, t: int) -> None:
    made = both(at(6, 5), at(8, 7))
    assert made is not None
    assert not made.fits(skeleton(at(b, t))[1])  # type: ignore[index]
    assert both(at(6, 5), at(b, t)) is None


def test_a_program_that_says_something_else_does_not_fit() -> None:
    made = both(at(6, 5), at(8, 7))
    assert made is not None
    other = irc.parse(PROGRAM.format(b=4, t=9, n=36).replace("dense<36.0>", "dense<35.0>"))
    assert skeleton(other)[0] == skeleton(at(4, 9))[0]  # type: ignore[index]
    assert not made.fits(skeleton(other)[1])  # type: ignore[index]


SIZES = [Size("b", 0, 0, 32, 50), Size("t", 1, 0, 10, 7)]


def test_extents() -> None:
    b, t = size("b"), size("t")
    assert extent_of(64, 100, SIZES) == b * 2
    assert extent_of(320, 350, SIZES) == b * t
    assert extent_of(30, 48, SIZES) == b - 2
    assert extent_of(-10, -7, SIZES) == -t
    assert extent_of(16, 26, SIZES) is None


@pytest.mark.parametrize("element", [f32, f64, bf16])
def test_constants_of_means_and_variances(element: object) -> None:
    def number(value: float) -> tuple[object, bytes]:
        return element, np.asarray(value).astype(element.numpy).tobytes()  # type: ignore[attr-defined]

    # Seven bits do not tell n from n / (n - 1).
    of_variance = [] if element is bf16 else [lambda n: n / (n - 1)]
    for value in (lambda n: n, lambda n: 1 / n, *of_variance):
        found = ratio_of(number(value(32)), number(value(50)), SIZES)
        assert isinstance(found, Ratio)
        assert found.at({"b": 7, "t": 10}) == number(value(7))
    assert ratio_of(number(32**0.5), number(50**0.5), SIZES) is None
    assert ratio_of((i32, np.int32(64).tobytes()), (i32, np.int32(100).tobytes()), SIZES) == Ratio(
        i32, size("b") * 2, None
    )

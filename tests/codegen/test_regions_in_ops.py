"""Ops that take functions of scalars, with functions that are more than one op: native code is the reference, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc

RNG = np.random.default_rng(0)
REAL = RNG.integers(-9, 9, (4, 6)).astype(np.float32)
COMPLEX = (REAL + 1j * REAL[::-1]).astype(np.complex64)


def select_and_scatter(element: str, wide: str, window: str, source: str) -> str:
    return f"""func.func @main(%x: tensor<4x6x{element}>, %u: tensor<{source}x{element}>, %v: tensor<{element}>) -> tensor<4x6x{wide}> {{
  %0 = "stablehlo.select_and_scatter"(%x, %u, %v) <{{{window}}}> ({{
    ^bb0(%a: tensor<{element}>, %b: tensor<{element}>):
      %p = stablehlo.real %a : (tensor<{element}>) -> tensor<f32>
      %q = stablehlo.real %b : (tensor<{element}>) -> tensor<f32>
      %c = stablehlo.compare GE, %p, %q, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }}, {{
    ^bb0(%a: tensor<{wide}>, %b: tensor<{wide}>):
      %s = stablehlo.multiply %a, %b : tensor<{wide}>
      stablehlo.return %s : tensor<{wide}>
  }}) : (tensor<4x6x{element}>, tensor<{source}x{element}>, tensor<{element}>) -> tensor<4x6x{wide}>
  return %0 : tensor<4x6x{wide}>
}}"""


def window(sizes: str, strides: str, padding: str) -> str:
    return (
        f"window_dimensions = array<i64: {sizes}>, window_strides = array<i64: {strides}>, "
        f"padding = dense<{padding}> : tensor<2x2xi64>"
    )


WINDOWS = {
    "apart": (window("2, 3", "2, 3", "0"), "2x2"),
    "overlapping": (window("3, 3", "1, 2", "0"), "2x2"),
    "padded": (window("2, 3", "2, 3", "[[1, 1], [2, 1]]"), "3x3"),
    "padding alone": (window("2, 2", "2, 2", "[[2, 0], [0, 0]]"), "3x3"),
}


def check(text: str, *arrays: Any) -> None:
    module = irc.parse(text)
    with np.errstate(all="ignore"):
        wants = irc.interpret(module, *arrays)
    for want, got in zip(wants, irc.compile_module(module)(*arrays), strict=True):
        assert want.dtype == got.dtype
        np.testing.assert_array_equal(want, got)


@pytest.mark.parametrize("wide", ["complex<f32>", "complex<f64>"])
@pytest.mark.parametrize("where", WINDOWS)
def test_select_and_scatter_of_complex_numbers(where: str, wide: str) -> None:
    sizes, source = WINDOWS[where]
    shape = tuple(map(int, source.split("x")))
    updates = COMPLEX[: shape[0], : shape[1]]
    check(select_and_scatter("complex<f32>", wide, sizes, source), COMPLEX, updates, np.complex64(2 + 1j))


def test_a_complex_constant_is_a_result() -> None:
    t = "tensor<2xcomplex<f32>>"
    check(f"func.func @main() -> {t} {{ %0 = stablehlo.constant dense<(1.0, 2.0)> : {t} return %0 : {t} }}")

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


F, S, P = "tensor<4x6xf32>", "tensor<f32>", "tensor<i1>"
BODIES = {
    "if": f"""%p = stablehlo.compare LT, %a, %b : ({S}, {S}) -> {P}
      %r = "stablehlo.if"(%p) ({{
        %n = stablehlo.negate %a : {S}
        stablehlo.return %n : {S}
      }}, {{ stablehlo.return %b : {S} }}) : ({P}) -> {S}""",
    "case": f"""%n = stablehlo.convert %a : ({S}) -> tensor<i32>
      %r = "stablehlo.case"(%n) ({{ stablehlo.return %a : {S} }}, {{ stablehlo.return %b : {S} }}, {{
        %m = stablehlo.multiply %a, %b : {S}
        stablehlo.return %m : {S}
      }}) : (tensor<i32>) -> {S}""",
    "choice in a choice": f"""%p = stablehlo.compare LT, %a, %b : ({S}, {S}) -> {P}
      %r = "stablehlo.if"(%p) ({{
        %q = stablehlo.compare LT, %a, %k : ({S}, {S}) -> {P}
        %in = "stablehlo.if"(%q) ({{ stablehlo.return %a : {S} }}, {{ stablehlo.return %c : {S} }}) : ({P}) -> {S}
        stablehlo.return %in : {S}
      }}, {{ stablehlo.return %b : {S} }}) : ({P}) -> {S}""",
    "from outside": f"""%s = stablehlo.maximum %a, %b : {S}
      %t = stablehlo.minimum %s, %c : {S}
      %r = stablehlo.add %t, %k : {S}""",
}
TAKES = f"^bb0(%a: {S}, %b: {S}):"
OPS = {
    "reduce": f"""%0 = "stablehlo.reduce"(%x, %k) ({{ {TAKES}
      BODY
      stablehlo.return %r : {S}
    }}) {{dimensions = array<i64: 1>}} : ({F}, {S}) -> tensor<4xf32>
    return %0 : tensor<4xf32>""",
    "reduce_window": f"""%0 = "stablehlo.reduce_window"(%x, %c) <{{window_dimensions = array<i64: 3, 2>, padding = dense<1> : tensor<2x2xi64>}}> ({{ {TAKES}
      BODY
      stablehlo.return %r : {S}
    }}) : ({F}, {S}) -> tensor<4x7xf32>
    return %0 : tensor<4x7xf32>""",
    "scatter": f"""%0 = "stablehlo.scatter"(%x, %i, %u) ({{ {TAKES}
      BODY
      stablehlo.return %r : {S}
    }}) {{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims=[1], inserted_window_dims=[0],
      scatter_dims_to_operand_dims=[0], index_vector_dim=1>}} : ({F}, tensor<3x1xi32>, tensor<3x6xf32>) -> {F}
    return %0 : {F}""",
    "map": f"""%0 = "stablehlo.map"(%x, %y) ({{ {TAKES}
      BODY
      stablehlo.return %r : {S}
    }}) {{dimensions = array<i64: 0, 1>}} : ({F}, {F}) -> {F}
    return %0 : {F}""",
    "select_and_scatter": f"""%0 = "stablehlo.select_and_scatter"(%x, %v, %c) <{{window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 2, 3>}}> ({{ {TAKES}
      BODY
      %more = stablehlo.compare GE, %a, %r : ({S}, {S}) -> {P}
      stablehlo.return %more : {P}
    }}, {{ ^bb0(%a: {S}, %b: {S}):
      %s = stablehlo.add %a, %b : {S}
      stablehlo.return %s : {S}
    }}) : ({F}, tensor<2x2xf32>, {S}) -> {F}
    return %0 : {F}""",
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("op", OPS)
def test_functions_with_choices_and_values_from_outside(op: str, body: str) -> None:
    if op == "select_and_scatter" and body in ("from outside", "choice in a choice"):
        pytest.skip("takes one operand: a value from outside has no place beside it")
    result = OPS[op].replace("BODY", BODIES[body])
    text = f"""func.func @main(%x: {F}, %y: {F}, %c: {S}, %i: tensor<3x1xi32>, %u: tensor<3x6xf32>, %v: tensor<2x2xf32>) -> {result.rpartition(" : ")[2]} {{
      %k = stablehlo.constant dense<2.0> : {S}
      {result}
    }}"""
    places = np.array([[1], [3], [1]], np.int32)
    check(text, REAL, REAL[::-1].copy(), np.float32(3), places, REAL[:3].copy(), REAL[:2, :2].copy())


def test_an_order_that_depends_on_a_value_from_outside() -> None:
    """By the distance from %c; where that is more than 2, by value."""
    text = f"""func.func @main(%x: {F}, %c: {S}) -> {F} {{
      %two = stablehlo.constant dense<2.0> : {S}
      %0 = "stablehlo.sort"(%x) ({{ {TAKES}
        %d = stablehlo.subtract %a, %c : {S}
        %e = stablehlo.subtract %b, %c : {S}
        %p = stablehlo.abs %d : {S}
        %q = stablehlo.abs %e : {S}
        %far = stablehlo.compare GT, %c, %two : ({S}, {S}) -> {P}
        %less = "stablehlo.if"(%far) ({{
          %m = stablehlo.compare LT, %a, %b : ({S}, {S}) -> {P}
          stablehlo.return %m : {P}
        }}, {{
          %n = stablehlo.compare LT, %p, %q : ({S}, {S}) -> {P}
          stablehlo.return %n : {P}
        }}) : ({P}) -> {P}
        stablehlo.return %less : {P}
      }}) {{dimension = 1 : i64, is_stable = true}} : ({F}) -> {F}
      return %0 : {F}
    }}"""
    for c in (0.5, 3.0):
        check(text, REAL, np.float32(c))

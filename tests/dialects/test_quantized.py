"""Quantized tensors: their text, and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import irc.dialects  # noqa: F401
from irc.dialects.builtin import parse
from irc.errors import IrcError, ParseError
from irc.interpreter import interpret

TYPES = {
    "!quant.uniform<i8:f32, 2.0:15>": "!quant.uniform<i8:f32, 2.000000e+00:15>",
    "!quant.uniform<i8<-127:127>:f32, 0.5>": "!quant.uniform<i8<-127:127>:f32, 5.000000e-01>",
    "!quant.uniform<i8<-128:127>:f32, 0.5:0>": "!quant.uniform<i8:f32, 5.000000e-01>",
    "!quant.uniform<u8:f32, 1.0:3>": "!quant.uniform<u8:f32, 1.000000e+00:3>",
    "!quant.uniform<i4:bf16:1, { 1.0 : -2, 0.1 }>": "!quant.uniform<i4:bf16:1, {1.000000e+00:-2,1.000000e-01}>",
    "!quant.any<i8>": "!quant.any<i8>",
}


@pytest.mark.parametrize(("given", "printed"), TYPES.items())
def test_text(given: str, printed: str) -> None:
    text = str(parse(f"func.func @main(%a: tensor<2x2x{given}>) {{ return }}"))
    assert f"tensor<2x2x{printed}>" in text
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("i8:f32:-1, {1.0}", "illegal quantized dimension: -1"),
        ("i8<-200:127>:f32, 1.0", "illegal storage type minimum: -200"),
        ("i8<5:5>:f32, 1.0", "illegal storage type maximum: 5"),
        ("i8:f32, 0.0", "illegal scale"),
        ("i8:f32, 1.0e300", "scale out of expressed type range"),
        ("i64:f32, 1.0", "illegal storage type size: 64"),
    ],
)
def test_broken_type_is_refused_where_it_stands(given: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        parse(f"func.func @main(%a: tensor<2x!quant.uniform<{given}>>) {{ return }}")
    assert caught.value.line == 1


def run(body: str, *arrays: np.ndarray) -> np.ndarray:
    return interpret(parse(f"func.func @main({body}\n}}"), *arrays)[0]


def test_quantize_rounds_to_even_and_saturates() -> None:
    q = "!quant.uniform<i8:f32, 5.000000e-01:1>"
    found = run(
        f"""%x: tensor<5xf32>) -> tensor<5xf32> {{
        %0 = stablehlo.uniform_quantize %x : (tensor<5xf32>) -> tensor<5x{q}>
        %1 = stablehlo.uniform_dequantize %0 : (tensor<5x{q}>) -> tensor<5xf32>
        return %1 : tensor<5xf32>""",
        np.array([0.25, 0.75, -1000.0, 1000.0, np.nan], np.float32),
    )
    # Stored: 2 (1.5 to even), 2 (2.5 to even), -128, 127, 0.
    assert found.tolist() == [0.5, 0.5, -64.5, 63.0, -0.5]


def test_arithmetic_rounds_once_into_the_result_type() -> None:
    a, b, c = (f"!quant.uniform<i8:f32, {s}>" for s in ("5.000000e-01", "2.500000e-01:4", "2.000000e+00:-3"))
    found = run(
        f"""%x: tensor<2xf32>) -> tensor<2xf32> {{
        %0 = stablehlo.uniform_quantize %x : (tensor<2xf32>) -> tensor<2x{a}>
        %1 = stablehlo.uniform_quantize %x : (tensor<2xf32>) -> tensor<2x{b}>
        %2 = stablehlo.multiply %0, %1 : (tensor<2x{a}>, tensor<2x{b}>) -> tensor<2x{c}>
        %3 = stablehlo.uniform_dequantize %2 : (tensor<2x{c}>) -> tensor<2xf32>
        return %3 : tensor<2xf32>""",
        np.array([3.0, -4.5], np.float32),
    )
    assert found.tolist() == [10.0, 20.0]


def test_hybrid_product_is_one_of_floats() -> None:
    q = "!quant.uniform<i8:f32:1, {5.000000e-01,2.000000e+00:1}>"
    found = run(
        f"""%x: tensor<1x2xf32>, %y: tensor<2x2xf32>) -> tensor<1x2xf32> {{
        %0 = stablehlo.uniform_quantize %y : (tensor<2x2xf32>) -> tensor<2x2x{q}>
        %1 = stablehlo.dot_general %x, %0, contracting_dims = [1] x [0]
            : (tensor<1x2xf32>, tensor<2x2x{q}>) -> tensor<1x2xf32>
        return %1 : tensor<1x2xf32>""",
        np.array([[1.0, 2.0]], np.float32),
        np.array([[1.4, 5.1], [0.6, -3.2]], np.float32),
    )
    assert found.tolist() == [[1.5 + 2 * 0.5, 6.0 + 2 * -4.0]]


def test_check_names_what_differs() -> None:
    text = """func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) {
      %0 = stablehlo.custom_call @check.eq(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<i1>
      return
    }"""
    same = np.array([1.0, np.nan], np.float32)
    assert interpret(parse(text), same, same) == []
    with pytest.raises(IrcError, match="1 of 2 elements differ"):
        interpret(parse(text), same, np.array([2.0, np.nan], np.float32))


def test_quantized_constant_is_written_as_it_is_stored() -> None:
    text = """func.func @main() -> tensor<2xf32> {
      %0 = stablehlo.constant() {value = dense<[1, 2]> : tensor<2xi8>} : () -> tensor<2x!quant.uniform<i8:f32, 2.0:15>>
      %1 = stablehlo.uniform_dequantize %0 : (tensor<2x!quant.uniform<i8:f32, 2.0:15>>) -> tensor<2xf32>
      return %1 : tensor<2xf32>
    }"""
    assert interpret(parse(text))[0].tolist() == [-28.0, -26.0]
    assert str(parse(str(parse(text)))) == str(parse(text))

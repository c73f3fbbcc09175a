"""What is alike in a module is compiled once: equal kernels, and functions of a whole tile."""

from __future__ import annotations

import re

import numpy as np

import irc
from irc.interpreter import interpret

T = "tensor<96x96xf32>"
PRODUCT = f"contracting_dims = [1] x [0] : ({T}, {T}) -> {T}"
LAYERS = f"""
func.func @main(%x: {T}, %a: {T}, %b: {T}) -> ({T}, {T}) {{
  %0 = stablehlo.dot_general %x, %a, {PRODUCT}
  %1 = stablehlo.tanh %0 : {T}
  %2 = stablehlo.dot_general %1, %b, {PRODUCT}
  %3 = stablehlo.tanh %2 : {T}
  %4 = stablehlo.dot_general %b, %3, {PRODUCT}
  %5 = stablehlo.tanh %4 : {T}
  %6 = stablehlo.transpose %5, dims = [1, 0] : ({T}) -> {T}
  return %3, %6 : {T}, {T}
}}
"""


def _bodies(text: str) -> list[str]:
    functions = re.findall(r"^define internal .*?^}", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r'@"[^"]*"', "@", function, count=1) for function in functions]


def test_no_two_functions_of_a_module_are_equal() -> None:
    bodies = _bodies(irc.compile_module(irc.parse(LAYERS)).stages["llvm"])
    assert len(bodies) == len(set(bodies)) and bodies


def test_a_function_of_a_tile_stands_once() -> None:
    """A tile of a product has two dozen registers; what is done to them is right, and written out once."""
    program = irc.compile_module(irc.parse(LAYERS))
    text = program.stages["llvm"]
    assert len(re.findall(r'^define internal <\d+ x float> @"math.tanh', text, re.MULTILINE)) == 1
    assert len(re.findall(r'call <\d+ x float> @"math.tanh', text)) >= 8
    arrays = [np.random.default_rng(i).standard_normal((96, 96), dtype=np.float32) for i in range(3)]
    for made, expected in zip(program(*arrays), interpret(irc.parse(LAYERS), *arrays), strict=True):
        np.testing.assert_allclose(made, expected, rtol=2e-4, atol=2e-5)

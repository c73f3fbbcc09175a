"""What has no lowering is refused by name, at its line."""

from __future__ import annotations

import re

import pytest

from irc.dialects.builtin import parse
from irc.driver import compile_module
from irc.errors import UnsupportedError

REFUSED = {
    "@f, which calls itself": """
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}""",
    "@f, which has no body": """
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @f(tensor<f32>) -> tensor<f32>""",
    "unknown extents": """
func.func @main(%n: tensor<1xi32>, %x: tensor<f32>) -> tensor<?xf32> {
  %0 = stablehlo.dynamic_broadcast_in_dim %x, %n, dims = [] : (tensor<f32>, tensor<1xi32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}""",
    "'stablehlo.map' cannot be part": """
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "stablehlo.map"(%x) ({
    ^bb0(%a: tensor<f32>):
      %c = stablehlo.constant dense<8.0> : tensor<f32>
      %r = stablehlo.while(%i = %a) : tensor<f32> cond {
        %p = stablehlo.compare LT, %i, %c : (tensor<f32>, tensor<f32>) -> tensor<i1>
        stablehlo.return %p : tensor<i1>
      } do {
        %q = stablehlo.add %i, %c : tensor<f32>
        stablehlo.return %q : tensor<f32>
      }
      stablehlo.return %r : tensor<f32>
  }) {dimensions = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}""",
    "'stablehlo.reshape' inside a reduction's body": """
func.func @main(%x: tensor<3x5xf32>, %v: tensor<f32>) -> tensor<3xf32> {
  %0 = "stablehlo.reduce"(%x, %v) ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = stablehlo.reshape %a : (tensor<f32>) -> tensor<1xf32>
      %e = stablehlo.reshape %b : (tensor<f32>) -> tensor<1xf32>
      %f = stablehlo.concatenate %c, %e, dim = 0 : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
      %d = stablehlo.reduce(%f init: %v) applies stablehlo.maximum across dimensions = [0] : (tensor<2xf32>, tensor<f32>) -> tensor<f32>
      %r = stablehlo.add %d, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
  }) {dimensions = array<i64: 1>} : (tensor<3x5xf32>, tensor<f32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}""",
    "values of type !stablehlo.token": """
func.func @main(%x: tensor<f32>) -> (tensor<f32>, !stablehlo.token) {
  %0 = stablehlo.create_token : !stablehlo.token
  return %x, %0 : tensor<f32>, !stablehlo.token
}""",
    "'stablehlo.rng'": """
func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> tensor<4xf32> {
  %n = stablehlo.constant dense<4> : tensor<1xi64>
  %0 = stablehlo.rng %a, %b, %n, distribution = UNIFORM : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}""",
    "'stablehlo.set_dimension_size'": """
func.func @main(%x: tensor<4xf32>, %n: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.set_dimension_size %x, %n, dim = 0 : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}""",
    "'chlo.next_after'": """
func.func @main(%x: tensor<4xf8E4M3FN>, %y: tensor<4xf8E4M3FN>) -> tensor<4xf8E4M3FN> {
  %0 = chlo.next_after %x, %y : tensor<4xf8E4M3FN>, tensor<4xf8E4M3FN> -> tensor<4xf8E4M3FN>
  return %0 : tensor<4xf8E4M3FN>
}""",
    "'stablehlo.custom_call @lapack_sgees_ffi'": """
func.func @main(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = stablehlo.custom_call @lapack_sgees_ffi(%x) : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}""",
    "'stablehlo.custom_call @ApproxTopK'": """
func.func @main(%x: tensor<8xf32>) -> tensor<2xf32> {
  %0 = stablehlo.custom_call @ApproxTopK(%x) : (tensor<8xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}""",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refusal_names_what_it_is(reason: str) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(reason)) as refusal:
        compile_module(parse(REFUSED[reason], "refused.mlir"))
    assert refusal.value.line is not None or "extents" in reason or "token" in reason

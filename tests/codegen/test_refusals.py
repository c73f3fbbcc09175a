"""What has no lowering is refused by name, at its line."""

from __future__ import annotations

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
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refusal_names_what_it_is(reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        compile_module(parse(REFUSED[reason]))

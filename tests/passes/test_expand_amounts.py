"""Padding, slicing and convolution by amounts computed when running: the expansion gives what the op gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import irc

AMOUNT = st.integers(-2, 3)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_padding(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=2))
    low, high = (data.draw(st.lists(AMOUNT, min_size=2, max_size=2)) for _ in range(2))
    interior = data.draw(st.lists(st.integers(0, 2), min_size=2, max_size=2))
    out = [n + a + b + max(n - 1, 0) * i for n, a, b, i in zip(shape, low, high, interior, strict=True)]
    if min(out) < 0:
        return
    source, target = (f"tensor<{s[0]}x{s[1]}xf32>" for s in (shape, out))
    text = f"""func.func @main(%x: {source}, %v: tensor<f32>, %l: tensor<2xi32>, %h: tensor<2xi32>, %i: tensor<2xi32>) -> {target} {{
  %0 = stablehlo.dynamic_pad %x, %v, %l, %h, %i : ({source}, tensor<f32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> {target}
  return %0 : {target}
}}"""
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    arrays = [x, np.float32(-1), *(np.array(a, np.int32) for a in (low, high, interior))]
    check(text, arrays)


@pytest.mark.parametrize("starts", [(0, 1), (2, 0)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_slicing(starts: tuple[int, int], strides: tuple[int, int]) -> None:
    limits = [a + 2 * s for a, s in zip(starts, strides, strict=True)]
    text = """func.func @main(%x: tensor<8x9xi16>, %a: tensor<2xi64>, %b: tensor<2xi64>, %s: tensor<2xi64>) -> tensor<2x2xi16> {
  %0 = stablehlo.real_dynamic_slice %x, %a, %b, %s : (tensor<8x9xi16>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2xi16>
  return %0 : tensor<2x2xi16>
}"""
    x = np.arange(72, dtype=np.int16).reshape(8, 9)
    check(text, [x, *(np.array(a, np.int64) for a in (starts, limits, strides))])


def check(text: str, arrays: list[np.ndarray]) -> None:
    module = irc.parse(text)
    (wanted,) = irc.interpret(module, *arrays)
    (found,) = irc.compile_module(module)(*arrays)
    assert found.tobytes() == wanted.tobytes()
    assert found.shape == wanted.shape

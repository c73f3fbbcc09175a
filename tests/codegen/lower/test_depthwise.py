"""Depthwise convolutions of padded images: one kernel, with the bits of padding first."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.codegen.lower import lower_group
from irc.codegen.schedule.machine import GRID


def depthwise(
    image: tuple[int, int, int, int],
    size: int,
    stride: int,
    pad: tuple[int, int],
    dilation: int = 1,
    element: str = "f32",
) -> irc.Module:
    """A convolution, a bias and relu."""
    n, h, w, c = image
    reach = dilation * (size - 1) + 1
    rows, columns = ((m + sum(pad) - reach) // stride + 1 for m in (h, w))
    x, k, r, v = (
        f"tensor<{'x'.join(map(str, s))}x{element}>"
        for s in (image, (size, size, 1, c), (n, rows, columns, c), (c,))
    )
    edges = f"[{pad[0]}, {pad[1]}]"
    return irc.parse(f"""func.func @main(%x: {x}, %k: {k}, %b: {v}) -> {r} {{
  %r = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{stride = [{stride}, {stride}], pad = [{edges}, {edges}], rhs_dilate = [{dilation}, {dilation}]}}
    {{batch_group_count = 1 : i64, feature_group_count = {c} : i64}} : ({x}, {k}) -> {r}
  %bias = stablehlo.broadcast_in_dim %b, dims = [3] : ({v}) -> {r}
  %sum = stablehlo.add %r, %bias : {r}
  %zero = stablehlo.constant dense<0.0> : {r}
  %m = stablehlo.maximum %sum, %zero : {r}
  return %m : {r}
}}""")


CASES = {
    "channels of whole panels": ((2, 9, 11, 64), 3, 1, (1, 1)),
    "a vector and a half": ((1, 7, 7, 24), 3, 1, (1, 1)),
    "few channels, many pixels": ((1, 12, 37, 5), 3, 1, (1, 1)),
    "steps": ((2, 10, 12, 17), 3, 2, (1, 1)),
    "padded at one side, as of an even image": ((1, 14, 14, 48), 3, 2, (0, 1)),
    "5x5": ((1, 8, 8, 40), 5, 1, (2, 2)),
    "windows larger than the image": ((1, 3, 3, 32), 5, 1, (2, 2)),
    "dilated": ((1, 9, 8, 16), 3, 1, (2, 3), 2),
    "tickets": ((8, 24, 24, 40), 3, 1, (1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bits_are_those_of_a_padded_image(name: str) -> None:
    module = depthwise(*CASES[name])
    rng = np.random.default_rng(4)
    given = [
        rng.standard_normal(v.type.static_shape, dtype=np.float32) for v in module.symbols["main"].arguments
    ]
    given[1].flat[[3, -1]] = np.inf  # times the padding's zeros is no number
    program = irc.compile_module(module)
    assert 'irc.kind = "depthwise"' in program.stages.text("kernel")
    (found,), (expected,) = program(*given), irc.interpret(module, *given)
    assert np.isnan(found).any()
    np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))


def test_what_the_kernel_does_not_take_is_padded_in_memory() -> None:
    """Other element types, and grids: there, what the fused function pads is stored between two kernels."""
    halves = irc.compile_module(depthwise((1, 9, 11, 32), 3, 1, (1, 1), element="f16"))
    assert "depthwise" not in halves.stages.text("fused")
    fused = irc.parse(irc.compile_module(depthwise((1, 9, 11, 32), 3, 1, (1, 1))).stages.text("fused"))
    (func,) = (f for name, f in fused.symbols.items() if name != "main")
    group = lower_group(func, None, GRID)
    assert len(group.functions) == 2 and [t.shape for t in group.scratch] == [(1, 11, 13, 32)]


def test_a_sum_with_what_dies_is_written_over_it() -> None:
    t = "tensor<1x12x12x32xf32>"
    module = irc.parse(f"""func.func @main(%x: {t}, %k: tensor<3x3x1x32xf32>) -> {t} {{
  %w = stablehlo.reverse %x, dims = [1] : {t}
  %y = stablehlo.multiply %w, %w : {t}
  %r = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{pad = [[1, 1], [1, 1]]}} {{batch_group_count = 1 : i64, feature_group_count = 32 : i64}}
    : ({t}, tensor<3x3x1x32xf32>) -> {t}
  %s = stablehlo.add %r, %y : {t}
  %u = stablehlo.negate %s : {t}
  %v = stablehlo.reverse %u, dims = [1] : {t}
  return %v : {t}
}}""")
    rng = np.random.default_rng(5)
    given = [rng.standard_normal(s, dtype=np.float32) for s in ((1, 12, 12, 32), (3, 3, 1, 32))]
    (found,), (expected,) = irc.compile_module(module)(*given), irc.interpret(module, *given)
    np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))

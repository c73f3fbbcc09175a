"""Reductions of tall arrays by columns: lanes of all columns at once, with the bits of the tree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import irc


def sums(shape: Sequence[int], over: Sequence[int], kind: str = "add") -> irc.Module:
    """Two reductions that share an operand, over some dimensions, and their sum."""
    kept = [n for i, n in enumerate(shape) if i not in over]
    t, r = (f"tensor<{'x'.join(map(str, [*s, 'f32']))}>" for s in (shape, kept))
    reduce = f"applies stablehlo.{kind} across dimensions = {list(over)} : ({t}, tensor<f32>) -> {r}"
    return irc.parse(f"""func.func @main(%x: {t}, %y: {t}) -> ({r}, {r}) {{
  %half = stablehlo.constant dense<0.5> : tensor<f32>
  %m = stablehlo.multiply %x, %y : {t}
  %a = stablehlo.reduce(%m init: %half) {reduce}
  %b = stablehlo.reduce(%x init: %half) {reduce}
  %c = stablehlo.add %a, %b : {r}
  return %c, %b : {r}, {r}
}}""")


CASES = {
    "rows follow each other": ((1000, 600), (0,), "add"),
    "a few columns": ((70000, 10), (0,), "add"),
    "a block and a part": ((4196, 200), (0,), "add"),
    "blocks, and a part of one lane more": ((4096 * 3 + 65, 77), (0,), "maximum"),
    "a part shorter than the lanes": ((8202, 96), (0,), "add"),
    "columns of a batch": ((3, 700, 500), (1,), "add"),
    "blocks of a batch": ((2, 4500, 130), (1,), "add"),
    "several dimensions as one": ((4, 40, 40, 99), (0, 1, 2), "multiply"),
}


@pytest.mark.parametrize("name", CASES)
def test_bits_are_those_of_the_tree(name: str) -> None:
    shape, over, kind = CASES[name]
    module = sums(shape, over, kind)
    rng = np.random.default_rng(2)
    given = [rng.standard_normal(shape, dtype=np.float32) for _ in "xy"]
    for found, expected in zip(
        irc.compile_module(module)(*given), irc.interpret(module, *given), strict=True
    ):
        np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))


def test_tall_arrays_are_read_once() -> None:
    """Both reductions are one pass: one kernel writes 64 lanes of each, which the last one takes."""
    kernels = irc.compile_module(sums((1024, 600), (0,))).stages.text("kernel")
    assert kernels.count("memref<64x600xf32>") >= 4
    assert "memref<64x600xf32>" not in irc.compile_module(sums((256, 600), (0,))).stages.text("kernel")


def test_long_rows_are_read_in_order() -> None:
    module = sums((5, 4096 * 2 + 1000), (1,))
    rng = np.random.default_rng(3)
    given = [rng.standard_normal((5, 4096 * 2 + 1000), dtype=np.float32) for _ in "xy"]
    for found, expected in zip(
        irc.compile_module(module)(*given), irc.interpret(module, *given), strict=True
    ):
        np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))

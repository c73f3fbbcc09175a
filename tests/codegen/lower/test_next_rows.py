"""Rows that come from memory are asked for while the row before them is computed."""

from __future__ import annotations

import numpy as np

import irc


def centred(rows: int, columns: int) -> irc.Module:
    """Rows less their greatest elements, over their sums: three passes over a row."""
    t, r = f"tensor<{rows}x{columns}xf32>", f"tensor<{rows}xf32>"
    return irc.parse(f"""func.func @main(%x: {t}) -> {t} {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %m = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : ({t}, tensor<f32>) -> {r}
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : ({r}) -> {t}
  %d = stablehlo.subtract %x, %mb : {t}
  %s = stablehlo.reduce(%d init: %zero) applies stablehlo.add across dimensions = [1] : ({t}, tensor<f32>) -> {r}
  %sb = stablehlo.broadcast_in_dim %s, dims = [0] : ({r}) -> {t}
  %q = stablehlo.divide %d, %sb : {t}
  return %q : {t}
}}""")


def test_bits_and_where_it_is_worth_it() -> None:
    module = centred(900, 700)
    program = irc.compile_module(module)
    x = np.random.default_rng(6).standard_normal((900, 700), dtype=np.float32)
    (found,), (expected,) = program(x), irc.interpret(module, x)
    np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))
    assert "memref.prefetch" in program.stages.text("kernel")
    assert "memref.prefetch" not in irc.compile_module(centred(200, 700)).stages.text("kernel")

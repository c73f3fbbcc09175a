"""Big results are written past the caches, where their lines are whole, wherever the caller's memory begins."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.codegen.lower.nest import STREAM_BYTES

HINT = "nontemporal"


def program(text: str) -> irc.Executable:
    return irc.compile_module(irc.parse(text))


def doubled(shape: tuple[int, ...]) -> str:
    t = f"tensor<{'x'.join(map(str, shape))}xf32>"
    return f"func.func @main(%x: {t}) -> {t} {{\n %0 = stablehlo.add %x, %x : {t}\n return %0 : {t}\n}}"


def turned(shape: tuple[int, int]) -> str:
    t, r = (f"tensor<{a}x{b}xf32>" for a, b in (shape, shape[::-1]))
    op = f"stablehlo.transpose %x, dims = [1, 0] : ({t}) -> {r}"
    return f"func.func @main(%x: {t}) -> {r} {{\n %0 = {op}\n return %0 : {r}\n}}"


def centered(shape: tuple[int, int]) -> str:
    t, r = f"tensor<{shape[0]}x{shape[1]}xf32>", f"tensor<{shape[0]}xf32>"
    reduce = f"applies stablehlo.maximum across dimensions = [1] : ({t}, tensor<f32>) -> {r}"
    return f"""func.func @main(%x: {t}) -> {t} {{
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %m = stablehlo.reduce(%x init: %low) {reduce}
  %b = stablehlo.broadcast_in_dim %m, dims = [0] : ({r}) -> {t}
  %0 = stablehlo.subtract %x, %b : {t}
  return %0 : {t}
}}"""


BIG = (STREAM_BYTES // 4 // 1024, 1024)
CASES = {
    "loop": (doubled(BIG), lambda x: x + x),
    "row": (centered(BIG), lambda x: x - x.max(1, keepdims=True)),
}


@pytest.mark.parametrize("offset", [0, 4, 32], ids=lambda n: f"{n} bytes past a line")
@pytest.mark.parametrize("name", CASES)
def test_results_are_the_same_wherever_memory_begins(name: str, offset: int) -> None:
    text, expected = CASES[name]
    made = irc.compile_module(irc.parse(text), donate=[0])
    assert HINT in made.stages.text("kernel")
    x = np.random.default_rng(0).standard_normal(BIG, dtype=np.float32)
    room = np.zeros(x.nbytes + 128, np.uint8)
    begin = -room.__array_interface__["data"][0] % 64 + offset
    given = room[begin : begin + x.nbytes].view(np.float32).reshape(BIG)
    given[...] = x
    (found,) = made(given)
    assert found is given
    np.testing.assert_array_equal(found, expected(x))


def test_a_transpose_goes_past_the_caches() -> None:
    made = program(turned(BIG))
    assert HINT in made.stages.text("kernel")
    x = np.random.default_rng(0).standard_normal(BIG, dtype=np.float32)
    np.testing.assert_array_equal(made(x)[0], x.T)


@pytest.mark.parametrize("shape", [(BIG[0] - 1, 1024), (BIG[0], 1030)], ids=["small", "rows of broken lines"])
def test_other_results_stay_in_the_caches(shape: tuple[int, int]) -> None:
    assert HINT not in program(turned(shape[::-1])).stages.text("kernel")

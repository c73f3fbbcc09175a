"""Steady right sides: packed once, out of loops and out of calls, with the bits that the product has without."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc
from irc.driver import PIPELINE, compile_text
from irc.passes.manager import run_pipeline

WITHOUT = PIPELINE.replace("pack,", "").replace("prepare,", "")

X, W, V = "tensor<16x256xf32>", "tensor<256x320xf32>", "tensor<256x320xf32>"
LOOP = f"""
func.func @main(%x: {X}, %w: {W}, %v: {V}) -> {X} {{
  %c0 = stablehlo.constant dense<0> : tensor<i32>
  %r:4 = stablehlo.while(%i = %c0, %h = %x, %a = %w, %b = %v) : tensor<i32>, {X}, {W}, {V}
  cond {{
    %n = stablehlo.constant dense<3> : tensor<i32>
    %0 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %0 : tensor<i1>
  }} do {{
    %1 = stablehlo.constant dense<1> : tensor<i32>
    %j = stablehlo.add %i, %1 : tensor<i32>
    %y = stablehlo.dot_general %h, %a, contracting_dims=[1] x [0] : ({X}, {W}) -> tensor<16x320xf32>
    %t = stablehlo.tanh %y : tensor<16x320xf32>
    %g = stablehlo.dot_general %t, %b, contracting_dims=[1] x [1] : (tensor<16x320xf32>, {V}) -> {X}
    stablehlo.return %j, %g, %a, %b : tensor<i32>, {X}, {W}, {V}
  }}
  return %r#1 : {X}
}}
"""


def _arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.standard_normal(s) / 16).astype(np.float32) for s in shapes]


def test_a_loop_packs_its_weights_before_it() -> None:
    """Both orientations; the panels of 320 features are 5 of 64, those of 256 are 4."""
    module = irc.parse(LOOP)
    made = irc.compile_module(module)
    text = made.stages["fused"]
    before, inside = text.split("stablehlo.while", 1)
    inside = inside.split("return %", 1)[0]
    assert before.count("call @fused_transpose") == 2 and "transpose" not in inside
    assert set(re.findall(r"tensor<\d+x\d+x64xf32>", before)) == {
        "tensor<5x256x64xf32>",
        "tensor<4x320x64xf32>",
    }
    arrays = _arrays((16, 256), (256, 320), (256, 320))
    plain = irc.compile_module(module, pipeline=WITHOUT)
    assert "irc.packed" in text and "irc.packed" not in plain.stages["fused"]
    np.testing.assert_array_equal(made(*arrays)[0], plain(*arrays)[0])
    np.testing.assert_array_equal(compile_text(text)(*arrays)[0], made(*arrays)[0])
    np.testing.assert_allclose(irc.interpret(irc.parse(text), *arrays)[0], made(*arrays)[0], atol=1e-5)


def test_many_products_with_one_weight_share_its_panels() -> None:
    """A Python loop recorded turn by turn packs once; a few products do not pack at all."""

    def text(turns: int) -> str:
        lines = [
            f"%h{i + 1} = stablehlo.dot_general %h{i}, %w, contracting_dims=[1] x [1] : "
            "(tensor<4x64xf32>, tensor<64x64xf32>) -> tensor<4x64xf32>"
            for i in range(turns)
        ]
        body = "\n".join(lines)
        return f"func.func @main(%h0: tensor<4x64xf32>, %w: tensor<64x64xf32>) -> tensor<4x64xf32> {{\n{body}\nreturn %h{turns} : tensor<4x64xf32>\n}}"

    packed = irc.compile_module(irc.parse(text(8)))
    assert packed.stages["fused"].count("stablehlo.transpose %w") == 1
    assert "irc.packed" not in irc.compile_module(irc.parse(text(2))).stages["fused"]
    arrays = _arrays((4, 64), (64, 64))
    plain = irc.compile_module(irc.parse(text(8)), pipeline=WITHOUT)
    np.testing.assert_array_equal(packed(*arrays)[0], plain(*arrays)[0])


DENSE = """
func.func @main(%x: tensor<5x96xf32>, %w: tensor<160x96xf32>, %b: tensor<160xf32>) -> tensor<5x160xf32> {
  %y = stablehlo.dot_general %x, %w, contracting_dims=[1] x [1] : (tensor<5x96xf32>, tensor<160x96xf32>) -> tensor<5x160xf32>
  %c = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<160xf32>) -> tensor<5x160xf32>
  %t = stablehlo.add %y, %c : tensor<5x160xf32>
  return %t : tensor<5x160xf32>
}
"""


def _convolution(size: int, stride: int, channels: int, features: int) -> str:
    out = -(-8 // stride)
    pad = size // 2
    x, w = f"tensor<2x{channels}x8x8xf32>", f"tensor<{features}x{channels}x{size}x{size}xf32>"
    y = f"tensor<2x{features}x{out}x{out}xf32>"
    window = f"{{stride = [{stride}, {stride}], pad = [[{pad}, {pad}], [{pad}, {pad}]]}}"
    return (
        f"func.func @main(%x: {x}, %w: {w}) -> {y} {{\n"
        f"%0 = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {window} "
        f"{{batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : ({x}, {w}) -> {y}\nreturn %0 : {y}\n}}"
    )


PROGRAMS: list[tuple[str, str, list[tuple[int, ...]], list[int]]] = [
    ("dense", DENSE, [(5, 96), (160, 96), (160,)], [1, 2]),
    ("1x1", _convolution(1, 1, 48, 96), [(2, 48, 8, 8), (96, 48, 1, 1)], [1]),
    ("3x3 strided", _convolution(3, 2, 16, 128), [(2, 16, 8, 8), (128, 16, 3, 3)], [1]),
    ("5x5", _convolution(5, 1, 3, 80), [(2, 3, 8, 8), (80, 3, 5, 5)], [1]),
]


@pytest.mark.parametrize(("name", "text", "shapes", "keep"), PROGRAMS, ids=[p[0] for p in PROGRAMS])
def test_kept_arguments_are_prepared_apart(
    name: str, text: str, shapes: list[tuple[int, ...]], keep: list[int]
) -> None:
    """A call prepares, a bound call has prepared: both give the bits of a program that keeps nothing."""
    module = irc.parse(text)
    arrays = _arrays(*shapes)
    want = irc.compile_module(module)(*arrays)[0]
    made = irc.compile_module(module, keep=keep)
    assert made.preparation is not None and "@prepare" in made.stages["fused"]
    main = made.stages["fused"].partition("func.func @prepare")[0].partition("func.func private")[0]
    assert "irc.packed" in made.stages["fused"] and "fused_transpose(%w" not in main
    np.testing.assert_array_equal(made(*arrays)[0], want)
    bound = made.bind({i: arrays[i] for i in keep})
    for _ in range(2):
        np.testing.assert_array_equal(bound(arrays[0])[0], want)
    out = np.empty_like(want)
    made(*arrays, out=[out])
    np.testing.assert_array_equal(out, want)
    forms = made.preparation.stamp.outputs
    plan = made.memory_plan
    assert plan.input_bytes == sum(a.nbytes for a in arrays) + sum(t.nbytes for t in forms)


def test_all_that_is_kept_is_bound() -> None:
    made = irc.compile_module(irc.parse(DENSE), keep=[1, 2])
    x, w, b = _arrays((5, 96), (160, 96), (160,))
    with pytest.raises(ValueError, match="keeps argument 2"):
        made.bind({1: w})
    with pytest.raises(TypeError, match="1 arguments are not bound, 2 are given"):
        made.bind({1: w, 2: b})(x, w)
    plain = irc.compile_module(irc.parse(DENSE))
    np.testing.assert_array_equal(plain.bind({0: x})(w, b)[0], plain(x, w, b)[0])


def test_a_preparation_comes_from_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IRC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("IRC_CACHE", raising=False)
    arrays = _arrays((5, 96), (160, 96), (160,))
    first = irc.compile_module(irc.parse(DENSE), keep=[1, 2])
    again = irc.compile_module(irc.parse(DENSE), keep=[1, 2])
    assert "disk" in again.timings and "passes" not in again.timings
    assert again.preparation is not None and "llvm" not in again.preparation.timings
    np.testing.assert_array_equal(again(*arrays)[0], first(*arrays)[0])


def test_a_constant_weight_is_packed_while_compiling() -> None:
    (w,) = _arrays((96, 160))
    text = DENSE.replace(", %w: tensor<160x96xf32>", "").replace(
        "%y =", f'%w = stablehlo.constant dense<"0x{w.T.tobytes().hex().upper()}"> : tensor<160x96xf32>\n%y ='
    )
    fused: Any = run_pipeline(irc.parse(text), PIPELINE)
    assert (
        "irc.packed" in str(fused)
        and "stablehlo.transpose" not in str(fused).partition("func.func private")[0]
    )
    x, b = _arrays((5, 96), (160,))
    want = irc.compile_module(irc.parse(DENSE))(x, np.ascontiguousarray(w.T), b)[0]
    np.testing.assert_array_equal(irc.compile_module(irc.parse(text))(x, b)[0], want)

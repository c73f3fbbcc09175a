"""Winograd's convolution: the composite stands for its decomposition to the bit, and is as near to the exact sums as the
convolution that it replaces."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.driver import compile_text, stamped, target_of
from irc.passes.manager import run_pipeline

CASES = (
    (1, 26, 26, 32, 64, (1, 1)),  # two panels' worth of rows, a last ticket that is shorter
    (2, 17, 19, 32, 48, (1, 1)),  # odd extents
    (3, 16, 18, 48, 32, (0, 0)),
    (1, 31, 30, 64, 80, (1, 0)),  # lanes of 16
    (1, 3, 300, 32, 32, (1, 1)),  # no tile lies inside
    (1, 24, 24, 512, 32, (1, 1)),  # so many channels that few tiles fit
)


def text(
    case: tuple[int, int, int, int, int, tuple[int, int]],
    weights: np.ndarray | None = None,
    tail: bool = False,
) -> str:
    n, h, w, c, k, (low, high) = case
    x, g = f"tensor<{n}x{h}x{w}x{c}xf32>", f"tensor<3x3x{c}x{k}xf32>"
    y = f"tensor<{n}x{h + low + high - 2}x{w + low + high - 2}x{k}xf32>"
    head = f"%x: {x}, %w: {g}, %b: tensor<{k}xf32>"
    lines = []
    if weights is not None:
        head = f"%x: {x}, %b: tensor<{k}xf32>"
        lines.append(f'%w = stablehlo.constant dense<"0x{weights.tobytes().hex().upper()}"> : {g}')
    lines.append(
        "%0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
        f"window = {{pad = [[{low}, {high}], [{low}, {high}]]}} "
        f"{{batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : ({x}, {g}) -> {y}"
    )
    if tail:
        lines += [
            f"%1 = stablehlo.broadcast_in_dim %b, dims = [3] : (tensor<{k}xf32>) -> {y}",
            f"%2 = stablehlo.add %0, %1 : {y}",
            f"%z = stablehlo.constant dense<0.0> : {y}",
            f"%3 = stablehlo.maximum %2, %z : {y}",
        ]
    body = "\n  ".join(lines)
    return f"func.func @main({head}) -> {y} {{\n  {body}\n  return {'%3' if tail else '%0'} : {y}\n}}"


def arrays(case: tuple[int, int, int, int, int, tuple[int, int]]) -> list[np.ndarray]:
    n, h, w, c, k, _ = case
    rng = np.random.default_rng(c)
    return [rng.standard_normal(s, dtype=np.float32) for s in ((n, h, w, c), (3, 3, c, k), (k,))]


def transformed(source: str) -> irc.Module:
    return run_pipeline(irc.parse(source), "layout,canonicalize,winograd")


def exact(x: np.ndarray, w: np.ndarray, pad: tuple[int, int]) -> np.ndarray:
    wide = np.pad(x.astype(np.float64), ((0, 0), pad, pad, (0, 0)))
    h, v = wide.shape[1] - 2, wide.shape[2] - 2
    taps = [wide[:, i : i + h, j : j + v] @ w[i, j].astype(np.float64) for i in range(3) for j in range(3)]
    return sum(taps)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiled_bits_are_those_of_the_decomposition(case: tuple) -> None:
    source, given = text(case, tail=True), arrays(case)
    module = transformed(source)
    assert "composite" in str(module) and "stablehlo.convolution" not in str(module)
    assert "stablehlo.pad" not in [op.name for op in irc.opt(module, "dce").symbols["main"].walk()]
    (expected,) = irc.interpret(module, *given)
    (found,) = irc.compile_module(irc.parse(source))(*given)
    np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))
    reference = np.maximum(exact(given[0], given[1], case[-1]) + given[2], 0)
    np.testing.assert_allclose(found, reference, atol=1e-5 * np.abs(reference).max())


def test_it_is_as_accurate_as_the_convolution() -> None:
    case = (1, 28, 28, 128, 128, (1, 1))
    x, w, b = arrays(case)
    reference = exact(x, w, case[-1])
    source = text(case)
    (found,) = irc.compile_module(irc.parse(source))(x, w, b)
    direct_pipeline = "inline,layout,canonicalize,dce,fusion"
    (direct,) = irc.compile_module(irc.parse(source), pipeline=direct_pipeline)(x, w, b)
    assert not np.array_equal(found, direct)
    assert np.abs(found - reference).max() <= np.abs(direct - reference).max()


def test_constant_windows_are_transformed_while_compiling() -> None:
    case = CASES[1]
    x, w, b = arrays(case)
    source = text(case, w)
    module = transformed(source)
    assert "stablehlo.multiply" not in [op.name for op in module.symbols["main"].walk()]
    (found,) = irc.compile_module(irc.parse(source))(x, b)
    (given,) = irc.compile_module(irc.parse(text(case)))(x, w, b)
    np.testing.assert_array_equal(found, given)


def test_a_dump_compiles_to_the_same_code() -> None:
    program = irc.compile_module(irc.parse(text(CASES[1], tail=True)))
    again = compile_text(program.stages.text("fused"))
    assert again.stages.text("llvm") == program.stages.text("llvm")


@pytest.mark.parametrize(
    "case",
    [(1, 26, 26, 16, 64, (1, 1)), (1, 26, 26, 64, 36, (1, 1)), (1, 8, 8, 64, 64, (1, 1))],
    ids=["few channels", "features in no panels", "few positions"],
)
def test_what_does_not_pay_stays_a_convolution(case: tuple) -> None:
    assert "composite" not in str(transformed(text(case)))


@pytest.mark.parametrize(
    ("case", "taken"), [((1, 12, 12, 32, 32, (1, 1)), True), ((4, 7, 7, 32, 32, (1, 1)), False)]
)
def test_few_results_pay_where_they_fill_whole_tiles(case: tuple, taken: bool) -> None:
    assert ("irc.winograd" in str(transformed(text(case)))) is taken


def test_programs_for_a_gpu_keep_their_convolutions() -> None:
    module = stamped(irc.parse(text(CASES[0])), target_of("sm_90a"))
    assert "composite" not in str(run_pipeline(module, "layout,canonicalize,winograd"))

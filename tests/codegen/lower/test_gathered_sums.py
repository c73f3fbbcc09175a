"""Sums of gathered rows: one kernel reads the rows where they lie, with the bits of gathering first."""

from __future__ import annotations

import numpy as np
import pytest

import irc

SUM = """
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %r = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [{dim}] : ({g}, tensor<f32>) -> {r}
"""


def gather_sum(
    table: tuple[int, ...],
    indices: tuple[int, ...],
    numbers: str,
    sizes: tuple[int, ...],
    made: tuple[int, ...],
    dim: int,
) -> str:
    t, i, g, r = (
        f"tensor<{'x'.join(map(str, s))}x{e}>"
        for s, e in ((table, "f32"), (indices, "i32"), (made, "f32"), (made[:dim] + made[dim + 1 :], "f32"))
    )
    slices = ", ".join(map(str, sizes))
    return (
        f"func.func @main(%t: {t}, %i: {i}) -> {r} {{\n"
        f'  %g = "stablehlo.gather"(%t, %i) <{{dimension_numbers = #stablehlo.gather<{numbers}>, '
        f"slice_sizes = array<i64: {slices}>}}> : ({t}, {i}) -> {g}"
        + SUM.format(dim=dim, g=g, r=r)
        + f"  return %r : {r}\n}}"
    )


CASES = {
    "rows of a table": gather_sum(
        (40, 48), (5, 90, 1), "offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2",
        (1, 48), (5, 90, 48), 1,
    ),
    "as many rows as lanes": gather_sum(
        (40, 64), (3, 64), "offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2",
        (1, 64), (3, 64, 64), 1,
    ),
    "more rows than twice the lanes": gather_sum(
        (40, 48), (5, 200, 1), "offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2",
        (1, 48), (5, 200, 48), 1,
    ),
    "windows that begin in two dimensions": gather_sum(
        (9, 7, 40), (2, 6, 11), "offset_dims = [2], collapsed_slice_dims = [0, 1], start_index_map = [1, 0], index_vector_dim = 0",
        (1, 1, 33), (6, 11, 33), 0,
    ),
    "a table for each of a batch": gather_sum(
        (4, 30, 16), (8, 4, 1),
        "offset_dims = [2], collapsed_slice_dims = [1], operand_batching_dims = [0], start_indices_batching_dims = [1], "
        "start_index_map = [1], index_vector_dim = 2",
        (1, 1, 16), (8, 4, 16), 0,
    ),
    "windows of several rows, which are summed": gather_sum(
        (40, 32), (6, 1), "offset_dims = [1, 2], start_index_map = [0], index_vector_dim = 1", (5, 32), (6, 5, 32), 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bits_are_those_of_gathering_first(name: str) -> None:
    module = irc.parse(CASES[name])
    main = module.symbols["main"]
    table, indices = (v.type.static_shape for v in main.arguments)
    rng = np.random.default_rng(1)
    # Some starts lie outside: they are clamped.
    given = rng.standard_normal(table, dtype=np.float32), rng.integers(-3, 45, indices, dtype=np.int32)
    program = irc.compile_module(module)
    fused = program.stages.text("fused")
    assert fused.count("func.call") + fused.count(" call @") == 1 and 'irc.kind = "row"' in fused
    (found,), (expected,) = program(*given), irc.interpret(module, *given)
    np.testing.assert_array_equal(found.view(np.int32), np.asarray(expected).view(np.int32))


def test_sums_along_the_rows_themselves_are_apart() -> None:
    numbers = "offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2"
    module = irc.parse(gather_sum((40, 48), (5, 9, 1), numbers, (1, 48), (5, 9, 48), 2))
    given = np.ones((40, 48), np.float32), np.zeros((5, 9, 1), np.int32)
    np.testing.assert_array_equal(irc.compile_module(module)(*given)[0], np.full((5, 9), 48, np.float32))


def test_rows_that_come_are_asked_for() -> None:
    """A gathered row of 48 floats is three lines, asked for while an earlier one is read."""
    for name in ("rows of a table", "more rows than twice the lanes"):
        kernels = irc.compile_module(irc.parse(CASES[name])).stages.text("kernel")
        assert kernels.count("memref.prefetch") % 3 == 0 and "memref.prefetch" in kernels

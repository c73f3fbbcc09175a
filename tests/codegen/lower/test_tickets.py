"""How many tickets kernels have: work that is worth a second thread has an even number, of equal sizes."""

from __future__ import annotations

import re

import pytest

import irc


def _tickets(text: str) -> list[int]:
    """Tickets of every forall of the program's kernels."""
    kernels = irc.compile_module(irc.parse(text)).stages["kernel"]
    found = re.findall(r"scf\.forall [^\n]*? (?:in|to) \(([\d, ]+)\)", kernels)
    assert kernels.count("scf.forall") == len(found)
    counts = []
    for bounds in found:
        total = 1
        for bound in bounds.split(","):
            total *= int(bound)
        counts.append(total)
    return counts


def _product(rows: int, depth: int, lanes: int) -> str:
    a, b, c = f"tensor<{rows}x{depth}xf32>", f"tensor<{depth}x{lanes}xf32>", f"tensor<{rows}x{lanes}xf32>"
    return (
        f"func.func @main(%a: {a}, %b: {b}) -> {c} {{\n  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : "
        f"({a}, {b}) -> {c}\n  return %0 : {c}\n}}"
    )


@pytest.mark.parametrize(
    ("rows", "depth", "lanes", "tickets"),
    [
        (32, 32, 32, []),  # not worth waking a thread
        (1, 512, 512, [2]),  # few operations, but a megabyte to read
        (32, 128, 512, [2]),
        (1, 1024, 1000, [4]),  # worth three
    ],
)
def test_small_products(rows: int, depth: int, lanes: int, tickets: list[int]) -> None:
    assert _tickets(_product(rows, depth, lanes)) == tickets


def _convolution(side: int, channels: int) -> str:
    x, w = f"tensor<1x{side}x{side}x{channels}xf32>", f"tensor<3x3x{channels}x{channels}xf32>"
    return f"""func.func @main(%x: {x}, %w: {w}) -> {x} {{
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [0, 0]}}
    {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : ({x}, {w}) -> {x}
  return %0 : {x}
}}"""


def test_convolutions_in_winograds_form() -> None:
    """14 rows of products' tiles are six tickets of two or three, not four of three and one of two."""
    counts = _tickets(_convolution(28, 128))
    assert 6 in counts and all(n % 2 == 0 for n in counts), counts

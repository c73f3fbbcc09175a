"""Products of sizes that are known when they run: small and large ones take different paths, with the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import irc


def product(m: str, n: str, k: str, turned: bool = False) -> str:
    """The text of an m x k by k x n product; where `turned`, the right side is n x k."""
    x, y, out = (f"tensor<{a}x{b}xf32>" for a, b in ((m, k), (n, k) if turned else (k, n), (m, n)))
    return (
        f"func.func @main(%a: {x}, %b: {y}) -> {out} {{\n"
        f"  %r = stablehlo.dot_general %a, %b, contracting_dims = [1] x [{int(turned)}] : ({x}, {y}) -> {out}\n"
        f"  return %r : {out}\n}}"
    )


@pytest.mark.parametrize("m,n,k", [("?", "?", "?"), ("?", "1000", "530")])
def test_every_size_gives_the_bits_of_a_program_of_its_own(m: str, n: str, k: str) -> None:
    program = irc.compile_module(irc.parse(product(m, n, k)))
    random = np.random.default_rng(0)
    for rows in (1, 255, 256, 261):
        for width, depth in ((1000, 530), *(((96, 70), (1001, 600)) if n == "?" else ())):
            x = random.standard_normal((rows, depth), dtype=np.float32)
            y = random.standard_normal((depth, width), dtype=np.float32)
            own = irc.compile_module(irc.parse(product(str(rows), str(width), str(depth))))
            np.testing.assert_array_equal(program(x, y)[0], own(x, y)[0])
            np.testing.assert_allclose(own(x, y)[0], x @ y, rtol=1e-3, atol=1e-3)


def test_only_a_right_side_that_may_be_large_is_packed_when_there_are_many_rows() -> None:
    kernels = [
        irc.compile_module(irc.parse(product("?", n, k))).stages["kernel"]
        for n, k in (("1000", "530"), ("1000", "50"))
    ]
    assert ["scf.if" in text for text in kernels] == [True, False]


@pytest.mark.parametrize(
    "rows,lanes,depth,turned,fetches",
    [
        ("1024", "1024", "1024", False, True),
        ("256", "256", "256", False, False),
        ("1", "1024", "784", True, True),
        ("1", "128", "784", True, False),
    ],
)
def test_what_comes_from_past_the_caches_again_is_fetched_ahead(
    rows: str, lanes: str, depth: str, turned: bool, fetches: bool
) -> None:
    text = irc.compile_module(irc.parse(product(rows, lanes, depth, turned))).stages["kernel"]
    assert ("memref.prefetch" in text) == fetches
    assert ('pack_b = "turn"' in text) == turned


@pytest.mark.parametrize("depth,rows", [("1024", "10"), ("1000", "14")])
def test_rows_that_lie_pages_apart_are_as_few_as_a_cache_has_ways(depth: str, rows: str) -> None:
    text = irc.compile_module(irc.parse(product("12", "512", depth, True))).stages["kernel"]
    assert f"mr = {rows} : i64" in text

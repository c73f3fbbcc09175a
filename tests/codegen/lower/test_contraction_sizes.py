"""Products of sizes that are known when they run: small and large ones take different paths, with the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import irc


def product(m: str, n: str, k: str) -> str:
    """The text of an m x k by k x n product."""
    x, y, out = (f"tensor<{a}x{b}xf32>" for a, b in ((m, k), (k, n), (m, n)))
    return (
        f"func.func @main(%a: {x}, %b: {y}) -> {out} {{\n"
        f"  %r = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : ({x}, {y}) -> {out}\n"
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

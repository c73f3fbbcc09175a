"""Extents over named sizes: arithmetic is that of numbers, bounds hold, and only what bounds decide is decided."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irc.ir.extents import (
    Undecided,
    at,
    bounds,
    ceildiv,
    divided,
    divides,
    greatest,
    least,
    parsed,
    parsed_shape,
    replaced,
    size,
)

N, M = size("n0"), size("n1")
Made = tuple[int, Callable[[dict[str, int]], int]]
"""An extent, and what it must be."""


def grown(below: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    def made(kind: str, x: Made, y: Made, k: int) -> Made:
        (a, f), (b, g) = x, y
        table: dict[str, Made] = {
            "add": (a + b, lambda s: f(s) + g(s)),
            "subtract": (a - b, lambda s: f(s) - g(s)),
            "multiply": (a * b, lambda s: f(s) * g(s)),
            "divide": (a // k, lambda s: f(s) // k),
            "remainder": (a % k, lambda s: f(s) % k),
            "up": (ceildiv(a, k), lambda s: -(-f(s) // k)),
            "greatest": (greatest(a, b), lambda s: max(f(s), g(s))),
            "least": (least(a, b), lambda s: min(f(s), g(s))),
        }
        return table[kind]

    kinds = st.sampled_from(["add", "subtract", "multiply", "divide", "remainder", "up", "greatest", "least"])
    return st.builds(made, kinds, below, below, st.integers(1, 70))


LEAVES = st.one_of(
    st.just((N, lambda s: s["n0"])),
    st.just((M, lambda s: s["n1"])),
    st.integers(-9, 100).map(lambda k: (k, lambda s: k)),
)
EXTENTS = st.recursive(LEAVES, grown, max_leaves=8)
SIZES = st.fixed_dictionaries({"n0": st.integers(1, 5000), "n1": st.integers(1, 5000)})


@given(EXTENTS, SIZES)
def test_arithmetic_is_that_of_numbers(made: Made, sizes: dict[str, int]) -> None:
    extent, wanted = made
    number = wanted(sizes)
    assert at(extent, sizes) == number
    low, high = bounds(extent)
    assert (low is None or low <= number) and (high is None or number <= high)
    assert parsed(str(extent)) == extent
    both = {"n0": sizes["n0"], "n1": 3 * sizes["n0"]}
    assert at(replaced(extent, "n1", 3 * N), both) == wanted(both)


@given(EXTENTS, EXTENTS, SIZES)
def test_what_is_decided_holds_for_every_size(x: Made, y: Made, sizes: dict[str, int]) -> None:
    left, right, a, b = x[0], y[0], at(x[0], sizes), at(y[0], sizes)
    answers = {(lambda: left < right): a < b, (lambda: left >= right): a >= b, (lambda: bool(left)): bool(a)}
    for question, answer in answers.items():
        with suppress(Undecided):
            assert question() == answer
    with suppress(Undecided, ZeroDivisionError):
        assert at(left // right, sizes) == a // b and at(left % right, sizes) == a % b
    exact = divided(left, right)
    if exact is not None and b:
        assert at(exact, sizes) * b == a


def test_exact_divisions_are_seen() -> None:
    assert (784 * N) // 784 == N and (784 * N) // N == 784 and (784 * N) % N == 0
    assert (N * N + 2 * N + 1) // (N + 1) == N + 1
    assert (32 * N + 5) // 32 == N and (32 * N + 5) % 32 == 5
    assert divides(16, 48 * N) and not divides(16, N)
    assert isinstance(N - N, int) and isinstance(N * 0, int)


@pytest.mark.parametrize(
    "question", [lambda: N > 1, lambda: bool(N - 1), lambda: range(N), lambda: N / 2, lambda: N // M, lambda: int(N)]
)  # fmt: skip
def test_what_differs_from_size_to_size_is_not_decided(question: Any) -> None:
    with pytest.raises(Undecided):
        question()


def test_texts_of_shapes() -> None:
    shape = (N, 784, greatest(N, M) * 4 + 3, (N + 7) // 8, N - 1)
    assert parsed_shape(", ".join(map(str, shape))) == shape
    assert str(N - 1) == "n0 + -1" and N != 1 and size("n0") == N

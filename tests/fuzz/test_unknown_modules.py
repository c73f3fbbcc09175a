"""Random modules with an extent made unknown: native code for any size has the bits of code for each."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unknown_modules import check


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 16))
def test_code_for_any_size_has_the_bits_of_code_for_each(seed: int) -> None:
    check(seed)


def test_most_random_modules_have_an_extent_that_may_be_any() -> None:
    assert [check(seed) for seed in (0, 1, 2, 3, 4, 5)].count("same") >= 3

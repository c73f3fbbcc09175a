"""Every operation against PyTorch: shape, dtype, values, and gradients of a weighted sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from operations import CASES, Case

import irc.torch

torch = pytest.importorskip("torch")


def outcome(t: Any, case: Case) -> tuple[Any, str, list[Any]]:
    xs = [t.tensor(a) for a in case.arrays]
    if case.gradient:
        for x in xs:
            x.requires_grad_(True)
    y = case.run(t, *xs)
    gradients = []
    if case.gradient:
        weights = np.random.default_rng(1).standard_normal(tuple(y.shape)).astype(np.float32)
        (y * t.tensor(weights)).sum().backward()
        gradients = [
            np.zeros_like(a) if x.grad is None else x.grad.numpy()
            for x, a in zip(xs, case.arrays, strict=True)
        ]
    return y.detach().numpy(), str(y.dtype), gradients


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_matches_pytorch(case: Case) -> None:
    expected, dtype, expected_gradients = outcome(torch, case)
    value, own_dtype, gradients = outcome(irc.torch, case)
    assert own_dtype == dtype
    assert value.shape == expected.shape
    np.testing.assert_allclose(value, expected, rtol=case.tolerance, atol=case.tolerance)
    for own, theirs in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=10 * case.tolerance, atol=10 * case.tolerance)

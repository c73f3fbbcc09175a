"""A share of `tests/gradients_against_jax.py`, which compares them all."""

from __future__ import annotations

import pytest

pytest.importorskip("jax")

import gradients_against_jax
from gradients_against_jax import outcome
from jax_functions import DIFFERENT, FUNCTIONS

QUICK = [n for n in FUNCTIONS if n.startswith(("jax.numpy", "jax.nn", "jax.lax"))]
SHARE = [*QUICK[::17], *[n for n in QUICK if "linalg" in n][::5], "jax.scipy.special.i1e"]


@pytest.mark.parametrize("name", SHARE)
def test_gradient(name: str) -> None:
    assert outcome(name, "f64", native=False) == DIFFERENT.get(name)


def test_a_wrong_gradient_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients_against_jax, "theirs", lambda case, inputs, _: [x + 1e-4 for x in inputs])
    assert "differs by" in str(outcome("jax.numpy.square", "f32", native=False))

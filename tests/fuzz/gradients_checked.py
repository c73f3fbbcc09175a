"""Gradients of random programs: what finite differences say, and the transposes of what forward mode says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from outcomes import Outcomes
from text_checks import Finding

from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.passes.autodiff import jvp, vjp

Array = np.ndarray[Any, Any]
STEP = 1e-5
TOLERANCE = 1e-4


def is_float(array: Any) -> bool:
    return bool(np.asarray(array).dtype.kind in "fc")


def gradient_of(
    module: Module, arrays: Sequence[Array], notes: Outcomes
) -> tuple[Module, list[Array]] | None:
    """The module with its gradient, and arguments for it; None where an op has none."""
    try:
        reverse = vjp(module)
    except UnsupportedError as e:
        notes.note(f"no gradient: {e.message[:80]}")
        return None
    reverse.verify()
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        results = interpret(module, *arrays)
    cotangents = [_random(rng, r) for r in results if is_float(r)]
    return reverse, [*arrays, *cotangents]


def check_gradient(
    module: Module,
    arrays: Sequence[Array],
    reverse: Module,
    inputs: Sequence[Array],
    notes: Outcomes,
) -> Finding | None:
    """Along a random direction (cotangents of complex numbers are the transpose's): reverse mode, forward mode and finite differences (where they settle) agree. f64 only."""
    rng = np.random.default_rng(1)
    cotangents = inputs[len(arrays) :]
    tangents = [_random(rng, a) for a in arrays if is_float(a)]
    with np.errstate(all="ignore"):
        results = interpret(reverse, *inputs)
        gradients = results[len(results) - len(tangents) :]
        parts = [np.real(g * t) for g, t in zip(gradients, tangents, strict=True)]
        slope = float(sum(p.sum() for p in parts))
        scale = 1 + float(sum(np.abs(p).sum() for p in parts))
        if not np.isfinite(slope):
            notes.note("gradient: not finite")
            return None
        try:
            forward = interpret(jvp(module), *arrays, *tangents)
        except UnsupportedError as e:
            notes.note(f"no forward mode: {e.message[:80]}")
            forward = []
        pushed = _weighted(forward[len(forward) - len(cotangents) :], cotangents) if forward else slope
        if np.isfinite(pushed) and abs(pushed - slope) > 1e-6 * scale:
            return Finding("modes differ", "autodiff", f"forward mode gives {pushed}, reverse mode {slope}")
        found = [_slope(module, arrays, tangents, cotangents, step) for step in (STEP, STEP / 4, STEP * 4)]
    if not all(np.isfinite(f) and abs(f - found[0]) <= TOLERANCE / 10 * scale for f in found):
        notes.note("gradient: finite differences do not settle")
        return None
    if abs(found[0] - slope) > TOLERANCE * scale:
        return Finding(
            "gradient differs", "autodiff", f"finite differences give {found}, reverse mode {slope}"
        )
    notes.note("gradient: finite differences")
    return None


def _slope(
    module: Module,
    arrays: Sequence[Array],
    tangents: Sequence[Array],
    cotangents: Sequence[Array],
    step: float,
) -> float:
    ends = []
    for way in (step, -step):
        left = iter(tangents)
        moved = [a + way * next(left) if is_float(a) else a for a in arrays]
        ends.append([r for r in interpret(module, *moved) if is_float(r)])
    return _weighted([(a - b) / (2 * step) for a, b in zip(*ends, strict=True)], cotangents)


def _weighted(arrays: Sequence[Array], weights: Sequence[Array]) -> float:
    pairs = zip(arrays, weights, strict=True)
    return float(sum(np.real(a * w).sum() for a, w in pairs))


def _random(rng: np.random.Generator, like: Any) -> Array:
    like = np.asarray(like)
    made = rng.standard_normal(like.shape)
    if like.dtype.kind == "c":
        made = made + 1j * rng.standard_normal(like.shape)
    return np.asarray(made).astype(like.dtype)

"""When two results are the same: bit for bit, or as near as two libraries of functions come."""

from __future__ import annotations

from typing import Any

import numpy as np

TOLERANCE = {
    "float16": (2e-3, 1e-3),
    "bfloat16": (2e-2, 1e-2),
    "float32": (3e-5, 1e-6),
    "float64": (1e-12, 1e-13),
    "complex64": (3e-5, 1e-6),
    "complex128": (1e-12, 1e-13),
}
"""Relative and absolute: what the two sides' functions and orders of summation may differ by."""


def check_near(ours: Any, theirs: Any) -> None:
    """Floats within tolerance, everything else equal; NaN equals NaN."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    if ours.dtype.name not in TOLERANCE:
        np.testing.assert_array_equal(ours, theirs)
        return
    relative, absolute = TOLERANCE[ours.dtype.name]
    wide = np.complex128 if ours.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(ours.astype(wide), theirs.astype(wide), relative, absolute)


def check_bits(ours: Any, theirs: Any) -> None:
    """Equal bits, -0.0 apart from 0.0; any NaN equals any NaN."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    raw = f"u{ours.dtype.itemsize}" if ours.dtype.itemsize <= 8 else None
    if raw is None or ours.dtype.kind == "c":
        parts = [(ours.real.copy(), theirs.real.copy()), (ours.imag.copy(), theirs.imag.copy())]
        for mine, other in parts:
            check_bits(mine, other)
        return
    same = np.ascontiguousarray(ours).view(raw) == np.ascontiguousarray(theirs).view(raw)
    nan = (ours != ours) & (theirs != theirs)
    wrong = np.argwhere(~(same | nan))
    assert not len(wrong), f"{len(wrong)} of {ours.size} differ, first at {wrong[0].tolist()}"

"""torch.testing: comparing tensors in tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.frontends.torch.tensor import Tensor


def _array(value: Any) -> Any:
    return value._look("assert_close()") if isinstance(value, Tensor) else np.asarray(value)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
) -> None:
    """AssertionError where values differ by more than the tolerances, which follow the dtype where they are not given."""
    a, b = _array(actual), _array(expected)
    assert a.shape == b.shape, f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}"
    assert a.dtype == b.dtype, f"The values for attribute 'dtype' do not match: {a.dtype} != {b.dtype}"
    usual = {2: (1e-3, 1e-5), 4: (1.3e-6, 1e-5), 8: (1e-7, 1e-7)}.get(a.dtype.itemsize, (0.0, 0.0))
    near = (0.0, 0.0) if a.dtype.kind in "iub" else usual
    relative, absolute = near[0] if rtol is None else rtol, near[1] if atol is None else atol
    np.testing.assert_allclose(a, b, rtol=relative, atol=absolute, equal_nan=equal_nan)


def assert_allclose(actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None) -> None:
    """The older name."""
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=True)

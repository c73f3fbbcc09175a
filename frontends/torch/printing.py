"""How a tensor prints: PyTorch's format (`torch.set_printoptions`: four decimals, 80 columns, 1000 elements)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from irc.frontends.torch import dtypes

PRECISION = 4
THRESHOLD = 1000
EDGE = 3
WIDTH = 80


class _Numbers:
    """One format for all elements: integers bare, floats with a fixed number of decimals or in scientific notation."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.floating = array.dtype.kind not in "iub"
        self.scientific = self.whole = False
        self.width = 1
        if array.dtype.kind == "c":
            self.width = max((len(self.text(v)) for v in array.reshape(-1)), default=1)
            return
        values = array.reshape(-1)
        if self.floating:
            values = values.astype(np.float64)
            some = np.abs(values[np.isfinite(values) & (values != 0)])
            if some.size:
                low, high = float(some.min()), float(some.max())
                self.whole = bool(np.all(np.ceil(some) == some))
                self.scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
                if self.whole:
                    self.scientific = high / low > 1000.0 or high > 1.0e8
            else:
                self.whole = bool(values.size) and bool(np.all(np.isfinite(values)))
        # What is not finite may stand out of its column, as in PyTorch.
        finite = values[np.isfinite(values) & (values != 0)] if self.floating else values
        self.width = max((len(self.text(v)) for v in finite), default=1)

    def text(self, value: Any) -> str:
        if isinstance(value, (complex, np.complexfloating)):
            return f"{value.real:.{PRECISION}f}{value.imag:+.{PRECISION}f}j"
        if not self.floating:
            return str(bool(value)) if isinstance(value, (bool, np.bool_)) else str(int(value))
        number = float(value)
        if not math.isfinite(number):
            return str(number)
        if self.scientific:
            return f"{number:.{PRECISION}e}"
        return f"{number:.0f}." if self.whole else f"{number:.{PRECISION}f}"

    def padded(self, value: Any) -> str:
        return self.text(value).rjust(self.width)


def _summarized(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    for axis, n in enumerate(array.shape):
        if n > 2 * EDGE:
            ends = [*range(EDGE), *range(n - EDGE, n)]
            array = np.take(array, ends, axis=axis)
    return array


def _lines(array: np.ndarray[Any, Any], numbers: _Numbers, indent: int, short: bool) -> str:
    if array.ndim == 0:
        return numbers.text(array[()])
    n = array.shape[0]
    cut = short and n > 2 * EDGE
    rows = [*range(EDGE), *range(n - EDGE, n)] if cut else range(n)
    if array.ndim == 1:
        items = [numbers.padded(array[i]) for i in rows]
        if cut:
            items.insert(EDGE, " ...")
        per_line = max(1, (WIDTH - indent) // (numbers.width + 2))
        lines = [items[i : i + per_line] for i in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(", ".join(line) for line in lines) + "]"
    parts = [_lines(array[i], numbers, indent + 1, short) for i in rows]
    if cut:
        parts.insert(EDGE, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def format_tensor(tensor: Any, array: np.ndarray[Any, Any]) -> str:
    """`tensor([[1., 2.]], requires_grad=True)`."""
    dtype = tensor.dtype
    prefix = "tensor("
    if array.size == 0:
        body = "[]" if array.ndim == 1 else f"[], size={tuple(array.shape)}"
    else:
        short = array.size > THRESHOLD
        seen = _summarized(array) if short else array
        body = _lines(array, _Numbers(np.asarray(seen)), len(prefix), short)
    suffixes = []
    plain = dtype in (dtypes.default.floating, dtypes.int64, dtypes.bool_, dtypes.complex64)
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if not plain or (array.size == 0 and dtype is dtypes.int64):
        suffixes.append(f"dtype={dtype!r}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    text = prefix + ", ".join([body, *suffixes]) + ")"
    if type(tensor).__name__ == "Parameter":
        return f"Parameter containing:\n{text}"
    return text

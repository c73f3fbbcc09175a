"""The types of PTX: how wide they are, and the NumPy type their bits are computed in."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]

_INTEGERS = {f"{kind}{width}": np.dtype(f"{letter}{width // 8}")
             for kind, letter in (("b", "u"), ("u", "u"), ("s", "i")) for width in (8, 16, 32, 64)}  # fmt: skip
TYPES: dict[str, np.dtype[Any]] = {
    **_INTEGERS,
    "pred": np.dtype(bool),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "tf32": np.dtype(np.uint32),
    "f64": np.dtype(np.float64),
    **dict.fromkeys(("f16x2", "bf16x2", "u16x2", "s16x2", "b16x2"), np.dtype(np.uint32)),
    **dict.fromkeys(("e4m3x2", "e5m2x2"), np.dtype(np.uint16)),
    "f32x2": np.dtype(np.uint64),
}
"""By name; a packed type is the integer that holds it."""

RAW: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.uint8),
    2: np.dtype(np.uint16),
    4: np.dtype(np.uint32),
    8: np.dtype(np.uint64),
}
"""How bits of so many bytes are kept."""

HALVES = {"f16x2": "f16", "bf16x2": "bf16", "u16x2": "u16", "s16x2": "s16", "f32x2": "f32"}
"""The element of a packed type."""


def raw(type: str) -> np.dtype[Any]:
    """What a register of this type holds: predicates as booleans, all else as unsigned bits."""
    dtype = TYPES[type]
    return dtype if dtype.kind == "b" else RAW[dtype.itemsize]


def as_type(bits: Array, dtype: np.dtype[Any]) -> Array:
    """Bits of a register read as a type: the low ones where the register is wider, zero-extended where narrower."""
    if bits.dtype == dtype:
        return bits
    if bits.dtype.itemsize == dtype.itemsize:
        return bits.view(dtype)
    return bits.astype(RAW[dtype.itemsize]).view(dtype)


def as_bits(value: Array, holder: np.dtype[Any]) -> Array:
    """A value as the bits of a register, extended by its sign where it has one and the register is wider."""
    if value.dtype == holder:
        return value
    if value.dtype.itemsize == holder.itemsize:
        return np.ascontiguousarray(value).view(holder)
    if value.dtype.kind not in "iub":
        value = np.ascontiguousarray(value).view(RAW[value.dtype.itemsize])
    return value.astype(holder)


def unpack(bits: Array, element: str) -> list[Array]:
    """The elements of a packed value, the low one first."""
    dtype = TYPES[element]
    parts = np.ascontiguousarray(bits).view(dtype).reshape(bits.shape[0], -1)
    return [np.ascontiguousarray(parts[:, i]) for i in range(parts.shape[1])]


def pack(elements: list[Array]) -> Array:
    """Elements put side by side, the low one first; the bits of all."""
    length = max(e.shape[0] for e in elements)
    whole = np.stack([np.broadcast_to(e, (length,)) for e in elements], axis=1)
    return np.ascontiguousarray(whole).view(RAW[whole.dtype.itemsize * len(elements)]).reshape(length)

"""Rounding to a float format, in any mode, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from irc.codegen.ptx_interpreter.scalars import TYPES, Array


@dataclass(frozen=True, slots=True)
class Format:
    """So many bits of significand, the hidden one included; the exponents of the least normal and the largest value."""

    precision: int
    least: int
    most: float


FORMATS = {
    "f32": Format(24, -126, float(np.finfo(np.float32).max)),
    "tf32": Format(11, -126, float(np.ldexp(2 - 2.0**-10, 127))),
    "bf16": Format(8, -126, float(np.ldexp(2 - 2.0**-7, 127))),
    "f16": Format(11, -14, 65504.0),
    "e4m3": Format(4, -6, 448.0),
    "e5m2": Format(3, -14, 57344.0),
}

_INTEGRAL: dict[str, Callable[[Array], Array]] = {
    "rn": np.rint,
    "rz": np.trunc,
    "rm": np.floor,
    "rp": np.ceil,
    "rna": lambda x: np.trunc(x + np.copysign(0.5, x)),
}


def integral(x: Array, mode: str) -> Array:
    """Rounded to an integer: `rn` or `rni` to nearest even, `rz` to zero, `rm` down, `rp` up."""
    return _INTEGRAL[mode.removesuffix("i") if mode.endswith("i") else mode](x)


def round_to(x: Array, format: str, mode: str = "rn", *, finite: bool = False) -> Array:
    """f64 values rounded to a format, still as f64. An x that was rounded to odd gives what the exact one would.

    With `finite`, what is too large becomes the largest value instead of an infinity."""
    f = FORMATS[format]
    _, exponent = np.frexp(x)
    quantum = np.maximum(exponent - f.precision, f.least - f.precision + 1)
    rounded = np.ldexp(_INTEGRAL[mode](np.ldexp(x, -quantum)), quantum)
    over = np.abs(rounded) > f.most
    if over.any():
        stays = finite or mode == "rz"
        limit = np.where(
            (rounded > 0) if mode == "rm" else (rounded < 0) if mode == "rp" else stays, f.most, np.inf
        )
        limit = np.where(np.isinf(x) & (not finite), np.inf, limit)
        rounded = np.where(over, np.copysign(limit, x), rounded)
    return rounded


def narrowed(x: Array, type: str, mode: str = "rn") -> Array:
    """f64 values rounded once to a type of NumPy's."""
    if type == "f64":
        return x
    if mode == "rn" and type in ("f16", "f32"):
        return x.astype(TYPES[type])
    return round_to(x, type, mode).astype(np.float32).astype(TYPES[type])


def flush(x: Array) -> Array:
    """Subnormal f32 values as zeros of their sign."""
    if x.dtype != np.float32:
        return x
    return np.where(np.abs(x) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), x), x)

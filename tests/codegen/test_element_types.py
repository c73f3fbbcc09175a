"""Every op on every element type that its constraints allow: native code gives what the reference gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from typed_programs import TYPES, programs

import irc
from irc.ir.types import TensorType

REFUSED: set[tuple[str, str]] = set()
"""What has no lowering; the list may only shrink."""

NO_ZERO = {("imag", "f8E8M0FNU"), ("sort", "f8E8M0FNU")}
"""A format without a zero, whose random numbers are half NaN: an imaginary part of 0, an order of NaN."""

FUNCTIONS = (
    "atan2", "cbrt", "cosine", "exponential", "exponential_minus_one", "log", "log_plus_one", "logistic", "power", "rsqrt",
    "sine", "tan", "tanh", "abs", "divide", "sign", "sqrt", "dot_general", "convolution",
)  # fmt: skip
"""Nearly right on both sides (the last ones for complex numbers alone)."""


@pytest.mark.parametrize("t", TYPES)
@pytest.mark.filterwarnings("ignore")
def test_native_code_of_a_type(t: str) -> None:
    rng = np.random.default_rng(0)
    ran = 0
    for op, text in programs(t):
        try:
            module = irc.parse(text)
        except irc.VerifyError:
            continue
        main: Any = module.symbols["main"]
        arrays = [array(a.type, rng) for a in main.arguments]
        with np.errstate(all="ignore"):
            wants = irc.interpret(module, *arrays)
        try:
            program = irc.compile_module(module)
        except irc.UnsupportedError as refusal:
            assert (op, t) in REFUSED, f"{op} on {t}: {refusal}"
            continue
        assert (op, t) not in REFUSED, f"{op} on {t} compiles"
        if (op, t) not in NO_ZERO:
            compare(op, t, wants, program(*arrays))
        ran += 1
    assert ran > 10


def array(type: TensorType, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Random numbers of both signs; indices within the program's bounds."""
    shape, name, dtype = type.static_shape, str(type.element), type.element.numpy
    if name == "i32" and shape != (3, 5):
        return rng.integers(0, 3, shape).astype(dtype)
    if name == "i1":
        return rng.random(shape) < 0.5
    if name[0] in "iu":
        width = type.element.width
        low, high = (0, 1 << width) if name[0] == "u" else (-(1 << width - 1), 1 << width - 1)
        return rng.integers(max(low, -100), min(high, 100), shape).astype(dtype)
    numbers = rng.standard_normal(shape) * 2
    if name.startswith("complex"):
        return (numbers + 1j * rng.standard_normal(shape)).astype(dtype)
    return numbers.astype(np.float32).astype(dtype)


def compare(op: str, t: str, wants: Any, gots: Any) -> None:
    for want, got in zip(wants, gots, strict=True):
        assert want.dtype == got.dtype
        if want.tobytes() == got.tobytes():
            continue
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        x, y = (np.asarray(a).astype(wide) for a in (want, got))
        both_nan = np.isnan(x) & np.isnan(y)  # which NaN it is does not count
        if (both_nan | (x == y)).all() and (np.signbit(x.real) == np.signbit(y.real))[~both_nan].all():
            continue
        assert op in FUNCTIONS, f"{op} on {t}: {want} and {got}"
        np.testing.assert_allclose(x, y, rtol=1e-5 if t in ("f32", "f64") or "complex" in t else 1e-2)

"""math: exact functions in NumPy, all others by `irc.codegen.vector_math`, whose bits are those of native code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.codegen.emulator.arith import in_f32, signed, unsigned
from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import Fault
from irc.codegen.vector_math import TABLE
from irc.codegen.vector_math.numpy_builder import NumpyBuilder
from irc.dialects import math
from irc.dialects.arith import element
from irc.ir.operation import Operation, all_operations
from irc.ir.types import f32, f64

BUILDERS = {f32: NumpyBuilder("f32"), f64: NumpyBuilder("f64")}


def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z rounded once, in f32 or f64."""
    kind = f64 if np.asarray(x).dtype == np.float64 else f32
    return np.asarray(BUILDERS[kind].fma(x, y, z)).reshape(np.shape(x))


def _half_away(x: Any) -> Any:
    """Ties away from zero; what is too large to have a fraction stays."""
    whole = np.trunc(x)
    return np.copysign(np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(1, x), whole), x).astype(
        np.asarray(x).dtype
    )


_EXACT: dict[type[Operation], Callable[..., Any]] = {
    math.AbsF: np.abs, math.Ceil: np.ceil, math.Floor: np.floor, math.Round: _half_away, math.RoundEven: np.rint,
    math.Trunc: np.trunc, math.Sqrt: np.sqrt, math.CopySign: np.copysign, math.Fma: fma,
}  # fmt: skip


@emulates(*_EXACT)
def exact(m: Machine, op: Operation, *x: Any) -> Any:
    return in_f32(_EXACT[type(op)], *x)


def approximated(m: Machine, op: Operation, *x: Any) -> Any:
    """By the table; narrow floats are the lowering's to widen."""
    builder = BUILDERS.get(element(op.operands[0].type))
    if builder is None:
        raise Fault(f"takes {element(op.operands[0].type)}, which vector math does not")
    # Vector math wants arrays, never scalars.
    rows = [np.atleast_1d(v) for v in x]
    return np.asarray(TABLE[op.name](builder, *rows)).reshape(np.shape(x[0]))


_EXACT_NAMES = {cls.name for cls in _EXACT}
emulates(*(c for name, c in all_operations().items() if name in TABLE and name not in _EXACT_NAMES))(
    approximated
)


@emulates(math.AbsI)
def absi(m: Machine, op: math.AbsI, x: Any) -> Any:
    """|INT_MIN| is INT_MIN."""
    return signed(np.where(x < 0, 0 - unsigned(x), unsigned(x)), np.asarray(x).dtype)


@emulates(math.CtPop)
def ctpop(m: Machine, op: math.CtPop, x: Any) -> Any:
    return np.bitwise_count(unsigned(x)).astype(np.asarray(x).dtype)


@emulates(math.CountLeadingZeros)
def ctlz(m: Machine, op: math.CountLeadingZeros, x: Any) -> Any:
    bits = np.asarray(x)
    width = 1 if bits.dtype.kind == "b" else 8 * bits.dtype.itemsize
    count = [width - int(v).bit_length() for v in unsigned(bits).flat]
    return np.asarray(count).reshape(bits.shape).astype(bits.dtype)

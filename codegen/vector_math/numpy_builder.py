"""The builder of the kernel emulator: vector math on NumPy arrays, with the bits of compiled code."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from typing import Any

import numpy as np

from irc.codegen.vector_math.builder import Builder, DType, Value

_libm = ctypes.CDLL(ctypes.util.find_library("m"))
_libm.fma.argtypes = [ctypes.c_double] * 3
_libm.fma.restype = ctypes.c_double

_ORDERED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
}
_SIGNED = {"eq": "eq", "slt": "lt", "sle": "le", "sgt": "gt", "sge": "ge"}
_UNSIGNED = {"ult": "lt", "ule": "le", "ugt": "gt", "uge": "ge"}


class NumpyBuilder(Builder):
    """Computes at once, on arrays of any shape and of the builder's dtype; gives no floating-point warning."""

    def __init__(self, dtype: DType) -> None:
        self._dtype = dtype
        self._float = np.dtype(np.float32 if dtype == "f32" else np.float64)
        self._int = np.dtype(np.int32 if dtype == "f32" else np.int64)
        self._unsigned = np.dtype(np.uint32 if dtype == "f32" else np.uint64)

    @property
    def dtype(self) -> DType:
        return self._dtype

    def const(self, value: float) -> Value:
        with np.errstate(over="ignore"):
            return self._float.type(value)

    def iconst(self, value: int) -> Value:
        return np.asarray(value % (1 << 8 * self._int.itemsize), self._unsigned).view(self._int)[()]

    def addf(self, x: Value, y: Value) -> Value:
        with np.errstate(all="ignore"):
            return x + y

    def subf(self, x: Value, y: Value) -> Value:
        with np.errstate(all="ignore"):
            return x - y

    def mulf(self, x: Value, y: Value) -> Value:
        with np.errstate(all="ignore"):
            return x * y

    def divf(self, x: Value, y: Value) -> Value:
        with np.errstate(all="ignore"):
            return x / y

    def negf(self, x: Value) -> Value:
        return np.negative(x)

    def absf(self, x: Value) -> Value:
        return np.absolute(x)

    def fma(self, x: Value, y: Value, z: Value) -> Value:
        with np.errstate(all="ignore"):
            return fma_f32(x, y, z) if self._dtype == "f32" else fma_f64(x, y, z)

    def sqrt(self, x: Value) -> Value:
        with np.errstate(all="ignore"):
            return np.sqrt(x)

    def roundeven(self, x: Value) -> Value:
        with np.errstate(invalid="ignore"):
            return np.rint(x)

    def floor(self, x: Value) -> Value:
        with np.errstate(invalid="ignore"):
            return np.floor(x)

    def cmpf(self, predicate: str, x: Value, y: Value) -> Value:
        unordered = np.isnan(x) | np.isnan(y)
        match predicate:
            case "ord":
                return ~unordered
            case "uno":
                return unordered
            case "one":
                return ~unordered & np.not_equal(x, y)
            case "une":
                return np.not_equal(x, y)
        ordered = _ORDERED[predicate[1:]](x, y)
        return ordered if predicate[0] == "o" else ordered | unordered

    def cmpi(self, predicate: str, x: Value, y: Value) -> Value:
        if predicate == "ne":
            return np.not_equal(x, y)
        if predicate in _SIGNED:
            return _ORDERED[_SIGNED[predicate]](x, y)
        return _ORDERED[_UNSIGNED[predicate]](x.view(self._unsigned), y.view(self._unsigned))

    def select(self, mask: Value, x: Value, y: Value) -> Value:
        return np.where(mask, x, y)

    def and_(self, x: Value, y: Value) -> Value:
        return np.logical_and(x, y)

    def or_(self, x: Value, y: Value) -> Value:
        return np.logical_or(x, y)

    def not_(self, x: Value) -> Value:
        return np.logical_not(x)

    def sitofp(self, i: Value) -> Value:
        return np.asarray(i).astype(self._float)

    def bitcast_int(self, x: Value) -> Value:
        return x.view(self._int)

    def bitcast_float(self, i: Value) -> Value:
        return i.view(self._float)

    def addi(self, x: Value, y: Value) -> Value:
        with np.errstate(over="ignore"):
            return x + y

    def subi(self, x: Value, y: Value) -> Value:
        with np.errstate(over="ignore"):
            return x - y

    def andi(self, x: Value, y: Value) -> Value:
        return x & y

    def ori(self, x: Value, y: Value) -> Value:
        return x | y

    def xori(self, x: Value, y: Value) -> Value:
        return x ^ y

    def shli(self, x: Value, y: Value) -> Value:
        return x << y

    def shrsi(self, x: Value, y: Value) -> Value:
        return x >> y

    def ldexp(self, x: Value, n: Value) -> Value:
        known = np.isfinite(n)
        with np.errstate(all="ignore"):
            scaled = np.ldexp(x, np.where(known, n, 0).astype(np.int32))
        return np.where(known, scaled, self._float.type("nan"))

    def select_rare(
        self, mask: Value, rare: Callable[[], tuple[Value, ...]], usual: tuple[Value, ...]
    ) -> tuple[Value, ...]:
        return super().select_rare(mask, rare, usual) if np.any(mask) else usual


def two_sum(x: Any, y: Any) -> tuple[Any, Any]:
    """``(s, e)`` with ``s = x + y`` rounded and ``s + e = x + y`` exactly (Knuth)."""
    s = x + y
    v = s - x
    return s, (x - (s - v)) + (y - v)


def add_round_to_odd(x: Any, y: Any) -> Any:
    """``x + y`` in f64, if inexact rounded to the odd neighbour: rounding again is then harmless.

    Source: S. Boldo and G. Melquiond, Emulation of a FMA and correctly rounded sums, 2008.
    """
    s, e = two_sum(x, y)
    s = np.asarray(s)
    bits = s.view(np.int64)
    inexact_even = np.isfinite(s) & (e != 0) & (bits & 1 == 0)
    step = np.where((e > 0) == (s > 0), 1, -1)
    return np.where(inexact_even, bits + step, bits).view(np.float64)


def fma_f32(x: Any, y: Any, z: Any) -> Any:
    """``x * y + z`` of f32 arrays, rounded once: the product is exact in f64, the sum is rounded to odd."""
    x, y, z = (np.asarray(v, np.float64) for v in (x, y, z))
    return add_round_to_odd(x * y, z).astype(np.float32)


def fma_f64(x: Any, y: Any, z: Any) -> Any:
    """``x * y + z`` in f64, rounded once: Dekker's product and a sum rounded to odd; libm near the limits."""
    x, y, z = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, z)))
    high = x * y
    xh, xl = _split(x)
    yh, yl = _split(y)
    low = ((xh * yh - high) + xh * yl + xl * yh) + xl * yl
    uh, ul = two_sum(z, low)
    th, tl = two_sum(high, uh)
    result = np.asarray(th + add_round_to_odd(tl, ul))
    moderate = (
        _within(x, -450, 450) & _within(y, -450, 450) & ((z == 0) | _within(z, -900, 950)) & (result != 0)
    )
    unknown = np.isnan(x) | np.isnan(y) | np.isnan(z)
    result[unknown] = np.nan
    rest = ~moderate & ~unknown
    result[rest] = [
        _libm.fma(*v) for v in zip(x[rest].tolist(), y[rest].tolist(), z[rest].tolist(), strict=True)
    ]
    return result


def _split(x: Any) -> tuple[Any, Any]:
    """Dekker's split of f64 into two halves of 26 bits."""
    c = x * 134217729.0
    high = c - (c - x)
    return high, x - high


def _within(x: Any, low: int, high: int) -> Any:
    return (np.abs(x) > 2.0**low) & (np.abs(x) < 2.0**high)

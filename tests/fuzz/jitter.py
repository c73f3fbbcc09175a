"""How well a program determines its results: the interpreter with numbers a few ulps off at every op that rounds.

Two compilers may add in another order (which changes signs of zero too), contract, flush denormals, approximate functions: each is a change of that size. What
they may then differ by is what such changes bring about (stochastic arithmetic: Vignes, 1993)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from irc.dialects.builtin import Module
from irc.interpreter import _Interpreter
from irc.ir.operation import Operation, Value

ULPS = 16
EXACT = (
    "constant", "iota", "reshape", "transpose", "broadcast_in_dim", "broadcast", "slice", "dynamic_slice",
    "dynamic_update_slice", "pad", "concatenate", "reverse", "gather", "select", "compare", "maximum",
    "minimum", "abs", "negate", "sign", "clamp", "is_finite", "tuple", "get_tuple_element", "while", "if",
    "case", "return", "optimization_barrier", "dynamic_reshape", "dynamic_broadcast_in_dim", "dynamic_iota",
    "dynamic_pad", "real_dynamic_slice", "get_dimension_size", "sort", "call", "map", "reduce",
    "reduce_window", "scatter", "select_and_scatter", "top_k", "is_inf", "is_pos_inf", "is_neg_inf",
    "bitcast_convert", "real", "imag", "complex", "composite", "dynamic_gather", "set_dimension_size",
)  # fmt: skip
"""Ops that round nothing (those with regions: not themselves)."""


class Jittered(_Interpreter):
    """Runs a module with operands and results of rounding ops moved at random, and small numbers flushed."""

    def __init__(self, module: Module, seed: int) -> None:
        super().__init__(module)
        self.random = np.random.default_rng(seed)
        self.flush = bool(seed % 2)

    def operation(self, op: Operation, known: dict[Value, Any]) -> tuple[Any, ...]:
        exact = op.name.rpartition(".")[2] in EXACT
        if exact and not self.flush:
            return super().operation(op, known)
        before = {o: known[o] for o in op.operands}
        known.update((o, self.moved(v, 0.0 if exact else ULPS)) for o, v in before.items())
        try:
            results = super().operation(op, known)
        finally:
            known.update(before)
        return results if exact else tuple(self.moved(r, ULPS) for r in results)

    def moved(self, array: Any, ulps: float) -> Any:
        """The array times numbers near 1; what is not a float stays."""
        kind = rounding(getattr(array, "dtype", None))
        if kind is None:
            return array
        eps, tiny = kind
        array = np.asarray(array)
        wide: Any = np.complex128 if array.dtype.kind == "c" else np.float64
        with np.errstate(all="ignore"):
            wide_array = array.astype(wide)
            factors = 1 + ulps * eps * self.random.uniform(-1, 1, (2, *array.shape))
            moved = wide_array * factors[0]
            if wide is np.complex128:
                # Parts round for themselves: products whose parts cancel leave what rounding left.
                moved = wide_array.copy()
                moved.real *= factors[0]
                moved.imag *= factors[1]
            if ulps and wide is np.float64:
                signs = self.random.choice((-1.0, 1.0), array.shape)
                moved = np.where(moved == 0, np.copysign(0.0, signs), moved)
            if self.flush:
                moved = np.where(np.abs(moved) < tiny, moved * 0, moved)
            return np.asarray(moved).astype(array.dtype)


def rounding(dtype: Any) -> tuple[float, float] | None:
    """The distance of 1 to the next number of a dtype, and its smallest normal number; None where nothing is rounded."""
    if dtype is None:
        return None
    if dtype.kind == "c":
        dtype = np.dtype(np.float32 if dtype.itemsize == 8 else np.float64)
    try:
        info = ml_dtypes.finfo(dtype)
    except ValueError:
        return None
    return float(info.eps), float(info.smallest_normal)


def spread(module: Module, arrays: Sequence[Any], runs: int = 6) -> list[list[Any]]:
    """The results of some jittered runs: a list for each result."""
    found = []
    with np.errstate(all="ignore"):
        for seed in range(runs):
            found.append(Jittered(module, seed).call("main", *map(np.asarray, arrays)))
    return [list(each) for each in zip(*found, strict=True)]


def unexplained(want: Any, got: Any, runs: Sequence[Any]) -> str:
    """Where `got` is farther from `want` than the runs' spread and a few roundings account for; "" where it is not."""
    want, got = np.asarray(want), np.asarray(got)
    if want.shape != got.shape or want.dtype != got.dtype:
        return f"{want.dtype}{list(want.shape)} became {got.dtype}{list(got.shape)}"
    kind = rounding(want.dtype)
    wide: Any = object if kind is None else np.complex128 if want.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        every = np.stack([np.asarray(r).astype(wide) for r in (want, *runs)])
        bad = ~allowed(got.astype(wide), every, kind)
    if not bad.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return (
        f"{int(bad.sum())} of {want.size} elements differ, first at {list(at)}: {want[at]} became {got[at]}"
    )


def allowed(got: Any, runs: Any, kind: tuple[float, float] | None) -> Any:
    """Elementwise, of runs of which the first is without jitter: equal to that, or unsettled and among or near them."""
    equal = (runs[0] == got) | ((runs[0] != runs[0]) & (got != got))
    if kind is None:
        # Whole numbers: those that the runs do not agree on are open.
        return equal | (runs != runs[0]).any(axis=0)
    if runs.dtype.kind == "c":
        # Each part is as exact as the number is large.
        size = np.abs(np.where(np.isfinite(runs), runs, 0)).max(axis=0)
        return equal | (_near(got.real, runs.real, size, kind) & _near(got.imag, runs.imag, size, kind))
    return equal | _near(got, runs, np.abs(np.where(np.isfinite(runs), runs, 0)).max(axis=0), kind)


def _near(got: Any, runs: Any, size: Any, kind: tuple[float, float]) -> Any:
    eps, tiny = kind
    finite = np.isfinite(runs)
    same = ((runs == runs[0]) | ((runs != runs) & (runs[0] != runs[0]))).all(axis=0)
    mixed = (~finite).any(axis=0) & ~same
    low = np.where(finite, runs, np.inf).min(axis=0)
    high = np.where(finite, runs, -np.inf).max(axis=0)
    slack = 4 * (high - low) + 8 * eps * size + 4 * tiny
    equal = (runs[0] == got) | ((runs[0] != runs[0]) & (got != got))
    return equal | mixed | ((got >= low - slack) & (got <= high + slack))

"""How far vector math is from the truth, measured in units in the last place (ulp) through the `NumpyBuilder`.

The truth is NumPy's f64 for f32, and mpmath, which is asked for only here, for f64.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.vector_math import TABLE
from irc.codegen.vector_math.builder import FORMATS, DType
from irc.codegen.vector_math.numpy_builder import NumpyBuilder

# name: (the function in NumPy or math, the function in mpmath)
_REFERENCES: dict[str, tuple[Callable[..., Any], str]] = {
    "math.acos": (np.arccos, "acos"),
    "math.acosh": (np.arccosh, "acosh"),
    "math.asin": (np.arcsin, "asin"),
    "math.asinh": (np.arcsinh, "asinh"),
    "math.atan": (np.arctan, "atan"),
    "math.atan2": (np.arctan2, "atan2"),
    "math.atanh": (np.arctanh, "atanh"),
    "math.cbrt": (np.cbrt, "cbrt"),
    "math.cos": (np.cos, "cos"),
    "math.cosh": (np.cosh, "cosh"),
    "math.erf": (np.vectorize(math.erf, otypes=[np.float64]), "erf"),
    "math.erfc": (np.vectorize(math.erfc, otypes=[np.float64]), "erfc"),
    "math.exp": (np.exp, "exp"),
    "math.exp2": (np.exp2, "exp2"),
    "math.expm1": (np.expm1, "expm1"),
    "math.log": (np.log, "log"),
    "math.log1p": (np.log1p, "log1p"),
    "math.log2": (np.log2, "log2"),
    "math.powf": (np.power, "power"),
    "math.rsqrt": (lambda x: 1.0 / np.sqrt(x), "rsqrt"),
    "math.sin": (np.sin, "sin"),
    "math.sinh": (np.sinh, "sinh"),
    "math.sqrt": (np.sqrt, "sqrt"),
    "math.tan": (np.tan, "tan"),
    "math.tanh": (np.tanh, "tanh"),
}
MEASURED = tuple(_REFERENCES)
"""The functions of `TABLE` that are not exact."""


@dataclass(frozen=True)
class Measurement:
    """The largest error of `name` over the sampled arguments, in ulp, and where it was found."""

    name: str
    dtype: DType
    ulp: float
    arguments: tuple[float, ...]


def stated_bound(name: str, dtype: DType) -> float:
    """The bound that the docstring of a function states, as in ``Error: 0.9 ulp in f32, 1.0 in f64.``"""
    found = re.search(r"Error: ([\d.]+) ulp in f32, ([\d.]+) in f64\.", TABLE[name].__doc__ or "")
    if found is None:
        raise ValueError(f"the docstring of {name} states no bound")
    return float(found.group(1 if dtype == "f32" else 2))


def measure(name: str, dtype: DType, count: int, seed: int = 0) -> Measurement:
    """The largest error of one function over about `count` sampled arguments."""
    arguments = sample(name, dtype, count, seed)
    result = TABLE[name](NumpyBuilder(dtype), *arguments)
    errors = _errors_f32(name, arguments, result) if dtype == "f32" else _errors_f64(name, arguments, result)
    worst = int(np.argmax(errors))
    return Measurement(name, dtype, float(errors[worst]), tuple(float(a[worst]) for a in arguments))


def sample(name: str, dtype: DType, count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Arguments: a third over all bit patterns, a third up to the exponent range, a third close to 1."""
    rng = np.random.default_rng(seed)
    bits, kind = (np.uint32, np.float32) if dtype == "f32" else (np.uint64, np.float64)
    third = count // 3
    exponent_limit = FORMATS[dtype].bias + 1.0
    patterns = rng.integers(0, np.iinfo(bits).max, third, dtype=bits, endpoint=True).view(kind)
    moderate = rng.uniform(-1.1 * exponent_limit, 1.1 * exponent_limit, third) * 2.0 ** -rng.integers(
        0, 12, third
    )
    near_one = 1.0 + rng.standard_normal(third) * 2.0 ** -rng.integers(1, FORMATS[dtype].fraction_bits, third)
    x = np.concatenate([patterns, moderate.astype(kind), near_one.astype(kind)])
    match name:
        case "math.powf":
            x = np.abs(x)
            with np.errstate(all="ignore"):
                y = rng.uniform(-1.2, 1.1, x.size) * exponent_limit / np.log2(x.astype(np.float64))
                return x, np.where(np.isfinite(y), y, 2.0).astype(kind)
        case "math.atan2":
            return x, rng.permutation(x)
        case _:
            return (x,)


def _errors_f32(name: str, arguments: tuple[np.ndarray, ...], result: np.ndarray) -> np.ndarray:
    """Errors against f64, whose own are 2**-29 of an ulp. An overflow counts as the number 2**128."""
    with np.errstate(all="ignore"):
        exact = _REFERENCES[name][0](*(a.astype(np.float64) for a in arguments))
        limit = np.float64(2.0**128)
        exact = np.where(np.abs(exact) > limit, np.copysign(limit, exact), exact)
        got = np.where(np.isinf(result), np.copysign(limit, result), result.astype(np.float64))
        exponent = np.clip(np.frexp(exact)[1] - 1, -126, 127)
        errors = np.abs(got - exact) / np.ldexp(1.0, exponent - 23)
    return np.where(np.isnan(got) & np.isnan(exact), 0.0, np.where(np.isnan(errors), np.inf, errors))


def _errors_f64(name: str, arguments: tuple[np.ndarray, ...], result: np.ndarray) -> np.ndarray:
    """Errors against mpmath in 160 bits, where arguments and results are numbers."""
    import mpmath  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra of the tests

    functions = {
        "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
        "erfc": lambda x: mpmath.erfc(min(x, 100)),  # its series overflows beyond
        "exp2": lambda x: mpmath.mpf(2) ** x,
        "log2": lambda x: mpmath.log(x, 2),
        "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    }
    key = _REFERENCES[name][1]
    function = functions.get(key) or getattr(mpmath, key)
    errors = np.zeros(result.shape)
    with mpmath.workprec(160):
        for i, (got, *values) in enumerate(
            zip(result.tolist(), *(a.tolist() for a in arguments), strict=True)
        ):
            if not math.isnan(got) and all(map(math.isfinite, values)):
                exact = function(*(mpmath.mpf(v) for v in values))
                limit = mpmath.mpf(2) ** 1024
                exact = max(-limit, min(limit, exact))
                known = mpmath.mpf(got) if math.isfinite(got) else mpmath.sign(got) * limit
                exponent = max(-1022, min(1023, mpmath.frexp(exact)[1] - 1))
                errors[i] = mpmath.ldexp(abs(known - exact), 52 - exponent)
    return errors

"""irc's own vector math: each function written once over a `Builder`, the same bits on every target.

``TABLE["math.exp"](b, x)`` builds e**x. Keys are the names of MLIR's ``math`` dialect, arguments its operands.
"""

from __future__ import annotations

from collections.abc import Callable

from irc.codegen.vector_math import (
    error_function,
    exp_log,
    hyperbolic,
    inverse_trig,
    power,
    rounding,
    trig,
)
from irc.codegen.vector_math.builder import Builder, DType, Value

__all__ = ["TABLE", "Builder", "DType", "Value"]

TABLE: dict[str, Callable[..., Value]] = {
    "math.absf": rounding.absf,
    "math.acos": inverse_trig.acos,
    "math.acosh": hyperbolic.acosh,
    "math.asin": inverse_trig.asin,
    "math.asinh": hyperbolic.asinh,
    "math.atan": inverse_trig.atan,
    "math.atan2": inverse_trig.atan2,
    "math.atanh": hyperbolic.atanh,
    "math.cbrt": power.cbrt,
    "math.ceil": rounding.ceil,
    "math.copysign": rounding.copysign,
    "math.cos": trig.cos,
    "math.cosh": hyperbolic.cosh,
    "math.erf": error_function.erf,
    "math.erfc": error_function.erfc,
    "math.exp": exp_log.exp,
    "math.exp2": exp_log.exp2,
    "math.expm1": exp_log.expm1,
    "math.floor": rounding.floor,
    "math.fma": rounding.fma,
    "math.log": exp_log.log,
    "math.log1p": exp_log.log1p,
    "math.log2": exp_log.log2,
    "math.powf": power.powf,
    "math.round": rounding.round,
    "math.roundeven": rounding.roundeven,
    "math.rsqrt": power.rsqrt,
    "math.sin": trig.sin,
    "math.sinh": hyperbolic.sinh,
    "math.sqrt": power.sqrt,
    "math.tan": trig.tan,
    "math.tanh": hyperbolic.tanh,
    "math.trunc": rounding.trunc,
}

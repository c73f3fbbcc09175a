"""irc's own vector math: each function written once over a `Builder`, the same bits on CPU, GPU and in the emulator.

``TABLE["math.exp"](b, x)`` builds e**x. Keys are the names of MLIR's ``math`` dialect.
"""

from __future__ import annotations

from collections.abc import Callable

from irc.codegen.vector_math import error_function, exp_log, hyperbolic, power, trig
from irc.codegen.vector_math.builder import Builder, DType, Value

__all__ = ["TABLE", "Builder", "DType", "Value"]

TABLE: dict[str, Callable[..., Value]] = {
    "math.exp": exp_log.exp,
    "math.exp2": exp_log.exp2,
    "math.expm1": exp_log.expm1,
    "math.log": exp_log.log,
    "math.log1p": exp_log.log1p,
    "math.tanh": hyperbolic.tanh,
    "math.erf": error_function.erf,
    "math.sin": trig.sin,
    "math.cos": trig.cos,
    "math.tan": trig.tan,
    "math.powf": power.powf,
    "math.sqrt": power.sqrt,
    "math.rsqrt": power.rsqrt,
}

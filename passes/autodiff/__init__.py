"""Reverse-mode automatic differentiation, as a pass on the IR.

`gradient` takes cotangents back through a list of ops; `value_and_grad`, `vjp` and `jvp` make a new module.
The gradient table is in `rules/`, the walk in `transform.py`."""

from irc.passes.autodiff import rules
from irc.passes.autodiff.functions import jvp, value_and_grad, vjp
from irc.passes.autodiff.registry import (
    Accumulate,
    all_rules,
    defadjoint,
    defvjp,
    defvjp_variadic,
    nograd,
    rule_of,
)
from irc.passes.autodiff.transform import gradient, residuals

__all__ = [
    "Accumulate",
    "all_rules",
    "defadjoint",
    "defvjp",
    "defvjp_variadic",
    "gradient",
    "jvp",
    "nograd",
    "residuals",
    "rule_of",
    "rules",
    "value_and_grad",
    "vjp",
]

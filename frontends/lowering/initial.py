"""Initial values of weights, from a state of the random generator; each gives the next state, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from irc.frontends.lowering import creation
from irc.frontends.lowering.control import counted_loop, inside, put_slice, take_slice
from irc.frontends.lowering.elementwise import Shape, spread
from irc.frontends.lowering.linalg import dot
from irc.ir.types import FloatType, TensorType, f32, f64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

Drawn = tuple[Expr, Expr]


def _wide(element: Any) -> Any:
    return f64 if element is f64 else f32


def uniform(scope: Scope, state: Expr, shape: Shape, element: Any, low: float, high: float) -> Drawn:
    """Uniform between two bounds."""
    state, drawn = creation.uniform(scope, state, shape, _wide(element))
    return state, E.convert(drawn * (high - low) + low, element)


def normal(scope: Scope, state: Expr, shape: Shape, element: Any, mean: float, deviation: float) -> Drawn:
    """Normal, of a mean and a standard deviation."""
    state, drawn = creation.normal(scope, state, shape, _wide(element))
    return state, E.convert(drawn * deviation + mean, element)


def truncated_normal(
    scope: Scope, state: Expr, shape: Shape, element: Any, mean: float, deviation: float, low: float = -2.0, high: float = 2.0
) -> Drawn:  # fmt: skip
    """Normal, and between so many deviations from the mean, two on either side by default."""
    state, drawn = creation.truncated_normal(scope, state, shape, _wide(element), low, high)
    return state, E.convert(drawn * deviation + mean, element)


SHARE_WITHIN_TWO = 0.87962566103423978
"""The deviation of a standard normal distribution cut at two deviations."""


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many values come in and go out of a unit of a weight (kernel..., in, out)."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def variance_scaling(
    shape: Sequence[int], scale: float, mode: str, distribution: str
) -> tuple[Any, tuple[float, float]]:
    """The lowering, and its static arguments, that give a weight numbers of variance scale / fan; `mode` says which fan,
    `distribution` is "uniform", "truncated_normal" or "untruncated_normal"."""
    fan_in, fan_out = fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    variance = scale / max(1.0, fan)
    match distribution:
        case "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform, (-limit, limit)
        case "untruncated_normal":
            return normal, (0.0, math.sqrt(variance))
    return truncated_normal, (0.0, math.sqrt(variance) / SHARE_WITHIN_TWO)


def orthogonal(
    scope: Scope, state: Expr, shape: Shape, element: FloatType, gain: float, leading: int = -1
) -> Drawn:
    """A matrix (its rows are the `leading` dimensions, all but the last by default) with orthonormal columns, or rows
    where there are fewer: Gram and Schmidt on normal numbers, twice for each vector, which is enough (Kahan, by
    Parlett)."""
    rows, columns = math.prod(shape[:leading]), math.prod(shape[leading:])
    n, m = sorted((rows, columns))
    wide = _wide(element)
    state, drawn = creation.normal(scope, state, (n, m), wide)
    start = scope.constant(0, TensorType((n, m), wide))

    def step(inner: Scope, i: Expr, carried: list[Expr]) -> list[Expr]:
        (basis,) = carried
        vector = take_slice(inside(inner, drawn)[0], i)
        for _ in range(2):
            shares = dot(basis, vector, ((1,), (0,)))
            vector = vector - dot(basis, shares, ((0,), (0,)))
        size = E.sqrt(E.reduce_sum(vector * vector, (0,)))
        return [put_slice(basis, i, vector / spread(size, vector.shape))]

    (basis,) = counted_loop(scope, n, [start], step)
    matrix = basis if rows <= columns else E.transpose(basis, (1, 0))
    return state, E.convert(E.reshape(matrix, shape) * gain, element)

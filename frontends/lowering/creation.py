"""Values made from nothing: filled, counted, and from random bits."""

from __future__ import annotations

import math
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import Shape, emit, spread
from irc.ir.operation import registered
from irc.ir.types import FloatType, TensorType, f32, f64, i32, i64, ui32, ui64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: spreads seeds that are close together."""


def filled(scope: Scope, value: Expr, shape: Shape) -> Expr:
    return spread(value, shape)


def count(scope: Scope, n: int, start: Any, step: Any, element: Any) -> Expr:
    """start + i * step for i in 0 ... n - 1, computed in f64 (floats) or i64."""
    wide: Any = f64 if isinstance(element, FloatType) else i64
    if isinstance(element, FloatType) and float(start).is_integer() and float(step).is_integer():
        wide = i64
        start, step = int(start), int(step)
    index = scope.iota(TensorType((n,), wide), 0)
    scaled = index if step == 1 else index * step
    return E.convert(scaled if start == 0 else scaled + start, element)


def identity_matrix(scope: Scope, n: int, m: int, element: Any) -> Expr:
    """Ones on the diagonal of an n x m matrix, zeros elsewhere."""
    type = TensorType((n, m), i32)
    return E.convert(E.eq(scope.iota(type, 0), scope.iota(type, 1)), element)


def complex_of(scope: Scope, real: Expr, imag: Expr) -> Expr:
    return E.make_complex(real, imag)


def bits(scope: Scope, state: Expr, shape: Shape, element: Any) -> tuple[Expr, Expr]:
    """The next state and random bits, by Threefry with the state as key and counter.

    Of 32 bits Threefry makes two numbers at a time. They are drawn as two rows, the elements in order: which dimension of
    `shape` is even, by which StableHLO pairs them, would make another program of another size; and so would rows that are
    `shape` already, hence the 1."""
    if element is not ui32:
        return _drawn(scope, state, shape, element)
    n = math.prod(shape)
    state, rows = _drawn(scope, state, (1, 2, -(-n // 2)), element)
    if n % 2:
        rows = E.slice(E.reshape(rows, (n + 1,)), (0,), (n,))
    return state, E.reshape(rows, shape)


def _drawn(scope: Scope, state: Expr, shape: Shape, element: Any) -> tuple[Expr, Expr]:
    types = [state.type, TensorType(shape, element)]
    new, bits = scope.emit(hlo.RngBitGenerator(state.value, rng_algorithm="THREE_FRY", result_types=types))
    return new, bits


def unit(drawn: Expr, element: Any) -> Expr:
    """Bits as numbers in [0, 1): multiples of 2^-24, or of 2^-53 in f64."""
    if element is f64:
        return E.convert(_shifted(drawn, 11), f64) * 2.0**-53
    return E.convert(E.convert(_shifted(drawn, 8), f32) * 2.0**-24, element)


def _shifted(drawn: Expr, n: int) -> Expr:
    return emit(hlo.ShiftRightLogical, drawn, drawn.lift(n))


def _word(element: Any) -> Any:
    return ui64 if element is f64 else ui32


def uniform(scope: Scope, state: Expr, shape: Shape, element: Any) -> tuple[Expr, Expr]:
    """The next state, and numbers uniform in [0, 1)."""
    state, drawn = bits(scope, state, shape, _word(element))
    return state, unit(drawn, element)


def normal(scope: Scope, state: Expr, shape: Shape, element: Any) -> tuple[Expr, Expr]:
    """The next state, and standard normal numbers (Box and Muller 1958, the cosine half)."""
    wide = f64 if element is f64 else f32
    state, drawn = bits(scope, state, (2, *shape), _word(element))
    zeros, ones = (0,) * len(shape), tuple(shape)
    first = E.reshape(E.slice(drawn, (0, *zeros), (1, *ones)), shape)
    second = E.reshape(E.slice(drawn, (1, *zeros), (2, *ones)), shape)
    # 1 - u is in (0, 1], where the logarithm is finite.
    radius = E.sqrt(E.log(1 - unit(first, wide)) * -2)
    return state, E.convert(radius * E.cos(unit(second, wide) * (2 * math.pi)), element)


def truncated_normal(
    scope: Scope, state: Expr, shape: Shape, element: Any, low: float = -2.0, high: float = 2.0
) -> tuple[Expr, Expr]:
    """The next state, and standard normal numbers between two bounds, by the inverse of the distribution function."""
    wide = f64 if element is f64 else f32
    state, drawn = bits(scope, state, shape, _word(element))
    # erf(x / sqrt 2) is uniform between its values at the bounds; then x = sqrt 2 erfinv(.).
    below, above = (math.erf(bound / math.sqrt(2)) for bound in (low, high))
    spread_out = (unit(drawn, wide) * 2 - 1) * ((above - below) / 2)
    if below != -above:
        spread_out = spread_out + (above + below) / 2
    return state, E.convert(emit(registered("chlo.erf_inv"), spread_out) * math.sqrt(2), element)


def integer(scope: Scope, state: Expr, shape: Shape, element: Any, low: int, high: int) -> tuple[Expr, Expr]:
    """The next state, and integers in [low, high): the remainder of 64 random bits."""
    state, drawn = bits(scope, state, shape, ui64)
    rest = emit(hlo.Remainder, drawn, drawn.lift(high - low))
    return state, E.convert(rest, element) + low


def keep_mask(scope: Scope, state: Expr, shape: Shape, p: float) -> tuple[Expr, Expr]:
    """The next state, and a mask that drops with probability p."""
    state, drawn = bits(scope, state, shape, ui32)
    return state, drawn >= min(round(p * 2**32), 2**32 - 1)

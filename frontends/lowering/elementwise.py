"""Elementwise operations: operands of any shapes that broadcast together, converted to one element type first."""

from __future__ import annotations

import math
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.errors import ShapeError
from irc.ir.operation import registered
from irc.ir.types import FloatType, IntegerType, TensorType, i1
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

Shape = tuple[int, ...]


def broadcast_shape(*shapes: Shape) -> Shape:
    """The shape that all broadcast to, aligned at the last dimension; ShapeError with PyTorch's words where there is
    none."""
    rank = max(map(len, shapes))
    out: list[int] = []
    for back in range(rank, 0, -1):
        extent = 1
        for shape in shapes:
            n = shape[-back] if back <= len(shape) else 1
            if n != 1 and extent not in (1, n):
                dimension = rank - back
                raise ShapeError(
                    f"The size of tensor a ({extent}) must match the size of tensor b ({n}) at non-singleton dimension "
                    f"{dimension}"
                )
            extent = n if n != 1 else extent
        out.append(extent)
    return tuple(out)


def spread(x: Expr, shape: Shape) -> Expr:
    """`x` broadcast to `shape` as NumPy and PyTorch do."""
    return E.broadcast(x, shape, tuple(range(len(shape) - x.rank, len(shape))))


def together(*xs: Expr) -> list[Expr]:
    """The operands broadcast to their common shape."""
    shape = broadcast_shape(*(x.shape for x in xs))
    return [spread(x, shape) for x in xs]


def number(x: Expr, value: Any) -> Expr:
    """A splat of `x`'s type."""
    return x.scope.constant(value, x.type)


def emit(cls: Any, *xs: Expr, **attributes: Any) -> Expr:
    return xs[0].scope.emit(cls(*(x.value for x in xs), **attributes))


def binary(scope: Scope, x: Expr, y: Expr, cls: Any, element: Any) -> Expr:
    """`cls(x, y)` after conversion to `element`."""
    return emit(cls, *together(E.convert(x, element), E.convert(y, element)))


def compare(scope: Scope, x: Expr, y: Expr, direction: str, element: Any) -> Expr:
    """Whether x stands to y as `direction` says (EQ, LT, ...), after conversion to `element`."""
    a, b = together(E.convert(x, element), E.convert(y, element))
    return E.compare(a, direction, b)


def scaled_add(scope: Scope, x: Expr, y: Expr, scale: Expr, cls: Any, element: Any) -> Expr:
    """x + scale * y (or minus)."""
    a, b, c = (E.convert(v, element) for v in (x, y, scale))
    return emit(cls, *together(a, emit(hlo.Multiply, *together(c, b))))


def floor_divide(scope: Scope, x: Expr, y: Expr, element: Any) -> Expr:
    """The quotient rounded down."""
    a, b = together(E.convert(x, element), E.convert(y, element))
    if isinstance(element, FloatType):
        return E.floor(a / b)
    quotient, rest = a / b, emit(hlo.Remainder, a, b)
    if element.is_unsigned:
        return quotient
    negative = emit(hlo.Xor, rest < 0, b < 0)
    return E.select(~E.eq(rest, 0) & negative, quotient - 1, quotient)


def remainder(scope: Scope, x: Expr, y: Expr, element: Any) -> Expr:
    """What is left of x after whole multiples of y, with y's sign (Python's %)."""
    a, b = together(E.convert(x, element), E.convert(y, element))
    rest = emit(hlo.Remainder, a, b)
    if isinstance(element, IntegerType) and element.is_unsigned:
        return rest
    differs = emit(hlo.Xor, rest < 0, b < 0)
    return E.select(~E.eq(rest, 0) & differs, rest + b, rest)


def truncated_divide(scope: Scope, x: Expr, y: Expr, element: Any) -> Expr:
    """The quotient rounded towards zero."""
    a, b = together(E.convert(x, element), E.convert(y, element))
    quotient = a / b
    return truncate(scope, quotient) if isinstance(element, FloatType) else quotient


def unary(scope: Scope, x: Expr, cls: Any, element: Any) -> Expr:
    return emit(cls, E.convert(x, element))


def convert(scope: Scope, x: Expr, element: Any) -> Expr:
    """To another element type; to a boolean: what is not zero."""
    if element is i1 and x.element is not i1:
        return compare_zero(x)
    return E.convert(x, element)


def compare_zero(x: Expr) -> Expr:
    return E.compare(x, "NE", 0)


def integer_power(scope: Scope, x: Expr, exponent: int, element: Any) -> Expr:
    """x to a whole power, by repeated squaring."""
    base = E.convert(x, element)
    n = abs(exponent)
    if n == 0:
        return number(base, 1)
    result: Expr | None = None
    while n:
        if n & 1:
            result = base if result is None else result * base
        n >>= 1
        if n:
            base = base * base
    assert result is not None
    return 1 / result if exponent < 0 else result


def root_power(scope: Scope, x: Expr, element: Any, cls: Any) -> Expr:
    """x ** 0.5 and x ** -0.5."""
    return emit(cls, E.convert(x, element))


def relu(scope: Scope, x: Expr) -> Expr:
    return emit(hlo.Maximum, x, number(x, 0))


def sigmoid(scope: Scope, x: Expr, element: Any) -> Expr:
    return emit(hlo.Logistic, E.convert(x, element))


def leaky_relu(scope: Scope, x: Expr, slope: float) -> Expr:
    return E.select(x > 0, x, x * slope)


def prelu(scope: Scope, x: Expr, weight: Expr) -> Expr:
    """The slope of channel (dimension 1) c is weight[c], or one weight for all."""
    if weight.type.size == 1 or x.rank < 2:
        weight = E.reshape(weight, ())
    else:
        weight = E.broadcast(weight, x.shape, (1,))
    return sloped(scope, x, weight)


def sloped(scope: Scope, x: Expr, slope: Expr) -> Expr:
    """x above 0, times the slope (of a shape that spreads to x's) below."""
    return E.select(x > 0, x, x * spread(slope, x.shape))


def elu(scope: Scope, x: Expr, alpha: float, scale: float, input_scale: float) -> Expr:
    """scale * x above 0, scale * alpha * (exp(input_scale * x) - 1) below (Clevert et al. 2016)."""
    negative = emit(hlo.ExponentialMinusOne, x * input_scale if input_scale != 1 else x) * alpha
    out = E.select(x > 0, x, negative)
    return out * scale if scale != 1 else out


def softplus(scope: Scope, x: Expr, beta: float, threshold: float) -> Expr:
    """log(1 + exp(beta x)) / beta; x itself where beta x is over the threshold."""
    scaled = x * beta if beta != 1 else x
    safe = E.select(scaled > threshold, 0, scaled)
    soft = emit(hlo.LogPlusOne, E.exp(safe))
    return E.select(scaled > threshold, x, soft / beta if beta != 1 else soft)


def gelu(scope: Scope, x: Expr, approximate: str) -> Expr:
    """x times the normal distribution function, by erf or by the tanh formula."""
    if approximate == "tanh":
        inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
        return x * 0.5 * (E.tanh(inner) + 1)
    return x * 0.5 * (erf(scope, x * math.sqrt(0.5)) + 1)


def erf(scope: Scope, x: Expr) -> Expr:
    return emit(registered("chlo.erf"), x)


def silu(scope: Scope, x: Expr) -> Expr:
    return x * emit(hlo.Logistic, x)


def mish(scope: Scope, x: Expr) -> Expr:
    return x * E.tanh(softplus(scope, x, 1.0, 20.0))


def hardtanh(scope: Scope, x: Expr, low: float, high: float) -> Expr:
    return emit(hlo.Minimum, emit(hlo.Maximum, x, number(x, low)), number(x, high))


def hardsigmoid(scope: Scope, x: Expr) -> Expr:
    return hardtanh(scope, x + 3, 0.0, 6.0) / 6


def hardswish(scope: Scope, x: Expr) -> Expr:
    return x * hardsigmoid(scope, x)


def log_sigmoid(scope: Scope, x: Expr) -> Expr:
    """min(x, 0) - log(1 + exp(-|x|))."""
    return emit(hlo.Minimum, x, number(x, 0)) - emit(hlo.LogPlusOne, E.exp(-E.absolute(x)))


def softsign(scope: Scope, x: Expr) -> Expr:
    return x / (E.absolute(x) + 1)


def sinh(scope: Scope, x: Expr, element: Any) -> Expr:
    """(exp(x) - exp(-x)) / 2."""
    x = E.convert(x, element)
    return (E.exp(x) - E.exp(-x)) / 2


def cosh(scope: Scope, x: Expr, element: Any) -> Expr:
    """(exp(x) + exp(-x)) / 2."""
    x = E.convert(x, element)
    return (E.exp(x) + E.exp(-x)) / 2


def asinh(scope: Scope, x: Expr, element: Any) -> Expr:
    """The sign of x times log(|x| + sqrt(x^2 + 1)), which loses nothing where x is negative."""
    x = E.convert(x, element)
    return emit(hlo.Sign, x) * E.log(E.absolute(x) + E.sqrt(x * x + 1))


def acosh(scope: Scope, x: Expr, element: Any) -> Expr:
    """log(x + sqrt(x^2 - 1)); NaN below 1."""
    x = E.convert(x, element)
    return E.log(x + E.sqrt(x * x - 1))


def atanh(scope: Scope, x: Expr, element: Any) -> Expr:
    """(log(1 + x) - log(1 - x)) / 2."""
    x = E.convert(x, element)
    return (emit(hlo.LogPlusOne, x) - emit(hlo.LogPlusOne, -x)) / 2


def atan(scope: Scope, x: Expr, element: Any) -> Expr:
    """The angle whose tangent is x."""
    x = E.convert(x, element)
    return emit(hlo.Atan2, x, number(x, 1))


def asin(scope: Scope, x: Expr, element: Any) -> Expr:
    """The angle whose sine is x; NaN outside [-1, 1]."""
    x = E.convert(x, element)
    return emit(hlo.Atan2, x, _other_leg(x))


def acos(scope: Scope, x: Expr, element: Any) -> Expr:
    """The angle whose cosine is x; NaN outside [-1, 1]."""
    x = E.convert(x, element)
    return emit(hlo.Atan2, _other_leg(x), x)


def _other_leg(x: Expr) -> Expr:
    """sqrt(1 - x^2), exact near 1."""
    return E.sqrt((1 - x) * (1 + x))


def clamp(scope: Scope, x: Expr, *limits: Expr, has_low: bool, element: Any) -> Expr:
    """x at least the lower limit (where there is one) and at most the upper one."""
    x = E.convert(x, element)
    bounds = [E.convert(b, element) for b in limits]
    if has_low:
        x = emit(hlo.Maximum, *together(x, bounds.pop(0)))
    if bounds:
        x = emit(hlo.Minimum, *together(x, bounds.pop(0)))
    return x


def clamp_low(scope: Scope, x: Expr, low: Expr, element: Any) -> Expr:
    return clamp(scope, x, low, has_low=True, element=element)


def clamp_high(scope: Scope, x: Expr, high: Expr, element: Any) -> Expr:
    return clamp(scope, x, high, has_low=False, element=element)


def clamp_both(scope: Scope, x: Expr, low: Expr, high: Expr, element: Any) -> Expr:
    return clamp(scope, x, low, high, has_low=True, element=element)


def where(scope: Scope, condition: Expr, x: Expr, y: Expr, element: Any) -> Expr:
    """x where the condition holds (or is not zero), y elsewhere; all three broadcast together."""
    p = condition if condition.element is i1 else compare_zero(condition)
    return emit(hlo.Select, *together(p, E.convert(x, element), E.convert(y, element)))


def truncate(scope: Scope, x: Expr) -> Expr:
    return E.select(x < 0, emit(hlo.Ceil, x), E.floor(x))


def square(scope: Scope, x: Expr) -> Expr:
    return x * x


def reciprocal(scope: Scope, x: Expr, element: Any) -> Expr:
    """1 / x."""
    x = E.convert(x, element)
    return 1 / x


def is_nan(scope: Scope, x: Expr) -> Expr:
    return E.compare(x, "NE", x) if isinstance(x.element, FloatType) else _never(x)


def is_infinite(scope: Scope, x: Expr) -> Expr:
    return E.eq(E.absolute(x), math.inf) if isinstance(x.element, FloatType) else _never(x)


def is_finite(scope: Scope, x: Expr) -> Expr:
    return emit(hlo.IsFinite, x) if isinstance(x.element, FloatType) else ~_never(x)


def _never(x: Expr) -> Expr:
    return x.scope.constant(False, TensorType(x.type.shape, i1))


def logical(scope: Scope, x: Expr, y: Expr, cls: Any) -> Expr:
    """`and`, `or`, `xor` of what is not zero."""
    return emit(cls, *together(*(v if v.element is i1 else compare_zero(v) for v in (x, y))))


def logical_not(scope: Scope, x: Expr) -> Expr:
    return E.eq(x, 0)


def lerp(scope: Scope, x: Expr, y: Expr, weight: Expr) -> Expr:
    """x + weight * (y - x)."""
    a, b, w = together(x, y, E.convert(weight, x.element))
    return a + w * (b - a)


def log_base(scope: Scope, x: Expr, base: float, element: Any) -> Expr:
    return E.log(E.convert(x, element)) / math.log(base)


def exp_base(scope: Scope, x: Expr, base: float, element: Any) -> Expr:
    return E.exp(E.convert(x, element) * math.log(base))


def keep(scope: Scope, x: Expr, mask: Expr, scale: float) -> Expr:
    """x times the scale where the mask holds, 0 elsewhere."""
    return E.select(spread(mask, x.shape), x * scale, 0)


def copy_into(scope: Scope, base: Expr, new: Expr) -> Expr:
    """`new` with the type of `base`: what an in-place write leaves."""
    if len(new.shape) > len(base.shape) or broadcast_shape(base.shape, new.shape) != base.shape:
        raise ShapeError(
            f"output with shape {list(base.shape)} doesn't match the broadcast shape "
            f"{list(broadcast_shape(base.shape, new.shape))}"
        )
    return spread(convert(scope, new, base.element), base.shape)

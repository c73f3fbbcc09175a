"""Gradients of elementwise ops: `g` is the cotangent of `ans = f(x, y)`.

Where a function has a kink: `abs` has slope sign(x), so 0 at 0. `maximum(x, y)` gives each half of `g` on
a tie, except that a constant wins it: `maximum(x, 0)` is relu, whose slope at 0 is 0 in every framework.
`clamp` passes `g` strictly between its bounds, and gives the lower bound none where the bounds are equal: there the lower
one moves the result only downwards, the upper one only from where x is beyond it. These are JAX's choices; a difference
quotient, which looks to both sides, has half of the slope at such a point."""

from __future__ import annotations

from irc.dialects import stablehlo as hlo
from irc.ir.types import ComplexType
from irc.passes.autodiff.registry import Formula, defvjp, nograd
from irc.passes.expression import (
    Expr,
    absolute,
    broadcast_like,
    compare,
    conj,
    convert,
    cos,
    eq,
    floor,
    imag,
    is_constant,
    log,
    make_complex,
    power,
    real,
    reduce_sum,
    select,
    sign,
    sin,
    splat,
    zeros_like,
)

defvjp(hlo.Add, lambda g, ans, x, y: g, lambda g, ans, x, y: g)
defvjp(hlo.Subtract, lambda g, ans, x, y: g, lambda g, ans, x, y: -g)
defvjp(hlo.Multiply, lambda g, ans, x, y: g * y, lambda g, ans, x, y: g * x)
defvjp(hlo.Divide, lambda g, ans, x, y: g / y, lambda g, ans, x, y: -g * ans / y)
defvjp(hlo.Negate, lambda g, ans, x: -g)

defvjp(hlo.Exponential, lambda g, ans, x: g * ans)
defvjp(hlo.ExponentialMinusOne, lambda g, ans, x: g * (ans + 1))
defvjp(hlo.Log, lambda g, ans, x: g / x)
defvjp(hlo.LogPlusOne, lambda g, ans, x: g / (x + 1))
defvjp(hlo.Logistic, lambda g, ans, x: g * ans * (1 - ans))
defvjp(hlo.Tanh, lambda g, ans, x: g * (1 - ans * ans))
defvjp(hlo.Sine, lambda g, ans, x: g * cos(x))
defvjp(hlo.Cosine, lambda g, ans, x: -g * sin(x))
defvjp(hlo.Tan, lambda g, ans, x: g * (1 + ans * ans))
defvjp(hlo.Sqrt, lambda g, ans, x: g * 0.5 / ans)
defvjp(hlo.Rsqrt, lambda g, ans, x: g * -0.5 * ans / x)
defvjp(hlo.Cbrt, lambda g, ans, x: g / (3 * ans * ans))


def abs_vjp(g: Expr, ans: Expr, x: Expr) -> Expr:
    """The slope is sign(x); of a complex x it is its conjugate direction, conj(x) / |x| (0 at 0)."""
    if not isinstance(x.element, ComplexType):
        return g * sign(x)
    scale = select(eq(ans, 0), 0, g / select(eq(ans, 0), 1, ans))
    return convert(scale, x.element) * conj(x)


defvjp(hlo.Abs, abs_vjp)
defvjp(
    hlo.Atan2,
    lambda g, ans, x, y: g * y / (x * x + y * y),
    lambda g, ans, x, y: -g * x / (x * x + y * y),
)


def power_base(g: Expr, ans: Expr, x: Expr, y: Expr) -> Expr | None:
    """g y x^(y-1): powers that a product or a quotient gives are written so, and y = 0 has slope 0 even at
    x = 0."""
    n = splat(y)
    if n is None:
        return g * y * power(x, select(eq(y, 0), 1, y - 1))
    match complex(n):
        case 0:
            return None
        case 1:
            return g
        case 2:
            return g * 2 * x
        case 3:
            return g * 3 * (x * x)
        case -1:
            return -g * ans * ans
    return g * y * power(x, y - 1)


defvjp(
    hlo.Power,
    power_base,
    # x = 0 counts as log 1: 0^y does not change with y > 0.
    lambda g, ans, x, y: g * log(select(eq(x, 0), 1, x)) * ans,
)


def truncate(x: Expr) -> Expr:
    """Rounds toward zero."""
    return sign(x) * floor(absolute(x))


defvjp(hlo.Remainder, lambda g, ans, x, y: g, lambda g, ans, x, y: -g * truncate(x / y))


def extremum(direction: str) -> tuple[Formula, Formula]:
    """The two formulas of maximum (`GT`) or minimum (`LT`): `g` goes to whoever won."""

    def share(g: Expr, ans: Expr, x: Expr, y: Expr) -> Expr:
        if is_constant(y):
            return select(compare(ans, direction, y), g, 0)
        if is_constant(x):
            return select(compare(y, direction, x), 0, g)
        return select(compare(x, direction, y), g, select(eq(x, y), g * 0.5, 0))

    return share, lambda g, ans, x, y: share(g, ans, y, x)


defvjp(hlo.Maximum, *extremum("GT"))
defvjp(hlo.Minimum, *extremum("LT"))


def to_shape_of(g: Expr, x: Expr) -> Expr:
    """`g` for an operand that may be a scalar which was spread over the others."""
    return g if x.rank == g.rank else reduce_sum(g, range(g.rank))


def spread(x: Expr, like: Expr) -> Expr:
    return x if x.rank == like.rank else broadcast_like(x, like, ())


defvjp(
    hlo.Clamp,
    lambda g, ans, low, x, high: to_shape_of(
        select((spread(low, x) > x) & (spread(low, x) < spread(high, x)), g, 0), low
    ),
    lambda g, ans, low, x, high: select((x > spread(low, x)) & (x < spread(high, x)), g, 0),
    lambda g, ans, low, x, high: to_shape_of(select(spread(high, x) < x, g, 0), high),
)
defvjp(
    hlo.Select,
    None,
    lambda g, ans, p, x, y: select(p, g, 0),
    lambda g, ans, p, x, y: select(p, 0, g),
)


defvjp(
    hlo.ReducePrecision,
    lambda g, ans, x: g.scope.emit(
        hlo.ReducePrecision(g.value, exponent_bits=ans.op.exponent_bits, mantissa_bits=ans.op.mantissa_bits)
    ),
)

defvjp(hlo.Complex, lambda g, ans, x, y: real(g), lambda g, ans, x, y: -imag(g))
defvjp(
    hlo.Real, lambda g, ans, x: make_complex(g, zeros_like(g)) if isinstance(x.element, ComplexType) else g
)
defvjp(
    hlo.Imag,
    lambda g, ans, x: make_complex(zeros_like(g), -g) if isinstance(x.element, ComplexType) else None,
)

nograd("piecewise constant", hlo.Sign, hlo.Floor, hlo.Ceil, hlo.RoundNearestAfz, hlo.RoundNearestEven)
nograd("the result is a truth value", hlo.Compare, hlo.IsFinite)
nograd(
    "integers and truth values have no gradient",
    hlo.And,
    hlo.Or,
    hlo.Xor,
    hlo.Not,
    hlo.Popcnt,
    hlo.CountLeadingZeros,
    hlo.ShiftLeft,
    hlo.ShiftRightArithmetic,
    hlo.ShiftRightLogical,
)

"""Gradients of the ops that StableHLO has in its companion dialect."""

from __future__ import annotations

import math
from typing import Any

from irc.dialects import chlo
from irc.dialects.chlo_scan import Scan
from irc.passes.autodiff.registry import defadjoint, defvjp, nograd, refuse
from irc.passes.autodiff.rules.indexing import put_along
from irc.passes.autodiff.transform import Reverse
from irc.passes.expand.special import bessel_i0e
from irc.passes.expression import Expr, conj, eq, exp, rsqrt, select, sign, sqrt, zeros_like


def cosh(x: Expr) -> Expr:
    return x.scope.emit(chlo.Cosh(x.value))


def sinh(x: Expr) -> Expr:
    return x.scope.emit(chlo.Sinh(x.value))


def digamma(x: Expr) -> Expr:
    return x.scope.emit(chlo.Digamma(x.value))


def polygamma(n: Expr, x: Expr) -> Expr:
    return x.scope.emit(chlo.Polygamma(n.value, x.value))


def zeta(x: Expr, q: Expr) -> Expr:
    return x.scope.emit(chlo.Zeta(x.value, q.value))


def bessel_i1e_slope(x: Expr, ans: Expr) -> Expr:
    """i0e(x) - i1e(x) (sign(x) + 1 / x); 1/2 at 0, where i1e(x) / x is 1/2."""
    none = eq(x, 0)
    slope = bessel_i0e(x) - ans * (sign(x) + 1 / select(none, 1, x))
    return select(none, 0.5, slope)


defvjp(chlo.Acos, lambda g, ans, x: -g * rsqrt(1 - x * x))
defvjp(chlo.Acosh, lambda g, ans, x: g / (sqrt(x - 1) * sqrt(x + 1)))
defvjp(chlo.Asin, lambda g, ans, x: g * rsqrt(1 - x * x))
defvjp(chlo.Asinh, lambda g, ans, x: g * rsqrt(x * x + 1))
defvjp(chlo.Atan, lambda g, ans, x: g / (x * x + 1))
defvjp(chlo.Atanh, lambda g, ans, x: g / (1 - x * x))
defvjp(chlo.Conj, lambda g, ans, x: conj(g))
defvjp(chlo.Cosh, lambda g, ans, x: g * sinh(x))
defvjp(chlo.Sinh, lambda g, ans, x: g * cosh(x))
defvjp(chlo.Tan, lambda g, ans, x: g * (ans * ans + 1))
defvjp(chlo.Square, lambda g, ans, x: g * 2 * x)

defvjp(chlo.Erf, lambda g, ans, x: g * (2 / math.sqrt(math.pi)) * exp(-(x * x)))
defvjp(chlo.Erfc, lambda g, ans, x: g * (-2 / math.sqrt(math.pi)) * exp(-(x * x)))
defvjp(chlo.ErfInv, lambda g, ans, x: g * (math.sqrt(math.pi) / 2) * exp(ans * ans))
defvjp(chlo.Lgamma, lambda g, ans, x: g * digamma(x))
defvjp(chlo.Digamma, lambda g, ans, x: g * polygamma(x.lift(1), x))
defvjp(chlo.Polygamma, None, lambda g, ans, n, x: g * polygamma(n + 1, x))
defvjp(chlo.Zeta, "no op gives it", lambda g, ans, x, q: -g * x * zeta(x + 1, q))
defvjp(chlo.BesselI1e, lambda g, ans, x: g * bessel_i1e_slope(x, ans))
refuse("expand it to a loop first", Scan)

nograd("the result is a truth value", chlo.IsInf, chlo.IsNegInf, chlo.IsPosInf)
nograd("integers have no gradient", chlo.Mulhi)
nograd("the number is the same whatever the operand holds", chlo.ConstantLike)
defvjp(chlo.NextAfter, lambda g, ans, x, y: g, None)


@defadjoint(chlo.TopK)
def top_k_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    g = gs[0]
    assert g is not None
    x = reverse.scope.of(op.operand)
    reverse.add(op.operand, put_along(zeros_like(x), reverse.scope.of(op.indices), g, x.rank - 1))

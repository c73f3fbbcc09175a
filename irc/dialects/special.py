"""Special functions in f64 for the reference, each by the plainest method that reaches its last bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# B(2k) / (2k)! for k = 1..9, the terms of Euler-Maclaurin sums.
BERNOULLI = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
    -3617 / 10670622842880000,
    43867 / 5109094217170944000,
)


def each(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of one Python float, on arrays of f64."""
    return np.vectorize(function, otypes=[np.float64])


erf = each(math.erf)
erfc = each(math.erfc)


@each
def lgamma(x: float) -> float:
    """log |gamma(x)|; infinite at 0 and the negative integers."""
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    if 0.5 < x < 2.5:
        # math.lgamma subtracts near numbers about its zeros, 1 and 2.
        return lgamma_from_two(x - 1) - math.log1p(x - 1) if x < 1.5 else lgamma_from_two(x - 2)
    return math.lgamma(x)


def lgamma_from_two(z: float) -> float:
    """lgamma(2 + z) for |z| <= 1/2, by its Taylor series (Abramowitz, Stegun: 6.1.33)."""
    return sum((c * z**k for k, c in enumerate(_taylor(), 1)), start=0.0)


@cache
def _taylor() -> list[float]:
    euler = 0.57721566490153286
    return [1 - euler, *((-1) ** k * _zeta(k, 2) / k for k in range(2, 60))]


@each
def erf_inv(x: float) -> float:
    """A closed approximation (Winitzki), then Halley steps; near +-1 the residual is taken from erfc."""
    if not -1 < x < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    if x == 0:
        return x
    target, bend = abs(x), 0.147
    log = math.log1p(-target * target)
    middle = 2 / (math.pi * bend) + log / 2
    y = math.sqrt(math.sqrt(middle * middle - log / bend) - middle)
    for _ in range(4):
        residual = math.erf(y) - target if target < 0.5 else (1 - target) - math.erfc(y)
        step = residual / (2 / math.sqrt(math.pi) * math.exp(-y * y))
        y -= step / (1 + y * step)
    return math.copysign(y, x)


@each
def digamma(x: float) -> float:
    """Reflection below 1/2, recurrence up to 10, then the asymptotic series. NaN at 0 and the negative integers."""
    if math.isinf(x):
        return x if x > 0 else math.nan
    if x <= 0 and x == math.floor(x):
        return math.nan
    if x < 0.5:
        return digamma_above(1 - x) - math.pi / math.tan(math.pi * x)
    return digamma_above(x)


def digamma_above(x: float) -> float:
    """digamma from 1/2 on."""
    total = 0.0
    while x < 10:
        total -= 1 / x
        x += 1
    total += math.log(x) - 0.5 / x
    # Further out the series is less than half an ulp, and its powers overflow.
    for k, term in enumerate(BERNOULLI if x < 1e9 else (), 1):
        total -= term * math.factorial(2 * k - 1) / x ** (2 * k)
    return total


@each
def bessel_i1e(x: float) -> float:
    """exp(-|x|) I1(x): x / pi times the integral of exp(|x| cos t) sin(t)**2 by the trapezoid rule, or Hankel's expansion for large x."""
    size = abs(x)
    if math.isnan(x) or math.isinf(x):
        return math.nan if math.isnan(x) else 0.0
    if size < 1000:
        angles = np.linspace(0, math.pi, 401)
        values = np.exp(size * (np.cos(angles) - 1)) * np.sin(angles) ** 2
        result = size * float(values.sum() / 400)
    else:
        r = 1 / (8 * size)
        series = 1 - 3 * r * (1 + 5 * r / 2 * (1 + 21 * r / 3 * (1 + 45 * r / 4)))
        result = series / math.sqrt(2 * math.pi * size)
    return math.copysign(result, x)


def zeta(x: Array, q: Array) -> Array:
    """Hurwitz zeta, the sum of (q + k) ** -x over k >= 0, by Euler-Maclaurin; NaN where it does not converge."""
    return np.asarray(np.vectorize(_zeta, otypes=[np.float64])(x, q))


def _zeta(x: float, q: float) -> float:
    if math.isnan(x) or math.isnan(q) or x < 1:
        return math.nan
    if x == 1:
        return math.inf
    if math.isinf(q):
        return 0.0 if q > 0 else math.nan
    if math.isinf(x):
        return 1.0 if q == 1 else 0.0 if q > 1 else math.inf
    # NumPy's floats overflow to infinity where Python's raise.
    x, q = np.float64(x), np.float64(q)
    if q <= 0 and (q == math.floor(q) or x != math.floor(x)):
        return math.inf if q == math.floor(q) and x % 2 == 0 else math.nan
    head = sum((q + k) ** -x for k in range(10))
    a = q + 10
    total = head + a ** (1 - x) / (x - 1) + 0.5 * a**-x
    rising = x * a ** (-x - 1)
    for k, term in enumerate(BERNOULLI, 1):
        total += term * rising
        rising *= (x + 2 * k - 1) * (x + 2 * k) / (a * a)
    return float(total)


def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of digamma; NaN for an n that is not a natural number."""
    natural = (n >= 0) & (n == np.floor(n))
    sign = np.where(n % 2 == 0, -1.0, 1.0)
    higher = sign * np.exp(lgamma(n + 1)) * zeta(np.where(n > 0, n + 1, 2.0), x)
    return np.where(natural, np.where(n == 0, digamma(x), higher), np.nan)

"""Where the coefficients of `irc.codegen.vector_math` come from: ``python tests/codegen/fit_vector_math.py [name ...]``.

Each table is the polynomial whose largest relative error in the function's result is least: Remez' exchange on a grid, in
mpmath. Coefficients are rounded one after another, the lowest power first, and the rest fitted again to what is left.
Prints log2 of the error before and after rounding, and the table.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mpmath import mp, mpf

Real = Callable[[mpf], mpf]
mp.dps = 60


@dataclass(frozen=True)
class Fit:
    """``function(x) ~ sum of c[i] * x**i`` on [low, high]; `weight` turns its error into one of the result."""

    function: Real
    weight: Real
    low: mpf
    high: mpf
    terms: dict[str, int]
    constant_as_pair: bool = False

    def solve(self, dtype: str) -> tuple[list[float], mpf, mpf]:
        """The rounded coefficients, and the error before and after rounding."""
        points = 400
        middle, radius = (self.low + self.high) / 2, (self.high - self.low) / 2
        grid = [middle - radius * mp.cos(mp.pi * i / points) for i in range(points + 1)]
        grid = [x for x in grid if self.weight(x) != 0]
        weights = [abs(self.weight(x)) for x in grid]
        values = [self.function(x) for x in grid]
        powers = [[x**i for i in range(self.terms[dtype])] for x in grid]
        exact, ideal = exchange(values, weights, powers)
        rounded: list[float] = []
        while True:
            rounded.append(round_to(exact[0], dtype))
            removed = mpf(rounded[-1])
            if self.constant_as_pair and len(rounded) == 1:
                rounded.append(round_to(exact[0] - removed, dtype))
                removed += mpf(rounded[-1])
            values = [v - removed * row[0] for v, row in zip(values, powers, strict=True)]
            powers = [row[1:] for row in powers]
            if not powers[0]:
                break
            # Far coefficients are small: their rounding no longer matters, and fitting what is left is ill-posed.
            exact = exchange(values, weights, powers)[0] if len(rounded) < 10 else exact[1:]
        return rounded, ideal, max(w * abs(v) for w, v in zip(weights, values, strict=True))


def round_to(value: mpf, dtype: str) -> float:
    """The nearest number of the type, as its shortest decimal."""
    if dtype == "f64":
        return float(value)
    single = struct.unpack("f", struct.pack("f", float(value)))[0]
    return next(
        d for n in range(6, 10) if struct.pack("f", d := float(f"{single:.{n}g}")) == struct.pack("f", single)
    )


def exchange(
    values: Sequence[mpf], weights: Sequence[mpf], powers: Sequence[Sequence[mpf]]
) -> tuple[list[mpf], mpf]:
    """Coefficients whose largest weighted error over the grid is least, and that error."""
    terms, last = len(powers[0]), len(values) - 1
    chosen = [round(last * i / terms) for i in range(terms + 1)]
    best: tuple[list[mpf], mpf] | None = None
    for _ in range(30):
        rows = [[weights[i] * p for p in powers[i]] + [mpf((-1) ** k)] for k, i in enumerate(chosen)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([weights[i] * values[i] for i in chosen]))
        found = [solution[k] for k in range(terms)]
        errors = [w * (v - mp.fdot(found, p)) for v, w, p in zip(values, weights, powers, strict=True)]
        largest = max(map(abs, errors))
        if best is None or largest < best[1]:
            best = found, largest
        extrema = alternating_extrema(errors, terms + 1)
        if extrema is None or extrema == chosen or largest < abs(solution[terms]) * mpf("1.0005"):
            break
        chosen = extrema
    assert best is not None
    return best


def alternating_extrema(errors: Sequence[mpf], count: int) -> list[int] | None:
    """Where the error is largest between its changes of sign: `count` places, the weakest dropped in pairs."""
    extrema: list[int] = []
    for i, error in enumerate(errors):
        if extrema and (error > 0) == (errors[extrema[-1]] > 0):
            if abs(error) > abs(errors[extrema[-1]]):
                extrema[-1] = i
        else:
            extrema.append(i)
    if len(extrema) < count:
        return None
    while len(extrema) > count:
        if len(extrema) == count + 1:
            del extrema[0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1]
        else:
            k = min(range(len(extrema) - 1), key=lambda k: max(abs(errors[i]) for i in extrema[k : k + 2]))
            del extrema[k : k + 2]
    return extrema


def series(coefficient: Callable[[int], mpf | Fraction | float]) -> Real:
    """The power series with these coefficients, sixty terms of it."""
    known = [
        mpf(c.numerator) / c.denominator if isinstance(c := coefficient(i), Fraction) else c
        for i in range(60)
    ]
    return lambda x: mp.polyval(known[::-1], x)


def inverse_factorial(n: int) -> Fraction:
    """1/n!"""
    return Fraction(1, int(mp.factorial(n)))


def removable(function: Real, at_zero: Real) -> Real:
    """`function`, but its series where it is 0/0."""
    return lambda x: at_zero(x) if abs(x) < mpf("1e-12") else function(x)


def of_square(function: Real, at_zero: Real) -> Real:
    """``(function(x)/x - 1) / x**2`` in powers of x**2, for an odd function."""
    return removable(lambda u: (function(mp.sqrt(u)) / mp.sqrt(u) - 1) / u, at_zero)


def erfcx_scaled(centre: mpf) -> Real:
    """``(x + 1) * exp(x**2) * erfc(x)`` as a function of ``q = (x - centre)/(x + centre)``."""

    def scaled(q: mpf) -> mpf:
        x = centre * (1 + q) / (1 - q)
        return (x + 1) * mp.exp(x * x) * mp.erfc(x)

    return scaled


LN2, HALF = mp.log(2), mpf("0.5005")
EXP = series(lambda i: inverse_factorial(i + 2))
LOG = removable(lambda x: (mp.log(1 + x) - x) / x**2, lambda x: -mpf(1) / 2 + x / 3)
SIN = series(lambda i: -((-1) ** i) * inverse_factorial(2 * i + 3))
COS = series(lambda i: (-1) ** i * inverse_factorial(2 * i + 4))
TAN = of_square(mp.tan, lambda u: mpf(1) / 3 + 2 * u / 15)
TANH = of_square(mp.tanh, lambda u: -mpf(1) / 3 + 2 * u / 15)
ATAN = of_square(mp.atan, lambda u: -mpf(1) / 3 + u / 5)
ERF = removable(lambda u: mp.erf(mp.sqrt(u)) / mp.sqrt(u) - 1, lambda u: (1 - u / 3) * 2 / mp.sqrt(mp.pi) - 1)
SINH = series(lambda i: inverse_factorial(2 * i + 3))
COSH = series(lambda i: inverse_factorial(2 * i + 2))
ASIN = of_square(mp.asin, lambda u: mpf(1) / 6 + 3 * u / 40)
ASINH = of_square(mp.asinh, lambda u: -mpf(1) / 6 + 3 * u / 40)
ATANH = of_square(mp.atanh, lambda u: mpf(1) / 3 + u / 5)
ACOSH = removable(lambda t: (mp.acosh(1 + t) / mp.sqrt(2 * t) - 1) / t, lambda t: -mpf(1) / 12 + 3 * t / 160)
QUARTER = (mp.pi / 4 * mpf("1.002")) ** 2
S_SQUARE = mpf("0.2001") ** 2


def of_odd(function: Real) -> Real:
    """The weight that turns an error of `of_square` into a relative one of the odd function."""
    return lambda u: u / (1 + u * function(u))


FITS: dict[str, Fit] = {
    "_EXP": Fit(EXP, lambda r: r * r * mp.exp(-r), -LN2 * HALF, LN2 * HALF, {"f32": 5, "f64": 10}),
    "_EXP2": Fit(
        lambda r: EXP(r * LN2) * LN2**2, lambda r: r * r / mpf(2) ** r, -HALF, HALF, {"f32": 5, "f64": 10}
    ),
    "_EXPM1": Fit(EXP, lambda r: r / (1 + r * EXP(r)), -LN2 * HALF, LN2 * HALF, {"f32": 6, "f64": 11}),
    "_LOG of f32": Fit(LOG, lambda r: r / (1 + r * LOG(r)), mpf(-1) / 4, mpf(1) / 2, {"f32": 9}),
    "_LOG of f64": Fit(series(lambda i: Fraction(2, 2 * i + 3)), lambda u: u, mpf(0), S_SQUARE, {"f64": 7}),
    "_ATANH": Fit(
        series(lambda i: Fraction(1, 2 * i + 5)), lambda u: u * u, mpf(0), S_SQUARE, {"f32": 3, "f64": 8}
    ),
    "_SIN": Fit(SIN, of_odd(SIN), mpf(0), QUARTER, {"f32": 3, "f64": 6}),
    "_COS": Fit(COS, lambda u: u * u / (1 - u / 2 + u * u * COS(u)), mpf(0), QUARTER, {"f32": 3, "f64": 6}),
    "_TAN": Fit(TAN, of_odd(TAN), mpf(0), QUARTER, {"f32": 7, "f64": 14}),
    "_TANH of f32": Fit(TANH, of_odd(TANH), mpf(0), mpf("0.65") ** 2, {"f32": 5}),
    "_TANH of f64": Fit(TANH, of_odd(TANH), mpf(0), mpf("0.6") ** 2, {"f64": 11}),
    "_ATAN": Fit(ATAN, of_odd(ATAN), mpf(0), mpf(1), {"f32": 9, "f64": 20}),
    "_ERF_SMALL": Fit(ERF, lambda u: 1 / (1 + ERF(u)), mpf(0), mpf(1), {"f32": 7, "f64": 12}),
    "_ERF_LARGE of f32": Fit(
        lambda x: mp.log(mp.erfc(x), 2), lambda x: mp.erfc(x) / mp.erf(x), mpf(1), mpf("3.95"), {"f32": 7}
    ),
    "_ERF_LARGE of f64": Fit(
        lambda x: mp.log(mp.erfc(x), 2), lambda x: mp.erfc(x) / mp.erf(x), mpf(1), mpf(6), {"f64": 18}
    ),
    "_ERFCX_CONSTANT and _ERFCX of f32": Fit(
        erfcx_scaled(mpf("2.5")),
        lambda q: 1 / erfcx_scaled(mpf("2.5"))(q),
        mpf(-1),
        mpf("0.606"),
        {"f32": 10},
        constant_as_pair=True,
    ),
    "_ERFCX_CONSTANT and _ERFCX of f64": Fit(
        erfcx_scaled(mpf(4)),
        lambda q: 1 / erfcx_scaled(mpf(4))(q),
        mpf(-1),
        mpf("0.746"),
        {"f64": 23},
        constant_as_pair=True,
    ),
    "_SINH": Fit(SINH, of_odd(SINH), mpf(0), (LN2 * HALF) ** 2, {"f32": 2, "f64": 5}),
    "_COSH": Fit(COSH, lambda u: u / mp.cosh(mp.sqrt(u)), mpf(0), (LN2 * HALF) ** 2, {"f32": 3, "f64": 6}),
    "_ASIN": Fit(ASIN, of_odd(ASIN), mpf(0), mpf("0.25"), {"f32": 5, "f64": 12}),
    "_ASINH": Fit(ASINH, of_odd(ASINH), mpf(0), mpf("0.25"), {"f32": 5, "f64": 12}),
    "_ATANH_SMALL": Fit(ATANH, of_odd(ATANH), mpf(0), mpf("0.25"), {"f32": 6, "f64": 13}),
    "_ACOSH": Fit(ACOSH, lambda t: t / (1 + t * ACOSH(t)), mpf(0), mpf("0.5"), {"f32": 5, "f64": 11}),
    "_INVERSE_CBRT": Fit(
        lambda m: 1 / mp.cbrt(m), lambda m: mp.cbrt(m), mpf("0.75"), mpf("1.5"), {"f32": 5, "f64": 5}
    ),
}


def main(names: Sequence[str]) -> None:
    """Fit the tables of these names, or all."""
    for name in names or FITS:
        for dtype in FITS[name].terms:
            rounded, ideal, error = FITS[name].solve(dtype)
            print(
                f"{name} {dtype}: 2**{float(mp.log(ideal, 2)):.1f}, rounded 2**{float(mp.log(error, 2)):.1f}"
            )
            print(f"    {tuple(rounded)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

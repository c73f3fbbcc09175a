"""Special functions as sums and products in f64, rounded once: lgamma, digamma, zeta, polygamma, bessel_i1e.

Ways: recurrences into a range where a series converges, reflections outside it; Euler and Maclaurin's formula (Abramowitz,
Stegun: 6.1.17, 6.1.34, 6.1.41, 6.3.6, 6.3.18, 23.1.30); Chebyshev's expansions of the Bessel function on two ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from irc.dialects import chlo
from irc.dialects.special import BERNOULLI
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import f64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope, select

rules = RewriteSet()


def _in_f64(function: Callable[..., Expr]) -> Callable[[Any, Rewriter], Value]:
    """The rewrite that computes an op by `function` of its operands in f64."""

    def apply(op: Any, b: Rewriter) -> Value:
        scope = Scope(b)
        made = function(*(E.convert(scope.of(o), f64) for o in op.operands))
        return E.convert(made, op.result.type.element).value

    return apply


def _horner(x: Expr, coefficients: Sequence[float]) -> Expr:
    """c[0] + c[1] x + c[2] x**2 + ..."""
    total = E.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def _is_whole(x: Expr) -> Expr:
    return E.eq(E.floor(x), x)


def _fraction(x: Expr) -> Expr:
    """x less the nearest integer: the sine of its multiple of pi is as exact as its own is."""
    return x - E.floor(x + 0.5)


def _lgamma(x: Expr) -> Expr:
    """log |gamma(x)|; infinite at 0 and the negative integers, and at both infinities."""
    reflected = x < -0.5
    y = select(reflected, 1.0 - x, x)
    sine = E.absolute(E.sin(math.pi * _fraction(x)))
    result = _lgamma_above(y)
    result = select(reflected, math.log(math.pi) - E.log(sine) - result, result)
    pole = (x <= 0.0) & _is_whole(x)
    return select(pole | E.is_infinite(x), math.inf, result)


def _lgamma_above(y: Expr) -> Expr:
    """log |gamma| from -1/2 on: down to (3/2, 5/2] by products, or Stirling's series."""
    t, product = y, E.full_like(y, 1.0)
    for _ in range(8):
        above = t > 2.5
        t = select(above, t - 1.0, t)
        product = select(above, product * t, product)
    # gamma(2 + z) = (1 + z) gamma(1 + z) = (1 + z) z gamma(z)
    low, lowest = t < 1.5, t < 0.5
    z = select(lowest, t, select(low, t - 1.0, t - 2.0))
    series = z * (_FIRST + z * _horner(z, _GAMMA_SERIES))
    small = E.log(product) + series
    small = select(low, small - E.log1p(z), small)
    small = select(lowest, small - E.log(E.absolute(t)), small)
    inverse = 1.0 / y
    stirling = (y - 0.5) * E.log(y) - y + 0.5 * math.log(2 * math.pi)
    stirling = stirling + inverse * _horner(inverse * inverse, _STIRLING)
    return select(y > 10.5, stirling, small)


def _digamma(x: Expr) -> Expr:
    """The logarithmic derivative of gamma; NaN at 0, the negative integers and -inf."""
    reflected = x < 0.5
    y = select(reflected, 1.0 - x, x)
    total = E.zeros_like(y)
    for _ in range(10):
        below = y < 10.0
        total = select(below, total - 1.0 / y, total)
        y = select(below, y + 1.0, y)
    inverse = 1.0 / y
    square = inverse * inverse
    total = total + (E.log(y) - 0.5 * inverse - square * _horner(square, _DIGAMMA))
    beside = (x - _DIGAMMA_ROOT[0]) - _DIGAMMA_ROOT[1]
    at_root = beside * _horner(beside, _DIGAMMA_AT_ROOT)
    total = select(E.absolute(beside) < 0.25, at_root, total)
    turned = total - math.pi / E.tan(math.pi * _fraction(x))
    result = select(reflected, turned, total)
    nowhere = (x <= 0.0) & (_is_whole(x) | E.is_infinite(x))
    return select(nowhere, math.nan, select(E.is_infinite(x), x, result))


def _zeta(x: Expr, q: Expr) -> Expr:
    """Hurwitz zeta: ten terms of the sum, and the rest by Euler and Maclaurin's formula."""
    head = E.power(q, -x)
    for k in range(1, 10):
        head = head + E.power(q + float(k), -x)
    a = q + 10.0
    last = E.power(a, -x)
    total = head + last * a / (x - 1.0) + 0.5 * last
    rising = x * last / a
    for k, term in enumerate(BERNOULLI, 1):
        total = total + term * rising
        rising = rising * ((x + float(2 * k - 1)) * (x + float(2 * k)) / (a * a))
    whole = _is_whole(q)
    even = E.eq(x, 2.0 * E.floor(0.5 * x))
    pole = select(whole & even, math.inf, E.full_like(x, math.nan))
    total = select((q <= 0.0) & (whole | ~_is_whole(x)), pole, total)
    at_infinity = select(E.eq(q, 1.0), 1.0, select(q > 1.0, E.zeros_like(q), math.inf))
    total = select(E.is_infinite(x), at_infinity, total)
    total = select(E.is_infinite(q), select(q > 0.0, E.zeros_like(q), math.nan), total)
    total = select(E.eq(x, 1.0), math.inf, total)
    return select((x < 1.0) | E.is_nan(x) | E.is_nan(q), math.nan, total)


def _polygamma(n: Expr, x: Expr) -> Expr:
    """The n-th derivative of digamma; NaN for an n that is not a natural number."""
    natural = (n >= 0.0) & _is_whole(n)
    even = E.eq(n, 2.0 * E.floor(0.5 * n))
    order = select(n > 0.0, n + 1.0, 2.0)
    size = E.exp(_lgamma(n + 1.0)) * _zeta(order, x)
    higher = select(even, -size, size)
    return select(natural, select(E.eq(n, 0.0), _digamma(x), higher), math.nan)


def _bessel_i1e(x: Expr) -> Expr:
    """exp(-|x|) I1(x)."""
    size = E.absolute(x)
    near = size * _chebyshev(0.25 * size - 1.0, _BESSEL_NEAR)
    far = _chebyshev(16.0 / size - 1.0, _BESSEL_FAR) * E.rsqrt(size)
    return E.copysign(select(size <= 8.0, near, far), x)


def bessel_i0e(x: Expr) -> Expr:
    """exp(-|x|) I0(x), of which there is no op: the derivative of bessel_i1e takes it."""
    size = E.absolute(E.convert(x, f64))
    near = _chebyshev(0.25 * size - 1.0, _BESSEL_0_NEAR)
    large = E.maximum(size, 8.0)
    far = _chebyshev(16.0 / large - 1.0, _BESSEL_0_FAR) * E.rsqrt(large)
    return E.convert(select(size <= 8.0, near, far), x.element)


def _chebyshev(x: Expr, coefficients: Sequence[float]) -> Expr:
    """The sum of c[k] T_k(x), by Clenshaw's recurrence."""
    second = E.zeros_like(x)
    first = E.full_like(x, coefficients[-1])
    for c in reversed(coefficients[1:-1]):
        first, second = c + 2.0 * x * first - second, first
    return coefficients[0] + x * first - second


for op, function in (
    (chlo.Lgamma, _lgamma),
    (chlo.Digamma, _digamma),
    (chlo.Zeta, _zeta),
    (chlo.Polygamma, _polygamma),
    (chlo.BesselI1e, _bessel_i1e),
):
    rules.rewrite(f"{op.name} = sums and products in f64", op)(_in_f64(function))

_STIRLING = tuple(b * math.factorial(2 * k - 2) for k, b in enumerate(BERNOULLI, 1))
_DIGAMMA = tuple(b * math.factorial(2 * k - 1) for k, b in enumerate(BERNOULLI, 1))
_DIGAMMA_ROOT = (1.4616321449683622, 9.549995429965697e-17)
_DIGAMMA_AT_ROOT = (
    *(0.9676722454476212, -0.4427631689835921, 0.258499760955651, -0.16394270544240652, 0.10782405069126237),
    *(-0.07219956125645471, 0.04880428816414311, -0.03316112647484736, 0.022597648232218104),
    *(-0.01542476590494896, 0.010538791616612175, -0.007204534386356869, 0.004926781395729853),
    *(-0.003369801655439328, 0.002305126326734928, -0.0015769367714301972, 0.0010788252019162967),
    *(-0.0007380709389960052, 0.000504953265834602, -0.0003454680251063077, 0.00023635601564027053),
    *(-0.00016170622091974803, 0.0001106337276874741, -7.569179582195066e-05, 5.178575795222081e-05),
)
"""Where digamma is 0, in two words, and its k-th derivatives there over k!, from k = 1 on."""
_FIRST = 0.42278433509846713
"""1 less Euler's constant: the derivative of lgamma at 2."""
_GAMMA_SERIES = (
    0.3224670334241132,
    -0.0673523010531981,
    0.020580808427784546,
    -0.007385551028673986,
    0.0028905103307415234,
    -0.001192753911703261,
    0.0005096695247430425,
    -0.00022315475845357939,
    9.945751278180853e-05,
    -4.492623673813314e-05,
    2.050721277567069e-05,
    -9.439488275268397e-06,
    4.374866789907488e-06,
    -2.039215753801366e-06,
    9.55141213040742e-07,
    -4.492469198764566e-07,
    2.1207184805554665e-07,
    -1.0043224823968099e-07,
    4.7698101693639804e-08,
    -2.2711094608943164e-08,
    1.0838659214896955e-08,
    -5.183475041970047e-09,
    2.4836745438024785e-09,
    -1.1921401405860912e-09,
    5.731367241678862e-10,
    -2.7595228851242334e-10,
    1.330476437424449e-10,
    -6.4229645638381e-11,
    3.1044247747322276e-11,
    -1.5021384080754142e-11,
)
"""(-1)**k (zeta(k) - 1) / k from k = 2 on: lgamma(2 + z) = z _FIRST + the sum of these times z**k."""
_BESSEL_NEAR = (
    0.12629359322181682,
    -0.17641651835783406,
    0.1026436586898471,
    -0.05294598120809499,
    0.024726449030626516,
    -0.010564084894626197,
    0.004156422944312888,
    -0.0015135724506312532,
    0.0005122859561685758,
    -0.00016176081582589674,
    4.781565107550054e-05,
    -1.3273163656039436e-05,
    3.4702513081376785e-06,
    -8.568720264695455e-07,
    2.0032947535521353e-07,
    -4.445059128796328e-08,
    9.381537386495773e-09,
    -1.8872497517228294e-09,
    3.625590281552117e-10,
    -6.663489723502027e-11,
    1.1736186298890901e-11,
    -1.9839743977649436e-12,
    3.223793365945575e-13,
    -5.042185504727912e-14,
    7.600684294735408e-15,
    -1.1055969477353862e-15,
    1.5536319577362005e-16,
    -2.111421214358166e-17,
    2.7779141127610464e-18,
)
"""exp(-x) I1(x) / x for 0 <= x <= 8, in Chebyshev polynomials of x / 4 - 1."""
_BESSEL_FAR = (
    0.38928811750914005,
    -0.009761097491361469,
    -0.00011058893876262371,
    -3.882564808877691e-06,
    -2.512236237870209e-07,
    -2.6314688468895196e-08,
    -3.835380385964237e-09,
    -5.589743462196584e-10,
    -1.8974958123505413e-11,
    3.2526035830154884e-11,
    1.4125807436613782e-11,
    2.0356285441470896e-12,
    -7.198551776245908e-13,
    -4.0835511110921974e-13,
    -2.1015418427726643e-14,
    4.272440016711951e-14,
    1.0420276984128802e-14,
    -3.8144030724370075e-15,
    -1.8803547755107825e-15,
    3.3082023109209285e-16,
    2.96262899764595e-16,
    -3.209525921993424e-17,
    -4.6503053684893586e-17,
    4.414348323071708e-18,
    7.517296310842105e-18,
    -9.314178867326884e-19,
    -1.242193275194891e-18,
)
"""exp(-x) I1(x) sqrt(x) for x >= 8, in Chebyshev polynomials of 16 / x - 1."""
_BESSEL_0_NEAR = (
    0.33839763720473803,
    -0.3046826723431984,
    0.17162090152220877,
    -0.09490109704804764,
    0.04930528423967071,
    -0.02373741480589947,
    0.010546460394594998,
    -0.004324309995050576,
    0.0016394756169413357,
    -0.0005763755745385824,
    0.00018850288509584165,
    -5.754195010082104e-05,
    1.6448448070728896e-05,
    -4.4167383584587505e-06,
    1.1173875391201037e-06,
    -2.670793853940612e-07,
    6.046995022541919e-08,
    -1.300025009986248e-08,
    2.6598237246823866e-09,
    -5.189795601635263e-10,
    9.675809035373237e-11,
    -1.726826291441556e-11,
    2.95505266312964e-12,
    -4.856446783111929e-13,
    7.676185498604936e-14,
    -1.1685332877993451e-14,
    1.715391285555133e-15,
    -2.431279846547955e-16,
    3.3307945188222384e-17,
    -4.4153416464793395e-18,
)
_BESSEL_0_FAR = (
    0.4022452055070544,
    0.0033691164782556943,
    6.889758346916825e-05,
    2.8913705208347567e-06,
    2.0489185894690638e-07,
    2.266668990498178e-08,
    3.3962320257083865e-09,
    4.94060238822497e-10,
    1.1889147107846439e-11,
    -3.1499165279632416e-11,
    -1.3215811840447713e-11,
    -1.7941785315068062e-12,
    7.180124451383666e-13,
    3.8527783827421426e-13,
    1.54008621752141e-14,
    -4.150569347287222e-14,
    -9.554846698828307e-15,
    3.8116806693526224e-15,
    1.7725601330565263e-15,
    -3.425485619677219e-16,
    -2.8276239805165836e-16,
    3.461222867697461e-17,
    4.46562142029676e-17,
    -4.830504485944182e-18,
    -7.233180487874754e-18,
    9.921475412173699e-19,
    1.193650890845982e-18,
)

"""Updates of Keras's optimizers: all variables in one operation. Formulas are those of Keras 3, which differ from PyTorch's
in the place of epsilon and in what a momentum holds.

Operands are the variables and their slots, gradients, the learning rate (a scalar of any float type) and, for those that
correct a bias, the iteration (an integer scalar); then what is static. Results are the new variables and slots."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.adam import Adam
from irc.frontends.lowering.elementwise import emit
from irc.frontends.lowering.updates import adadelta_move, as_like, over_root, running_mean
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def _cut(xs: list[Expr], n: int, groups: int) -> list[list[Expr]]:
    return [xs[i * n : (i + 1) * n] for i in range(groups)]


def _power(base: float, exponent: Expr) -> Expr:
    return emit(hlo.Power, exponent.lift(base), exponent)


def _step(iteration: Expr, like: Expr) -> Expr:
    """Which step this is, the first being 1, in a variable's dtype."""
    return E.convert(iteration + 1, like.element)


def sgd(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, (velocities,) gradients, lr; statics: how many, momentum, Nesterov's."""
    *xs, n, momentum, nesterov = more
    groups = _cut(xs, n, 3 if momentum else 2)
    params, grads, lr = groups[0], groups[-1], xs[-1]
    if not momentum:
        return [p - as_like(lr, p) * g for p, g in zip(params, grads, strict=True)]
    new_params, velocities = [], []
    for p, m, g in zip(params, groups[1], grads, strict=True):
        move = g * as_like(lr, p)
        m = m * momentum - move
        velocities.append(m)
        new_params.append(p + (m * momentum - move) if nesterov else p + m)
    return [*new_params, *velocities]


def adam(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, both moments, (largest second moments,) gradients, lr, iteration; statics: how many, both betas,
    epsilon, amsgrad."""
    *xs, n, beta1, beta2, eps, amsgrad = more
    groups = _cut(xs, n, 5 if amsgrad else 4)
    lr, iteration = xs[-2:]
    step = Adam(iteration, lr, beta1, beta2, eps)
    out: list[list[Expr]] = [[] for _ in groups[:-1]]
    for i, (p, g) in enumerate(zip(groups[0], groups[-1], strict=True)):
        m, v = step.moments(groups[1][i], groups[2][i], g)
        top = emit(hlo.Maximum, groups[3][i], v) if amsgrad else v
        for held, value in zip(out, [p - step.move(m, top), m, v, top], strict=False):
            held.append(value)
    return [x for held in out for x in held]


def adamax(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, first moments, infinity norms, gradients, lr, iteration; statics: how many, both betas, epsilon."""
    *xs, n, beta1, beta2, eps = more
    lr, iteration = xs[-2:]
    out: list[list[Expr]] = [[], [], []]
    for p, m, u, g in zip(*_cut(xs, n, 4), strict=True):
        m = m + (g - m) * (1 - beta1)
        u = emit(hlo.Maximum, u * beta2, E.absolute(g))
        left = as_like(1 - _power(beta1, _step(iteration, p)), p)
        out[0].append(p - (as_like(lr, p) * m) / (left * (u + eps)))
        out[1].append(m)
        out[2].append(u)
    return [x for held in out for x in held]


def nadam(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, both moments, the product of the momentum's schedule so far, gradients, lr, iteration; statics: how many,
    both betas, epsilon. Dozat 2016."""
    *xs, n, beta1, beta2, eps = more
    (params, firsts, seconds), product = _cut(xs, n, 3), xs[3 * n]
    grads, (lr, iteration) = xs[3 * n + 1 : 4 * n + 1], xs[-2:]
    step = _step(iteration, product)
    now = (1 - _power(0.96, step) * 0.5) * beta1
    after = (1 - _power(0.96, step + 1) * 0.5) * beta1
    product = product * now
    out: list[list[Expr]] = [[], [], []]
    for p, m, v, g in zip(params, firsts, seconds, grads, strict=True):
        m = m + (g - m) * (1 - beta1)
        v = v + (g * g - v) * (1 - beta2)
        ahead = m * as_like(after, p) / as_like(1 - product * after, p) + g * as_like(1 - now, p) / as_like(
            1 - product, p
        )
        root = E.sqrt(v / as_like(1 - _power(beta2, step), p))
        out[0].append(p - ahead * as_like(lr, p) / (root + eps))
        out[1].append(m)
        out[2].append(v)
    return [*out[0], *out[1], *out[2], product]


def rmsprop(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, mean squares, (velocities,) (means,) gradients, lr; statics: how many, rho, momentum, epsilon, centred."""
    *xs, n, rho, momentum, eps, centred = more
    has_momentum = momentum > 0
    groups = _cut(xs, n, 3 + has_momentum + centred)
    lr = xs[-1]
    out: list[list[Expr]] = [[] for _ in groups[:-1]]
    for i, (p, g) in enumerate(zip(groups[0], groups[-1], strict=True)):
        square = running_mean(groups[1][i], g * g, rho)
        spread_of = square
        if centred:
            mean = running_mean(groups[2 + has_momentum][i], g, rho)
            out[2 + has_momentum].append(mean)
            spread_of = square - mean * mean
        move = as_like(lr, p) * over_root(g, spread_of, inside=eps)
        if has_momentum:
            move = groups[2][i] * momentum + move
            out[2].append(move)
        out[0].append(p - move)
        out[1].append(square)
    return [x for held in out for x in held]


def adagrad(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, sums of squares, gradients, lr; statics: how many, epsilon. Duchi et al. 2011."""
    *xs, n, eps = more
    lr = xs[-1]
    new_params, sums = [], []
    for p, s, g in zip(*_cut(xs, n, 3), strict=True):
        s = s + g * g
        sums.append(s)
        new_params.append(p - as_like(lr, p) * over_root(g, s, inside=eps))
    return [*new_params, *sums]


def adadelta(scope: Scope, *more: Any) -> list[Expr]:
    """Variables, mean squares of gradients and of moves, gradients, lr; statics: how many, rho, epsilon. Zeiler 2012."""
    *xs, n, rho, eps = more
    lr = xs[-1]
    out: list[list[Expr]] = [[], [], []]
    for p, s, d, g in zip(*_cut(xs, n, 4), strict=True):
        s = running_mean(s, g * g, rho)
        move = adadelta_move(s, d, g, eps)
        out[0].append(p - as_like(lr, p) * move)
        out[1].append(s)
        out[2].append(running_mean(d, move * move, rho))
    return [x for held in out for x in held]


def decay(scope: Scope, *more: Any) -> list[Expr]:
    """Variables and lr; statics: how many, and the share that goes."""
    *xs, n, share = more
    lr = xs[-1]
    return [p - p * share * as_like(lr, p) for p in xs[:n]]


def clip_value(scope: Scope, *more: Any) -> list[Expr]:
    """Gradients with each element between -limit and limit."""
    *grads, limit = more
    return [emit(hlo.Minimum, emit(hlo.Maximum, g, g.lift(-limit)), g.lift(limit)) for g in grads]


def clip_norm(scope: Scope, *more: Any) -> list[Expr]:
    """Gradients, each scaled down to a Euclidean norm of at most `limit`."""
    *grads, limit = more
    return [_scaled(g, [g], limit) for g in grads]


def clip_global_norm(scope: Scope, *more: Any) -> list[Expr]:
    """Gradients scaled down together, so that the norm of all of them is at most `limit`."""
    *grads, limit = more
    return [_scaled(g, grads, limit) for g in grads]


def _scaled(g: Expr, every: list[Expr], limit: float) -> Expr:
    total = _square_sum(every[0])
    for other in every[1:]:
        total = total + E.convert(_square_sum(other), total.element)
    norm = E.sqrt(total)
    factor = limit / emit(hlo.Maximum, norm, norm.lift(limit))
    return g * as_like(factor, g)


def _square_sum(g: Expr) -> Expr:
    return E.reduce_sum(g * g, tuple(range(g.rank)))

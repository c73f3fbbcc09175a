"""Updates of optimizers: all tensors of a group in one operation. Formulas are PyTorch's."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.adam import Adam
from irc.frontends.lowering.elementwise import emit, spread
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def _groups(xs: tuple[Expr, ...], *counts: int) -> list[list[Expr]]:
    """The operands cut into runs of these many tensors."""
    out, at = [], 0
    for count in counts:
        out.append(list(xs[at : at + count]))
        at += count
    return out


def as_like(number: Expr, like: Expr) -> Expr:
    """A scalar spread over a tensor's type."""
    return spread(E.convert(number, like.element), like.shape)


def sgd(scope: Scope, *more: Any) -> list[Expr]:
    """Parameters, momentum buffers (or none), gradients, then lr, weight decay, momentum and 1 - dampening as f64
    scalars. Statics: how many parameters, and whether there are momentum, Nesterov's, decay, dampening, maximising."""
    *xs, n, has_momentum, nesterov, has_decay, dampened, maximize = more
    m = n if has_momentum else 0
    params, buffers, grads = _groups(tuple(xs), n, m, n)
    lr, decay, momentum, undamped = xs[-4:]
    new_params, new_buffers = [], []
    for i, (p, g) in enumerate(zip(params, grads, strict=True)):
        g = -g if maximize else g
        if has_decay:
            g = g + as_like(decay, p) * p
        if has_momentum:
            b = as_like(momentum, p) * buffers[i] + (as_like(undamped, p) * g if dampened else g)
            new_buffers.append(b)
            g = g + as_like(momentum, p) * b if nesterov else b
        new_params.append(p - as_like(lr, p) * g)
    return [*new_params, *new_buffers]


def adam(scope: Scope, *more: Any) -> list[Expr]:
    """Parameters, first and second moments, (largest second moments,) how many steps were taken, gradients, then lr and
    weight decay. Statics: how many parameters, both betas, eps, and whether decay is on, decoupled (AdamW), amsgrad,
    maximising, and corrections are of the parameters' precision."""
    *xs, n, beta1, beta2, eps, has_decay, decoupled, amsgrad, maximize, capturable = more
    k = n if amsgrad else 0
    params, firsts, seconds, peaks, (count,), grads = _groups(tuple(xs), n, n, n, k, 1, n)
    lr, decay = xs[-2:]
    step = Adam(count, lr, beta1, beta2, eps, corrects_epsilon=True, is_wide=not capturable)
    out: list[list[Expr]] = [[], [], [], []]
    for i, (p, m, v, g) in enumerate(zip(params, firsts, seconds, grads, strict=True)):
        g = -g if maximize else g
        if has_decay and decoupled:
            p = p * as_like(1 - lr * decay, p)
        elif has_decay:
            g = g + as_like(decay, p) * p
        m, v = step.moments(m, v, g)
        top = v
        if amsgrad:
            top = emit(hlo.Maximum, peaks[i], v)
            out[3].append(top)
        out[0].append(p - step.move(m, top))
        out[1].append(m)
        out[2].append(v)
    return [*out[0], *out[1], *out[2], *out[3], count + 1]


def adagrad(scope: Scope, *more: Any) -> list[Expr]:
    """Parameters, sums of squares, step, gradients, then lr, lr decay, weight decay. Statics: how many, eps, and whether
    there are weight decay and lr decay."""
    *xs, n, eps, has_decay, slows = more
    params, sums, (step,), grads = _groups(tuple(xs), n, n, 1, n)
    lr, lr_decay, decay = xs[-3:]
    step = step + 1
    rate = lr / (1 + (step - 1) * lr_decay) if slows else lr
    new_params, new_sums = [], []
    for p, s, g in zip(params, sums, grads, strict=True):
        g = g + as_like(decay, p) * p if has_decay else g
        s = s + g * g
        new_sums.append(s)
        new_params.append(p - as_like(rate, p) * over_root(g, s, outside=eps))
    return [*new_params, *new_sums, step]


def rmsprop(scope: Scope, *more: Any) -> list[Expr]:
    """Parameters, mean squares, (means,) (momentum buffers,) gradients, then lr, weight decay, momentum. Statics: how
    many, alpha, eps, and whether centred, with momentum, with weight decay."""
    *xs, n, alpha, eps, centred, has_momentum, has_decay = more
    c, m = n if centred else 0, n if has_momentum else 0
    params, squares, means, buffers, grads = _groups(tuple(xs), n, n, c, m, n)
    lr, decay, momentum = xs[-3:]
    out: list[list[Expr]] = [[], [], [], []]
    for i, (p, s, g) in enumerate(zip(params, squares, grads, strict=True)):
        g = g + as_like(decay, p) * p if has_decay else g
        s = running_mean(s, g * g, alpha)
        spread_of = s
        if centred:
            mean = running_mean(means[i], g, alpha)
            out[2].append(mean)
            spread_of = s - mean * mean
        move = over_root(g, spread_of, outside=eps)
        if has_momentum:
            move = as_like(momentum, p) * buffers[i] + move
            out[3].append(move)
        out[0].append(p - as_like(lr, p) * move)
        out[1].append(s)
    return [*out[0], *out[1], *out[2], *out[3]]


def running_mean(old: Expr, new: Expr, share: float) -> Expr:
    """share old + (1 - share) new."""
    return old * share + new * (1 - share)


def over_root(g: Expr, square: Expr, *, inside: float = 0.0, outside: float = 0.0) -> Expr:
    """g / (sqrt(square + inside) + outside); what is 0 is not added."""
    root = E.sqrt(square + inside if inside else square)
    return g / (root + outside if outside else root)


def adadelta_move(square: Expr, moves: Expr, g: Expr, eps: float) -> Expr:
    """A gradient times the root of the mean square of moves so far, over that of gradients (Zeiler 2012)."""
    return E.sqrt(moves + eps) / E.sqrt(square + eps) * g


def adadelta(scope: Scope, *more: Any) -> list[Expr]:
    """Parameters, mean squares of gradients and of moves, gradients, then lr and weight decay. Statics: how many, rho,
    eps, and whether there is weight decay."""
    *xs, n, rho, eps, has_decay = more
    params, squares, moves, grads = _groups(tuple(xs), n, n, n, n)
    lr, decay = xs[-2:]
    out: list[list[Expr]] = [[], [], []]
    for p, s, d, g in zip(params, squares, moves, grads, strict=True):
        g = g + as_like(decay, p) * p if has_decay else g
        s = running_mean(s, g * g, rho)
        move = adadelta_move(s, d, g, eps)
        out[0].append(p - as_like(lr, p) * move)
        out[1].append(s)
        out[2].append(running_mean(d, move * move, rho))
    return [*out[0], *out[1], *out[2]]

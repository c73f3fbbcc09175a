"""Recurrent layers: the inputs' part of all time steps is one product, the rest a loop over time.

x is (T, B, I); weights are PyTorch's, gates stacked along the first dimension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.control import counted_loop, inside, put_slice, take_slice
from irc.frontends.lowering.elementwise import emit, spread
from irc.frontends.lowering.linalg import dot
from irc.ir.types import TensorType
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

Cell = Callable[[Expr, Expr, list[Expr]], list[Expr]]
"""(input part, hidden part, state) -> new state, whose first is the hidden state."""


def _affine(x: Expr, weight: Expr, bias: Expr | None) -> Expr:
    out = dot(x, weight, ((x.rank - 1,), (1,)))
    return out if bias is None else out + spread(bias, out.shape)


def _chunks(x: Expr, n: int) -> list[Expr]:
    """The gates of the last dimension."""
    width = x.shape[-1] // n
    lead = x.shape[:-1]
    zeros = (0,) * len(lead)
    return [E.slice(x, (*zeros, i * width), (*lead, (i + 1) * width)) for i in range(n)]


def sigmoid(x: Expr) -> Expr:
    return emit(hlo.Logistic, x)


def tanh_cell(a: Expr, b: Expr, state: list[Expr]) -> list[Expr]:
    return [E.tanh(a + b)]


def relu_cell(a: Expr, b: Expr, state: list[Expr]) -> list[Expr]:
    """max(a + b, 0): one state."""
    s = a + b
    return [emit(hlo.Maximum, s, s.lift(0))]


def lstm_cell(a: Expr, b: Expr, state: list[Expr]) -> list[Expr]:
    """Gates i, f, g, o (Hochreiter and Schmidhuber 1997)."""
    i, f, g, o = _chunks(a + b, 4)
    c = sigmoid(f) * state[1] + sigmoid(i) * E.tanh(g)
    return [sigmoid(o) * E.tanh(c), c]


def gru_cell(a: Expr, b: Expr, state: list[Expr]) -> list[Expr]:
    """Gates r, z, n (Cho et al. 2014)."""
    (ra, za, na), (rb, zb, nb) = _chunks(a, 3), _chunks(b, 3)
    r, z = sigmoid(ra + rb), sigmoid(za + zb)
    n = E.tanh(na + r * nb)
    return [(1 - z) * n + z * state[0]]


CELLS: dict[str, Cell] = {"tanh": tanh_cell, "relu": relu_cell, "lstm": lstm_cell, "gru": gru_cell}


def layer(scope: Scope, x: Expr, *more: Any) -> list[Expr]:
    """All hidden states (T, B, H) and the last states. After x: the initial states, both weights, both biases or none;
    statics: the cell, whether there are biases, whether time runs backwards."""
    *xs, kind, has_bias, backwards = more
    count = 2 if kind == "lstm" else 1
    states, (w_input, w_hidden), biases = list(xs[:count]), xs[count : count + 2], xs[count + 2 :]
    b_input, b_hidden = biases if has_bias else (None, None)
    trips, batch = x.shape[:2]
    parts = _affine(x, w_input, b_input)
    hidden = states[0].shape[-1]
    outputs = scope.constant(0, TensorType((trips, batch, hidden), x.element))
    cell = CELLS[kind]

    def step(inner: Scope, i: Expr, carried: list[Expr]) -> list[Expr]:
        *state, stack = carried
        at = (trips - 1) - i if backwards else i
        weight = inside(inner, w_hidden)[0]
        bias = inside(inner, b_hidden)[0] if b_hidden is not None else None
        new = cell(take_slice(parts, at), _affine(state[0], weight, bias), state)
        return [*new, put_slice(stack, at, new[0])]

    *last, stack = counted_loop(scope, trips, [*states, outputs], step)
    return [stack, *last]


def cell(scope: Scope, x: Expr, *more: Any) -> list[Expr]:
    """One step of a cell: x (B, I), the states, both weights, both biases or none; statics: the cell, biases."""
    *xs, kind, has_bias = more
    count = 2 if kind == "lstm" else 1
    states, (w_input, w_hidden), biases = list(xs[:count]), xs[count : count + 2], xs[count + 2 :]
    b_input, b_hidden = biases if has_bias else (None, None)
    return CELLS[kind](_affine(x, w_input, b_input), _affine(states[0], w_hidden, b_hidden), states)

"""Products: dot_general for every kind of matrix product, and einsum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import broadcast_shape, spread
from irc.frontends.lowering.shape import diagonal
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

Pair = tuple[Sequence[int], Sequence[int]]


def dot(x: Expr, y: Expr, contract: Pair, batch: Pair = ((), ())) -> Expr:
    """dot_general: result dimensions are batch, then what is left of x, then of y."""
    numbers = hlo.DotDimensionNumbers(
        tuple(batch[0]), tuple(batch[1]), tuple(contract[0]), tuple(contract[1])
    )
    return x.scope.emit(hlo.DotGeneral(x.value, y.value, dot_dimension_numbers=numbers))


def matmul(scope: Scope, x: Expr, y: Expr, element: Any) -> Expr:
    """The matrix product of the last two dimensions; others are batches that broadcast; vectors as PyTorch has them."""
    x, y = E.convert(x, element), E.convert(y, element)
    if x.rank == 1 and y.rank == 1:
        return dot(x, y, ((0,), (0,)))
    if x.rank == 1:
        return _without(matmul(scope, E.reshape(x, (1, *x.shape)), y, element), -2)
    if y.rank == 1:
        return dot(x, y, ((x.rank - 1,), (0,)))
    if y.rank == 2:
        return dot(x, y, ((x.rank - 1,), (0,)))
    batch = broadcast_shape(x.shape[:-2], y.shape[:-2])
    n = len(batch)
    x = spread(x, (*batch, *x.shape[-2:]))
    y = spread(y, (*batch, *y.shape[-2:]))
    return dot(x, y, ((n + 1,), (n,)), (range(n), range(n)))


def _without(x: Expr, d: int) -> Expr:
    shape = list(x.shape)
    del shape[d]
    return E.reshape(x, shape)


def linear(scope: Scope, x: Expr, weight: Expr, *bias: Expr) -> Expr:
    """x weight^T + bias; weight is (out, in)."""
    out = dot(x, weight, ((x.rank - 1,), (weight.rank - 1,)))
    return out + spread(bias[0], out.shape) if bias else out


def tensordot(scope: Scope, x: Expr, y: Expr, one: Sequence[int], two: Sequence[int]) -> Expr:
    """Sums of products over dimensions `one` of x and `two` of y."""
    return dot(x, y, (one, two))


def addmm(scope: Scope, bias: Expr, x: Expr, y: Expr, beta: Any, alpha: Any) -> Expr:
    """beta * bias + alpha * x y."""
    out = dot(x, y, ((1,), (0,)))
    out = out * alpha if alpha != 1 else out
    bias = spread(bias, out.shape)
    return (bias * beta if beta != 1 else bias) + out


def outer(scope: Scope, x: Expr, y: Expr) -> Expr:
    """The products of every element of one vector with every one of another."""
    shape = (*x.shape, *y.shape)
    return E.broadcast(x, shape, (0,)) * E.broadcast(y, shape, (1,))


def bilinear(scope: Scope, x: Expr, y: Expr, weight: Expr, *bias: Expr) -> Expr:
    """x_i weight_oij y_j; weight is (out, in1, in2)."""
    first = dot(x, weight, ((x.rank - 1,), (1,)))
    lead = tuple(range(x.rank - 1))
    out = dot(first, y, ((x.rank,), (y.rank - 1,)), (lead, lead))
    return out + spread(bias[0], out.shape) if bias else out


def einsum(scope: Scope, *arguments: Any) -> Expr:
    """Operands, then their labels (one tuple an operand), then the result's labels."""
    *operands, labels, out = arguments
    x, names = operands[0], labels[0]
    x, names = _diagonal_free(x, names)
    for i, (y, more) in enumerate(zip(operands[1:], labels[1:], strict=True), 1):
        y, more = _diagonal_free(y, more)
        later = {n for rest in labels[i + 1 :] for n in rest} | set(out)
        x, names = _pair(scope, x, names, y, more, later)
    gone = tuple(i for i, n in enumerate(names) if n not in out)
    x = E.reduce_sum(x, gone)
    left = [n for n in names if n in out]
    return E.transpose(x, [left.index(n) for n in out])


def _diagonal_free(x: Expr, names: tuple[str, ...]) -> tuple[Expr, tuple[str, ...]]:
    """A label that occurs twice takes the diagonal."""
    for i, name in enumerate(names):
        for j in range(i + 1, len(names)):
            if names[j] == name:
                rest = [d for d in range(x.rank) if d not in (i, j)]
                x = diagonal(x.scope, E.transpose(x, [*rest, i, j]), 0)
                return _diagonal_free(x, (*(names[d] for d in rest), name))
    return x, names


def _pair(
    scope: Scope, x: Expr, a: tuple[str, ...], y: Expr, b: tuple[str, ...], later: set[str]
) -> tuple[Expr, tuple[str, ...]]:
    """Sums of products over the labels that only these two have."""
    alone = tuple(i for i, n in enumerate(a) if n not in b and n not in later)
    x, a = E.reduce_sum(x, alone), tuple(n for i, n in enumerate(a) if i not in alone)
    alone = tuple(i for i, n in enumerate(b) if n not in a and n not in later)
    y, b = E.reduce_sum(y, alone), tuple(n for i, n in enumerate(b) if i not in alone)
    batch = [n for n in a if n in b and n in later]
    contract = [n for n in a if n in b and n not in later]
    result = dot(
        x, y,
        ([a.index(n) for n in contract], [b.index(n) for n in contract]),
        ([a.index(n) for n in batch], [b.index(n) for n in batch]),
    )  # fmt: skip
    mine = [n for n in a if n not in b]
    theirs = [n for n in b if n not in a]
    return result, (*batch, *mine, *theirs)

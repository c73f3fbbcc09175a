"""Eigenvalues and eigenvectors of any square matrix: Hessenberg's form by reflections, Schur's by shifted QR steps, vectors
of the triangle by substitution (Golub, Van Loan, Matrix Computations: 7.4, 7.5, 7.6). One matrix of a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import ComplexType, TensorType, f64, i32
from irc.passes import expression as E
from irc.passes.expand import linalg
from irc.passes.expand.lapack import loop, routine
from irc.passes.expression import Expr, Scope, select

EPSILON = 2.0**-52
STEPS = 40
"""QR steps for each eigenvalue, on average, before it is given up."""
UNUSUAL = 12
"""Every so many steps another shift is taken, in case they go in a circle."""

C128 = ComplexType(f64)


@routine("geev")
def _eig(op: Any, scope: Scope) -> Sequence[Expr] | None:
    """Values (of a real matrix their parts apart), left and right vectors in columns, 0 or how many values are missing."""
    a = scope.of(op.operands[0])
    *batch, n, _ = a.shape
    count = 1
    for extent in batch:
        count *= extent
    if not n or not count:
        return None
    matrices = E.convert(E.reshape(a, (count, n, n)), C128)
    whole = matrices.type
    zeros = [scope.constant(0, t) for t in (whole.with_shape((count, n)), whole, whole)]
    info = scope.constant(0, TensorType((count,), i32))

    def step(inner: Scope, j: Expr, given: Expr, *made: Expr) -> Sequence[Expr]:
        found = _of_one(E.reshape(linalg.at(given, j, 0), (n, n)))
        parts = (E.reshape(x, (1, *x.shape)) for x in found)
        return [given, *(linalg.put(x, part, j, 0) for x, part in zip(made, parts, strict=True))]

    _, values, left, right, info = loop(count, step, matrices, *zeros, info)
    values, left, right = (E.reshape(x, (*batch, *x.shape[1:])) for x in (values, left, right))
    info = E.reshape(info, tuple(batch))
    is_complex = isinstance(a.element, ComplexType)
    parts = [values] if is_complex else [E.real(values), E.imag(values)]
    return [*parts, left, right, info]


def _of_one(a: Expr) -> list[Expr]:
    n = a.shape[0]
    q = _identity(a)
    if n > 2:
        a, q = loop(n - 2, _reflect, a, q)
    t, missing = a, a.scope.constant(0, TensorType((), i32))
    if n > 1:
        t, q, missing = _triangular(a, q)
    right = _unit(_dot(q, _vectors(t, left=False)))
    left = _unit(_dot(q, _vectors(t, left=True)))
    return [_diagonal(t), left, right, missing]


def _rows(x: Expr) -> Expr:
    return x.scope.iota(TensorType(x.shape, i32), x.rank - 2)


def _columns(x: Expr) -> Expr:
    return x.scope.iota(TensorType(x.shape, i32), x.rank - 1)


def _full(x: Expr, like: Expr) -> Expr:
    """One number in the shape of `like`."""
    return E.broadcast(x, like.shape, ())


def _identity(like: Expr) -> Expr:
    zeros = E.zeros_like(like)
    return select(E.eq(_rows(zeros), _columns(zeros)), 1.0, zeros)


def _diagonal(x: Expr) -> Expr:
    return E.reduce_sum(select(E.eq(_rows(x), _columns(x)), x, 0.0), [1])


def _dot(x: Expr, y: Expr) -> Expr:
    return linalg.dot(x, y, (), x.rank - 1, 0)


def _wide(x: Expr) -> Expr:
    return E.make_complex(x, E.zeros_like(x))


def _square(x: Expr) -> Expr:
    """|x|²."""
    re, im = E.real(x), E.imag(x)
    return re * re + im * im


def _element(x: Expr, *index: Expr) -> Expr:
    return E.reshape(E.dynamic_slice(x, list(index), [1] * x.rank), ())


def _reflect(scope: Scope, j: Expr, a: Expr, q: Expr) -> Sequence[Expr]:
    """Column j gets zeros below its subdiagonal: a and q, times I - 2 v v* / (v* v) from both sides and from the right."""
    n = a.shape[0]
    column = E.reshape(linalg.at(a, j, 1), (n,))
    places = scope.iota(TensorType((n,), i32), 0)
    rest = select(places > _full(j + 1, places), column, 0.0)
    alpha = _element(column, j + 1)
    below, size = E.reduce_sum(_square(rest), [0]), E.absolute(alpha)
    none = E.eq(size, 0.0)
    phase = select(none, E.full_like(alpha, 1.0), alpha / _wide(select(none, 1.0, size)))
    first = alpha + phase * _wide(E.sqrt(below + size * size))
    v = select(E.eq(places, _full(j + 1, places)), _full(first, column), rest)
    length = below + _square(first)
    done = E.eq(below, 0.0)
    factor = _wide(select(done, E.zeros_like(below), 2.0 / select(done, 1.0, length)))
    scaled, back = v * _full(factor, v), E.conj(v)
    a = a - _outer(scaled, _dot(back, a))
    a = a - _outer(_dot(a, scaled), back)
    return [a, q - _outer(_dot(q, scaled), back)]


def _outer(x: Expr, y: Expr) -> Expr:
    shape = (x.shape[0], y.shape[0])
    return E.broadcast(x, shape, (0,)) * E.broadcast(y, shape, (1,))


def _triangular(h: Expr, q: Expr) -> tuple[Expr, Expr, Expr]:
    """Schur's form of Hessenberg's, the product of q and the turns on the way, and how many values were given up."""
    scope, n = h.scope, h.shape[0]
    h, low, high = _deflated(h)
    number = scope.constant(0, TensorType((), i32))

    def before(b: Builder, number: Value, low: Value, high: Value, h: Value, q: Value) -> None:
        inner = Scope(b)
        b.emit(hlo.Return([((inner.of(high) > 0) & (inner.of(number) < STEPS * n)).value]))

    def body(b: Builder, *carried: Value) -> None:
        inner = Scope(b)
        number, low, high, h, q = map(inner.of, carried)
        h, q = _step(h, q, low, high, number)
        h, low, high = _deflated(h)
        b.emit(hlo.Return([x.value for x in (number + 1, low, high, h, q)]))

    carried = [x.value for x in (number, low, high, h, q)]
    types = [v.type for v in carried]
    regions = [scope.builder.region(types, before), scope.builder.region(types, body)]
    _, _, high, h, q = scope.emit(hlo.While(carried, regions=regions))
    missing = select(high > 0, high + 1, 0)
    return select(_rows(h) > _columns(h), 0.0, h), q, missing


def _deflated(h: Expr) -> tuple[Expr, Expr, Expr]:
    """h with zeros for what is small below its diagonal, and the first and last index of the last block that is no triangle
    (last: 0 where there is none)."""
    n, scope = h.shape[0], h.scope
    rows, columns = _rows(h), _columns(h)
    size = E.absolute(h)
    diagonal = E.reduce_sum(select(E.eq(rows, columns), size, 0.0), [1])
    beside = E.reduce_sum(select(E.eq(rows, columns + 1), size, 0.0), [1])
    above = E.pad(E.slice(diagonal, (0,), (n - 1,)), (1,), (0,), (0,))
    about = diagonal + above
    largest = E.reduce_with(hlo.Maximum, size, [0, 1], 0.0)
    about = select(E.eq(about, 0.0), _full(largest, about), about)
    small = beside <= about * EPSILON
    places = scope.iota(TensorType((n,), i32), 0)
    high = E.reduce_with(hlo.Maximum, select(small, E.zeros_like(places), places), [0], 0)
    starts = small & (places < _full(high, places))
    low = E.reduce_with(hlo.Maximum, select(starts, places, 0), [0], 0)
    is_small = E.broadcast(small, h.shape, (0,)) & E.eq(rows, columns + 1)
    return select(is_small | (rows > columns + 1), 0.0, h), low, high


def _step(h: Expr, q: Expr, low: Expr, high: Expr, number: Expr) -> tuple[Expr, Expr]:
    """One QR step on the block from `low` to `high`: a turn of two rows and columns for each of its subdiagonal."""
    scope = h.scope
    shift = _shift(h, high, number)
    x, y = _element(h, low, low) - shift, _element(h, low + 1, low)

    def before(b: Builder, k: Value, *_: Value) -> None:
        b.emit(hlo.Return([(Scope(b).of(k) < Scope(b).of(high.value)).value]))

    def body(b: Builder, *carried: Value) -> None:
        inner = Scope(b)
        k, x, y, h, q = map(inner.of, carried)
        h, q = _turned(h, q, k, x, y)
        # What the turn moved below the subdiagonal decides the next one.
        beyond = E.minimum(k + 2, h.shape[0] - 1)
        x, y = _element(h, k + 1, k), _element(h, beyond, k)
        b.emit(hlo.Return([v.value for v in (k + 1, x, y, h, q)]))

    carried = [v.value for v in (low, x, y, h, q)]
    types = [v.type for v in carried]
    regions = [scope.builder.region(types, before), scope.builder.region(types, body)]
    *_, h, q = scope.emit(hlo.While(carried, regions=regions))
    return h, q


def _shift(h: Expr, high: Expr, number: Expr) -> Expr:
    """The eigenvalue of the block's last 2x2 matrix that is nearer to its last element (Wilkinson)."""
    before = high - 1
    a, b, c, d = (_element(h, i, j) for i in (before, high) for j in (before, high))
    half, product = (a - d) * 0.5, b * c
    root = E.sqrt(half * half + product)
    plus, minus = half + root, half - root
    larger = select(_square(plus) >= _square(minus), plus, minus)
    none = E.eq(_square(larger), 0.0)
    usual = d - product / select(none, E.full_like(larger, 1.0), larger)
    rest = number - (number / UNUSUAL) * UNUSUAL
    return select(E.eq(rest, UNUSUAL - 1), d + _wide(E.absolute(c)), select(none, d, usual))


def _turned(h: Expr, q: Expr, k: Expr, x: Expr, y: Expr) -> tuple[Expr, Expr]:
    """h and q after the turn of rows and columns k and k + 1 that takes (x, y) to (r, 0)."""
    size = E.sqrt(_square(x) + _square(y))
    none = E.eq(size, 0.0)
    safe = _wide(select(none, 1.0, size))
    c, s = select(none, E.full_like(x, 1.0), x / safe), select(none, E.zeros_like(y), y / safe)
    rows = _pair(h, k, 0, c, s, conjugated=True)
    h = linalg.put(h, rows, k, 0)
    h = linalg.put(h, _pair(h, k, 1, c, s, conjugated=False), k, 1)
    return h, linalg.put(q, _pair(q, k, 1, c, s, conjugated=False), k, 1)


def _pair(m: Expr, k: Expr, axis: int, c: Expr, s: Expr, conjugated: bool) -> Expr:
    """Rows (or columns) k and k + 1: c* first + s* second, and c second - s first (of columns with conjugates exchanged)."""
    zero = k.scope.constant(0, k.type)
    starts, sizes = ([k, zero], [2, m.shape[1]]) if axis == 0 else ([zero, k], [m.shape[0], 2])
    both = E.dynamic_slice(m, starts, sizes)
    lengths = [1 if d == axis else n for d, n in enumerate(both.shape)]
    first = E.slice(both, (0, 0), lengths)
    second = E.slice(both, [int(d == axis) for d in range(2)], both.shape)
    c, s = _full(c, first), _full(s, first)
    if conjugated:
        return E.concatenate([E.conj(c) * first + E.conj(s) * second, c * second - s * first], axis)
    return E.concatenate([c * first + s * second, E.conj(c) * second - E.conj(s) * first], axis)


def _vectors(t: Expr, left: bool) -> Expr:
    """Eigenvectors of a triangle in columns: t y = λ y, or t* y = λ* y where `left`; 1 on the diagonal."""
    n = t.shape[0]
    if left:
        t = linalg.adjoint(t)
    values, size = _diagonal(t), E.absolute(t)
    least = E.maximum(E.reduce_with(hlo.Maximum, size, [0, 1], 0.0) * EPSILON, 2.0**-1000)

    def step(scope: Scope, j: Expr, t: Expr, values: Expr, least: Expr, y: Expr) -> Sequence[Expr]:
        i = j if left else (n - 1) - j
        row = E.reshape(linalg.at(t, i, 0), (n,))
        places = scope.iota(TensorType((n,), i32), 0)
        here = _full(i, places)
        others = select(E.eq(places, here), E.zeros_like(row), row)
        total = _dot(others, y)
        gap = _full(_element(row, i), values) - values
        tiny = E.absolute(gap) < _full(least, E.real(gap))
        gap = select(tiny, _full(_wide(least), gap), gap)
        inside = places < here if left else places > here
        old = E.reshape(linalg.at(y, i, 0), (n,))
        made = select(inside, -total / gap, old)
        return [t, values, least, linalg.put(y, E.reshape(made, (1, n)), i, 0)]

    return loop(n, step, t, values, least, _identity(t))[3]


def _unit(vectors: Expr) -> Expr:
    """Columns of length 1 whose largest element is real."""
    n = vectors.shape[0]
    largest = E.reduce_with(hlo.Maximum, E.absolute(vectors), [0], 0.0)
    vectors = vectors / E.broadcast(_wide(largest), vectors.shape, (1,))
    squares = _square(vectors)
    length = E.sqrt(E.reduce_sum(squares, [0]))
    places = _rows(vectors)
    most = E.broadcast(E.reduce_with(hlo.Maximum, squares, [0], 0.0), vectors.shape, (1,))
    first = E.reduce_with(hlo.Minimum, select(E.eq(squares, most), places, n - 1), [0], n - 1)
    chosen = E.eq(places, E.broadcast(first, vectors.shape, (1,)))
    element = E.reduce_sum(select(chosen, vectors, 0.0), [0])
    turn = E.conj(element) / _wide(E.absolute(element) * length)
    made = vectors * E.broadcast(turn, vectors.shape, (1,))
    return select(chosen, _wide(E.real(made)), made)

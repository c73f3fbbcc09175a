"""Custom calls to LAPACK as loops: LU with pivoting, Householder's QR, and Jacobi's rotations for eigenvalues and
singular values (Golub, Van Loan, Matrix Computations: 3.4, 5.2, 8.5, 8.6). Computed in f64 and rounded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, log2
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo.lapack import parameters, targets
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import ComplexType, TensorType, f64, i32
from irc.passes import expression as E
from irc.passes.expand import linalg
from irc.passes.expression import Expr, Scope, select

rules = RewriteSet()
Routine = Callable[[Any, Scope], Sequence[Expr] | None]
ROUTINES: dict[str, Routine] = {}


@rules.rewrite("a custom call to LAPACK = the loops of that routine", hlo.CustomCall)
def _custom_call(op: Any, b: Rewriter) -> Sequence[Value] | None:
    routine = ROUTINES.get(op.call_target_name)
    if routine is None or not all(v.type.is_static for v in (*op.operands, *op.results)):
        return None
    made = routine(op, Scope(b))
    if made is None:
        return None
    return [E.convert(x, r.type.element).value for x, r in zip(made, op.results, strict=True)]


def routine(*names: str) -> Callable[[Routine], Routine]:
    """Registers what routines of LAPACK become, for every type of number that has them."""

    def register(function: Routine) -> Routine:
        ROUTINES.update(dict.fromkeys(targets(*names), function))
        return function

    return register


def loop(count: int, step: Callable[..., Sequence[Expr]], *values: Expr) -> list[Expr]:
    """`step(scope, j, *values)` for j from 0 on gives the next of all values."""
    scope = values[0].scope
    start = scope.constant(0, TensorType((), i32))

    def before(b: Builder, j: Value, *_: Value) -> None:
        b.emit(hlo.Return([(Scope(b).of(j) < count).value]))

    def body(b: Builder, j: Value, *carried: Value) -> None:
        inner = Scope(b)
        index = inner.of(j)
        made = step(inner, index, *map(inner.of, carried))
        b.emit(hlo.Return([(index + 1).value, *(m.value for m in made)]))

    carried = [start.value, *(v.value for v in values)]
    types = [v.type for v in carried]
    regions = [scope.builder.region(types, before), scope.builder.region(types, body)]
    return list(scope.emit(hlo.While(carried, regions=regions))[1:])


def _places(x: Expr, dimension: int) -> Expr:
    """Each element's index along a dimension."""
    return x.scope.iota(TensorType(x.shape, i32), dimension % x.rank)


def _spread(x: Expr, shape: Sequence[int]) -> Expr:
    """A batch of numbers, or one number, repeated in the dimensions that follow."""
    return E.broadcast(x, tuple(shape), range(x.rank))


def _at(x: Expr, j: Expr, axis: int) -> Expr:
    """x at index j of one dimension, that dimension gone."""
    kept = [n for d, n in enumerate(x.shape) if d != axis % x.rank]
    return E.reshape(linalg.at(x, j, axis), kept)


def _size(x: Expr) -> Expr:
    """|x|; for complex numbers the sum of parts that LAPACK compares."""
    return E.absolute(E.real(x)) + E.absolute(E.imag(x)) if _is_complex(x) else E.absolute(x)


def _is_complex(x: Expr) -> bool:
    return isinstance(x.element, ComplexType)


def _conj(x: Expr) -> Expr:
    return E.conj(x) if _is_complex(x) else x


@routine("getrf")
def _lu(op: Any, scope: Scope) -> Sequence[Expr]:
    a = linalg.wide(scope.of(op.operands[0]))
    *batch, m, n = a.shape
    count = min(m, n)
    info = scope.constant(0, TensorType(tuple(batch), i32))
    pivots = scope.constant(0, TensorType((*batch, count), i32))
    return loop(count, _eliminate, a, pivots, info)


def _eliminate(scope: Scope, j: Expr, a: Expr, pivots: Expr, info: Expr) -> Sequence[Expr]:
    """One column of an LU factorization."""
    *batch, m, _ = a.shape
    column = _at(a, j, -1)
    places = _places(column, -1)
    size = select(places < _spread(j, places.shape), -1.0, _size(column))
    largest = E.reduce_with(hlo.Maximum, size, [size.rank - 1], float("-inf"))
    best = E.reduce_with(
        hlo.Minimum, select(E.eq(size, _spread(largest, size.shape)), places, m - 1), [size.rank - 1], m - 1
    )
    rows, columns = _places(a, -2), _places(a, -1)
    here, there = E.eq(rows, _spread(j, a.shape)), E.eq(rows, _spread(best, a.shape))
    pivot_row = E.reduce_sum(select(there, a, 0.0), [a.rank - 2])
    old_row = _at(a, j, -2)
    others = [*range(len(batch)), a.rank - 1]
    a = select(there, E.broadcast(old_row, a.shape, others), a)
    a = select(here, E.broadcast(pivot_row, a.shape, others), a)
    pivot = _at(pivot_row, j, -1)
    singular = E.eq(pivot, 0.0)
    column = _at(a, j, -1)
    below = places > _spread(j, places.shape)
    divisor = select(_spread(singular, column.shape), 1.0, _spread(pivot, column.shape))
    factor = select(below, column / divisor, 0.0)
    outer = E.broadcast(factor, a.shape, range(a.rank - 1)) * E.broadcast(pivot_row, a.shape, others)
    right = columns > _spread(j, a.shape)
    a = select((rows > _spread(j, a.shape)) & right, a - outer, a)
    kept = select(below, factor, column)
    a = linalg.put(a, E.reshape(kept, (*batch, m, 1)), j, -1)
    pivots = linalg.put(pivots, E.reshape(best + 1, (*batch, 1)), j, -1)
    first = E.eq(info, 0) & singular
    return [a, pivots, select(first, _spread(j + 1, info.shape), info)]


@routine("potrf")
def _cholesky(op: Any, scope: Scope) -> Sequence[Expr]:
    a = linalg.wide(scope.of(op.operands[0]))
    n = a.shape[-1]
    lower = parameters(op).get("uplo", "L") == "L"
    made = linalg.factor(a if lower else linalg.adjoint(a))
    triangle = _places(a, -1) <= _places(a, -2)
    diagonal = E.eq(_places(a, -1), _places(a, -2))
    pivots = E.reduce_sum(select(diagonal, linalg.real(made), 0.0), [a.rank - 1])
    places = _places(pivots, -1)
    info = E.reduce_with(hlo.Minimum, select(E.is_nan(pivots), places, n), [pivots.rank - 1], n)
    info = select(E.eq(info, n), -1, info) + 1
    made = made if lower else linalg.adjoint(made)
    return [select(triangle if lower else _places(a, -2) <= _places(a, -1), made, a), info]


@routine("trsm")
def _triangular_solve(op: Any, scope: Scope) -> Sequence[Expr]:
    a, b = (scope.of(v) for v in op.operands)
    given = parameters(op)
    turned = {"T": "TRANSPOSE", "C": "ADJOINT"}.get(given.get("trans_x", "N"), "NO_TRANSPOSE")
    solved = hlo.TriangularSolve(
        a.value,
        b.value,
        left_side=given.get("side") == "L",
        lower=given.get("uplo") == "L",
        unit_diagonal=given.get("diag") == "U",
        transpose_a=turned,
    )
    return [scope.emit(solved)]


@routine("geqrf")
def _qr(op: Any, scope: Scope) -> Sequence[Expr]:
    return _reflected(linalg.wide(scope.of(op.operands[0])))


def _reflected(a: Expr) -> list[Expr]:
    """R above Householder's vectors, and their factors."""
    *batch, m, n = a.shape
    factors = a.scope.constant(0, TensorType((*batch, min(m, n)), a.element))
    return loop(min(m, n), _reflect, a, factors)


def _reflect(scope: Scope, j: Expr, a: Expr, factors: Expr) -> Sequence[Expr]:
    """One column of a QR factorization."""
    *batch, m, _ = a.shape
    column = _at(a, j, -1)
    places = _places(column, -1)
    below = places > _spread(j, places.shape)
    rest = select(below, column, 0.0)
    squares = E.reduce_sum(linalg.real(rest * _conj(rest)), [rest.rank - 1])
    alpha = _at(column, j, -1)
    whole = squares + linalg.real(alpha * _conj(alpha))
    done = E.eq(squares, 0.0)
    if _is_complex(a):
        done = done & E.eq(E.imag(alpha), 0.0)
    beta = -E.copysign(E.sqrt(whole), linalg.real(alpha))
    wide_beta = linalg.like(select(done, linalg.real(alpha), beta), a.element)
    safe = linalg.like(select(done, 1.0, beta), a.element)
    factor = select(done, 0.0, (safe - alpha) / safe)
    vector = rest / _spread(select(done, 1.0, alpha - wide_beta), rest.shape)
    v = select(E.eq(places, _spread(j, places.shape)), 1.0, vector)
    batches = range(len(batch))
    along = linalg.dot(_conj(v), a, batches, len(batch), len(batch))
    scaled = along * _spread(_conj(factor), along.shape)
    update = E.broadcast(v, a.shape, range(a.rank - 1)) * E.broadcast(scaled, a.shape, [*batches, a.rank - 1])
    a = select(_places(a, -1) > _spread(j, a.shape), a - update, a)
    kept = select(below, vector, column)
    kept = select(E.eq(places, _spread(j, places.shape)), _spread(wide_beta, kept.shape), kept)
    a = linalg.put(a, E.reshape(kept, (*batch, m, 1)), j, -1)
    return [a, linalg.put(factors, E.reshape(factor, (*batch, 1)), j, -1)]


@routine("orgqr", "ungqr")
def _householder_product(op: Any, scope: Scope) -> Sequence[Expr]:
    packed, factors = (linalg.wide(scope.of(v)) for v in op.operands)
    return [_product(packed, factors, packed.shape[-1])]


def _product(packed: Expr, factors: Expr, columns: int) -> Expr:
    """The first columns of the product of reflections."""
    *batch, m, _ = packed.shape
    count = factors.shape[-1]
    shape = (*batch, m, columns)
    eye = packed.scope.constant(0, TensorType(shape, packed.element))
    eye = select(E.eq(_places(eye, -1), _places(eye, -2)), 1.0, eye)

    def step(scope: Scope, k: Expr, packed: Expr, factors: Expr, made: Expr) -> Sequence[Expr]:
        j = (count - 1) - k
        column = _at(packed, j, -1)
        places = _places(column, -1)
        here = _spread(j, places.shape)
        v = select(places > here, column, select(E.eq(places, here), 1.0, E.zeros_like(column)))
        along = linalg.dot(_conj(v), made, range(len(batch)), len(batch), len(batch))
        scaled = along * _spread(_at(factors, j, -1), along.shape)
        outer = E.broadcast(v, shape, range(len(shape) - 1)) * E.broadcast(
            scaled, shape, [*range(len(batch)), len(shape) - 1]
        )
        return [packed, factors, made - outer]

    return loop(count, step, packed, factors, eye)[2]


# Jacobi's rotations. Pairs (p, q) are taken row by row, as often as it takes for squares to vanish beside f64.


def _sweeps(n: int) -> int:
    return 8 + ceil(log2(max(n, 2)))


def _next_pair(p: Expr, q: Expr, n: int) -> tuple[Expr, Expr]:
    """The pair after (p, q) among 0 <= p < q < n; the first one after the last."""
    ends = q >= n - 1
    row = select(ends, p + 1, p)
    over = row >= n - 1
    row = select(over, 0, row)
    return row, select(ends, row + 1, q + 1)


def _rotation(difference: Expr, twice: Expr) -> tuple[Expr, Expr]:
    """(cosine, sine) of the smaller angle whose double has the tangent `twice / difference`."""
    none = E.eq(twice, 0.0)
    zeta = difference / select(none, 1.0, twice)
    t = E.copysign(1.0 / (E.absolute(zeta) + E.sqrt(1.0 + zeta * zeta)), zeta)
    t = select(none, 0.0, t)
    c = E.rsqrt(1.0 + t * t)
    return c, c * t


def _turned(x: Expr, p: Expr, q: Expr, turn: tuple[Expr, Expr, Expr], axis: int) -> Expr:
    """Two slices of x along a dimension, turned by the angle after the second one was multiplied by the phase."""
    first, second = linalg.at(x, p, axis), linalg.at(x, q, axis)
    cosine, sine, phase = (
        _spread(linalg.like(v, x.element) if v.element is f64 else v, first.shape) for v in turn
    )
    if _is_complex(x):
        second = second * phase
    x = linalg.put(x, cosine * first - sine * second, p, axis)
    return linalg.put(x, sine * first + cosine * second, q, axis)


def _phase(x: Expr) -> tuple[Expr, Expr]:
    """(|x|, conj(x) / |x|) for complex numbers, 1 for the phase of 0; real numbers as they are, with a phase of 1."""
    if not _is_complex(x):
        return x, E.full_like(x, 1.0)
    size = E.absolute(x)
    none = E.eq(size, 0.0)
    safe = linalg.like(select(none, 1.0, size), x.element)
    return size, select(none, E.full_like(x, 1.0), E.conj(x) / safe)


def _identity(like: Expr, n: int) -> Expr:
    *batch, _, _ = like.shape
    zeros = like.scope.constant(0, TensorType((*batch, n, n), like.element))
    return select(E.eq(_places(zeros, -1), _places(zeros, -2)), 1.0, zeros)


def _sorted(keys: Expr, columns: Sequence[Expr], descending: bool) -> tuple[Expr, list[Expr]]:
    """Numbers in order, and the columns of matrices in theirs."""
    scope, places = keys.scope, _places(keys, -1)
    scalar, number = TensorType((), keys.element), TensorType((), i32)

    def comes_first(b: Builder, x: Value, y: Value, _i: Value, _j: Value) -> None:
        direction = "GT" if descending else "LT"
        b.emit(hlo.Return([b.emit(hlo.Compare(x, y, comparison_direction=direction))]))

    region = scope.builder.region([scalar, scalar, number, number], comes_first)
    ordered, order = scope.emit(
        hlo.Sort([keys.value, places.value], dimension=keys.rank - 1, is_stable=True, regions=[region])
    )
    *batch, n = keys.shape
    shape = TensorType((*batch, n, n), i32)
    chosen = E.eq(
        E.broadcast(order, (*batch, n, n), [*range(len(batch)), len(batch) + 1]),
        scope.iota(shape, len(batch)),
    )
    taken = []
    for x in columns:
        one = E.convert(chosen, x.element)
        taken.append(linalg.dot(x, one, range(len(batch)), len(batch) + 1, len(batch)))
    return ordered, taken


@routine("syevd", "heevd")
def _eigh(op: Any, scope: Scope) -> Sequence[Expr]:
    a = linalg.wide(scope.of(op.operands[0]))
    *batch, n, _ = a.shape
    lower = parameters(op).get("uplo", "L") == "L"
    inside = _places(a, -1) <= _places(a, -2) if lower else _places(a, -2) <= _places(a, -1)
    a = select(inside, a, linalg.adjoint(a))
    vectors = _identity(a, n)
    start = [scope.constant(v, TensorType((), i32)) for v in (0, 1)]

    def step(inner: Scope, _: Expr, p: Expr, q: Expr, a: Expr, v: Expr) -> Sequence[Expr]:
        row = _at(a, p, -2)
        app, aqq = linalg.real(_at(row, p, -1)), linalg.real(_at(_at(a, q, -2), q, -1))
        apq, phase = _phase(_at(row, q, -1))
        c, s = _rotation(aqq - app, apq + apq)
        a = _turned(_turned(a, p, q, (c, s, _conj(phase)), -2), p, q, (c, s, phase), -1)
        return [*_next_pair(p, q, n), a, _turned(v, p, q, (c, s, phase), -1)]

    if n > 1:
        *_, a, vectors = loop(_sweeps(n) * n * (n - 1) // 2, step, *start, a, vectors)
    diagonal = E.eq(_places(a, -1), _places(a, -2))
    values, (vectors,) = _sorted(
        E.reduce_sum(select(diagonal, linalg.real(a), 0.0), [a.rank - 1]), [vectors], descending=False
    )
    return [vectors, values, scope.constant(0, TensorType(tuple(batch), i32))]


@routine("gesdd")
def _svd(op: Any, scope: Scope) -> Sequence[Expr] | None:
    a = linalg.wide(scope.of(op.operands[0]))
    *batch, m, n = a.shape
    tall = a if m >= n else linalg.adjoint(a)
    left, right = (r.type.static_shape for r in op.results[2:4])
    u, s, v = _tall_svd(tall, left[-1] if m >= n else right[-2])
    if m < n:
        u, v = v, u
    info = scope.constant(0, TensorType(tuple(batch), i32))
    return [a, s, _cut(u, left), _cut(linalg.adjoint(v), right), info]


def _cut(x: Expr, shape: Sequence[int]) -> Expr:
    """The first rows and columns."""
    return E.slice(x, (0,) * x.rank, tuple(shape))


def _tall_svd(a: Expr, columns: int) -> tuple[Expr, Expr, Expr]:
    """(left vectors in columns, values, right vectors in columns) of matrices that are not wide: rotations make the
    columns orthogonal, and reflections make them, and what is missing to a basis, unit vectors."""
    *batch, _, n = a.shape
    scope = a.scope
    start = [scope.constant(v, TensorType((), i32)) for v in (0, 1)]

    def step(inner: Scope, _: Expr, p: Expr, q: Expr, a: Expr, v: Expr) -> Sequence[Expr]:
        first, second = _at(a, p, -1), _at(a, q, -1)
        last = [first.rank - 1]
        app, aqq = (linalg.real(E.reduce_sum(_conj(x) * x, last)) for x in (first, second))
        apq, phase = _phase(E.reduce_sum(_conj(first) * second, last))
        turn = (*_rotation(aqq - app, apq + apq), phase)
        return [*_next_pair(p, q, n), _turned(a, p, q, turn, -1), _turned(v, p, q, turn, -1)]

    v = _identity(a, n)
    if n > 1:
        *_, a, v = loop(_sweeps(n) * n * (n - 1) // 2, step, *start, a, v)
    values = E.sqrt(linalg.real(E.reduce_sum(_conj(a) * a, [a.rank - 2])))
    values, (a, v) = _sorted(values, [a, v], descending=True)
    packed, factors = _reflected(a)
    u = _product(packed, factors, max(columns, n))
    square = E.slice(packed, (0,) * packed.rank, (*batch, n, n))
    diagonal = E.eq(_places(square, -1), _places(square, -2))
    parts = linalg.real(square)
    ones = E.copysign(E.full_like(parts, 1.0), parts)
    signs = E.reduce_sum(select(diagonal, ones, 0.0), [square.rank - 1])
    rest = max(columns, n) - n
    if rest:
        ones = scope.constant(1, TensorType((*batch, rest), signs.element))
        signs = E.concatenate([signs, ones], signs.rank - 1)
    signs = linalg.like(signs, u.element)
    return u * E.broadcast(signs, u.shape, [*range(len(batch)), u.rank - 1]), values, v


WIDEST = 256
"""Tridiagonal systems larger than this are refused: they are solved as dense ones."""


@routine("gtsv")
def _tridiagonal_solve(op: Any, scope: Scope) -> Sequence[Expr] | None:
    below, diagonal, above, b = (linalg.wide(scope.of(v)) for v in op.operands)
    *batch, n, count = b.shape
    if n > WIDEST:
        return None
    shape = (*batch, n, n)
    rows, columns = (scope.iota(TensorType(shape, i32), len(batch) + d) for d in (0, 1))
    along = [*range(len(batch)), len(batch)]
    matrix = scope.constant(0, TensorType(shape, b.element))
    for offset, band in ((0, diagonal), (-1, below), (1, above)):
        matrix = select(E.eq(columns - rows, offset), E.broadcast(band, shape, along), matrix)
    info = scope.constant(0, TensorType(tuple(batch), i32))
    pivots = scope.constant(0, TensorType((*batch, n), i32))
    # What elimination does to b stands beside U in the end.
    both = E.concatenate([matrix, b], len(batch) + 1)
    both, _, info = loop(n, _eliminate, both, pivots, info)
    start = (0,) * len(batch)
    upper = E.slice(both, (*start, 0, 0), shape)
    right = E.slice(both, (*start, 0, n), (*batch, n, n + count))
    solved = hlo.TriangularSolve(
        upper.value, right.value, left_side=True, lower=False, unit_diagonal=False, transpose_a="NO_TRANSPOSE"
    )
    return [below, diagonal, above, scope.emit(solved), info]

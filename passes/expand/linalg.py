"""Factorizations and triangular systems as loops over columns and rows. Computed in f64 and rounded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import ComplexType, TensorType, f64, i32
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope, select

rules = RewriteSet()


@rules.rewrite("cholesky = one column after another, each from those before it", hlo.Cholesky)
def _cholesky(op: Any, b: Rewriter) -> Value | None:
    if not op.a.type.is_static:
        return None
    a = wide(Scope(b).of(op.a))
    made = factor(a if op.lower else adjoint(a))
    return E.convert(made if op.lower else adjoint(made), op.result.type.element).value


@rules.rewrite("triangular_solve = one row after another, each from those before it", hlo.TriangularSolve)
def _triangular_solve(op: Any, b: Rewriter) -> Value | None:
    if not (op.a.type.is_static and op.b.type.is_static):
        return None
    scope = Scope(b)
    matrix, right = wide(scope.of(op.a)), wide(scope.of(op.b))
    turned = op.transpose_a != "NO_TRANSPOSE"
    if op.transpose_a == "ADJOINT":
        matrix = E.conj(matrix)
    # From the right: the transposed system from the left.
    if turned == op.left_side:
        matrix = transposed(matrix)
    lower = op.lower != (turned == op.left_side)
    if not op.left_side:
        right = transposed(right)
    made = _substituted(matrix, right, lower, op.unit_diagonal)
    return E.convert(made if op.left_side else transposed(made), op.result.type.element).value


def wide(x: Expr) -> Expr:
    return E.convert(x, ComplexType(f64) if isinstance(x.element, ComplexType) else f64)


def transposed(x: Expr) -> Expr:
    """The matrices in the last two dimensions, transposed."""
    last = x.rank - 1
    return E.transpose(x, (*range(last - 1), last, last - 1))


def adjoint(x: Expr) -> Expr:
    return E.conj(transposed(x))


def factor(a: Expr) -> Expr:
    """The lower factor of Hermitian matrices, of which the lower triangles are read."""
    *batch, n, _ = a.shape
    batches = range(len(batch))
    column = TensorType((*batch, n), a.element)

    def step(scope: Scope, j: Expr, a: Expr, factor: Expr) -> Expr:
        row = E.reshape(at(factor, j, -2), (*batch, n))
        known = dot(factor, E.conj(row), batches, len(batch) + 1, len(batch))
        left = E.reshape(at(a, j, -1), (*batch, n)) - known
        pivot_squared = real(E.reshape(at(left, j, -1), batch))
        pivot = E.sqrt(select(pivot_squared > 0.0, pivot_squared, nan))
        spread = E.broadcast(like(pivot, a.element), column.static_shape, batches)
        place = scope.iota(column.with_element(i32), len(batch))
        here = E.broadcast(j, column.static_shape, ())
        below = select(place > here, left / spread, 0.0)
        made = select(E.eq(place, here), spread, below)
        return put(factor, E.reshape(made, (*batch, n, 1)), j, -1)

    return _loop(n, step, a, E.zeros_like(a))


def _substituted(matrix: Expr, right: Expr, lower: bool, unit: bool) -> Expr:
    """x with `matrix` x = `right`; the other triangle of the matrix counts as zero, whatever it holds."""
    *batch, n, count = right.shape
    batches = range(len(batch))
    scope, places = matrix.scope, matrix.type.with_element(i32)
    rows, columns = scope.iota(places, matrix.rank - 2), scope.iota(places, matrix.rank - 1)
    strict = select(columns < rows if lower else columns > rows, matrix, 0.0)
    diagonal = E.reduce_sum(select(E.eq(rows, columns), matrix, 0.0), [matrix.rank - 1])

    def step(scope: Scope, j: Expr, strict: Expr, diagonal: Expr, right: Expr, x: Expr) -> Expr:
        i = j if lower else (n - 1) - j
        row = E.reshape(at(strict, i, -2), (*batch, n))
        left = E.reshape(at(right, i, -2), (*batch, count)) - dot(row, x, batches, len(batch), len(batch))
        if not unit:
            left = left / E.broadcast(E.reshape(at(diagonal, i, -1), batch), left.shape, batches)
        return put(x, E.reshape(left, (*batch, 1, count)), i, -2)

    return _loop(n, step, strict, diagonal, right, E.zeros_like(right))


def _loop(count: int, step: Callable[..., Expr], *values: Expr) -> Expr:
    """`step(scope, j, *values)` for j from 0 on gives the next of the last value."""
    scope = values[0].scope
    counter = TensorType((), i32)
    start = scope.constant(0, counter)

    def before(b: Builder, j: Value, *_: Value) -> None:
        inner = Scope(b)
        b.emit(hlo.Return([(inner.of(j) < count).value]))

    def body(b: Builder, j: Value, *carried: Value) -> None:
        inner = Scope(b)
        index = inner.of(j)
        made = step(inner, index, *map(inner.of, carried))
        b.emit(hlo.Return([(index + 1).value, *carried[:-1], made.value]))

    carried = [start.value, *(v.value for v in values)]
    types = [v.type for v in carried]
    regions = [scope.builder.region(types, before), scope.builder.region(types, body)]
    return scope.emit(hlo.While(carried, regions=regions))[-1]


def _starts(x: Expr, i: Expr, axis: int) -> list[Expr]:
    zero = i.scope.constant(0, i.type)
    return [i if d == axis % x.rank else zero for d in range(x.rank)]


def at(x: Expr, i: Expr, axis: int) -> Expr:
    """x at index i of one dimension, which stays with an extent of 1."""
    sizes = [1 if d == axis % x.rank else n for d, n in enumerate(x.shape)]
    return E.dynamic_slice(x, _starts(x, i, axis), sizes)


def put(x: Expr, part: Expr, i: Expr, axis: int) -> Expr:
    return E.dynamic_update_slice(x, part, _starts(x, i, axis))


def dot(x: Expr, y: Expr, batch: Sequence[int], lhs: int, rhs: int) -> Expr:
    """Sums of products over one dimension of each side, for each index of the batch."""
    numbers = hlo.DotDimensionNumbers(
        lhs_batching_dimensions=tuple(batch), rhs_batching_dimensions=tuple(batch),
        lhs_contracting_dimensions=(lhs,), rhs_contracting_dimensions=(rhs,),
    )  # fmt: skip
    return x.scope.emit(hlo.DotGeneral(x.value, y.value, dot_dimension_numbers=numbers))


def real(x: Expr) -> Expr:
    return E.real(x) if isinstance(x.element, ComplexType) else x


def like(x: Expr, element: Any) -> Expr:
    """A real number as an element of a field."""
    return E.make_complex(x, E.zeros_like(x)) if isinstance(element, ComplexType) else x

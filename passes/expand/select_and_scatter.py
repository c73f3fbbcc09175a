"""select_and_scatter of complex numbers: a walk over the positions of the window, then a scatter.

Real ones have a kernel of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import ComplexType, TensorType, i1, i64, row_major_strides
from irc.passes import expression as E
from irc.passes.expand.lapack import loop
from irc.passes.expression import Expr, Scope, select

rules = RewriteSet()


@rules.rewrite(
    "select_and_scatter of complex numbers = where each window's choice stands, and a scatter there",
    hlo.SelectAndScatter,
)
def _select_and_scatter(op: Any, b: Rewriter) -> Value | None:
    t, source = op.operand.type, op.source.type
    if not isinstance(t.element, ComplexType) or not (t.is_static and source.is_static):
        return None
    if not t.size or not source.size:
        return None
    scope = Scope(b)
    x, count = scope.of(op.operand), source.size
    places = E.reshape(_chosen(op, E.reshape(x, (t.size,))), (count, 1))
    element = op.result.type.element
    start = E.broadcast(E.convert(scope.of(op.init_value), element), (t.size,), ())
    numbers = hlo.ScatterDimensionNumbers(
        inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), index_vector_dim=1
    )
    made = hlo.Scatter(
        [start.value],
        places.value,
        [E.reshape(E.convert(scope.of(op.source), element), (count,)).value],
        scatter_dimension_numbers=numbers,
        regions=[op.scatter],
    )
    return E.reshape(scope.emit(made), t.static_shape).value


def _chosen(op: Any, flat: Expr) -> Expr:
    """The flat index of each window's choice among the elements of the operand; -1 for a window of padding alone."""
    window, shape = op.window, op.operand.type.static_shape
    counts = TensorType(op.source.type.static_shape, i64)
    positions = 1
    for size in window.sizes:
        positions *= size

    def step(inner: Scope, k: Expr, best: Expr, value: Expr) -> Sequence[Expr]:
        there, place = _place(inner, E.convert(k, i64), counts, window, shape)
        other = _taken(inner.of(flat.value), place)
        stays = inner.emit(
            hlo.Map([value.value, other.value], dimensions=range(counts.rank), regions=[op.select])
        )
        takes = there & ~((best >= 0) & stays)
        return [select(takes, place, best), select(takes, other, value)]

    scope = flat.scope
    nowhere = scope.constant(-1, counts)
    values = scope.constant(0, counts.with_element(flat.element))
    return loop(positions, step, nowhere, values)[0]


def _place(scope: Scope, k: Expr, counts: TensorType, window: Any, shape: Sequence[int]) -> tuple[Expr, Expr]:
    """Of position `k` of every window: whether it is inside the operand, and its flat index, 0 outside."""
    there, place = scope.constant(True, counts.with_element(i1)), scope.constant(0, counts)
    rest = k
    for d in reversed(range(counts.rank)):
        size = window.sizes[d]
        offset = rest - (rest / size) * size
        rest = rest / size
        at = scope.iota(counts, d) * window.strides[d] + E.broadcast(offset, counts.static_shape, ())
        at = at - int(window.padding[d][0])
        there = there & (at >= 0) & (at < shape[d])
        stride = row_major_strides(tuple(shape))[d]
        place = place + at * stride
    return there, select(there, place, 0)


def _taken(flat: Expr, places: Expr) -> Expr:
    """flat[places]."""
    numbers = hlo.GatherDimensionNumbers(
        collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=places.rank
    )
    made: Expr = flat.scope.emit(
        hlo.Gather(
            flat.value, places.value, dimension_numbers=numbers, slice_sizes=(1,), indices_are_sorted=False
        )
    )
    return made

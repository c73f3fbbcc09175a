"""Reading and writing at indices that are data: gather and scatter, sorting."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import Shape, emit, spread, together
from irc.ir.builder import Builder
from irc.ir.operation import Region, Value
from irc.ir.types import FloatType, IntegerType, TensorType, i64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope


def wrapped(index: Expr, extent: int) -> Expr:
    """Negative indices counted from the end."""
    if isinstance(index.element, IntegerType) and index.element.is_unsigned:
        return index
    return E.select(index < 0, index + extent, index)


def take(scope: Scope, x: Expr, index: Expr, dimension: int) -> Expr:
    """x's slices along a dimension, at the places that `index` (any shape) names; its dimensions stand there."""
    index = wrapped(index, x.shape[dimension])
    k = index.rank
    if not k:
        return take_one(scope, x, index, dimension)
    offsets = (*range(dimension), *range(dimension + k, x.rank - 1 + k))
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=offsets,
        collapsed_slice_dims=(dimension,),
        start_index_map=(dimension,),
        index_vector_dim=k,
    )
    sizes = tuple(1 if d == dimension else n for d, n in enumerate(x.shape))
    return scope.emit(
        hlo.Gather(
            x.value, index.value, dimension_numbers=numbers, slice_sizes=sizes, indices_are_sorted=False
        )
    )


def take_one(scope: Scope, x: Expr, index: Expr, dimension: int) -> Expr:
    """x's slice along a dimension at a scalar index that is not negative, without that dimension."""
    zero = scope.constant(0, index.type)
    starts = [index if d == dimension else zero for d in range(x.rank)]
    part = E.dynamic_slice(x, starts, tuple(1 if d == dimension else n for d, n in enumerate(x.shape)))
    return E.reshape(part, tuple(n for d, n in enumerate(x.shape) if d != dimension))


def take_batched(scope: Scope, x: Expr, index: Expr, dimension: int, batches: int) -> Expr:
    """As `take`, where the first `batches` dimensions of x and index go together."""
    index = wrapped(index, x.shape[dimension])
    k = index.rank - batches
    lead = tuple(range(batches))
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=(*range(batches, dimension), *range(dimension + k, x.rank - 1 + k)),
        collapsed_slice_dims=(dimension,),
        operand_batching_dims=lead,
        start_indices_batching_dims=lead,
        start_index_map=(dimension,),
        index_vector_dim=index.rank,
    )
    sizes = tuple(1 if d == dimension or d in lead else n for d, n in enumerate(x.shape))
    return scope.emit(
        hlo.Gather(
            x.value, index.value, dimension_numbers=numbers, slice_sizes=sizes, indices_are_sorted=False
        )
    )


def take_many(scope: Scope, x: Expr, *more: Any) -> Expr:
    """x at index tensors for several neighbouring dimensions, which broadcast together; last: the first dimension."""
    *indices, first = more
    vectors, shape = _index_vectors(x, indices, first)
    k, count = len(shape), len(indices)
    offsets = (*range(first), *range(first + k, x.rank - count + k))
    dims = tuple(range(first, first + count))
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=offsets, collapsed_slice_dims=dims, start_index_map=dims, index_vector_dim=k
    )
    sizes = tuple(1 if d in dims else n for d, n in enumerate(x.shape))
    return scope.emit(
        hlo.Gather(
            x.value, vectors.value, dimension_numbers=numbers, slice_sizes=sizes, indices_are_sorted=False
        )
    )


def _index_vectors(x: Expr, indices: Any, first: int) -> tuple[Expr, Shape]:
    wide = together(*(wrapped(E.convert(v, i64), x.shape[first + i]) for i, v in enumerate(indices)))
    shape = wide[0].shape
    return E.concatenate([E.reshape(v, (*shape, 1)) for v in wide], len(shape)), shape


def put_many(scope: Scope, x: Expr, new: Expr, *more: Any) -> Expr:
    """x with the elements at those indices replaced by `new` (or added to, or multiplied); statics: the first
    dimension, and how."""
    *indices, first, how = more
    vectors, shape = _index_vectors(x, indices, first)
    k, count = len(shape), len(indices)
    dims = tuple(range(first, first + count))
    part = (*x.shape[:first], *shape, *x.shape[first + count :])
    windows = (*range(first), *range(first + k, len(part)))
    numbers = hlo.ScatterDimensionNumbers(
        update_window_dims=windows,
        inserted_window_dims=dims,
        scatter_dims_to_operand_dims=dims,
        index_vector_dim=k,
    )
    return _scatter(scope, x, vectors, spread(E.convert(new, x.element), part), numbers, how)


def _scatter(scope: Scope, x: Expr, index: Expr, new: Expr, numbers: Any, how: str) -> Expr:
    return scope.emit(
        hlo.Scatter(
            [x.value],
            index.value,
            [new.value],
            scatter_dimension_numbers=numbers,
            indices_are_sorted=False,
            unique_indices=False,
            regions=[_combine(scope, x.element, how)],
        )
    )


def _combine(scope: Scope, element: Any, how: str) -> Region:
    """The update of a scatter: the new value, or it combined with the old one."""
    scalar = TensorType((), element)
    cls = {"sum": hlo.Add, "prod": hlo.Multiply, "amax": hlo.Maximum, "amin": hlo.Minimum}.get(how)

    def body(b: Builder, old: Value, new: Value) -> None:
        b.emit(hlo.Return([new if cls is None else b.emit(cls(old, new))]))

    return scope.builder.region([scalar, scalar], body)


def _along(scope: Scope, index: Expr, dimension: int, extent: int) -> Expr:
    """Full index vectors for an index that replaces one coordinate of its own place."""
    index = wrapped(E.convert(index, i64), extent)
    type = TensorType(index.type.static_shape, i64)
    parts = [index if d == dimension else scope.iota(type, d) for d in range(index.rank)]
    return E.concatenate([E.reshape(p, (*index.shape, 1)) for p in parts], index.rank)


def gather(scope: Scope, x: Expr, index: Expr, dimension: int) -> Expr:
    """out[i][j][k] = x[i][index[i][j][k]][k] for dimension 1."""
    dims = tuple(range(x.rank))
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=(), collapsed_slice_dims=dims, start_index_map=dims, index_vector_dim=x.rank
    )
    vectors = _along(scope, index, dimension, x.shape[dimension])
    return scope.emit(
        hlo.Gather(
            x.value,
            vectors.value,
            dimension_numbers=numbers,
            slice_sizes=(1,) * x.rank,
            indices_are_sorted=False,
        )
    )


def scatter(scope: Scope, x: Expr, index: Expr, new: Expr, dimension: int, how: str) -> Expr:
    """x with x[i][index[i][j][k]][k] set from new[i][j][k] (or added to ...)."""
    dims = tuple(range(x.rank))
    numbers = hlo.ScatterDimensionNumbers(
        update_window_dims=(),
        inserted_window_dims=dims,
        scatter_dims_to_operand_dims=dims,
        index_vector_dim=x.rank,
    )
    vectors = _along(scope, index, dimension, x.shape[dimension])
    if new.rank == 0:
        new = spread(new, index.shape)
    part = E.slice(new, (0,) * new.rank, index.shape)
    return _scatter(scope, x, vectors, E.convert(part, x.element), numbers, how)


def sort(scope: Scope, x: Expr, dimension: int, descending: bool) -> tuple[Expr, Expr]:
    """The elements in order along a dimension, and where each came from; equal ones keep their order."""
    index = scope.iota(TensorType(x.shape, i64), dimension)
    scalars = [TensorType((), t) for t in (x.element, x.element, i64, i64)]

    def body(b: Builder, a: Value, c: Value, i: Value, j: Value) -> None:
        b.emit(hlo.Return([b.emit(_before(a, c, "GT" if descending else "LT", x.element))]))

    return scope.emit(
        hlo.Sort(
            [x.value, index.value],
            dimension=dimension,
            is_stable=True,
            regions=[scope.builder.region(scalars, body)],
        )
    )


def _before(a: Value, b: Value, direction: str, element: Any) -> Any:
    kind = "TOTALORDER"
    if not isinstance(element, FloatType):
        kind = "UNSIGNED" if element.is_unsigned or element.width == 1 else "SIGNED"
    return hlo.Compare(a, b, comparison_direction=direction, compare_type=kind)


def argsort(scope: Scope, x: Expr, dimension: int, descending: bool) -> Expr:
    return sort(scope, x, dimension, descending)[1]


def top_k(scope: Scope, x: Expr, k: int, dimension: int, largest: bool) -> tuple[Expr, Expr]:
    """The k largest (or smallest) along a dimension, in order, and where they are."""
    values, places = sort(scope, x, dimension, largest)
    start, limit = (0,) * x.rank, tuple(k if d == dimension else n for d, n in enumerate(x.shape))
    return E.slice(values, start, limit), E.slice(places, start, limit)


def masked_select_update(scope: Scope, x: Expr, mask: Expr, new: Expr) -> Expr:
    """x with the elements where the mask (of x's leading dimensions) holds replaced by one value."""
    wide = E.broadcast(mask, x.shape, tuple(range(mask.rank)))
    return emit(hlo.Select, wide, spread(E.convert(new, x.element), x.shape), x)

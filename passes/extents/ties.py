"""Which extents an op ties together: pairs of dimensions that are as long as each other, whatever the length.

A dimension that an op sums over, pads or cuts is tied to nothing by that op. An op that is not in the table says nothing
about its operands, so nobody may change an extent of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Return
from irc.ir.operation import Operation, Value

Slot = tuple[Value, int]
"""One dimension of one value."""
Tie = tuple[Slot, Slot]
Rule = Callable[[Any], Iterable[Tie]]


def ties(op: Operation) -> Iterable[Tie] | None:
    """The pairs of an op, reshapes apart (see `across`); None for an op that is not known here."""
    rule = _RULES.get(type(op))
    if rule is not None:
        return rule(op)
    return _all_alike(op) if getattr(op, "elementwise", False) else None


def across(
    source: Sequence[int], target: Sequence[int], position: int, grown: Sequence[int] = ()
) -> int | None:
    """The dimension of a reshape's other side that grows with dimension `position` of `source`, or None; `grown` are those
    that are known to.

    Both shapes are cut into the smallest runs that hold as many elements. Within a run the outermost dimension
    grows with the outermost, the innermost with the innermost, and a run of one with any of the other's. Where the
    outermost is no multiple (random numbers, which are drawn as two rows), the first that is one grows."""
    for own, other in _runs(source, target):
        if position not in own:
            continue
        known = [d for d in other if d in grown]
        if known or len(other) == 1:
            return (known or other)[0]
        if position == own[0]:
            return next((d for d in other if target[d] % source[position] == 0), other[0])
        return other[-1] if position == own[-1] else None
    return None


def _runs(source: Sequence[int], target: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Dimensions of the two shapes, ones left out, in the smallest groups of equal products."""
    left = [i for i, n in enumerate(source) if n != 1]
    right = [i for i, n in enumerate(target) if n != 1]
    while left and right:
        own, other = [left.pop(0)], [right.pop(0)]
        m, n = source[own[0]], target[other[0]]
        while m != n:
            if m < n:
                own.append(left.pop(0))
                m *= source[own[-1]]
            else:
                other.append(right.pop(0))
                n *= target[other[-1]]
        yield own, other


def _same(values: Sequence[Value], dimensions: Iterable[int]) -> Iterator[Tie]:
    for d in dimensions:
        for v in values[1:]:
            yield (values[0], d), (v, d)


def _rank(value: Value) -> int:
    return len(getattr(value.type, "shape", ()))


def _all_alike(op: Operation) -> Iterator[Tie]:
    """Every operand and result of the result's rank has its shape; scalars stand for themselves."""
    rank = _rank(op.results[0])
    yield from _same([v for v in (*op.results, *op.operands) if _rank(v) == rank], range(rank))


def _paired(left: Sequence[Value], right: Sequence[Value]) -> Iterator[Tie]:
    for a, b in zip(left, right, strict=True):
        yield from _same((a, b), range(_rank(a)))


def _dot_general(op: hlo.DotGeneral) -> Iterator[Tie]:
    d, lhs, rhs = op.dot_dimension_numbers, op.lhs, op.rhs
    yield from (
        ((lhs, i), (rhs, j))
        for i, j in zip(d.lhs_contracting_dimensions, d.rhs_contracting_dimensions, strict=True)
    )
    at = 0
    for i, j in zip(d.lhs_batching_dimensions, d.rhs_batching_dimensions, strict=True):
        yield (lhs, i), (rhs, j)
        yield (lhs, i), (op.result, at)
        at += 1
    for value, gone in (
        (lhs, (*d.lhs_batching_dimensions, *d.lhs_contracting_dimensions)),
        (rhs, (*d.rhs_batching_dimensions, *d.rhs_contracting_dimensions)),
    ):
        for i in range(_rank(value)):
            if i not in gone:
                yield (value, i), (op.result, at)
                at += 1


def _convolution(op: hlo.Convolution) -> Iterator[Tie]:
    d = op.dimension_numbers
    if op.batch_group_count == 1:
        yield (op.lhs, d.input_batch_dimension), (op.result, d.output_batch_dimension)
    if op.feature_group_count == 1:
        yield (op.lhs, d.input_feature_dimension), (op.rhs, d.kernel_input_feature_dimension)
    yield (op.rhs, d.kernel_output_feature_dimension), (op.result, d.output_feature_dimension)


def _reduce(op: hlo.Reduce) -> Iterator[Tie]:
    inputs, rank = op.inputs, _rank(op.inputs[0])
    yield from _same(inputs, range(rank))
    kept = [i for i in range(rank) if i not in op.dimensions]
    for k, i in enumerate(kept):
        yield from (((inputs[0], i), (r, k)) for r in op.results)


def _untouched(rank: int, *given: tuple[Sequence[Any] | None, Any]) -> list[int]:
    """Dimensions at which every attribute says that nothing happens; an absent one says so everywhere."""
    return [d for d in range(rank) if all(a is None or _entry(a, d) == nothing for a, nothing in given)]


def _entry(attribute: Any, d: int) -> Any:
    entry = attribute[d]
    return tuple(entry) if isinstance(entry, tuple | list) else entry


def _reduce_window(op: hlo.ReduceWindow) -> Iterator[Tie]:
    kept = _untouched(
        _rank(op.inputs[0]),
        (op.window_dimensions, 1),
        (op.window_strides, 1),
        (op.base_dilations, 1),
        (op.padding, (0, 0)),
    )
    yield from _same(op.inputs, range(_rank(op.inputs[0])))
    yield from _same((op.inputs[0], *op.results), kept)


def _select_and_scatter(op: hlo.SelectAndScatter) -> Iterator[Tie]:
    rank = _rank(op.operand)
    yield from _same((op.operand, op.result), range(rank))
    kept = _untouched(rank, (op.window_dimensions, 1), (op.window_strides, 1), (op.padding, (0, 0)))
    yield from _same((op.operand, op.source), kept)


def _broadcast(op: hlo.BroadcastInDim) -> Iterator[Tie]:
    for i, d in enumerate(op.broadcast_dimensions):
        if op.operand.type.shape[i] == op.result.type.shape[d]:
            yield (op.operand, i), (op.result, d)


def _transpose(op: hlo.Transpose) -> Iterator[Tie]:
    return (((op.operand, p), (op.result, i)) for i, p in enumerate(op.permutation))


def whole(lengths: Sequence[int], value: Value) -> list[int]:
    """Dimensions of `value` of which all is taken."""
    return [d for d, n in enumerate(lengths) if value.type.shape[d] == n]


def _slice(op: hlo.Slice) -> Iterator[Tie]:
    return _same((op.operand, op.result), whole(op.result.type.shape, op.operand))


def _dynamic_slice(op: hlo.DynamicSlice) -> Iterator[Tie]:
    return _same((op.operand, op.result), whole(op.slice_sizes, op.operand))


def _dynamic_update_slice(op: hlo.DynamicUpdateSlice) -> Iterator[Tie]:
    yield from _same((op.operand, op.result), range(_rank(op.operand)))
    yield from _same((op.operand, op.update), whole(op.update.type.shape, op.operand))


def _pad(op: hlo.Pad) -> Iterator[Tie]:
    kept = _untouched(
        _rank(op.operand), (op.edge_padding_low, 0), (op.edge_padding_high, 0), (op.interior_padding, 0)
    )
    return _same((op.operand, op.result), kept)


def _concatenate(op: hlo.Concatenate) -> Iterator[Tie]:
    return _same((op.result, *op.inputs), (d for d in range(_rank(op.result)) if d != op.dimension))


def _gather(op: hlo.Gather) -> Iterator[Tie]:
    d, sizes = op.dimension_numbers, op.slice_sizes
    taken = [
        i for i in range(_rank(op.operand)) if i not in (*d.collapsed_slice_dims, *d.operand_batching_dims)
    ]
    for i, at in zip(taken, d.offset_dims, strict=True):
        if sizes[i] == op.operand.type.shape[i]:
            yield (op.operand, i), (op.result, at)
    rest = [i for i in range(_rank(op.result)) if i not in d.offset_dims]
    places = [i for i in range(_rank(op.start_indices)) if i != d.index_vector_dim]
    yield from (((op.start_indices, i), (op.result, at)) for i, at in zip(places, rest, strict=True))
    yield from (
        ((op.operand, i), (op.start_indices, j))
        for i, j in zip(d.operand_batching_dims, d.start_indices_batching_dims, strict=True)
    )


def _scatter(op: hlo.Scatter) -> Iterator[Tie]:
    d, target, updates = op.scatter_dimension_numbers, op.inputs[0], op.updates[0]
    rank = _rank(target)
    yield from _same((*op.inputs, *op.results), range(rank))
    yield from _same(op.updates, range(_rank(updates)))
    windowed = [i for i in range(rank) if i not in (*d.inserted_window_dims, *d.input_batching_dims)]
    for i, at in zip(windowed, d.update_window_dims, strict=True):
        if target.type.shape[i] == updates.type.shape[at]:
            yield (target, i), (updates, at)
    rest = [i for i in range(_rank(updates)) if i not in d.update_window_dims]
    places = [i for i in range(_rank(op.scatter_indices)) if i != d.index_vector_dim]
    yield from (((op.scatter_indices, i), (updates, at)) for i, at in zip(places, rest, strict=True))
    yield from (
        ((target, i), (op.scatter_indices, j))
        for i, j in zip(d.input_batching_dims, d.scatter_indices_batching_dims, strict=True)
    )


def _leading(op: Operation) -> Iterator[Tie]:
    """All but the two last dimensions, of every operand and result (the batch of matrices)."""
    return _same((*op.results, *op.operands), range(_rank(op.results[0]) - 2))


def _fft(op: hlo.Fft) -> Iterator[Tie]:
    return _same((op.operand, op.result), range(_rank(op.operand) - len(op.fft_length)))


def _while(op: hlo.While) -> Iterator[Tie]:
    yield from _paired(op.operands, op.results)
    for region in op.regions:
        yield from _paired(op.operands, region.arguments)
    yield from _paired(op.operands, op.regions[1].block.terminator.operands)


def _branches(op: Operation) -> Iterator[Tie]:
    for region in op.regions:
        yield from _paired(op.results, region.block.terminator.operands)


def _barrier(op: Operation) -> Iterator[Tie]:
    return _paired(op.operands, op.results)


def _nothing(op: Operation) -> Iterable[Tie]:
    return ()


_RULES: dict[type[Operation], Rule] = {
    hlo.BitcastConvert: _all_alike,
    hlo.BroadcastInDim: _broadcast,
    hlo.Case: _branches,
    hlo.Cholesky: _leading,
    hlo.Clamp: _all_alike,
    hlo.Concatenate: _concatenate,
    hlo.Constant: _nothing,
    hlo.Convolution: _convolution,
    hlo.DotGeneral: _dot_general,
    hlo.DynamicSlice: _dynamic_slice,
    hlo.DynamicUpdateSlice: _dynamic_update_slice,
    hlo.Fft: _fft,
    hlo.Gather: _gather,
    hlo.If: _branches,
    hlo.Iota: _nothing,
    hlo.OptimizationBarrier: _barrier,
    hlo.Pad: _pad,
    hlo.Reduce: _reduce,
    hlo.ReduceWindow: _reduce_window,
    hlo.Return: _nothing,
    hlo.Reverse: _all_alike,
    hlo.RngBitGenerator: _nothing,
    hlo.Scatter: _scatter,
    hlo.Select: _all_alike,
    hlo.SelectAndScatter: _select_and_scatter,
    hlo.Slice: _slice,
    hlo.Sort: _all_alike,
    hlo.Transpose: _transpose,
    hlo.TriangularSolve: _leading,
    hlo.While: _while,
    Return: _nothing,
}

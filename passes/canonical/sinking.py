"""Reshapes and broadcasts sink: what is computed on fewer dimensions, or on the dimensions that values came with, is
computed there, and spread or reshaped afterwards. Bits stay, for elements, their order in a sum, and their number do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irc.dialects.stablehlo import BroadcastInDim, DotDimensionNumbers, DotGeneral, Reduce, Reshape
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import Dim
from irc.passes.canonical.shapes import Group, groups, without_ones
from irc.passes.canonicalize.shape import ELEMENTWISE
from irc.passes.constants import constant, splat

rules = RewriteSet()
rewrite = rules.rewrite


def reshaped(b: Rewriter, x: Value, shape: Sequence[Dim]) -> Value:
    """x in another shape."""
    return b.emit(Reshape(x, result_types=[x.type.with_shape(tuple(shape))]))


def spread(b: Rewriter, x: Value, dims: Sequence[int], shape: Sequence[Dim]) -> Value:
    """x broadcast to a shape, its dimensions becoming `dims`."""
    type = x.type.with_shape(tuple(shape))
    return b.emit(BroadcastInDim(x, broadcast_dimensions=tuple(dims), result_types=[type]))


def smaller(b: Rewriter, op: Operation, operands: Sequence[Value], shape: Sequence[Dim]) -> Value:
    """The elementwise op on operands of another shape."""
    result = op.results[0].type.with_shape(tuple(shape))
    return b.emit(type(op).create(operands, [result], op.attributes, (), op.location))


def is_static(op: Operation) -> bool:
    """Whether the op has one result, all extents are known, and there are elements."""
    return len(op.results) == 1 and all(v.type.is_static and v.type.size for v in (*op.operands, *op.results))


# Broadcasts


@rewrite("f(broadcast(x), broadcast(y)) = broadcast(f(x, y)), for elementwise f", *ELEMENTWISE)
def elementwise_of_broadcasts(op: Operation, b: Rewriter) -> Value | None:
    if not is_static(op):
        return None
    rank = op.results[0].type.rank
    used: dict[int, None] = {}
    for v in op.operands:
        match v:
            case Value(BroadcastInDim(broadcast_dimensions=dims)):
                used.update(dict.fromkeys(dims))
            case _ if v.type.rank and splat(v) is None:
                return None
    if not any(isinstance(v.op, BroadcastInDim) for v in op.operands) or len(used) == rank:
        return None
    kept = sorted(used)
    shape = [op.results[0].type.shape[d] for d in kept]
    operands = [_narrowed(b, v, kept, shape) for v in op.operands]
    return spread(b, smaller(b, op, operands, shape), kept, op.results[0].type.shape)


def _narrowed(b: Rewriter, v: Value, kept: Sequence[int], shape: Sequence[Dim]) -> Value:
    match v:
        case Value(BroadcastInDim(operand=x, broadcast_dimensions=dims)):
            return spread(b, x, [kept.index(d) for d in dims], shape)
    return v if v.type.rank == 0 else constant(b, v.type.with_shape(tuple(shape)), splat(v))


@rewrite(
    "broadcast(reshape(x)) = reshape(broadcast(x)), where the reshaped dimensions stand together",
    BroadcastInDim,
)
def broadcast_of_reshape(op: BroadcastInDim, b: Rewriter) -> Value | None:
    match op.operand:
        case Value(Reshape(operand=x)) as inner:
            found = groups(x.type.shape, inner.type.shape)
            if found is None or all(g.is_one for g in found) or 1 in inner.type.shape:
                return None
            return _spread_before(b, op, x, found)
    return None


def _spread_before(b: Rewriter, op: BroadcastInDim, x: Value, found: list[Group]) -> Value | None:
    dims, target = op.broadcast_dimensions, op.result.type.shape
    starts: dict[int, Group] = {}
    covered: dict[int, None] = {}
    for group in found:
        places = [dims[d] for d in group.target]
        if places != list(range(places[0], places[0] + len(places))):
            return None
        starts[places[0]] = group
        covered.update(dict.fromkeys(places))
    shape: list[Dim] = []
    at: dict[int, int] = {}
    for place, extent in enumerate(target):
        if place in starts:
            for d in starts[place].source:
                at[d] = len(shape)
                shape.append(x.type.shape[d])
        elif place not in covered:
            shape.append(extent)
    x = reshaped(b, x, without_ones(x.type.shape))
    return reshaped(b, spread(b, x, [at[d] for d in sorted(at)], shape), target)


# Reshapes


@rewrite("f(reshape(x), reshape(y)) = reshape(f(x, y)), for elementwise f", *ELEMENTWISE)
def elementwise_of_reshapes(op: Operation, b: Rewriter) -> Value | None:
    inner = next((v.op for v in op.operands if isinstance(v.op, Reshape)), None)
    if inner is None or not is_static(op) or inner.result.type.shape != op.results[0].type.shape:
        return None
    source = without_ones(inner.operand.type.shape)
    found = groups(source, inner.result.type.shape)
    if found is None or source == inner.result.type.shape:
        return None
    place = {g.target[0]: g.source[0] for g in found if g.is_one}
    if not all(_fits(v, source, place) for v in op.operands):
        return None
    if (
        any(v.type.rank == 0 and not isinstance(v.op, Reshape) for v in op.operands)
        and not op.results[0].type.rank
    ):
        # A scalar that stands for itself, not one that is spread.
        return None
    operands = [_before_reshape(b, v, source, place) for v in op.operands]
    return reshaped(b, smaller(b, op, operands, source), op.results[0].type.shape)


def _fits(v: Value, source: Sequence[Dim], place: dict[int, int]) -> bool:
    """Whether an operand can be said in the shape before the reshape."""
    match v:
        case Value(Reshape(operand=x)):
            return without_ones(x.type.shape) == source
        case Value(BroadcastInDim(broadcast_dimensions=dims)):
            return all(d in place for d in dims)
    return v.type.rank == 0 or splat(v) is not None


def _before_reshape(b: Rewriter, v: Value, source: Sequence[Dim], place: dict[int, int]) -> Value:
    match v:
        case Value(Reshape(operand=x)):
            return x if x.type.shape == source else reshaped(b, x, source)
        case Value(BroadcastInDim(operand=x, broadcast_dimensions=dims)):
            return spread(b, x, [place[d] for d in dims], source)
    return v if v.type.rank == 0 else constant(b, v.type.with_shape(tuple(source)), splat(v))


def reduced(
    b: Rewriter, op: Reduce, inputs: Sequence[Value], dims: Sequence[int], types: Sequence[Any]
) -> Any:
    """The reduction of other inputs along other dimensions."""
    field = Reduce.attribute_fields["dimensions"]
    attributes = {**op.attributes, "dimensions": field.codec.encode(sorted(dims))}
    made = Reduce.create([*inputs, *op.init_values], types, attributes, op.regions, op.location)
    return b.emit(made)


@rewrite("reduce(reshape(x)) = reshape(reduce(x)), where whole groups of dimensions are reduced", Reduce)
def reduce_of_reshape(op: Reduce, b: Rewriter) -> Any:
    inner = [v.op for v in op.inputs]
    if not all(isinstance(r, Reshape) for r in inner):
        return None
    sources = [r.operand for r in inner]
    shape = without_ones(sources[0].type.shape)
    found = groups(shape, op.inputs[0].type.shape)
    if found is None or shape == op.inputs[0].type.shape:
        return None
    if any(without_ones(v.type.shape) != shape for v in sources):
        return None
    sources = [v if v.type.shape == shape else reshaped(b, v, shape) for v in sources]
    dims: list[int] = []
    for group in found:
        inside = [d in op.dimensions for d in group.target]
        if any(inside) and not all(inside):
            return None
        dims += group.source if all(inside) else ()
    if not dims:
        return None
    kept = tuple(n for d, n in enumerate(shape) if d not in dims)
    values = reduced(b, op, sources, dims, [t.with_shape(kept) for t in op.result_types])
    values = (values,) if isinstance(values, Value) else values
    return [reshaped(b, v, t.shape) for v, t in zip(values, op.result_types, strict=True)]


# Products


@rewrite(
    "dot_general(reshape(x), y) = reshape(dot_general(x, y)), where no group of dimensions is torn",
    DotGeneral,
)
def dot_of_reshape(op: DotGeneral, b: Rewriter) -> Value | None:
    for chosen in ((True, True), (True, False), (False, True)):
        sides = [
            _Side.of(b, v) if use else _Side.plain(v) for v, use in zip(op.operands, chosen, strict=True)
        ]
        if all(s is not None for s in sides):
            made = _dot(b, op, *sides)  # type: ignore[arg-type]
            if made is not None:
                return made
    return None


@dataclass(frozen=True, slots=True)
class _Side:
    """An operand before its reshape, and the dimensions that each dimension of the operand was."""

    value: Value
    before: dict[int, tuple[int, ...]]

    @staticmethod
    def plain(v: Value) -> _Side:
        return _Side(v, {d: (d,) for d in range(v.type.rank)})

    @staticmethod
    def of(b: Rewriter, v: Value) -> _Side | None:
        match v:
            case Value(Reshape(operand=x)):
                source = without_ones(x.type.shape)
                found = groups(source, v.type.shape)
                if found is not None and source != without_ones(v.type.shape):
                    x = x if x.type.shape == source else reshaped(b, x, source)
                    return _Side(x, {g.target[0]: g.source for g in found if len(g.target) == 1})
        return None

    def extents(self, d: int) -> tuple[Dim, ...] | None:
        return tuple(self.value.type.shape[i] for i in self.before[d]) if d in self.before else None


def _dot(b: Rewriter, op: DotGeneral, lhs: _Side, rhs: _Side) -> Value | None:
    dims = op.dot_dimension_numbers
    lists: dict[str, list[int]] = {}
    for kind in ("batching", "contracting"):
        left, right = (getattr(dims, f"{side}_{kind}_dimensions") for side in ("lhs", "rhs"))
        if any(
            lhs.extents(i) is None or lhs.extents(i) != rhs.extents(j)
            for i, j in zip(left, right, strict=True)
        ):
            return None
        lists[f"lhs_{kind}_dimensions"] = [d for i in left for d in lhs.before[i]]
        lists[f"rhs_{kind}_dimensions"] = [d for j in right for d in rhs.before[j]]
    numbers = DotDimensionNumbers(**{name: tuple(found) for name, found in lists.items()})
    made = op.with_attributes(dot_dimension_numbers=numbers)
    made.operands = (lhs.value, rhs.value)
    type = op.result.type
    shape = made.infer()[0].shape  # type: ignore[attr-defined]
    product = DotGeneral.create(made.operands, [type.with_shape(shape)], made.attributes, (), op.location)
    return reshaped(b, b.emit(product), type.shape)

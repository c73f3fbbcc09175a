"""Ops that work in any order of dimensions, and how each is said in another: what a transpose can be moved through.

`links` names the values that must be held in one order; `move` makes the op in that order. Sums keep their bits: a
reduction or window is moved only if the elements it combines keep their sequence, or the sequence does not matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from irc.dialects.stablehlo import (
    Add,
    And,
    BroadcastInDim,
    Complex,
    Concatenate,
    Constant,
    DynamicSlice,
    DynamicUpdateSlice,
    Imag,
    Iota,
    Maximum,
    Minimum,
    Multiply,
    OptimizationBarrier,
    Or,
    Pad,
    Real,
    Reduce,
    ReduceWindow,
    Reverse,
    SelectAndScatter,
    Slice,
    Xor,
)
from irc.ir.fields import I64, I64_ARRAY
from irc.ir.operation import Operation, Region, Value
from irc.passes.constants import is_integer
from irc.passes.layout.orders import Order, identity, inverse, keeps_order, permuted
from irc.passes.regions import single_binary

Held = tuple[Order, Value]
"""A value of the new program and the order it holds an old value in."""


class Holder(Protocol):
    """What `move` may ask for: old values, held as wanted."""

    def order(self, value: Value) -> Order:
        """The order chosen for a linked value."""

    def held(self, value: Value, order: Order) -> Value:
        """The new value that holds the old one in this order."""

    def native(self, value: Value) -> Held:
        """The new value that holds the old one in whatever order costs nothing."""

    def regions(self, op: Operation) -> Sequence[Region]:
        """The op's regions in the new program."""

    def emit(self, op: Operation) -> Any: ...


@dataclass(frozen=True, slots=True)
class Movable:
    """How an op works in another order: `links` are the values that share one, `move` makes the op in it."""

    links: Callable[[Any], Sequence[Sequence[Value]]]
    move: Callable[[Any, Holder], Sequence[Held]]
    """In the order of the op's results."""
    allowed: Callable[[Any, Order], bool] = lambda op, order: True
    free: bool = False
    """The result costs nothing in any order (constants and the like)."""


def movable(op: Operation) -> Movable | None:
    """How the op moves, or None for one that works in its own order alone."""
    found = _TABLE.get(type(op))
    if isinstance(op, Complex | Imag | Real):
        return None  # where complex numbers are read and written, their order is the caller's
    if found is None and getattr(op, "elementwise", False) and not op.regions:
        found = _ELEMENTWISE
    return found


def rank_of(value: Value) -> int:
    return len(getattr(value.type, "shape", ()))


def _keyed(op: Operation, **encoded: Any) -> dict[str, Any]:
    """The op's attributes with these replaced, where they are present."""
    return {**op.attributes, **{k: v for k, v in encoded.items() if k in op.attributes}}


def _same(
    op: Operation, operands: Sequence[Value], attributes: dict[str, Any], order: Order, h: Holder
) -> list[Held]:
    """The op on other operands and attributes, every result held in `order`."""
    types = [r.type.with_shape(permuted(r.type.shape, order)) for r in op.results]
    made = type(op).create(operands, types, attributes, h.regions(op), op.location)
    h.emit(made)
    return [(order, value) for value in made.results]


def _plain(value: Value, h: Holder) -> Value:
    return h.held(value, identity(rank_of(value)))


# Elementwise ops, and others all of whose full-rank values go together


def _full_rank(op: Operation) -> list[list[Value]]:
    rank = rank_of(op.results[0])
    return [[v for v in (*op.operands, *op.results) if rank_of(v) == rank]]


def _operands(op: Operation, order: Order, h: Holder) -> list[Value]:
    """Full-rank operands in the order, others (scalars) as they are."""
    return [h.held(v, order) if rank_of(v) == len(order) else _plain(v, h) for v in op.operands]


def _move_elementwise(op: Operation, h: Holder) -> list[Held]:
    order = h.order(op.results[0])
    return _same(op, _operands(op, order, h), op.attributes, order, h)


_ELEMENTWISE = Movable(_full_rank, _move_elementwise)


def _along(*names: str) -> Callable[[Operation, Holder], list[Held]]:
    """Moves an op whose attributes `names` hold one number a dimension (`padding`: a pair)."""

    def move(op: Operation, h: Holder) -> list[Held]:
        order = h.order(op.results[0])
        codecs = {name: type(op).attribute_fields[name].codec for name in names}
        values = {
            name: codec.encode(permuted(codec.decode(op.attributes[name]), order))
            for name, codec in codecs.items()
            if name in op.attributes
        }
        return _same(op, _operands(op, order, h), _keyed(op, **values), order, h)

    return move


def _move_concatenate(op: Concatenate, h: Holder) -> list[Held]:
    order = h.order(op.result)
    attributes = _keyed(op, dimension=I64.encode(inverse(order)[op.dimension]))
    return _same(op, _operands(op, order, h), attributes, order, h)


def _move_reverse(op: Reverse, h: Holder) -> list[Held]:
    order = h.order(op.result)
    dims = sorted(inverse(order)[d] for d in op.dimensions)
    return _same(op, _operands(op, order, h), _keyed(op, dimensions=I64_ARRAY.encode(dims)), order, h)


def _move_dynamic(op: DynamicSlice | DynamicUpdateSlice, h: Holder) -> list[Held]:
    order = h.order(op.results[0])
    tensors = op.operands[: -len(order)]
    starts = [_plain(v, h) for v in permuted(op.start_indices, order)]
    attributes = dict(op.attributes)
    if isinstance(op, DynamicSlice):
        attributes["slice_sizes"] = I64_ARRAY.encode(permuted(op.slice_sizes, order))
    return _same(op, [*(h.held(v, order) for v in tensors), *starts], attributes, order, h)


def _links_dynamic(op: Operation) -> list[list[Value]]:
    rank = rank_of(op.results[0])
    return [[*op.operands[: len(op.operands) - rank], *op.results]]


# What is made from nothing, or spread


def _move_broadcast(op: BroadcastInDim, h: Holder) -> list[Held]:
    order = h.order(op.result)
    held, x = h.native(op.operand)
    dims = [inverse(order)[op.broadcast_dimensions[d]] for d in held]
    return _same(op, [x], _keyed(op, broadcast_dimensions=I64_ARRAY.encode(dims)), order, h)


def _move_iota(op: Iota, h: Holder) -> list[Held]:
    order = h.order(op.output)
    return _same(op, [], _keyed(op, iota_dimension=I64.encode(inverse(order)[op.iota_dimension])), order, h)


def _move_constant(op: Constant, h: Holder) -> list[Held]:
    order = h.order(op.output)
    type = op.output.type.with_shape(permuted(op.output.type.shape, order))
    return [(order, h.emit(Constant.splat(np.transpose(op.value.array, order), type)))]


# Barriers: every operand with its result


def _move_barrier(op: OptimizationBarrier, h: Holder) -> list[Held]:
    orders = [h.order(r) for r in op.results]
    operands = [h.held(v, order) for v, order in zip(op.operands, orders, strict=True)]
    made = OptimizationBarrier.create(operands, [v.type for v in operands], op.attributes, (), op.location)
    h.emit(made)
    return list(zip(orders, made.results, strict=True))


# Reductions and windows


def in_any_sequence(region: Region) -> bool:
    """Whether combining elements by the region in any sequence gives the same bits."""
    match single_binary(region):
        case Maximum() | Minimum() | And() | Or() | Xor():
            return True
        case Add() | Multiply() as op:
            return is_integer(op.result.type)
    return False


def _reduce_allowed(op: Reduce, order: Order) -> bool:
    return keeps_order(op.dimensions, order) or in_any_sequence(op.body)


def _move_reduce(op: Reduce, h: Holder) -> list[Held]:
    order = h.order(op.inputs[0])
    kept = [d for d in order if d not in op.dimensions]
    # The result's dimensions are numbered anew, without the reduced ones.
    held = tuple(sorted(kept).index(d) for d in kept)
    dims = sorted(inverse(order)[d] for d in op.dimensions)
    operands = [*(h.held(v, order) for v in op.inputs), *(_plain(v, h) for v in op.init_values)]
    return _same(op, operands, _keyed(op, dimensions=I64_ARRAY.encode(dims)), held, h)


def _window_allowed(op: ReduceWindow | SelectAndScatter, order: Order) -> bool:
    # A select_and_scatter has no exact form: which of equal elements it selects depends on the sequence.
    dims = [d for d, size in enumerate(op.window.sizes) if size > 1]
    return keeps_order(dims, order) or (isinstance(op, ReduceWindow) and in_any_sequence(op.body))


_TABLE: dict[type[Operation], Movable] = {
    Slice: Movable(_full_rank, _along("start_indices", "limit_indices", "strides")),
    Pad: Movable(_full_rank, _along("edge_padding_low", "edge_padding_high", "interior_padding")),
    Concatenate: Movable(_full_rank, _move_concatenate),
    Reverse: Movable(_full_rank, _move_reverse),
    DynamicSlice: Movable(_links_dynamic, _move_dynamic),
    DynamicUpdateSlice: Movable(_links_dynamic, _move_dynamic),
    BroadcastInDim: Movable(lambda op: [op.results], _move_broadcast, free=True),
    Iota: Movable(lambda op: [op.results], _move_iota, free=True),
    Constant: Movable(lambda op: [op.results], _move_constant, free=True),
    OptimizationBarrier: Movable(
        lambda op: [list(pair) for pair in zip(op.operands, op.results, strict=True)], _move_barrier
    ),
    Reduce: Movable(lambda op: [op.inputs], _move_reduce, _reduce_allowed),
    ReduceWindow: Movable(
        lambda op: [[*op.inputs, *op.results]],
        _along("window_dimensions", "window_strides", "base_dilations", "window_dilations", "padding"),
        _window_allowed,
    ),
    SelectAndScatter: Movable(
        lambda op: [[op.operand, op.source, *op.results]],
        _along("window_dimensions", "window_strides", "padding"),
        _window_allowed,
    ),
}

"""Extents of 1 go: a value has the same elements without them, and programs differ in where they put them. What is computed
is computed without; arguments and results of the canonical function have none. Bits stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects.func import Func, Return
from irc.dialects.stablehlo import (
    BroadcastInDim,
    DotDimensionNumbers,
    DotGeneral,
    OptimizationBarrier,
    Reduce,
    Reshape,
    Transpose,
)
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet, fresh_region
from irc.ir.types import Dim
from irc.passes.canonical.shapes import without_ones
from irc.passes.canonical.sinking import is_static, reduced, reshaped, smaller, spread
from irc.passes.canonicalize.shape import ELEMENTWISE

rules = RewriteSet()
rewrite = rules.rewrite


class _OwnRegions(Rewriter):
    """Brings ops over with regions of their own: a recorded program may hold one region in several ops, and its values
    are told apart by where they are used."""

    def mapped(self, op: Operation) -> Operation:
        made = super().mapped(op)
        regions = [fresh_region(r, {}) for r in made.regions]
        return made.with_operands(made.operands, regions) if regions else made


def squeezed(func: Func) -> Func:
    """The function whose arguments and results have no extents of 1, each op with regions of its own."""
    b = _OwnRegions()
    arguments: list[Value] = []
    for i, old in enumerate(func.arguments):
        new = Value(_type_without_ones(old), None, i, old.name, old.location)
        arguments.append(new)
        b.map[old] = in_type(b, new, old.type)
    for op in func.block.operations[:-1]:
        b.replay(op)
    end = func.block.terminator
    returned = [b.value(v) for v in end.operands]
    returned = [without_extents_of_one(b, v) for v in returned]
    b.operations.append(Return.create(returned, (), end.attributes, (), end.location))
    return func.with_block(Block(arguments, b.operations))


def in_shape(b: Rewriter, x: Value, shape: Sequence[Dim]) -> Value:
    """x in this shape."""
    return in_type(b, x, x.type.with_shape(tuple(shape)))


def in_type(b: Rewriter, x: Value, type: Any) -> Value:
    """x, whose type differs from this one at most in its shape, in it."""
    match x:
        case _ if x.type is type:
            return x
        case Value(Reshape(operand=y)):
            return in_type(b, y, type)
    return b.emit(Reshape(x, result_types=[type]))


def without_extents_of_one(b: Rewriter, x: Value) -> Value:
    """x without its extents of 1."""
    return in_type(b, x, _type_without_ones(x))


def _has_ones(v: Value) -> bool:
    return 1 in getattr(v.type, "shape", ())


def _type_without_ones(v: Value) -> Any:
    return v.type.with_shape(without_ones(v.type.shape)) if _has_ones(v) else v.type


def _places(shape: Sequence[Dim]) -> dict[int, int]:
    """Where each dimension stands when those of extent 1 are gone."""
    return {d: i for i, d in enumerate(d for d, n in enumerate(shape) if n != 1)}


@rewrite("f(x) = reshape(f(reshape(x))) without extents of 1, for elementwise f", *ELEMENTWISE)
def elementwise(op: Operation, b: Rewriter) -> Value | None:
    if not is_static(op) or not _has_ones(op.results[0]):
        return None
    shape = op.results[0].type.shape
    operands = [reshaped(b, v, without_ones(shape)) if v.type.rank == len(shape) else v for v in op.operands]
    return reshaped(b, smaller(b, op, operands, without_ones(shape)), shape)


@rewrite("reduce(x) = reshape(reduce(reshape(x))) without extents of 1", Reduce)
def reduction(op: Reduce, b: Rewriter) -> Any:
    shape = op.inputs[0].type.shape
    if 1 not in shape or not op.inputs[0].type.is_static or all(shape[d] == 1 for d in op.dimensions):
        return None
    place = _places(shape)
    inputs = [reshaped(b, v, without_ones(shape)) for v in op.inputs]
    types = [t.with_shape(without_ones(t.shape)) for t in op.result_types]
    values = reduced(b, op, inputs, [place[d] for d in op.dimensions if d in place], types)
    values = (values,) if isinstance(values, Value) else values
    return [in_shape(b, v, t.shape) for v, t in zip(values, op.result_types, strict=True)]


@rewrite("broadcast(x) = reshape(broadcast(reshape(x))) without extents of 1", BroadcastInDim)
def broadcast(op: BroadcastInDim, b: Rewriter) -> Value | None:
    x, shape = op.operand, op.result.type.shape
    if not is_static(op) or not (_has_ones(x) or 1 in shape):
        return None
    place = _places(shape)
    dims = [place[d] for d, n in zip(op.broadcast_dimensions, x.type.shape, strict=True) if n != 1]
    made = spread(b, in_shape(b, x, without_ones(x.type.shape)), dims, without_ones(shape))
    return in_shape(b, made, shape)


@rewrite(
    "optimization_barrier(x) = reshape(optimization_barrier(reshape(x))) without extents of 1",
    OptimizationBarrier,
)
def barrier(op: OptimizationBarrier, b: Rewriter) -> Any:
    if not any(map(_has_ones, op.operands)):
        return None
    made = OptimizationBarrier([without_extents_of_one(b, v) for v in op.operands])
    values = b.emit(made)
    values = (values,) if isinstance(values, Value) else values
    return [in_type(b, v, old.type) for v, old in zip(values, op.operands, strict=True)]


@rewrite("transpose(x) = reshape(transpose(reshape(x))) without extents of 1", Transpose)
def transpose(op: Transpose, b: Rewriter) -> Value | None:
    x = op.operand
    if not _has_ones(x) or not x.type.is_static:
        return None
    place = _places(x.type.shape)
    made = Transpose(
        reshaped(b, x, without_ones(x.type.shape)),
        permutation=[place[d] for d in op.permutation if d in place],
    )
    return reshaped(b, b.emit(made), op.result.type.shape)


@rewrite("dot_general(x, y) = reshape(dot_general(reshape(x), reshape(y))) without extents of 1", DotGeneral)
def product(op: DotGeneral, b: Rewriter) -> Value | None:
    lhs, rhs, d = op.lhs.type.shape, op.rhs.type.shape, op.dot_dimension_numbers
    if not is_static(op) or not (1 in lhs or 1 in rhs):
        return None
    contracting = list(zip(d.lhs_contracting_dimensions, d.rhs_contracting_dimensions, strict=True))
    kept = [(i, j) for i, j in contracting if lhs[i] != 1]
    batching = [
        (i, j)
        for i, j in zip(d.lhs_batching_dimensions, d.rhs_batching_dimensions, strict=True)
        if lhs[i] != 1
    ]
    rows, columns = free_dimensions(len(lhs), len(rhs), d)
    sides = []
    for shape, free, side in ((lhs, rows, 0), (rhs, columns, 1)):
        bound = [pair[side] for pair in (*batching, *kept)]
        sides.append([i for i, n in enumerate(shape) if i in bound or (i in free and n != 1)])
    if len(sides[0]) == len(lhs) and len(sides[1]) == len(rhs):
        return None
    numbers = DotDimensionNumbers(
        tuple(sides[0].index(i) for i, _ in batching),
        tuple(sides[1].index(j) for _, j in batching),
        tuple(sides[0].index(i) for i, _ in kept),
        tuple(sides[1].index(j) for _, j in kept),
    )
    x, y = (
        in_shape(b, v, [v.type.shape[i] for i in dims]) for v, dims in zip(op.operands, sides, strict=True)
    )
    made = op.with_attributes(dot_dimension_numbers=numbers)
    shape = without_ones(op.result.type.shape)
    result = op.result.type.with_shape(shape)
    return in_shape(
        b, b.emit(DotGeneral.create([x, y], [result], made.attributes, (), op.location)), op.result.type.shape
    )

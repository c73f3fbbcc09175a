"""What surrounds the central op of a fused function (a contraction, a window): views of its operands before it,
elementwise ops on the tiles of its result after it.

Every value after the center is computed on the tile that registers hold. A value of another shape (a bias, a scalar) gets
there through broadcast_in_dim; so a value is asked for together with `dims`, the dimension of the center's result that
each of its own dimensions follows (None: it has extent 1 there)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.contraction_axes import dense_strides
from irc.codegen.lower.elementwise import convert, has_lowering, lower_elementwise
from irc.codegen.lower.group import kernel_element
from irc.codegen.lower.narrow_formats import stored
from irc.codegen.lower.view import Access, Counter, View
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Operation, Value
from irc.ir.types import VectorType
from irc.passes.fusion.views import Layout, viewed

Dims = tuple[int | None, ...]
Strides = Mapping[Value, tuple[int, ...]]
"""Strides of arguments along their dimensions, of those that are not dense."""
NO_STRIDES: Strides = {}


@dataclass(frozen=True, slots=True)
class Source:
    """An operand of the center: an argument of the function, seen through slices, transposes, reshapes and conversions.

    Where the center multiplies packs of 32 bits, `packs` says how many elements of the argument are one: 1 where it holds
    packs. Its access is then in packs."""

    argument: Value
    access: Access
    conversions: tuple[Operation, ...]
    packs: int = 0

    def in_packs(self) -> Source:
        """The argument's elements taken in packs along its last dimension, which is contiguous."""
        many = 32 // self.argument.type.element.width
        strides = tuple(1 if s == 1 else s // many for s in self.access.strides)
        return Source(self.argument, Access(self.access.offset // many, strides), (), many)

    def convert(self, b: KernelBuilder, tile: Value, element: object) -> Value:
        """A tile of the argument as the center takes it: converted as written, then to `element`. Packs stay as they are."""
        if self.packs:
            return tile
        for op in self.conversions:
            tile = convert(b, tile, op.operands[0].type.element, op.results[0].type.element)
        source = self.conversions[-1].results[0] if self.conversions else self.argument
        return convert(b, tile, source.type.element, element)


def source_of(value: Value, local: Strides = NO_STRIDES) -> Source:
    """Follows an operand of the center back to an argument of the function, which `local` has the strides of if it is not
    dense. Raises UnsupportedError where that is not a view."""
    conversions: list[Operation] = []
    moves: list[Operation] = []
    while (op := value.op) is not None:
        match op:
            case hlo.Convert():
                conversions.insert(0, op)
            case hlo.Transpose() | hlo.Reshape() | hlo.Slice():
                moves.insert(0, op)
            case _:
                raise UnsupportedError(
                    f"'{op.name}' before the center of a fusion is not supported", span=span_of(op.location)
                )
        value = op.operands[0]
    layout: Layout | None = (0, local.get(value) or dense_strides(value.type.static_shape))
    dense = value not in local
    for op in moves:
        if dense and isinstance(op, hlo.Reshape):
            layout = (0, dense_strides(op.result.type.static_shape))
        else:
            assert layout is not None
            dense, layout = False, viewed(op, layout)
        if layout is None:
            raise UnsupportedError(
                "a reshape of a transposed operand of a fusion is not supported", span=span_of(op.location)
            )
    assert layout is not None
    return Source(value, Access(*layout), tuple(conversions))


def identity(rank: int) -> Dims:
    return tuple(range(rank))


def stored_value(value: Value) -> Value:
    """The value a buffer is filled with: a reshape changes nothing in memory."""
    while isinstance(value.op, hlo.Reshape):
        value = value.op.operands[0]
    return value


class Epilogue:
    """The ops after `center` in `func`, as functions of the tile that it leaves.

    `reads` lists the arguments and iotas they need, each with the dimensions of the result that its dimensions follow."""

    def __init__(
        self, func: Func, center: Operation, local: Strides = NO_STRIDES, *, turns: bool = False
    ) -> None:
        self.center = center
        self.local = local
        self.shape = center.results[0].type.static_shape
        stored = [stored_value(v) for v in func.returned]
        turn = next((v.op for v in stored if turns and isinstance(v.op, hlo.Transpose)), None)
        whole_rows = turn is not None and turn.permutation[-1] == len(self.shape) - 1
        self.permutation = turn.permutation if turn is not None and whole_rows else None
        """How the results lie in memory, if not as the center's."""
        self.outputs = tuple(self._before_turn(v) for v in stored)
        self.reads: dict[tuple[Value, Dims], int] = {}
        for value in self.outputs:
            self._visit(value, identity(len(self.shape)))

    def _before_turn(self, value: Value) -> Value:
        op = value.op
        if self.permutation is None:
            return value
        if not isinstance(op, hlo.Transpose) or op.permutation != self.permutation:
            raise UnsupportedError("results of one fusion in different orders are not supported")
        return op.operand

    @property
    def turns(self) -> bool:
        """Whether results are written in another order of dimensions than the center's."""
        return self.permutation is not None

    @property
    def out_strides(self) -> tuple[int, ...]:
        """The stride of the results along each dimension of the center's."""
        order = self.permutation or identity(len(self.shape))
        steps = dense_strides([self.shape[d] for d in order])
        return tuple(steps[order.index(d)] for d in range(len(self.shape)))

    @property
    def is_plain(self) -> bool:
        """Whether the results are the center's own."""
        return all(v is self.center.results[0] for v in self.outputs)

    def _visit(self, value: Value, dims: Dims) -> None:
        """Finds the arguments that `value` needs; refuses by name what no tile can hold."""
        op = value.op
        if op is self.center:
            if dims != identity(len(self.shape)):
                raise UnsupportedError(
                    f"the result of '{op.name}' rearranged by its own fusion is not supported"
                )
        elif op is None or isinstance(op, hlo.Iota):
            self.reads.setdefault((value, dims), len(self.reads))
        else:
            for operand, below in zip(op.operands, self._operand_dims(op, dims), strict=True):
                self._visit(operand, below)

    def _operand_dims(self, op: Operation, dims: Dims) -> list[Dims]:
        match op:
            case hlo.Constant() if op.value.is_splat:
                return []
            case hlo.BroadcastInDim():
                source, target = op.operand.type.shape, op.result.type.shape
                pairs = zip(op.broadcast_dimensions, source, strict=True)
                return [tuple(dims[d] if n == target[d] else None for d, n in pairs)]
            case hlo.Reshape():
                return [_through_unit_dims(op, dims)]
            case hlo.Transpose():
                placed = dict(zip(op.permutation, dims, strict=True))
                return [tuple(placed[d] for d in range(len(dims)))]
            case _ if has_lowering(op.__class__):
                return [dims if v.type.rank else () for v in op.operands]
        raise UnsupportedError(
            f"'{op.name}' after the center of a fusion is not supported", span=span_of(op.location)
        )

    def strides(self, argument: Value, dims: Dims) -> tuple[int, ...]:
        """The stride of an argument (for an iota: what it counts) along each dimension of the center's result."""
        strides = [0] * len(self.shape)
        if isinstance(argument.op, hlo.Iota):
            along = dims[argument.op.iota_dimension]
            return tuple(int(d == along) for d in range(len(self.shape)))
        shape = argument.type.static_shape
        steps = self.local.get(argument) or dense_strides(shape)
        for d, n, stride in zip(dims, shape, steps, strict=True):
            if d is not None and n != 1:
                strides[d] += stride
        return tuple(strides)

    def readers(
        self,
        b: KernelBuilder,
        arguments: Mapping[Value, Value],
        accesses: Sequence[Access],
        extents: Sequence[int],
    ) -> tuple[View | Counter, ...]:
        """What reads each of `reads`, by its access along the axes of a computation."""
        return tuple(
            Counter(access, value.type.element)
            if value.op is not None
            else View.of(b, arguments[value], access, extents)
            for (value, _), access in zip(self.reads, accesses, strict=True)
        )

    def emit(self, b: KernelBuilder, tiles: Sequence[Value], read: Callable[[int], Value]) -> list[Value]:
        """The output tiles. `tiles` are the results of `center`, `read(i)` is the tile of the i-th of `reads`."""
        made: dict[tuple[Value, Dims], Value] = {}

        def value_of(value: Value, dims: Dims) -> Value:
            key = (value, dims)
            if key not in made:
                made[key] = compute(value, dims)
            return made[key]

        def compute(value: Value, dims: Dims) -> Value:
            op = value.op
            if op is self.center:
                return tiles[value.index]
            if (value, dims) in self.reads:
                return read(self.reads[(value, dims)])
            assert op is not None, "an argument is in reads"
            if isinstance(op, hlo.Constant):
                type = VectorType(tiles[0].type.shape, kernel_element(value.type.element))
                return b.constant(stored(op.value.splat_array, value.type.element), type)
            below = zip(op.operands, self._operand_dims(op, dims), strict=True)
            operands = [value_of(v, d) for v, d in below]
            with b.at(op.location):
                return lower_elementwise(b, op, operands) if has_lowering(op.__class__) else operands[0]

        return [value_of(v, identity(len(self.shape))) for v in self.outputs]


def _through_unit_dims(op: hlo.Reshape, dims: Dims) -> Dims:
    """The dims of a reshape's operand where only dimensions of extent 1 come or go."""
    source, target = op.operand.type.shape, op.result.type.shape
    if [n for n in source if n != 1] != [n for n in target if n != 1]:
        raise UnsupportedError(
            f"a reshape of {op.operand.type} to {op.result.type} after the center of a fusion is not supported",
            span=span_of(op.location),
        )
    followed = iter([d for d, n in zip(dims, target, strict=True) if n != 1])
    return tuple(None if n == 1 else next(followed) for n in source)

"""Steady right sides of products packed once: in panels as wide as the kernels' tiles, read front to back.

Given   `while (...) do { %y = dot_general %x, %w, contracting_dims = [1] x [0] }`, where %w is 256x1024
Result  `%p = transpose (reshape %w)`, of 16x256x64, which loop-invariant code motion takes out of the loop, and
        `composite "irc.packed" %x, %p`

Every element adds the same products in the same sequence: bits stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.errors import IrcError
from irc.ir.attributes import Attribute, DictionaryAttr, StringAttr, TypeAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import RewriteLog, Rewriter
from irc.ir.types import TensorType, f32
from irc.passes.constants import constant, constant_array
from irc.passes.layout.convolution import is_plain, is_static, orders_of
from irc.passes.manager import Context, Pass, map_functions
from irc.passes.marks import KIND, is_for_gpu
from irc.passes.steady import steady_products
from irc.passes.winograd import lanes_of

PACKED = "irc.packed"
"""The composite's name."""
RIGHT = "rhs"
"""The composite's attribute: the type of the right side as the product takes it. The others are the product's own."""
LEAST_BYTES = 1 << 14
"""A smaller right side stays in the first-level cache however it lies."""
SENTENCE = "a product with a steady right side = the product of its panels"


@dataclass(frozen=True)
class Pack(Pass, name="pack"):
    """Given  `dot_general %x, %w` with a steady %w.  Result  `composite "irc.packed" %x, transpose(reshape %w)`.

    Programs for a GPU stay as they are."""

    def apply(self, module: Module, context: Context) -> Module:
        if is_for_gpu(module):
            return module
        made: dict[tuple[Any, ...], Func] = {}

        def change(func: Func) -> Func:
            steady = steady_products(func)
            if not steady:
                return func
            block = _Packer(steady, made, dict.fromkeys(module.symbols), context.rewrites).block_of(
                func.block
            )
            return func if block is func.block else func.with_block(block)

        changed = map_functions(module, change)
        return changed.with_operations([*changed.operations, *made.values()]) if made else changed


class _Packer(Rewriter):
    """Replays ops, products with a steady right side as composites."""

    def __init__(
        self,
        steady: dict[Operation, None],
        made: dict[tuple[Any, ...], Func],
        names: dict[str, None],
        log: RewriteLog,
    ) -> None:
        super().__init__(log=log)
        self.steady = steady
        self.made = made
        self.names = names

    def replay(self, op: Operation) -> None:
        new = self.mapped(op)
        form = _form(new) if op in self.steady else None
        if form is None:
            super().replay(op)
            return
        self.location = op.location
        self.log.record(SENTENCE, op.location)
        self.replace(op, [self._packed(new, *form)])

    def _packed(self, op: Any, order: tuple[int, ...], lanes: int) -> Value:
        """The composite of a product; `order` takes the right side's dimensions to depth, then features."""
        shape = tuple(op.rhs.type.static_shape[d] for d in order)
        panels = shape[-1] // lanes
        right = op.rhs.type.with_shape(shape)
        w = self._transposed(op.rhs, order)
        split = self._reshaped(w, (*shape[:-1], panels, lanes))
        depth = len(shape) - 1
        packed = self._transposed(split, (depth, *range(depth), depth + 1))
        attributes = dict(op.attributes)
        if isinstance(op, hlo.DotGeneral):
            attributes["dot_dimension_numbers"] = _depth_first(op, depth)
        center = type(op).create(
            (op.lhs, Value(right, None, 1)), op.result_types, attributes, (), op.location
        )
        given: tuple[tuple[str, Attribute], ...] = (*attributes.items(), (RIGHT, TypeAttr(right)))
        call = hlo.Composite(
            [op.lhs, packed],
            name=PACKED,
            decomposition=self._decomposition(center, packed.type),
            composite_attributes=DictionaryAttr(tuple(sorted(given, key=lambda entry: entry[0]))),
            result_types=[op.result.type],
            location=op.location,
        )
        made: Value = self.emit(call)
        return made

    def _transposed(self, x: Value, order: tuple[int, ...]) -> Value:
        if order == tuple(range(len(order))):
            return x
        array = constant_array(x)
        if array is not None:
            return constant(
                self, x.type.with_shape(tuple(x.type.shape[d] for d in order)), array.transpose(order)
            )
        made: Value = self.emit(hlo.Transpose(x, permutation=order))
        return made

    def _reshaped(self, x: Value, shape: tuple[int, ...]) -> Value:
        array = constant_array(x)
        if array is not None:
            return constant(self, x.type.with_shape(shape), array.reshape(shape))
        made: Value = self.emit(hlo.Reshape(x, result_types=[x.type.with_shape(shape)]))
        return made

    def _decomposition(self, center: Any, packed: TensorType) -> str:
        """The name of the function that computes a composite; products of the same types and attributes share it."""
        key = (type(center), center.lhs.type, packed, center.result.type, *sorted(center.attributes.items()))
        if key not in self.made:
            number = len(self.made)
            while f"packed_{number}" in self.names:
                number += 1
            self.names[f"packed_{number}"] = None
            self.made[key] = _function(f"packed_{number}", center, packed)
        return self.made[key].sym_name


def _depth_first(op: hlo.DotGeneral, depth: int) -> hlo.DotDimensionNumbers:
    return hlo.DotDimensionNumbers(
        (), (), op.dot_dimension_numbers.lhs_contracting_dimensions, tuple(range(depth))
    )


def _function(name: str, center: Any, packed: TensorType) -> Func:
    b = Builder(center.location)
    arguments = [Value(center.lhs.type, None, 0, "x"), Value(packed, None, 1, "panels")]
    depth = packed.rank - 2
    turned = b.emit(hlo.Transpose(arguments[1], permutation=(*range(1, depth + 1), 0, depth + 1)))
    right = b.emit(hlo.Reshape(turned, result_types=[center.rhs.type]))
    product = type(center).create(
        (arguments[0], right), center.result_types, center.attributes, (), center.location
    )
    b.emit(product)
    b.emit(Return([product.result]))
    return Func.of(
        name,
        Block(arguments, b.operations),
        visibility="private",
        attributes={KIND: StringAttr("contraction")},
    )


def _form(op: Operation) -> tuple[tuple[int, ...], int] | None:
    """How the right side is turned, depth before features, and the lanes of its panels; None where it stays."""
    if not isinstance(op, hlo.DotGeneral | hlo.Convolution) or not all(
        v.type.is_static and v.type.element is f32 for v in (*op.operands, *op.results)
    ):
        return None
    order = _dot_order(op) if isinstance(op, hlo.DotGeneral) else _convolution_order(op)
    if order is None or op.rhs.type.nbytes < LEAST_BYTES or 0 in op.result.type.shape:
        return None
    features = op.rhs.type.static_shape[order[-1]]
    if features % 16:
        return None
    lanes = lanes_of(features)
    return None if lanes == features and order == tuple(range(len(order))) else (order, lanes)


def _dot_order(op: hlo.DotGeneral) -> tuple[int, ...] | None:
    d = op.dot_dimension_numbers
    free = [i for i in range(op.rhs.type.rank) if i not in d.rhs_contracting_dimensions]
    if d.rhs_batching_dimensions or len(free) != 1 or op.algorithm is not None:
        return None
    return (*d.rhs_contracting_dimensions, *free) if d.rhs_contracting_dimensions else None


def _convolution_order(op: hlo.Convolution) -> tuple[int, ...] | None:
    """Forward convolutions in NHWC and HWIO, without groups."""
    d = op.dimension_numbers
    rank = op.rhs.type.rank
    plain = is_static(op) and is_plain(op) and op.feature_group_count == 1 == op.batch_group_count
    forward = d.input_batch_dimension == 0 and d.kernel_output_feature_dimension == rank - 1
    if not plain or not forward or orders_of(op).rhs != tuple(range(rank)):
        return None
    return tuple(range(rank))


def is_packed(op: Operation) -> bool:
    """Whether an op is this pass's composite."""
    return isinstance(op, hlo.Composite) and op.op_name == PACKED


def product_of(op: Any) -> Operation:
    """The product that a composite stands for, on its left side and a right side that nobody makes."""
    attributes = dict(op.composite_attributes.value)
    right = attributes.pop(RIGHT, None)
    if not isinstance(right, TypeAttr):
        raise IrcError(f"a composite '{PACKED}' says the type of its '{RIGHT}'")
    kind = hlo.DotGeneral if "dot_dimension_numbers" in attributes else hlo.Convolution
    return kind.create(
        (op.operands[0], Value(right.value, None, 1)), op.result_types, attributes, (), op.location
    )

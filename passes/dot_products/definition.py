"""What products of packs are, in ops: the composite's decomposition, whose interpretation gives the instruction's bits.

u8s8    every product and sum exact in i32 (vpdpbusd, which wraps)
bf16    acc = flush(fma(a[2k + 1], b[2k + 1], acc)); acc = flush(fma(a[2k], b[2k], acc)), for k = 0, 1, ..., where a, b
        and every sum too small to be normal count as zeros of their sign (vdpbf16ps; Intel's manual, volume 2, found so
        on AMD's processors as well)"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func, Return
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.attributes import DictionaryAttr, StringAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import TensorType, bf16, f32, i8, i32, ui8
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope
from irc.passes.marks import KIND

IN_ORDER = "irc.sums_in_order"
"""Module attribute: sums of bf16 products are made by multiply-adds in the order of depth."""
PACK_BITS = 32
LEAST_NORMAL = 2.0**-126
_ELEMENTS = {"bf16": (bf16, bf16), "u8s8": (ui8, i8)}
"""What the two sides hold of a kind."""
_LEFT_OUT = ("precision_config", "algorithm")


def packs_of(element: Any) -> int:
    """Elements of a pack; 1 for packs themselves."""
    return int(PACK_BITS // element.width)


def contracted(op: Any) -> tuple[int, int]:
    """The dimension of each side that packs lie along: depth's last one."""
    if "dimension_numbers" in op.attributes:
        d = op.attributes["dimension_numbers"]
        return d.input_feature_dimension, d.kernel_input_feature_dimension
    d = op.attributes["dot_dimension_numbers"]
    return d.lhs_contracting_dimensions[-1], d.rhs_contracting_dimensions[-1]


@dataclass(frozen=True)
class Packs:
    """A product of packs: which kind, in the place of which op. Sides are packed (i32), or lie as they were."""

    kind: str
    op: Any

    @property
    def attributes(self) -> DictionaryAttr:
        kept = {k: v for k, v in self.op.attributes.items() if k not in _LEFT_OUT}
        return DictionaryAttr(tuple(sorted(kept.items(), key=lambda item: item[0])))

    @property
    def title(self) -> str:
        return f"{self.op.name.partition('.')[2]}_{self.kind}"

    def name(self, operands: Sequence[TensorType]) -> str:
        """Of the decomposition: one function for each kind, operands and attributes."""
        said = f"{self.kind} {' '.join(map(str, operands))} {self.op.result.type} {self.attributes}"
        return f"{self.title}_{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def is_dot_product(op: Operation) -> bool:
    """Whether an op is a composite of `irc.passes.dot_products`."""
    return isinstance(op, hlo.Composite) and op.op_name.startswith(_TITLES)


_TITLES = ("irc.dot_general_", "irc.convolution_")


def pack_kind(op: Any) -> str:
    """Of a composite of `irc.passes.dot_products`: `bf16` or `u8s8`."""
    return str(op.op_name).rpartition("_")[2]


def packs_in(kind: str) -> int:
    """Elements of a pack of a kind."""
    return packs_of(_ELEMENTS[kind][0])


def plain_op(op: Any) -> Any:
    """The dot_general or convolution over packs that a composite is, with each pack counted as one element."""
    attributes = dict(op.composite_attributes.value)
    cls = hlo.Convolution if "dimension_numbers" in attributes else hlo.DotGeneral
    given = cls.create(op.operands, op.result_types, attributes, (), op.location)
    sides = [
        Value(_counted(v.type, axis), None, i)
        for i, (v, axis) in enumerate(zip(op.operands, contracted(given), strict=True))
    ]
    return cls.create(sides, op.result_types, attributes, (), op.location)


def _counted(type: TensorType, axis: int) -> TensorType:
    many = packs_of(type.element)
    return TensorType(tuple(n // many if d == axis else n for d, n in enumerate(type.static_shape)), i32)


def decomposition(name: str, packs: Packs, types: Sequence[TensorType]) -> Func:
    """The function that a product on operands of these types stands for."""
    b, op = Builder(), packs.op
    arguments = [Value(t, None, i, n) for i, (t, n) in enumerate(zip(types, ("lhs", "rhs"), strict=True))]
    scope = Scope(b)
    lhs, rhs = (
        _unpacked(scope.of(v), axis, element)
        for v, axis, element in zip(arguments, contracted(op), _ELEMENTS[packs.kind], strict=True)
    )
    if packs.kind == "bf16":
        result = _summed(op, *(_flushed(E.convert(x, f32)) for x in (lhs, rhs)))
    else:
        attributes = dict(packs.attributes.value)
        sides = [E.convert(x, i32).value for x in (lhs, rhs)]
        result = scope.emit(type(op).create(sides, op.result_types, attributes, (), op.location))
    b.emit(Return([result.value]))
    block = Block(arguments, b.operations)
    return Func.of(name, block, visibility="private", attributes={KIND: StringAttr("dot_product")})


def _unpacked(x: Expr, axis: int, element: Any) -> Expr:
    """The elements of packs along `axis`; what is not packed is as it was."""
    if x.element is not i32:
        return x
    many = packs_of(element)
    apart = TensorType((*x.shape, many), element)
    made = x.scope.emit(hlo.BitcastConvert(x.value, result_types=[apart]))
    order = (*range(axis + 1), x.rank, *range(axis + 1, x.rank))
    shape = (*x.shape[:axis], x.shape[axis] * many, *x.shape[axis + 1 :])
    return E.reshape(E.transpose(made, order), shape)


def _flushed(x: Expr) -> Expr:
    """A number too small to be normal as a zero of its sign."""
    return E.select(E.absolute(x) < LEAST_NORMAL, x * 0.0, x)


def _summed(op: Any, lhs: Expr, rhs: Expr) -> Expr:
    """The sums of products of f32 numbers, as the op has them."""
    element = op.result.type.element
    if not isinstance(op, hlo.Convolution):
        d = op.dot_dimension_numbers
        left, right = free_dimensions(lhs.rank, rhs.rank, d)
        lhs = E.transpose(lhs, (*d.lhs_batching_dimensions, *left, *d.lhs_contracting_dimensions))
        rhs = E.transpose(rhs, (*d.rhs_batching_dimensions, *d.rhs_contracting_dimensions, *right))
        depth = prod(lhs.shape[lhs.rank - len(d.lhs_contracting_dimensions) :])
        batch = prod(lhs.shape[: len(d.lhs_batching_dimensions)])
        sums = _sums(
            E.reshape(lhs, (batch, prod(lhs.shape) // (batch * depth), depth)),
            E.reshape(rhs, (batch, depth, prod(rhs.shape) // (batch * depth))),
        )
        return E.convert(E.reshape(sums, op.result.type.static_shape), element)
    n = op.dimension_numbers
    x = E.transpose(lhs, (n.input_batch_dimension, *n.input_spatial_dimensions, n.input_feature_dimension))
    order = (
        *n.kernel_spatial_dimensions,
        n.kernel_input_feature_dimension,
        n.kernel_output_feature_dimension,
    )
    w = E.transpose(rhs, order)
    spatial = [op.result.type.static_shape[d] for d in n.output_spatial_dimensions]
    patches = _patches(x, w.shape[:-2], op.window, spatial)
    depth, features = patches.shape[-1], w.shape[-1]
    sums = _sums(
        E.reshape(patches, (1, prod(patches.shape) // depth, depth)), E.reshape(w, (1, depth, features))
    )
    sums = E.reshape(sums, (x.shape[0], *spatial, features))
    out = (n.output_batch_dimension, *n.output_spatial_dimensions, n.output_feature_dimension)
    return E.convert(E.transpose(sums, E.inverse(out)), element)


def _patches(x: Expr, kernel: Sequence[int], window: Any, spatial: Sequence[int]) -> Expr:
    """[batch, position..., depth] of [batch, space..., feature]: what each window holds, row-major, features innermost."""
    parts = []
    for place in product(*map(range, kernel)):
        low = [i * n for i, n in zip(place, window.rhs_dilation, strict=True)]
        high = [i + (n - 1) * s + 1 for i, n, s in zip(low, spatial, window.strides, strict=True)]
        ends = (x.shape[0], *high, x.shape[-1])
        parts.append(E.slice(x, (0, *low, 0), ends, (1, *window.strides, 1)))
    return E.concatenate(parts, x.rank - 1)


def _sums(lhs: Expr, rhs: Expr) -> Expr:
    """[batch, rows, depth] by [batch, depth, columns]."""
    scope, (batch, rows, depth), columns = lhs.scope, lhs.shape, rhs.shape[2]
    shape = (batch, rows, columns)
    start = scope.constant(0, TensorType((), i32))
    carried = [start.value, scope.constant(0.0, TensorType(shape, f32)).value]

    def before(inner: Builder, i: Value, *_: Value) -> None:
        inner.emit(hlo.Return([(Scope(inner).of(i) < depth // 2).value]))

    def body(inner: Builder, i: Value, sums: Value) -> None:
        within = Scope(inner)
        step, acc = within.of(i), within.of(sums)
        zero = within.constant(0, step.type)
        a, b = (within.of(x.value) for x in (lhs, rhs))
        for later in (1, 0):
            k = step * 2 + later
            left = E.dynamic_slice(a, (zero, zero, k), (batch, rows, 1))
            right = E.dynamic_slice(b, (zero, k, zero), (batch, 1, columns))
            x, y = (E.broadcast(v, shape, (0, 1, 2)) for v in (left, right))
            acc = _flushed(_multiply_add(x, y, acc))
        inner.emit(hlo.Return([(step + 1).value, acc.value]))

    types = [v.type for v in carried]
    builder = scope.builder
    regions = [builder.region(types, before), builder.region(types, body)]
    results: Sequence[Value] = builder.emit(hlo.While(carried, regions=regions))
    return scope.of(results[1])


def _multiply_add(x: Expr, y: Expr, z: Expr) -> Expr:
    """x * y + z rounded once: the product of (z, x) and (1, y), which begins with fma(z, 1, 0). That loses the sign of
    z = -0; then the sum of the products, each of bf16 numbers and so exact or nothing, has the right one."""
    shape = z.shape
    numbers = hlo.DotDimensionNumbers((0, 1, 2), (0, 1, 2), (3,), (3,))
    one = E.full_like(z, 1.0)
    sides = [E.concatenate([E.reshape(v, (*shape, 1)) for v in pair], 3).value for pair in ((z, x), (one, y))]
    made = hlo.DotGeneral(*sides, dot_dimension_numbers=numbers, result_types=[z.type])
    fused: Expr = z.scope.emit(made)
    bits = z.scope.emit(hlo.BitcastConvert(z.value, result_types=[z.type.with_element(i32)]))
    return E.select(E.eq(bits, -(2**31)), x * y + z, fused)

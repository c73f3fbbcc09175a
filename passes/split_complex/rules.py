"""What each op becomes on pairs of reals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from irc.dialects import chlo
from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo.linalg import SHORT, free_dimensions
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import ComplexType, f64
from irc.passes import expression as E
from irc.passes.expression import Expr
from irc.passes.split_complex import functions, inverse
from irc.passes.split_complex.exact import length
from irc.passes.split_complex.number import Number, compared, where
from irc.passes.split_complex.splitter import Rule, Splitter, is_complex, part_type

Results = Sequence[Value | Number]

_EXACTLY: dict[type[Operation], Callable[..., Number]] = {
    hlo.Add: Number.__add__,
    hlo.Subtract: Number.__sub__,
    hlo.Multiply: Number.__mul__,
    hlo.Divide: Number.__truediv__,
    hlo.Negate: Number.__neg__,
    hlo.Remainder: functions.remainder,
    hlo.Maximum: lambda z, w: where(compared(z, "GE", w), z, w),
    hlo.Minimum: lambda z, w: where(compared(z, "LE", w), z, w),
    chlo.Conj: lambda z: Number(z.re, -z.im),
    chlo.Square: functions.square,
}
"""Operations that are computed in the type of their parts."""

_PRECISELY: dict[type[Operation], Callable[..., Number]] = {
    hlo.Exponential: functions.exp,
    hlo.ExponentialMinusOne: functions.expm1,
    hlo.Log: functions.log,
    hlo.LogPlusOne: functions.log1p,
    hlo.Logistic: functions.logistic,
    hlo.Sqrt: functions.sqrt,
    hlo.Rsqrt: functions.rsqrt,
    hlo.Cbrt: functions.cbrt,
    hlo.Power: functions.power,
    hlo.Sine: functions.sine,
    hlo.Cosine: functions.cosine,
    hlo.Tan: functions.tan,
    hlo.Tanh: functions.tanh,
    hlo.Atan2: functions.atan2,
    hlo.Sign: functions.sign,
    chlo.Acos: inverse.acos,
    chlo.Acosh: inverse.acosh,
    chlo.Asin: inverse.asin,
    chlo.Asinh: inverse.asinh,
    chlo.Atan: inverse.atan,
    chlo.Atanh: inverse.atanh,
    chlo.Cosh: functions.cosh,
    chlo.Sinh: functions.sinh,
    chlo.Tan: functions.tan,
}
"""Functions, computed in f64 and rounded once."""

_PART_BY_PART = (
    hlo.BroadcastInDim, hlo.Concatenate, hlo.DynamicBroadcastInDim, hlo.DynamicGather, hlo.DynamicPad,
    hlo.DynamicReshape, hlo.DynamicSlice, hlo.DynamicUpdateSlice, hlo.Gather, hlo.Pad, hlo.RealDynamicSlice,
    hlo.Reshape, hlo.Reverse, hlo.Select, hlo.Slice, hlo.Transpose,
)  # fmt: skip
"""Ops that move elements: once for real parts, once for imaginary ones."""

_IN_PAIRS = (
    hlo.Case, hlo.If, hlo.OptimizationBarrier, hlo.Reduce, hlo.ReduceWindow, hlo.Scatter, hlo.While,
)  # fmt: skip
"""Ops that take any number of values."""


def _exactly(function: Callable[..., Number]) -> Rule:
    return lambda s, op: [function(*map(s.number, op.operands))]


def _precisely(function: Callable[..., Number]) -> Rule:
    def rule(s: Splitter, op: Any) -> Results:
        element = op.result.type.element.element
        return [function(*(s.number(v).to(f64) for v in op.operands)).to(element)]

    return rule


def _part_by_part(s: Splitter, op: Any) -> Results:
    numbers = {v: s.number(v) for v in op.operands if is_complex(v)}
    parts = []
    for which in ("re", "im"):
        operands = [getattr(numbers[v], which).value if v in numbers else s.value(v) for v in op.operands]
        types = [part_type(r.type) for r in op.results]
        made = type(op).create(operands, types, op.attributes, (), op.location)
        parts.append(s.scope.of(s.emit(made)))
    re, im = parts
    return [Number(re, im)]


def _in_pairs(s: Splitter, op: Any) -> Results:
    return s.in_pairs(op)


def _map(s: Splitter, op: Any) -> Results:
    """One map a part: a map has one result."""
    if not is_complex(op.result):
        return s.in_pairs(op)
    parts = []
    for which in (0, 1):
        region = s.split_region(op.computation)
        *inner, end = region.operations
        body = Region([Block(region.arguments, [*inner, hlo.Return([end.operands[which]])])])
        types = [part_type(op.result.type)]
        made = hlo.Map.create(s.expanded(op.operands), types, op.attributes, [body], op.location)
        parts.append(s.scope.of(s.emit(made)))
    re, im = parts
    return [Number(re, im)]


def _sort(s: Splitter, op: Any) -> Results:
    return s.in_pairs(op, [s.split_region(op.comparator, by_part=True)])


def _constant(s: Splitter, op: Any) -> Results:
    t, array = part_type(op.result.type), op.value.array
    parts = [s.emit(hlo.Constant(value=DenseElementsAttr.of(t, part))) for part in (array.real, array.imag)]
    re, im = map(s.scope.of, parts)
    return [Number(re, im)]


def _iota(s: Splitter, op: Any) -> Results:
    t = part_type(op.result.type)
    return [Number.like(s.scope.iota(t, op.iota_dimension))]


def _complex(s: Splitter, op: Any) -> Results:
    return [Number(s.scope.of(s.value(op.lhs)), s.scope.of(s.value(op.rhs)))]


def _real(s: Splitter, op: Any) -> Results:
    return [s.number(op.operand).re.value]


def _imag(s: Splitter, op: Any) -> Results:
    return [s.number(op.operand).im.value]


def _abs(s: Splitter, op: Any) -> Results:
    z = s.number(op.operand)
    return [E.convert(length(z.to(f64)), z.re.element).value]


def _compare(s: Splitter, op: Any) -> Results:
    return [compared(s.number(op.lhs), op.comparison_direction, s.number(op.rhs)).value]


def _convert(s: Splitter, op: Any) -> Results:
    """A complex number loses its imaginary part on the way to a real type, and a real one gets 0."""
    target = op.result.type.element
    if not is_complex(op.operand):
        return [Number.like(E.convert(s.scope.of(s.value(op.operand)), target.element))]
    z = s.number(op.operand)
    return [z.to(target.element)] if isinstance(target, ComplexType) else [E.convert(z.re, target).value]


def _product(s: Splitter, op: Any) -> Results:
    """Four real products, each accumulated as real products are."""
    x, y = map(s.number, op.operands)

    def real_product(lhs: Expr, rhs: Expr) -> Expr:
        t = part_type(op.result.type)
        made = type(op).create([lhs.value, rhs.value], [t], op.attributes, (), op.location)
        return s.scope.of(s.emit(made))

    re = real_product(x.re, y.re) - real_product(x.im, y.im)
    return [Number(re, real_product(x.re, y.im) + real_product(x.im, y.re))]


def _dot_general(s: Splitter, op: Any) -> Results:
    """A sum of few products is written out."""
    d, t = op.dot_dimension_numbers, part_type(op.result.type)
    summed = [op.lhs.type.shape[i] for i in d.lhs_contracting_dimensions]
    if not op.lhs.type.is_static or not op.rhs.type.is_static or prod(summed) > SHORT:
        return _product(s, op)
    x, y = (s.number(v).to(t.element) for v in op.operands)
    batch = len(d.lhs_batching_dimensions)
    lhs_free, rhs_free = free_dimensions(op.lhs.type.rank, op.rhs.type.rank, d)
    lhs_places = {**_numbered(d.lhs_batching_dimensions, 0), **_numbered(lhs_free, batch)}
    rhs_places = {**_numbered(d.rhs_batching_dimensions, 0), **_numbered(rhs_free, batch + len(lhs_free))}
    total = Number.like(s.scope.constant(0.0, t))
    for at in np.ndindex(*summed):
        lhs = _spread(x, dict(zip(d.lhs_contracting_dimensions, at, strict=True)), lhs_places, t.static_shape)
        rhs = _spread(y, dict(zip(d.rhs_contracting_dimensions, at, strict=True)), rhs_places, t.static_shape)
        total = total + lhs * rhs
    return [total]


def _numbered(dimensions: Sequence[int], start: int) -> dict[int, int]:
    return {d: start + i for i, d in enumerate(dimensions)}


def _spread(z: Number, at: dict[int, int], places: dict[int, int], shape: Sequence[int]) -> Number:
    """z at some indices, its other dimensions in their places of `shape`."""

    def part(x: Expr) -> Expr:
        start = [at.get(d, 0) for d in range(x.rank)]
        limit = [at[d] + 1 if d in at else n for d, n in enumerate(x.shape)]
        left = [d for d in range(x.rank) if d not in at]
        cut = E.reshape(E.slice(x, start, limit), [x.shape[d] for d in left])
        return E.broadcast(cut, shape, [places[d] for d in left])

    return Number(part(z.re), part(z.im))


def _bitcast(s: Splitter, op: Any) -> Results:
    """Between complex types: parts side by side, as they lie in memory."""
    source, target = op.operand.type, op.result.type
    z = s.number(op.operand)
    if source is target:
        return [z]
    beside = E.concatenate([E.reshape(p, (*source.static_shape, 1)) for p in (z.re, z.im)], source.rank)
    element = target.element.element
    shape = (*target.static_shape, 2)
    # The pairs of f32 that an f64 is made of, or falls into, are a dimension of their own.
    if element is f64:
        beside = E.reshape(beside, (*shape, 2))
    wide = beside.type.with_shape(shape if element is f64 else (*source.static_shape, 2, 2)).with_element(
        element
    )
    cast = s.scope.of(s.emit(hlo.BitcastConvert(beside.value, result_types=[wide])))
    cast = E.reshape(cast, shape)
    zeros = (0,) * target.rank
    parts = [
        E.reshape(E.slice(cast, (*zeros, i), (*target.static_shape, i + 1)), target.static_shape)
        for i in (0, 1)
    ]
    re, im = parts
    return [Number(re, im)]


RULES: dict[type[Operation], Rule] = {
    **{cls: _exactly(function) for cls, function in _EXACTLY.items()},
    **{cls: _precisely(function) for cls, function in _PRECISELY.items()},
    **dict.fromkeys(_PART_BY_PART, _part_by_part),
    **dict.fromkeys(_IN_PAIRS, _in_pairs),
    hlo.Abs: _abs,
    hlo.BitcastConvert: _bitcast,
    hlo.Compare: _compare,
    hlo.Complex: _complex,
    hlo.Constant: _constant,
    hlo.Convert: _convert,
    hlo.Convolution: _product,
    hlo.DotGeneral: _dot_general,
    hlo.Imag: _imag,
    hlo.Iota: _iota,
    hlo.Real: _real,
    hlo.Map: _map,
    hlo.Sort: _sort,
}  # fmt: skip

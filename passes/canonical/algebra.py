"""Spellings of one thing as one: rewrites that do not make a program smaller, only like others. Bits stay."""

from __future__ import annotations

from irc.dialects.stablehlo import (
    Add,
    BroadcastInDim,
    Case,
    Clamp,
    Compare,
    Convert,
    Convolution,
    Divide,
    Exponential,
    If,
    Iota,
    Logistic,
    Maximum,
    Minimum,
    Negate,
    Pad,
    Rsqrt,
    Select,
    Slice,
    Sqrt,
)
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import f32, f64, i1
from irc.passes.constants import is_one
from irc.passes.layout.convolution import ConvOrders, convolve
from irc.passes.layout.orders import identity

rules = RewriteSet()
rewrite = rules.rewrite

WIDE = (f32, f64)
"""Elements that an op is computed in as they are: of narrower ones, two ops round twice and one op once."""


@rewrite("1 / (1 + exp(-x)) = logistic(x)", Divide)
def logistic(op: Divide, b: Rewriter) -> Value | None:
    if not is_one(op.lhs) or op.result.type.element not in WIDE:
        return None
    match op.rhs:
        case Value(Add(lhs=Value(Exponential(operand=Value(Negate(operand=x)))), rhs=one)) if is_one(one):
            return b.emit(Logistic(x))
    return None


@rewrite("1 / sqrt(x) = rsqrt(x)", Divide)
def reciprocal_root(op: Divide, b: Rewriter) -> Value | None:
    match op.rhs:
        case Value(Sqrt(operand=x)) if is_one(op.lhs) and op.result.type.element in WIDE:
            return b.emit(Rsqrt(x))
    return None


@rewrite("clamp(a, x, b) = min(max(x, a), b)", Clamp)
def clamp(op: Clamp, b: Rewriter) -> Value | None:
    low, high = (_like(b, bound, op.operand) for bound in (op.min, op.max))
    return b.emit(Minimum(b.emit(Maximum(op.operand, low)), high))


def _like(b: Rewriter, scalar: Value, x: Value) -> Value:
    if scalar.type.rank == x.type.rank:
        return scalar
    return b.emit(BroadcastInDim(scalar, broadcast_dimensions=(), result_types=[x.type]))


@rewrite("select(x != y, a, b) = select(x = y, b, a)", Select)
def select_unequal(op: Select, b: Rewriter) -> Value | None:
    match op.pred:
        case Value(Compare(lhs=x, rhs=y, comparison_direction="NE", compare_type=kind)):
            equal = b.emit(Compare(x, y, comparison_direction="EQ", compare_type=kind))
            return b.emit(Select(equal, op.on_false, op.on_true))
    return None


@rewrite("case of convert(p) = if p, for a boolean p and two branches", Case)
def case_of_boolean(op: Case, b: Rewriter) -> tuple[Value, ...] | None:
    match op.index:
        case Value(Convert(operand=p)) if p.type.element is i1 and len(op.regions) == 2:
            made = If.create([p], op.result_types, {}, op.regions[::-1], op.location)
            b.emit(made)
            return made.results
    return None


@rewrite("iota = broadcast(iota of one dimension)", Iota)
def iota_of_one_dimension(op: Iota, b: Rewriter) -> Value | None:
    type, d = op.output.type, op.iota_dimension
    if type.rank == 1 or not type.is_static:
        return None
    line = b.emit(Iota(iota_dimension=0, result_types=[type.with_shape((type.shape[d],))]))
    return b.emit(BroadcastInDim(line, broadcast_dimensions=(d,), result_types=[type]))


@rewrite("slice(pad(x)) = pad(x) by less, where only padding is cut off", Slice)
def slice_of_pad(op: Slice, b: Rewriter) -> Value | None:
    match op.operand:
        case Value(Pad(operand=x, padding_value=v) as inner) if (
            _is_unit(op.strides) and op.operand.type.is_static
        ):
            low = [lo - s for lo, s in zip(inner.edge_padding_low, op.start_indices, strict=True)]
            extents = op.operand.type.shape
            high = [
                hi - (n - stop)
                for hi, n, stop in zip(inner.edge_padding_high, extents, op.limit_indices, strict=True)
            ]
            if all(n >= 0 for n in (*low, *high)):
                inside = inner.interior_padding
                return b.emit(
                    Pad(x, v, edge_padding_low=low, edge_padding_high=high, interior_padding=inside)
                )
    return None


def _is_unit(strides: tuple[int, ...]) -> bool:
    return all(n == 1 for n in strides)


@rewrite("a padded, dilated or reversed convolution = the convolution of pad(x) and reverse(w)", Convolution)
def explicit_padding(op: Convolution, b: Rewriter) -> Value | None:
    w = op.window
    if type(op) is not Convolution or not (
        any(map(any, w.padding)) or any(w.reversal) or any(n != 1 for n in w.lhs_dilation)
    ):
        return None
    same = identity(op.lhs.type.rank)
    return convolve(b, op, op.lhs, op.rhs, ConvOrders(same, same, same), op.result.type)


@rewrite("slice(convolution(x, w)) = convolution(slice(x), w), along spatial dimensions", Slice)
def slice_of_convolution(op: Slice, b: Rewriter) -> Value | None:
    match op.operand:
        case Value(Convolution() as inner) if type(inner) is Convolution and op.operand.type.is_static:
            return _sliced_input(op, inner, b)
    return None


def _sliced_input(op: Slice, conv: Convolution, b: Rewriter) -> Value | None:
    dims, w, x = conv.dimension_numbers, conv.window, conv.lhs
    padded = any(map(any, w.padding)) or any(n != 1 for n in w.lhs_dilation)
    moved = {
        d
        for d, n in enumerate(conv.result.type.shape)
        if (op.start_indices[d], op.limit_indices[d]) != (0, n)
    }
    if padded or not _is_unit(op.strides) or not moved <= {*dims.output_spatial_dimensions}:
        return None
    starts, limits = [0] * x.type.rank, list(x.type.shape)
    for i, (place, out) in enumerate(
        zip(dims.input_spatial_dimensions, dims.output_spatial_dimensions, strict=True)
    ):
        window = (conv.rhs.type.shape[dims.kernel_spatial_dimensions[i]] - 1) * w.rhs_dilation[i] + 1
        starts[place] = op.start_indices[out] * w.strides[i]
        limits[place] = (op.limit_indices[out] - 1) * w.strides[i] + window
    if any(s > n for s, n in zip(starts, limits, strict=True)) or 0 in op.result.type.shape:
        return None
    cut = b.emit(Slice(x, start_indices=starts, limit_indices=limits, strides=[1] * x.type.rank))
    return b.emit(Convolution.create([cut, conv.rhs], op.result_types, conv.attributes, (), conv.location))

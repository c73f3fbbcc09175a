"""Gradients of ops that move elements: each is linear, so `x` and `ans` matter only for their shapes."""

from __future__ import annotations

from irc.dialects import stablehlo as hlo
from irc.ir.types import ComplexType
from irc.passes.autodiff.registry import Accumulate, defvjp, defvjp_variadic, nograd
from irc.passes.expression import (
    Expr,
    convert,
    dynamic_slice,
    dynamic_update_slice,
    extent,
    inverse,
    pad,
    real,
    reduce_sum,
    reshape_like,
    reverse,
    slice,
    transpose,
    zeros_like,
)

nograd("made from nothing", hlo.Constant, hlo.Iota)
nograd("reads bits, not numbers", hlo.BitcastConvert)


def convert_vjp(g: Expr, ans: Expr, x: Expr) -> Expr:
    """Between floats, the cotangent is converted back; a complex result's real part is what a float
    operand reaches."""
    if isinstance(g.element, ComplexType) and not isinstance(x.element, ComplexType):
        return convert(real(g), x.element)
    return convert(g, x.element)


defvjp(hlo.Convert, convert_vjp)

defvjp(hlo.Reshape, lambda g, ans, x: reshape_like(g, x))
defvjp(hlo.Transpose, lambda g, ans, x: transpose(g, inverse(ans.op.permutation)))
defvjp(hlo.Reverse, lambda g, ans, x: reverse(g, ans.op.dimensions))


def broadcast_in_dim_vjp(g: Expr, ans: Expr, x: Expr) -> Expr:
    """Sums over every dimension that `x` was repeated along."""
    dims = ans.op.broadcast_dimensions
    kept = [d for d, n in zip(dims, x.type.shape, strict=True) if n == g.type.shape[d]]
    total = reduce_sum(g, [d for d in range(g.rank) if d not in kept])
    order = sorted(kept)
    return reshape_like(transpose(total, [order.index(d) for d in kept]), x)


defvjp(hlo.BroadcastInDim, broadcast_in_dim_vjp)


def slice_vjp(g: Expr, ans: Expr, x: Expr) -> Expr:
    """Zeros all around, and between when the stride is above 1."""
    steps = ans.op.strides
    low = ans.op.start_indices
    reached = [a + (m - 1) * s + 1 if m else a for a, m, s in zip(low, g.shape, steps, strict=True)]
    return pad(g, low, [n - r for n, r in zip(x.shape, reached, strict=True)], [s - 1 for s in steps])


defvjp(hlo.Slice, slice_vjp)


@defvjp_variadic(hlo.Concatenate)
def concatenate_vjp(i: int, g: Expr, ans: Expr, *xs: Expr) -> Expr:
    d = ans.op.dimension
    start = [0] * g.rank
    limit = list(g.type.shape)
    start[d] = sum(extent(x, d) for x in xs[:i])
    limit[d] = start[d] + extent(xs[i], d)
    return slice(g, start, limit)


def pad_operand(g: Expr, ans: Expr, x: Expr, filling: Expr) -> Expr:
    """Cuts the edges off again (or adds zeros where they were cut), then the holes between."""
    low, high, interior = ans.op.edge_padding_low, ans.op.edge_padding_high, ans.op.interior_padding
    whole = pad(g, [-n for n in low], [-n for n in high], [0] * g.rank)
    return slice(whole, [0] * g.rank, whole.shape, [n + 1 for n in interior])


def pad_filling(g: Expr, ans: Expr, x: Expr, filling: Expr) -> Expr:
    """The sum of what the padding got: everything but the operand's share."""
    everything = range(g.rank)
    return reduce_sum(g, everything) - reduce_sum(pad_operand(g, ans, x, filling), everything)


defvjp(hlo.Pad, pad_operand, pad_filling)


@defvjp_variadic(hlo.DynamicSlice)
def dynamic_slice_vjp(i: int, g: Expr, ans: Expr, x: Expr, *starts: Expr) -> Accumulate | None:
    def onto(before: Expr | None) -> Expr:
        if before is None:
            return dynamic_update_slice(zeros_like(x), g, starts)
        return dynamic_update_slice(before, dynamic_slice(before, starts, g.shape) + g, starts)

    return Accumulate(onto) if i == 0 else None


@defvjp_variadic(hlo.DynamicUpdateSlice)
def dynamic_update_slice_vjp(i: int, g: Expr, ans: Expr, x: Expr, update: Expr, *starts: Expr) -> Expr | None:
    match i:
        case 0:
            return dynamic_update_slice(g, zeros_like(update), starts)
        case 1:
            return dynamic_slice(g, starts, update.shape)
    return None

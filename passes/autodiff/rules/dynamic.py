"""Gradients of ops that take shapes and amounts as operands: those of their static forms, computed when
they run."""

from __future__ import annotations

from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo.dynamic import DynamicConv
from irc.ir.types import TensorType
from irc.passes.autodiff.registry import defvjp, nograd, refuse
from irc.passes.autodiff.rules.shape import broadcast_in_dim_vjp
from irc.passes.expression import (
    Expr,
    convert,
    extents,
    full_like,
    maximum,
    reduce_sum,
    reshape_like,
)

nograd("made from a shape", hlo.DynamicIota)
nograd("an extent is an integer", hlo.GetDimensionSize)
defvjp(hlo.DynamicReshape, lambda g, ans, x, shape: reshape_like(g, x), None)
defvjp(hlo.DynamicBroadcastInDim, lambda g, ans, x, shape: broadcast_in_dim_vjp(g, ans, x), None)
refuse("its padding is computed: make it an attribute first (canonicalize)", DynamicConv)


def padded(x: Expr, low: Expr, high: Expr, interior: Expr, type: TensorType) -> Expr:
    """`x` with zeros around and between."""
    zero = x.scope.constant(0, type.with_shape(()))
    made = hlo.DynamicPad(x.value, zero.value, low.value, high.value, interior.value, result_types=[type])
    return x.scope.emit(made)


def slice_vjp(g: Expr, ans: Expr, x: Expr, start: Expr, limit: Expr, strides: Expr) -> Expr:
    """Zeros all around, and between when the stride is above 1."""
    reached = start + (shape(g, start) - 1) * strides + 1
    return padded(g, start, shape(x, start) - reached, strides - 1, x.type)


def shape(x: Expr, like: Expr) -> Expr:
    """The extents in the type of another vector of them."""
    return convert(extents(x), like.element)


defvjp(hlo.RealDynamicSlice, slice_vjp, None, None, None)


def pad_operand(g: Expr, ans: Expr, x: Expr, filling: Expr, low: Expr, high: Expr, interior: Expr) -> Expr:
    """Cuts the edges off again (or adds zeros where they were cut), then the holes between."""
    none = full_like(low, 0)
    step = interior + 1
    span = maximum((shape(x, low) - 1) * step + 1, 0)
    whole = padded(g, -low, -high, none, g.type.with_shape((None,) * g.rank))
    made = hlo.RealDynamicSlice(whole.value, none.value, span.value, step.value, result_types=[x.type])
    return g.scope.emit(made)


def pad_filling(g: Expr, ans: Expr, x: Expr, filling: Expr, low: Expr, high: Expr, interior: Expr) -> Expr:
    """The sum of what the padding got: everything but the operand's share."""
    everything = range(g.rank)
    kept = pad_operand(g, ans, x, filling, low, high, interior)
    return reduce_sum(g, everything) - reduce_sum(kept, everything)


defvjp(hlo.DynamicPad, pad_operand, pad_filling, None, None, None)

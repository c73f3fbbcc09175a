"""Gradients of ops that take shapes as operands: those of their static forms, where the types are static."""

from __future__ import annotations

from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo.dynamic import DynamicConv
from irc.passes.autodiff.expression import reshape
from irc.passes.autodiff.registry import defvjp, nograd, refuse
from irc.passes.autodiff.rules.shape import broadcast_in_dim_vjp

nograd("made from a shape", hlo.DynamicIota)
nograd("an extent is an integer", hlo.GetDimensionSize)
defvjp(hlo.DynamicReshape, lambda g, ans, x, shape: reshape(g, x.shape), None)
defvjp(hlo.DynamicBroadcastInDim, lambda g, ans, x, shape: broadcast_in_dim_vjp(g, ans, x), None)
refuse(
    "where the amounts are constants, make them attributes first (shape_inference, canonicalize)",
    DynamicConv,
    hlo.DynamicPad,
    hlo.RealDynamicSlice,
    hlo.DynamicGather,
)

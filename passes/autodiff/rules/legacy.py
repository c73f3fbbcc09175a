"""Gradients of ops that StableHLO keeps for old programs."""

from __future__ import annotations

from typing import Any

from irc.dialects.stablehlo.legacy import (
    Broadcast,
    Dot,
    Rng,
    SetDimensionSize,
)
from irc.dialects.stablehlo.quantized import UniformDequantize, UniformQuantize
from irc.passes.autodiff.registry import defvjp, refuse
from irc.passes.autodiff.rules.linalg import Dims, contraction_side
from irc.passes.expression import reduce_sum


def dot_dimensions(op: Any) -> tuple[Dims, Dims]:
    return ((), ()), ((op.lhs.type.rank - 1,), (0,))


defvjp(Dot, *(contraction_side(side, dot_dimensions) for side in (0, 1)))
defvjp(Broadcast, lambda g, ans, x: reduce_sum(g, range(g.rank - x.rank)))
refuse("its state is nowhere in the program: use rng_bit_generator", Rng)
refuse("types cannot say how many elements count", SetDimensionSize)
refuse("quantized numbers are not supported", UniformQuantize, UniformDequantize)

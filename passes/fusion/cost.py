"""The cost model: bytes and FLOPs of one fused function, and the time that the machine's roofs allow.

bytes   what the kernel must read and write once: its arguments (of those that are only indexed, what is taken), its
        results (of what is updated in place, the update)
FLOPs   2 for each multiply-add of a product; an op of a reduction for each element it takes in; 1 for each element of
        an elementwise op, and for the transcendental ones what their polynomials take (WEIGHTS)
time    max(bytes / bandwidth of the working set, FLOPs / peak)"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.ir.extents import typical
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType
from irc.passes.dot_products.definition import is_dot_product, pack_kind, packs_in, plain_op
from irc.passes.pack import is_packed, product_of
from irc.passes.winograd import is_winograd

WEIGHTS: dict[type[Operation], int] = {
    hlo.Exponential: 22,
    hlo.ExponentialMinusOne: 30,
    hlo.Tanh: 45,
    hlo.Logistic: 45,
    hlo.Log: 32,
    hlo.LogPlusOne: 40,
    hlo.Power: 70,
    hlo.Sine: 50,
    hlo.Cosine: 50,
    hlo.Divide: 16,
    hlo.Sqrt: 16,
    hlo.Rsqrt: 32,
    hlo.Cbrt: 60,
}
"""Of an element, in operations that run at the rate of a multiply-add's half."""

INDEXED = (hlo.Slice, hlo.DynamicSlice, hlo.Gather)
"""Ops that take a part of their first operand."""
UPDATING = (hlo.DynamicUpdateSlice, hlo.Scatter)
"""Ops that change a part of their first operand, in place where they may."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call of a kernel must do."""

    bytes: int
    flops: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.bytes + other.bytes, self.flops + other.flops)


@dataclass(frozen=True, slots=True)
class Roofs:
    """What one core of a machine can do: multiply-adds count two FLOPs; `bandwidths` holds (working set in bytes, bytes a
    second) in increasing order of working sets."""

    flops: float
    bandwidths: tuple[tuple[int, float], ...]

    def bandwidth(self, working_set: int) -> float:
        """Bytes a second for a working set of so many bytes."""
        for size, rate in self.bandwidths:
            if working_set <= size:
                return rate
        return self.bandwidths[-1][1]

    def seconds(self, cost: Cost) -> float:
        """The least time for it: that of the roof which is lower."""
        return max(cost.bytes / self.bandwidth(cost.bytes), cost.flops / self.flops)

    def moved(self, nbytes: int) -> float:
        """Seconds to write or read a value of so many bytes, which is there only as far as caches of that size go; where
        sizes decide how many, of typical ones."""
        nbytes = typical(nbytes)
        return nbytes / self.bandwidth(nbytes)

    def computed(self, flops: int) -> float:
        """Seconds for so many operations of elementwise ops, as WEIGHTS counts them."""
        return typical(flops) / self.flops


DEFAULT = Roofs(64e9, ((1 << 20, 64e9), (1 << 25, 24e9), (1 << 60, 12e9)))
"""Of no machine in particular: a core with vectors of 256 bits, whose second-level cache holds a MiB. What is decided by cost
is decided by these rates, so that a program becomes the same everywhere."""


def cost_of(func: Func) -> Cost:
    """The cost of one call of a fused function; unknown extents count nothing."""
    operations = func.block.operations[:-1]
    users: dict[Value, list[Operation]] = {}
    for op in operations:
        for v in op.operands:
            users.setdefault(v, []).append(op)
    moved = sum(_read(argument, users.get(argument, [])) for argument in func.arguments)
    moved += sum(_written(v) for v in func.returned)
    return Cost(moved, sum(_flops(op) for op in operations))


def _nbytes(value: Value) -> int:
    type = value.type
    return type.nbytes if isinstance(type, TensorType) and type.is_static else 0


def _size(value: Value) -> int:
    type = value.type
    return type.size if isinstance(type, TensorType) and type.is_static else 0


def _read(argument: Value, users: list[Operation]) -> int:
    taken = 0
    for user in users:
        if isinstance(user, INDEXED) and user.operands[0] is argument:
            taken += sum(map(_nbytes, user.results))
        elif not (isinstance(user, UPDATING) and user.operands[0] is argument):
            return _nbytes(argument)
    return min(taken, _nbytes(argument))


def _written(value: Value) -> int:
    match value.op:
        case hlo.DynamicUpdateSlice() as op:
            return _nbytes(op.update)
        case hlo.Scatter() as op:
            return sum(map(_nbytes, op.updates))
    return _nbytes(value)


def _flops(op: Any) -> int:
    match op:
        case _ if is_dot_product(op):
            return packs_in(pack_kind(op)) * _flops(plain_op(op))
        case hlo.DotGeneral():
            taken = op.dot_dimension_numbers.lhs_contracting_dimensions
            depth = prod(op.lhs.type.shape[d] or 0 for d in taken)
            return 2 * _size(op.result) * depth
        case hlo.Convolution():
            outputs = op.rhs.type.shape[op.dimension_numbers.kernel_output_feature_dimension] or 1
            return 2 * _size(op.result) * (_size(op.rhs) // outputs)
        case _ if is_packed(op):
            return _flops(product_of(op))
        case _ if is_winograd(op):
            # 16 products for 4 results; the transforms run beside them.
            return 2 * (_size(op.results[0]) // 4) * 16 * (op.operands[0].type.shape[-1] or 0)
        case hlo.Reduce():
            return sum(map(_size, op.inputs)) * (len(op.body.block.operations) - 1)
        case hlo.ReduceWindow():
            return sum(map(_size, op.results)) * prod(op.window_dimensions)
        case hlo.SelectAndScatter():
            return 2 * _size(op.operand)
        case hlo.Scatter():
            return sum(map(_size, op.updates))
        case hlo.Sort():
            n = _size(op.results[0])
            return int(n * log2(max(n, 2)))
        case hlo.Constant():
            return 0
        case _ if getattr(op, "elementwise", False):
            return WEIGHTS.get(type(op), 1) * sum(map(_size, op.results))
    return 0

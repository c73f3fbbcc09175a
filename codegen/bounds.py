"""Kernels that check every access: an index outside its buffer fails an assertion and is taken as 0, so that nothing
is read or written elsewhere. For finding faults of irc's own: results keep their bits, and speed does not matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from irc.codegen.lower.builder import KernelBuilder
from irc.dialects import arith, cf, memref, vector
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.affine import AffineDim
from irc.ir.extents import at_most
from irc.ir.locations import described
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter
from irc.ir.types import VectorType, i1, index
from irc.runtime.failures import OUTSIDE


def checked(module: Module) -> Module:
    """A module of kernels with an assertion before each access that cannot be seen to be inside its buffer."""
    operations: list[Operation] = []
    for op in module.operations:
        if isinstance(op, Func) and not op.is_declaration:
            sizes = KernelBuilder(sizes={a.name: a for a in op.arguments if a.type is index})
            block = _Checker(op.sym_name, sizes).block_of(op.block)
            operations.append(
                op.with_block(Block(block.arguments, [*sizes.constants.values(), *block.operations]))
            )
        else:
            operations.append(op)
    return module.with_operations(operations)


@dataclass(frozen=True)
class Reach:
    """An index of an access: operand number, and the greatest value at which all of it is inside (None: any that is
    not negative, because what lies past the end is masked)."""

    operand: int
    most: int | None
    what: str


class _Checker(Rewriter):
    def __init__(self, function: str, sizes: KernelBuilder) -> None:
        super().__init__()
        self.function = function
        self.sizes = sizes
        """Makes numbers, and expressions over the function's named sizes, at its top."""

    def replay(self, op: Operation) -> None:
        made = self.mapped(op)
        reaches = _REACHES.get(type(made))
        if reaches is not None:
            made = self._guarded(made, reaches(made))
        if isinstance(made, vector.Gather | vector.Scatter):
            made = self._guarded_lanes(made)
        self.operations.append(made)
        if made is not op:
            self.replace(op, made.results)

    def _guarded(self, op: Operation, reaches: Sequence[Reach]) -> Operation:
        operands = list(op.operands)
        for reach in reaches:
            value = operands[reach.operand]
            known = _number(value)
            if known is not None and known >= 0 and (reach.most is None or at_most(known, reach.most)):
                continue
            if reach.most is None:
                holds = self._compare("sge", value, self._index(0))
            elif at_most(reach.most, -1):
                holds = self.emit(arith.Constant.of(False, i1))
            else:  # what a size decides may be negative
                most, least = self._index(reach.most), self._index(0)
                inside = self._compare("sle", value, most)
                holds = self.emit(arith.AndI(self._compare("sge", value, least), inside))
            self._assert(op, holds, reach.what)
            operands[reach.operand] = self.emit(arith.Select(holds, value, self._index(0)))
        return op if operands == list(op.operands) else op.with_operands(operands)

    def _guarded_lanes(self, op: Any) -> Operation:
        """Lanes reach along the last dimension, from the last index on."""
        lanes, extent = op.indices, op.base.type.shape[-1]
        zero = self.emit(arith.Constant.of(0, lanes.type))
        first = self.emit(
            vector.Broadcast(op.offsets[-1], result_types=[VectorType(lanes.type.shape, index)])
        )
        if lanes.type.element is not index:
            first = self.emit(arith.IndexCast(first, result_types=[lanes.type]))
        place = self.emit(arith.AddI(lanes, first))
        most = self._index(extent - 1)
        if lanes.type.element is not index:
            most = self.emit(arith.IndexCast(most, result_types=[lanes.type.element]))
        most = self.emit(vector.Broadcast(most, result_types=[lanes.type]))
        inside = self.emit(arith.CmpI(place, most, predicate="ule"))
        flags = VectorType(lanes.type.shape, i1)
        off = self.emit(arith.XOrI(op.mask, self.emit(arith.Constant.of(True, flags))))
        every = self.emit(arith.OrI(inside, off))
        holds = self.emit(
            vector.MultiReduction(
                every,
                self.emit(arith.Constant.of(True, i1)),
                kind="and",
                reduction_dims=tuple(range(lanes.type.rank)),
                result_types=[i1],
            )
        )
        self._assert(op, holds, f"a lane is outside the last dimension of {op.base.type}")
        every_lane = self.emit(vector.Broadcast(holds, result_types=[flags]))
        operands = list(op.operands)
        last = len(op.offsets)
        operands[last] = self.emit(arith.Select(holds, operands[last], self._index(0)))
        operands[last + 1] = self.emit(arith.Select(every_lane, lanes, zero))
        return op.with_operands(operands)

    def _index(self, value: int) -> Value:
        return self.sizes.index(value)

    def _compare(self, predicate: str, x: Value, y: Value) -> Value:
        made: Value = self.emit(arith.CmpI(x, y, predicate=predicate))
        return made

    def _assert(self, op: Operation, holds: Value, what: str) -> None:
        message = f"{OUTSIDE}@{self.function}: {op.name} from {described(op.location)}: {what}"
        self.emit(cf.Assert(holds, msg=message, location=op.location))


def _number(value: Value) -> int | None:
    if isinstance(value.op, arith.Constant):
        found = getattr(value.op.value, "value", None)
        return found if isinstance(found, int) else None
    return None


def _along(op: Any, base: Value, first: int, tile: Sequence[int | None]) -> list[Reach]:
    """Of indices from operand `first` on: `tile` has the length taken along each dimension, None where what is past the
    end is masked."""
    reaches = []
    if None in base.type.shape:
        raise UnsupportedError(
            f"the bounds of {base.type}, whose extents the text does not say, are not checked"
        )
    for d, (extent, taken) in enumerate(zip(base.type.shape, tile, strict=True)):
        most = None if taken is None else extent - taken
        reaches.append(Reach(first + d, most, f"dimension {d} of {base.type}"))
    return reaches


def _transfer(op: Any, tile: Any, first: int) -> list[Reach]:
    rank = op.base.type.rank
    taken: list[int | None] = [1] * rank
    if not isinstance(tile, VectorType):
        return _along(op, op.base, first, taken)
    dims: list[int | None] = list(range(rank - tile.rank, rank))
    if op.permutation_map is not None:
        dims = [m.position if isinstance(m, AffineDim) else None for m in op.permutation_map.results]
    in_bounds = tuple(op.in_bounds) if op.in_bounds is not None else (False,) * tile.rank
    for t, d in enumerate(dims):
        if d is not None:
            taken[d] = tile.shape[t] if in_bounds[t] and op.mask is None else None
    return _along(op, op.base, first, taken)


def _loaded(base: Value, tile: Any, first: int) -> list[Reach]:
    rank, shape = base.type.rank, getattr(tile, "shape", ())
    return _along(None, base, first, [*([1] * (rank - len(shape))), *shape])


def _leading(op: Any) -> list[Reach]:
    """All dimensions but the last, along which lanes reach."""
    return _along(op, op.base, 1, [1] * op.base.type.rank)[:-1]


def _reinterpreted(op: memref.ReinterpretCast) -> list[Reach]:
    """A run-time offset; the sizes and strides are known. What a size decides is taken not to be empty."""
    if not op.offsets:
        return []
    t, source = op.result.type, op.source.type
    reach = sum((n - 1) * s for n, s in zip(t.shape, t.strides, strict=True) if n != 0)
    most = source.size if 0 in t.shape else source.size - 1 - reach
    return [Reach(1, most, f"the offset of {op.result.type} in {op.source.type}")]


_REACHES: dict[type[Operation], Callable[[Any], list[Reach]]] = {
    memref.Load: lambda op: _along(op, op.memref, 1, [1] * op.memref.type.rank),
    memref.Store: lambda op: _along(op, op.memref, 2, [1] * op.memref.type.rank),
    memref.ReinterpretCast: _reinterpreted,
    vector.Gather: _leading,
    vector.Scatter: _leading,
    vector.Load: lambda op: _loaded(op.base, op.result.type, 1),
    vector.Store: lambda op: _loaded(op.base, op.valueToStore.type, 2),
    vector.TransferRead: lambda op: _transfer(op, op.vector.type, 1),
    vector.TransferWrite: lambda op: _transfer(op, op.valueToStore.type, 2),
}

"""A function with another batch: every type, slice and constant that grows with it changed, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import VerifyError
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Block, Operation, Region, Value
from irc.passes.extents.growing import Growing


def resized(func: Func, batch: Growing, extent: int) -> Func | None:
    """`func` where the dimensions of `batch` are for `extent` instead of `batch.extent`.

    None where the program says its size in a way that cannot be changed: a constant with one entry for each
    element of the batch, a slice or a padding that then no longer fits."""
    try:
        return func.with_block(_Resizer(batch, extent).block(func.block))
    except VerifyError:
        return None


class _Resizer:
    def __init__(self, batch: Growing, extent: int) -> None:
        self.batch = batch
        self.extent = extent
        self.map: dict[Value, Value] = {}

    def block(self, block: Block) -> Block:
        arguments = [Value(self.type(a), None, a.index, a.name, a.location) for a in block.arguments]
        self.map.update(zip(block.arguments, arguments, strict=True))
        return Block(arguments, [self.operation(op) for op in block.operations])

    def type(self, value: Value) -> Any:
        return self.batch.type(value, self.extent) if self.batch.dimensions(value) else value.type

    def operation(self, op: Operation) -> Operation:
        operands = [self.map.get(v, v) for v in op.operands]
        regions: Sequence[Region] = op.regions
        if isinstance(op, hlo.While | hlo.If | hlo.Case):
            regions = [Region([self.block(r.block)]) for r in op.regions]
        made = type(op).create(
            operands, [self.type(r) for r in op.results], self.attributes(op), regions, op.location
        )
        if any(
            a.type is not b.type
            for a, b in zip((*op.operands, *op.results), (*operands, *made.results), strict=True)
        ):
            made.check_results(made.infer())
        for old, new in zip(op.results, made.results, strict=True):
            new.name = old.name
        self.map.update(zip(op.results, made.results, strict=True))
        return made

    def attributes(self, op: Operation) -> dict[str, Any]:
        """The op's attributes, with the lengths that grow."""
        match op:
            case hlo.Constant(value=DenseElementsAttr() as value) if self.batch.dimensions(op.results[0]):
                if not value.is_splat:
                    raise op.error("batch", "has an entry for each element of the batch")
                return self.changed(
                    op, value=DenseElementsAttr.of(self.type(op.results[0]), value.splat_array)
                )
            case hlo.Slice():
                return self.changed(
                    op, limit_indices=self.lengths(op.operand, op.limit_indices, op.start_indices)
                )
            case hlo.DynamicSlice() | hlo.Gather():
                return self.changed(op, slice_sizes=self.lengths(op.operands[0], op.slice_sizes))
        return op.attributes

    def lengths(self, value: Value, lengths: Sequence[int], starts: Sequence[int] = ()) -> tuple[int, ...]:
        """Lengths that took all of a dimension of `value` take all of it again."""
        new = list(lengths)
        for d in self.batch.dimensions(value):
            if lengths[d] == value.type.shape[d] and not (starts and starts[d]):
                new[d] = self.type(value).shape[d]
        return tuple(new)

    @staticmethod
    def changed(op: Operation, **values: Any) -> dict[str, Any]:
        fields = type(op).attribute_fields
        return {**op.attributes, **{k: fields[k].codec.encode(v) for k, v in values.items()}}

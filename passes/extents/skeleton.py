"""What is left of a program when its sizes are taken out: equal for two recordings of one program at different sizes.

`skeleton` cuts a module into a hashable structure and the numbers that may depend on sizes: extents of types, bounds of
slices and paddings, constants that are one number throughout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import TensorType

SIZED: dict[type[Operation], tuple[str, ...]] = {
    hlo.Slice: ("start_indices", "limit_indices"),
    hlo.Pad: ("edge_padding_low", "edge_padding_high"),
    hlo.DynamicSlice: ("slice_sizes",),
    hlo.Gather: ("slice_sizes",),
}
"""Attributes that say sizes."""

Number = int | tuple[Any, bytes]
"""An extent or bound, or a constant's element type with the bytes of its one number."""


def skeleton(module: Module) -> tuple[Any, list[Number]] | None:
    """Structure and numbers of a module that is one function @main of known extents; None for any other."""
    if len(module.operations) != 1 or not isinstance(module.operations[0], Func):
        return None
    func = module.operations[0]
    cutter = _Cutter()
    cutter.block(func.block)
    return None if cutter.unknown else ((func.sym_name, tuple(cutter.structure)), cutter.numbers)


class _Cutter:
    def __init__(self) -> None:
        self.structure: list[Any] = []
        self.numbers: list[Number] = []
        self.place: dict[Value, int] = {}
        self.unknown = False

    def block(self, block: Block) -> None:
        self.values(block.arguments)
        for op in block.operations:
            self.operation(op)

    def values(self, values: Iterable[Value]) -> None:
        for value in values:
            self.place[value] = len(self.place)
            type = value.type
            if not isinstance(type, TensorType):
                self.structure.append(type)
                continue
            self.structure.append((type.rank, type.element, type.encoding))
            self.unknown = self.unknown or not type.is_static
            self.numbers += type.shape  # type: ignore[arg-type]

    def operation(self, op: Operation) -> None:
        place = self.place
        self.structure.append((op.name, tuple([place[v] for v in op.operands]), self.attributes(op)))
        self.values(op.results)
        for region in op.regions:
            self.structure.append(len(region.blocks))
            for block in region.blocks:
                self.block(block)

    def attributes(self, op: Operation) -> tuple[Any, ...]:
        """The attributes that say no sizes; those that do become numbers."""
        if type(op) is hlo.Constant:
            value = op.attributes["value"]
            if isinstance(value, DenseElementsAttr) and value.is_splat:
                self.numbers.append((value.type.element, value.splat_array.tobytes()))
                return ()
        given = op.attributes
        if not given:
            return ()
        sized = SIZED.get(type(op), ())
        for name in sized:
            self.numbers += getattr(op, name)
        return tuple(sorted((k, v) for k, v in given.items() if k not in sized))

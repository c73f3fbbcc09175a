"""All dimensions that are as long as one of an argument, or a whole multiple of it: a batch, wherever it goes."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.ir.operation import Block, Value
from irc.ir.types import TensorType
from irc.passes.extents.ties import Slot, across, ties
from irc.passes.regions import walk


@dataclass(frozen=True)
class Growing:
    """Dimensions that grow together. `extent` is that of the argument's dimension they were found from."""

    extent: int
    slots: dict[Slot, None]

    def dimensions(self, value: Value) -> list[int]:
        """Those of a value that grow."""
        return [d for d in range(len(getattr(value.type, "shape", ()))) if (value, d) in self.slots]

    def type(self, value: Value, extent: int) -> TensorType:
        """The value's type where the batch is `extent`."""
        shape = list(value.type.shape)
        for d in self.dimensions(value):
            shape[d] = shape[d] // self.extent * extent
        found: TensorType = value.type.with_shape(tuple(shape))
        return found


def growing(func: Func, argument: int, dimension: int = 0) -> Growing | None:
    """What grows with a dimension of an argument of a function; None where an op on the way is not known, where an
    extent that should grow is no multiple, or where the same dimension is reached as two different ones."""
    start = func.arguments[argument]
    extent = start.type.shape[dimension]
    edges, reshapes, unknown = _table(func.block)
    slots: dict[Slot, None] = {(start, dimension): None}
    queue: list[Slot] = [(start, dimension)]
    while queue:
        slot = queue.pop()
        value, d = slot
        if value in unknown or value.type.shape[d] % extent:
            return None
        reached = list(edges.get(slot, ()))
        for op in reshapes.get(value, ()):
            other = op.result if value is op.operand else op.operand
            grown = [k for k in range(other.type.rank) if (other, k) in slots]
            found = across(value.type.shape, other.type.shape, d, grown)
            if found is None:
                return None
            reached.append((other, found))
        for new in reached:
            if new not in slots:
                slots[new] = None
                queue.append(new)
    return Growing(extent, slots)


def _table(
    block: Block,
) -> tuple[dict[Slot, list[Slot]], dict[Value, list[hlo.Reshape]], dict[Value, None]]:
    """Ties both ways, the reshapes at each value, and values that an op with no rule reads or makes."""
    edges: dict[Slot, list[Slot]] = {}
    reshapes: dict[Value, list[hlo.Reshape]] = {}
    unknown: dict[Value, None] = {}
    for op in walk(block):
        if isinstance(op, hlo.Reshape):
            for value in (op.operand, op.result):
                reshapes.setdefault(value, []).append(op)
            continue
        found = ties(op)
        if found is None:
            unknown.update(dict.fromkeys((*op.operands, *op.results)))
            continue
        for a, b in found:
            edges.setdefault(a, []).append(b)
            edges.setdefault(b, []).append(a)
    return edges, reshapes, unknown

"""The reverse of a region, and what the forward has to keep for it.

What is cheap to make again is made again: constants, what does not change, slices and shapes of these, and
arithmetic on what is kept anyway."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.passes.autodiff.transform import Replacement, Reverse, copy_into
from irc.passes.expression import Expr

CHEAP = (
    hlo.Convert,
    hlo.Reshape,
    hlo.BroadcastInDim,
    hlo.Transpose,
    hlo.Slice,
    hlo.DynamicSlice,
    hlo.Iota,
    hlo.Constant,
)

ARITHMETIC = (
    *(hlo.Add, hlo.Subtract, hlo.Multiply, hlo.Negate, hlo.Abs, hlo.Maximum, hlo.Minimum),
    *(hlo.Compare, hlo.Select, hlo.And, hlo.Or, hlo.Not, hlo.Convert),
)


@dataclass
class Recording:
    """The reverse of one region: ops that read values of the region and cotangents from outside.

    `saved` are the region's values to be kept by the forward, `again` its ops that the reverse repeats."""

    block: Block
    emitted: list[Operation]
    replaced: dict[Operation, Replacement]
    saved: list[Value] = field(default_factory=list)
    again: list[Operation] = field(default_factory=list)

    def plan(self, read: Sequence[Value], known: Iterable[Value] = ()) -> None:
        """Decides how the reverse gets at the region's values it reads: `known` arguments need no saving."""
        operations, renamed = flatten(self.block.operations, self.replaced)
        inside = dict.fromkeys((*self.block.arguments, *(r for op in operations for r in op.results)))
        made = dict.fromkeys(known)

        def here(op: Operation, values: dict[Value, None]) -> bool:
            return all(o in values or o in made or o not in inside for o in map(renamed, op.operands))

        def closure() -> tuple[dict[Value, None], dict[Operation, None]]:
            """The values to save and the ops to repeat, when what is in `made` is made again."""
            saved: dict[Value, None] = {}
            again: dict[Operation, None] = {}
            pending = [renamed(v) for v in read]
            while pending:
                value = pending.pop()
                if value in inside and value not in made:
                    saved[value] = None
                elif value in made and value.op is not None and value.op not in again:
                    again[value.op] = None
                    pending += map(renamed, value.op.operands)
            return saved, again

        for op in operations:
            if isinstance(op, hlo.BroadcastInDim) or (is_cheap(op) and here(op, {})):
                made[op.result] = None
        present = closure()[0]
        for op in operations:
            # Arithmetic on what is here anyway costs less than a round trip through memory.
            if isinstance(op, ARITHMETIC) and op.result in present and here(op, present):
                made[op.result] = None
        saved, again = closure()
        self.saved = [v for v in inside if v in saved]
        self.again = [op for op in operations if op in again]

    def copy_reverse(self, builder: Builder, local: dict[Value, Value]) -> None:
        """Emits the reverse, `local` holding where the saved and known values and the cotangents are."""
        _, renamed = flatten(self.block.operations, self.replaced)
        old = [r for new in self.replaced for r in new.results]
        for op in (*self.again, *self.emitted):
            local.update((r, local[renamed(r)]) for r in old if r not in local and renamed(r) in local)
            copy_into(builder, [op], local)


def flatten(
    operations: Sequence[Operation], replaced: dict[Operation, Replacement]
) -> tuple[list[Operation], Any]:
    """The ops with replaced ones in their new form; the function from old values to what stands for them."""
    flat: list[Operation] = []
    names: dict[Value, Value] = {}
    pending = list(reversed(operations))
    while pending:
        op = pending.pop()
        new = replaced.get(op)
        if new is None:
            flat.append(op)
        else:
            names.update(zip(op.results, new.values, strict=True))
            pending += reversed(new.operations)

    def renamed(value: Value) -> Value:
        while value in names:
            value = names[value]
        return value

    return flat, renamed


def is_cheap(op: Operation) -> bool:
    """Costs no more to make again than to keep, if its operands do: shapes, slices, arithmetic on scalars."""
    if isinstance(op, CHEAP):
        return True
    return bool(getattr(op, "elementwise", False)) and op.results[0].type.shape == ()


def reads(operations: Iterable[Operation]) -> list[Value]:
    """Every value the ops read, those in their regions included, in order."""
    return list(dict.fromkeys(o for top in operations for op in top.walk() for o in op.operands))


def record(
    reverse: Reverse,
    block: Block,
    seeds: Sequence[tuple[Value, Value]],
    before: dict[Value, Value],
    wrt: list[Value],
) -> tuple[Recording, dict[Value, Expr]]:
    """Takes `seeds` (value, cotangent) back through a block, on top of cotangents `before`; returns those
    of `wrt`."""
    builder = Builder(reverse.builder.location)
    inner = Reverse(builder, block.operations, wrt, reverse.functions, {})
    inner.cotangents.update((v, inner.scope.of(g)) for v, g in before.items())
    for value, cotangent in seeds:
        inner.add(value, inner.scope.of(cotangent))
    inner.run()
    found = {v: inner.cotangents[v] for v in wrt if v in inner.cotangents}
    assert inner.replaced is not None
    return Recording(block, builder.operations, inner.replaced), found

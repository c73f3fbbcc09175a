"""Row kernels: which kernels a function of reductions is cut into. Their loops are those of `row`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from irc.codegen.lower.blocks import again, even_reductions, extent, in_parts, long_reductions
from irc.codegen.lower.builder import KernelBuilder, kernel
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.nest import Views
from irc.codegen.lower.row import Rows
from irc.codegen.lower.tree import BLOCK, LANES
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.extents import ceildiv
from irc.ir.operation import Value

LEVELS = 2
"""How often a reduction of who knows how many elements is cut into blocks: enough for 2**36 of them."""


@dataclass(frozen=True)
class _Phase:
    """A kernel of parts' results, which are inputs of those that follow: of 64 lanes of a block each, or of blocks."""

    leaves: Sequence[Value]
    values: Sequence[Value]
    by_lanes: bool


@dataclass
class _Phases:
    """A row function cut into kernels: what they compute, where it goes (values that stand for scratch), and what the
    last of them makes of that."""

    leaves: list[Value]
    returned: Sequence[Value]
    machine: Machine
    made: list[_Phase] = field(default_factory=list)
    scratch: list[Value] = field(default_factory=list)

    def add(self, values: Sequence[Value], results: Sequence[Value], by_lanes: bool = False) -> None:
        """A kernel of `values`; `results` stand for them from here on."""
        self.made.append(_Phase(tuple(self.leaves), values, by_lanes))
        self.scratch += results
        self.leaves += results

    def cut(self) -> None:
        """Tall arrays by lanes, and by blocks what is longer than one."""
        tall = [] if self.machine.is_grid else even_reductions(self.returned)
        if tall:
            self._cut_lanes(tall)
        while (long := long_reductions(self.returned)) and (
            len(self.made) < LEVELS or isinstance(extent(long[0]), int)
        ):
            partials, self.returned = in_parts(long, self.returned, ceildiv(extent(long[0]), BLOCK))
            self.add([r for op in long for r in op.results], partials)

    def _cut_lanes(self, tall: Sequence[Any]) -> None:
        values = [r for op in tall for r in op.results]
        plan = Rows.plan(self.leaves, values, self.machine)
        if plan.by_rows or not plan.kept or not plan.lanes.is_worth_it:
            return
        blocks = ceildiv(plan.count, BLOCK)
        if blocks == 1:
            partials, self.returned = in_parts(tall, self.returned, LANES)
            self.add(values, partials, by_lanes=True)
            return
        lanes = [
            Value(v.type.with_shape((blocks, LANES, *v.type.shape)), location=v.location) for v in values
        ]
        self.add(values, lanes, by_lanes=True)
        own = iter(lanes)
        halved = [r for op in tall for r in again(op, [next(own) for _ in op.results], 1)]
        partials, self.returned = in_parts(tall, self.returned, blocks)
        self.add(halved, partials)


def lower_row(func: Func, machine: Machine = HOST) -> KernelGroup:
    """Kernels for a function whose reductions run over one set of dimensions.

    A reduction of more than one block is two kernels, so that blocks are tickets of their own: the blocks' results into
    scratch, then everything else with that scratch as an input (a reduction over the blocks). Lanes of tall arrays are
    such a kernel as well."""
    phases = _Phases(list(func.arguments), func.returned, machine)
    phases.cut()
    scratch = phases.scratch
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned, *scratch)]
    first, count = len(func.arguments), len(func.arguments) + len(func.returned)

    def make(number: int) -> Func:
        def body(b: KernelBuilder, *buffers: Value) -> None:
            inputs = dict(zip((*func.arguments, *scratch), (*buffers[:first], *buffers[count:]), strict=True))
            views = Views(b, inputs)
            if number == len(phases.made):
                last = Rows.plan(phases.leaves, phases.returned, machine)
                if not isinstance(last.count, int) and number < LEVELS:
                    raise UnsupportedError(
                        f"reductions over {last.count} elements, one of which needs the other, in one kernel are not supported"
                    )
                last.emit(b, views, buffers[first:count])
                return
            phase = phases.made[number]
            # A part's results are stored like any other output; their place is the scratch of this phase.
            outputs = [inputs[p] for p in scratch[len(phase.leaves) - first :]]
            plan = Rows.plan(phase.leaves, phase.values, machine)
            if phase.by_lanes:
                plan.emit_lanes(b, views, outputs)
            else:
                plan.emit_blocks(b, views, outputs)

        return kernel(
            func.sym_name + (f"_{number}" if number else ""), types, body, machine, location=func.location
        )

    return KernelGroup(tuple(make(i) for i in range(len(phases.made) + 1)), tuple(types[count:]))

"""scf: loops, branches, and foralls whose tickets run in any order and must not meet."""

from __future__ import annotations

import itertools
from typing import Any

from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import Fault, Tickets
from irc.dialects import scf
from irc.dialects.memref import DYNAMIC


@emulates(scf.For)
def for_(m: Machine, op: scf.For, low: Any, high: Any, step: Any, *carried: Any) -> tuple[Any, ...]:
    if step <= 0:
        raise Fault(f"steps by {step}")
    values = list(carried)
    for i in range(int(low), int(high), int(step)):
        values = m.block(op.region.block, [type(low)(i), *values])
    return tuple(values)


@emulates(scf.If)
def if_(m: Machine, op: scf.If, condition: Any) -> tuple[Any, ...]:
    region = op.thenRegion if condition else op.elseRegion
    return tuple(m.block(region.block)) if region.blocks else ()


@emulates(scf.While)
def while_(m: Machine, op: scf.While, *inits: Any) -> tuple[Any, ...]:
    values = list(inits)
    while True:
        condition, *passed = m.block(op.before.block, values)
        if not condition:
            return tuple(passed)
        values = m.block(op.after.block, passed)


@emulates(scf.Forall)
def forall(m: Machine, op: scf.Forall, *operands: Any) -> None:
    if op.outputs:
        raise Fault("has shared outputs, which kernels do not")
    given = iter(operands)
    low, high, step = (
        [int(next(given)) if n == DYNAMIC else n for n in static]
        for static in (op.staticLowerBound, op.staticUpperBound, op.staticStep)
    )
    turns = list(itertools.product(*map(range, low, high, step)))
    tickets = Tickets()
    m.foralls.append(tickets)
    try:
        ran = list(m.order(len(turns)))
        assert sorted(ran) == list(range(len(turns))), f"an order of {len(turns)} tickets leaves some out"
        for number in ran:
            tickets.now = number
            m.block(op.region.block, turns[number])
    finally:
        m.foralls.pop()

"""Whether a program's memory is there, said before anything runs; and the largest batch that would fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from irc.codegen.memory_plan import MemoryPlan
from irc.codegen.program import lower_program
from irc.codegen.schedule.machine import Machine
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError, OutOfMemoryError
from irc.ir.extents import at
from irc.ir.locations import span_of
from irc.ir.operation import Value
from irc.passes.arguments import DONOR
from irc.passes.extents import Growing, growing, resized
from irc.passes.manager import run_pipeline
from irc.runtime.available import available, readable, user_limit

_MOST_THAT_STAYS = 0.9
"""Where a batch of 1 needs more than this share, it is not the batch that is too big."""

ATTEMPTS = 6
"""How often a smaller budget is tried before a program is refused."""

SHOWN = 5
"""How many source lines an error names."""


class Needs(Protocol):
    """What a program holds: a plan, or what is kept of one."""

    @property
    def total_bytes(self) -> int: ...

    @property
    def new_bytes(self) -> int: ...


@dataclass(frozen=True)
class Limit:
    """`bytes` that a program may hold, and who says so. A limit that was set counts inputs and constants as well, what
    the machine has left does not."""

    bytes: int
    source: str
    everything: bool

    def needed(self, plan: Needs) -> int:
        """What the plan holds of what this limit counts."""
        return plan.total_bytes if self.everything else plan.new_bytes


def limits(given: int | None) -> list[Limit]:
    """The limits that hold: an argument's, else IRC_MEMORY_LIMIT, and what the machine has left."""
    nbytes, source = available()
    found = [Limit(nbytes, source, everything=False)]
    asked = user_limit()
    if given is not None:
        found.insert(0, Limit(given, "memory_limit", everything=True))
    elif asked is not None:
        found.insert(0, Limit(asked, "IRC_MEMORY_LIMIT", everything=True))
    return found


def fits(plan: Needs, limit: int | None) -> bool:
    """Whether what a program needs is there; of one with named sizes that is asked call by call."""
    if not isinstance(plan.total_bytes, int):
        return True
    return all(held.needed(plan) <= held.bytes for held in limits(limit))


def within(
    fused: Module, plan: MemoryPlan, limit: int | None, machine: Machine
) -> tuple[Module, Module, MemoryPlan]:
    """A fused module that does not fit, its kernels and its plan, when steps are run again instead of held: as many as make
    it fit, or as help."""
    held = limits(limit)

    def excess(needs: MemoryPlan) -> int:
        return max(one.needed(needs) - one.bytes for one in held)

    best: tuple[Module, Module, MemoryPlan] | None = None
    budget = plan.new_bytes - excess(plan)
    for left in reversed(range(ATTEMPTS)):
        made = run_pipeline(fused, f"rematerialize{{bytes={max(budget, 0)}}}")
        kernels, needs = lower_program(made, machine=machine)
        if best is None or needs.new_bytes < best[2].new_bytes:
            best = made, kernels, needs
        over = excess(needs)
        if over <= 0 or budget <= 0:
            break
        # Gaps between lives are not counted by the pass: it is asked for less, and in the end for as little as it can.
        budget = budget - max(over, budget // 32) if left > 1 else 0
    assert best is not None
    return best


def check(
    plan: MemoryPlan,
    limit: int | None,
    prepared: Callable[[], Module | None],
    remaining: str,
    before: MemoryPlan | None = None,
) -> None:
    """Raises OutOfMemoryError where the plan does not fit, with the lines that hold most at the peak: of the plan `before`, where
    this one is what running steps again made of it.

    `prepared` gives the module on which `remaining` passes have yet to run, for which the largest batch is looked for. Of a
    plan over named sizes nothing is asked: see `admit`."""
    if not isinstance(plan.total_bytes, int):
        return
    for held in limits(limit):
        if held.needed(plan) > held.bytes:
            raise _refusal(before or plan, held, prepared(), remaining, plan)


def admit(plan: Needs, sizes: Mapping[str, int], limit: int | None) -> None:
    """Raises OutOfMemoryError where a call for these sizes does not fit, with the lines that hold most where they are known."""
    for held in limits(limit):
        if at(held.needed(plan), sizes) > held.bytes:
            found = plan.at(sizes) if isinstance(plan, MemoryPlan) else None
            notes = [", ".join(f"{name} = {n}" for name, n in sizes.items())]
            if found is not None:
                notes += [f"{readable(n):>12}  {where}" for where, _, n in found.holders(found.peak)[:SHOWN]]
            raise OutOfMemoryError(
                f"the program needs {readable(at(held.needed(plan), sizes))} of memory for these sizes and may take "
                f"{readable(held.bytes)} ({held.source}); nothing was run",
                notes=tuple(notes),
            )


def _refusal(
    plan: MemoryPlan, limit: Limit, module: Module | None, remaining: str, least: MemoryPlan
) -> OutOfMemoryError:
    peak = plan.peak
    rows = plan.holders(peak)
    notes = [f"held at the peak, step {peak} of {plan.steps}:"]
    notes += [f"{readable(nbytes):>12}  {where}" for where, _, nbytes in rows[:SHOWN]]
    if least.total_bytes < plan.total_bytes:
        notes.append(
            f"with steps run again instead of held it needs {readable(limit.needed(least))}, and no less"
        )
    best = None if module is None else largest(module, remaining, limit)
    notes += [] if best is None else [best]
    span = next((found for _, location, _ in rows if (found := span_of(location))), None)
    message = (
        f"the program needs {readable(limit.needed(plan))} of memory and may take {readable(limit.bytes)} "
        f"({limit.source}); nothing was run"
    )
    return OutOfMemoryError(message, span=span, notes=tuple(notes))


def largest(module: Module, remaining: str, limit: Limit) -> str | None:
    """What to say of the largest batch that fits, found by planning again; None where the program has no such extent."""
    main = module.symbols.get("main")
    if not isinstance(main, Func):
        return None
    batch = batch_of(main)
    if batch is None:
        return None

    def needed(extent: int) -> int | None:
        made = resized(main, batch, extent)
        if made is None:
            return None
        try:
            other = module.with_operations([made if op is main else op for op in module.operations])
            return limit.needed(lower_program(run_pipeline(other, remaining))[1])
        except IrcError:
            return None

    one, now = needed(1), needed(batch.extent)
    if one is None or now is None or one > _MOST_THAT_STAYS * now:
        return None
    names = ", ".join(_name(a) for a in main.arguments if batch.dimensions(a))
    if one > limit.bytes:
        return f"even a batch of 1 (dimension 0 of {names}) needs {readable(one)}"
    low, high = 1, batch.extent
    while high - low > 1:
        middle = (low + high) // 2
        bytes_there = needed(middle)
        low, high = (low, middle) if bytes_there is None or bytes_there > limit.bytes else (middle, high)
    return f"the largest batch that fits is {low} (dimension 0 of {names}; here it is {batch.extent})"


def batch_of(main: Func) -> Growing | None:
    """The extent of an argument's first dimension that most values of the program have, if every argument that has it
    has it first and none of them is given back changed, as weights are; None where there is none."""
    found: dict[Value, None] = {}
    best: Growing | None = None
    for i, argument in enumerate(main.arguments):
        shape = getattr(argument.type, "shape", ())
        if argument in found or not shape or shape[0] is None or shape[0] < 2:
            continue
        batch = growing(main, i)
        if batch is None or any(batch.dimensions(a) not in ([], [0]) for a in main.arguments):
            continue
        if any(
            batch.dimensions(a) and main.argument_attribute(k, DONOR) for k, a in enumerate(main.arguments)
        ):
            continue
        found.update((a, None) for a in main.arguments if batch.dimensions(a))
        if best is None or len(batch.slots) > len(best.slots):
            best = batch
    return best


def _name(argument: Value) -> str:
    return f"%{argument.name}" if argument.name else f"argument {argument.index}"

"""One program for many sizes: a recording that differs from an earlier one only in sizes is compiled once for all of them.

The first size gets code of its own. A second one, of the same structure, makes the extents that differ unknown, and the
program then made serves every size whose recording the formulas give (`irc.passes.extents.general`); one that they do not
give is compiled by itself, and compared with as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from irc import options
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.frontends.recorder.backend import Donations, Executable, cache, compile_program
from irc.frontends.recorder.bounded import Bounded, tell
from irc.frontends.recorder.places import HOME
from irc.passes.extents import General, Number, chosen_by_size, general, skeleton
from irc.passes.manager import run_pipeline

SAMPLES = 4
"""Recordings at different sizes that are remembered for comparison."""
PROGRAMS = 4
"""Programs for every size of one structure; when formulas fail more often than that, each size is compiled by itself."""


@dataclass
class Family:
    """Programs of one structure."""

    samples: list[list[Number]] = field(default_factory=list)
    programs: list[tuple[General, Executable]] = field(default_factory=list)
    is_open: bool = True
    """Whether more programs for every size may be made."""


@dataclass
class Outline:
    """Programs that agree in what is quickly seen; `first` is the first of them, until a second one comes to compare with."""

    first: Module | None


_FAMILIES: Bounded[Family] = cache()
_OUTLINES: Bounded[Outline] = cache()


def compile_sized(
    module: Module,
    donate: Donations = (),
    dynamic: bool | None = None,
    sample: Module | None = None,
    place: str = HOME,
) -> Executable:
    """Compiles @main for a place, or gives the program that serves its sizes. `sample` is the same program at other sizes,
    where that is known before it is met. With `dynamic` False, or IRC_DYNAMIC=0, or on a device, a program is compiled for
    its own sizes alone."""
    if place != HOME:
        return compile_program(module, donate, place)
    if dynamic is False or options.text("IRC_DYNAMIC", "1") == "0":
        return compile_program(module, donate)
    given = tuple(donate.items()) if isinstance(donate, dict) else tuple(donate)
    compared = [sample] if sample is not None else []
    outline = _outline(module), given
    met = _OUTLINES.get(outline)
    if met is None:
        met = _OUTLINES[outline] = Outline(None if compared else module)
        if not compared:
            return compile_program(module, donate)
    if met.first is not None:
        compared.append(met.first)
        met.first = None
    whole, *compared = map(_whole, (module, *compared))
    found = None if chosen_by_size(whole) else skeleton(whole)
    if found is None:
        return compile_program(module, donate)
    structure, numbers = found
    for other in [known for known in map(skeleton, compared) if known is not None]:
        _family(other[0], given).samples.append(other[1])
    family = _family(structure, given)
    for made, executable in family.programs:
        if made.fits(numbers):
            return executable
    return _generalized(family, whole, numbers, donate) or _alone(family, module, numbers, donate)


def _whole(module: Module) -> Module:
    """The module as sizes are compared in it: one function, whose random bits are arithmetic over as many numbers as there
    are elements (an op that draws them says no size that StableHLO could compute)."""
    if len(module.operations) > 1:
        module = run_pipeline(module, "inline")
    draws = any(isinstance(op, hlo.RngBitGenerator) for op in module.walk())
    return run_pipeline(module, "expand{only=random}") if draws else module


def _outline(module: Module) -> tuple[str, ...]:
    """The names of the ops in order: programs of one structure have the same."""
    blocks = [
        block for function in module.operations for region in function.regions for block in region.blocks
    ]
    return tuple([op.name for block in blocks for op in block.operations])


def _family(structure: Any, donated: tuple[Any, ...]) -> Family:
    family = _FAMILIES.get((structure, donated))
    if family is None:
        _FAMILIES[structure, donated] = family = Family()
    return family


def _alone(family: Family, module: Module, numbers: list[Number], donate: Donations) -> Executable:
    family.samples = [*family.samples, numbers][-SAMPLES:]
    return compile_program(module, donate)


def _generalized(
    family: Family, module: Module, numbers: list[Number], donate: Donations
) -> Executable | None:
    """A program for every size, where an earlier recording differs from this one in sizes alone."""
    if not family.is_open:
        return None
    for sample in reversed(family.samples):
        made = general(module, numbers, sample)
        if made is None:
            continue
        try:
            executable = compile_program(made.module, donate)
        except UnsupportedError as refused:
            family.is_open = False
            tell(f"each size is compiled by itself: {refused.message}")
            return None
        family.samples = [*family.samples, numbers][-SAMPLES:]
        family.programs.append((made, executable))
        family.is_open = len(family.programs) < PROGRAMS
        for s in made.sizes:
            tell(
                f"dimension {s.dimension} of input {s.argument} was {s.second} and is {s.first}: compiled for any"
            )
        return executable
    return None

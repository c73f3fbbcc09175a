"""One program for many sizes: a recording that differs from an earlier one only in sizes is compiled once for all of them.

The first size gets code of its own. A second one, of the same structure, makes the extents that differ unknown, and the
program then made serves every size whose recording the formulas give (`irc.passes.extents.general`); one that they do not
give is compiled by itself, and compared with as well."""

from __future__ import annotations

from dataclasses import dataclass, field

from irc import options
from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.frontends.recorder.backend import Donations, Executable, cache, compile_program
from irc.frontends.recorder.bounded import Bounded, tell
from irc.frontends.recorder.places import HOME
from irc.passes.extents import General, Number, chosen_by_size, general, skeleton

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


_FAMILIES: Bounded[Family] = cache()


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
    alone = dynamic is False or options.text("IRC_DYNAMIC", "1") == "0" or chosen_by_size(module)
    found = None if alone else skeleton(module)
    if found is None:
        return compile_program(module, donate)
    structure, numbers = found
    given = tuple(donate.items()) if isinstance(donate, dict) else tuple(donate)
    family = _FAMILIES.get((structure, given))
    if family is None:
        _FAMILIES[structure, given] = family = Family()
    other = skeleton(sample) if sample is not None else None
    if other is not None and other[0] == structure:
        family.samples.append(other[1])
    for made, executable in family.programs:
        if made.fits(numbers):
            return executable
    return _generalized(family, module, numbers, donate) or _alone(family, module, numbers, donate)


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

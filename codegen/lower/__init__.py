"""From fused functions to kernels: `lower_group` picks the lowering by the op that decides the kernel's shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from irc.codegen.lower.contraction import lower_contraction
from irc.codegen.lower.group import KernelGroup
from irc.codegen.lower.loop import lower_loop
from irc.codegen.lower.row import lower_row
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.locations import span_of
from irc.ir.operation import Operation

Lowering = Callable[[Func], KernelGroup]

HEROES: dict[type[Operation], Lowering] = {
    hlo.DotGeneral: lower_contraction,
    hlo.Convolution: lower_contraction,
    hlo.Reduce: lower_row,
}
"""The ops that decide what kind of kernel a function becomes; a function without one is a loop kernel."""


def lower_group(func: Func, in_place: Mapping[int, int] | None = None) -> KernelGroup:
    """The kernels of a fused function. `in_place` maps arguments to the results that take over their buffers.

    Raises UnsupportedError naming the op that has no lowering, at the line it came from."""
    hero = next((op for op in func.block.operations if type(op) in HEROES), None)
    try:
        if hero is not None:
            return HEROES[type(hero)](func)
        return lower_loop(func, in_place)
    except IrcError as error:
        at = hero or func.block.operations[0]
        error.span = error.span or span_of(at.location)
        raise

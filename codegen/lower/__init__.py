"""From fused functions to kernels: `lower_group` picks the lowering by the op that decides the kernel's shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from irc.codegen.lower.attention import is_attention, lower_attention
from irc.codegen.lower.bitcast import is_reshaping_bitcast, lower_bitcast
from irc.codegen.lower.builder import kernel
from irc.codegen.lower.contraction import finishes_at_once, lower_contraction
from irc.codegen.lower.cut import lower_in_two
from irc.codegen.lower.elementwise import has_lowering
from irc.codegen.lower.gather import lower_gather, lower_scatter
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.loop import ROOTS_ONLY, lower_loop
from irc.codegen.lower.row_phases import lower_row
from irc.codegen.lower.sort import lower_sort
from irc.codegen.lower.space import INDEXING, NotAffine
from irc.codegen.lower.window import lower_window
from irc.codegen.lower.winograd import lower_winograd
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.locations import span_of
from irc.ir.operation import Operation
from irc.passes.dot_products.definition import is_dot_product
from irc.passes.pack import is_packed

InPlace = Mapping[int, int]
"""Arguments whose buffer is also that of a result."""
Lowering = Callable[[Func, Machine], KernelGroup]


def _lower_composite(func: Func, machine: Machine = HOST) -> KernelGroup:
    """A composite that a pass has written: a product of packs or of panels, or Winograd's convolution."""
    center = next(op for op in func.block.operations if isinstance(op, hlo.Composite))
    is_sum = is_dot_product(center) or is_packed(center)
    return (lower_contraction if is_sum else lower_winograd)(func, machine)


HEROES: dict[type[Operation], Lowering] = {
    hlo.DotGeneral: lower_contraction,
    hlo.Convolution: lower_contraction,
    hlo.Composite: _lower_composite,
    hlo.Reduce: lower_row,
    hlo.ReduceWindow: lower_window,
    hlo.SelectAndScatter: lower_window,
    hlo.Gather: lower_gather,
    hlo.Sort: lower_sort,
}
"""The ops that decide what kind of kernel a function becomes. They may work in place where `works_in_place` says so."""

_IN_PLACE: dict[type[Operation], Callable[[Func, InPlace, Machine], KernelGroup]] = {
    hlo.Scatter: lower_scatter
}


def works_in_place(func: Func, machine: Machine = HOST) -> bool:
    """Whether the kernel of a function around a hero may write over an argument that only elementwise ops read."""
    if is_attention(func):
        return False
    hero = next(op for op in func.block.operations if type(op) in HEROES)
    is_sum = HEROES[type(hero)] is lower_contraction or is_dot_product(hero) or is_packed(hero)
    return is_sum and finishes_at_once(func, machine)


def lower_group(func: Func, in_place: InPlace | None = None, machine: Machine = HOST) -> KernelGroup:
    """The kernels of a fused function for a machine: a loop kernel where no op of it asks for another kind.

    A value that one kernel cannot both make and use (a reshape of what was moved) is stored between two. Raises
    UnsupportedError naming the op that has no lowering, at the line it came from."""
    if all(0 in v.type.shape for v in func.returned):
        return _nothing(func, machine)
    operations = func.block.operations
    heroes = [op for op in operations if type(op) in HEROES or type(op) in _IN_PLACE]
    # A gather beside another is part of that one's kernel.
    hero = next((op for op in heroes if not isinstance(op, hlo.Gather)), heroes[0] if heroes else None)
    try:
        if is_attention(func):
            return lower_attention(func, machine, lambda part: lower_group(part, None, machine))
        if hero is None:
            return (
                lower_bitcast(func, machine)
                if is_reshaping_bitcast(operations[0])
                else lower_loop(func, in_place or {}, machine)
            )
        if type(hero) in _IN_PLACE:
            return _IN_PLACE[type(hero)](func, in_place or {}, machine)
        return HEROES[type(hero)](func, machine)
    except NotAffine as cut:
        return lower_in_two(func, [cut.value], lambda part: lower_group(part, None, machine))
    except IrcError as error:
        error.span = error.span or span_of((hero or operations[0]).location)
        raise


def _nothing(func: Func, machine: Machine) -> KernelGroup:
    """The kernel of a function whose results have no elements."""
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    return KernelGroup((kernel(func.sym_name, types, lambda b, *_: None, machine, location=func.location),))


PROGRAM = (hlo.Reshape, hlo.Constant, hlo.While, hlo.If, hlo.Case, hlo.OptimizationBarrier, hlo.Return)
"""Ops that are no kernel but part of how the program runs: views, data, control flow."""


def lowering_of(cls: type[Operation]) -> str:
    """How an op class becomes native code, in a few words; "refused" where it has no lowering."""
    if cls in HEROES:
        return f"{HEROES[cls].__name__.removeprefix('lower_')} kernel"
    if cls in _IN_PLACE:
        return f"{_IN_PLACE[cls].__name__.removeprefix('lower_')} kernel"
    if cls in PROGRAM:
        return "part of the program"
    return "loop kernel" if cls in INDEXING or cls in ROOTS_ONLY or has_lowering(cls) else "refused"

"""Special registers (PTX ISA, chapter 10)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from irc.codegen.ptx_interpreter.machine import Dimensions, Machine, Shape, coordinates
from irc.codegen.ptx_interpreter.scalars import Array
from irc.codegen.ptx_interpreter.shadow import WARP

Read = Callable[[Machine], Array]
Extents = Callable[[Shape], Dimensions]


def _one(value: int, dtype: type = np.uint32) -> Array:
    return np.asarray([value], dtype)


def _thread(m: Machine) -> Array:
    return np.arange(m.size) % m.shape.lanes


def _block(m: Machine) -> Array:
    return m.blocks.start + np.arange(m.size) // m.shape.lanes


def _number(of: Read, extents: Extents, axis: int) -> Read:
    return lambda m: coordinates(of(m), extents(m.shape))[axis].astype(np.uint32)


def _extent(extents: Extents, axis: int) -> Read:
    return lambda m: _one(extents(m.shape)[axis])


def _lane(m: Machine) -> Array:
    return (np.arange(m.size) % WARP).astype(np.uint32)


def _mask(of: Callable[[Array, Array], Array]) -> Callable[[Machine], Array]:
    """The mask of lanes that compare so with each lane."""
    bits = np.arange(WARP)[None, :]
    return lambda m: (
        (of(bits, _lane(m)[:, None]) * (np.uint64(1) << bits.astype(np.uint64))).sum(1).astype(np.uint32)
    )


SPECIAL: dict[str, Read] = {
    **{f"%tid.{a}": _number(_thread, lambda s: s.block, n) for n, a in enumerate("xyz")},
    **{f"%ctaid.{a}": _number(_block, lambda s: s.grid, n) for n, a in enumerate("xyz")},
    **{f"%ntid.{a}": _extent(lambda s: s.block, n) for n, a in enumerate("xyz")},
    **{f"%nctaid.{a}": _extent(lambda s: s.grid, n) for n, a in enumerate("xyz")},
    **{f"%cluster_ctaid.{a}": lambda m: _one(0) for a in "xyz"},
    **{f"%cluster_nctaid.{a}": lambda m: _one(1) for a in "xyz"},
    "%cluster_ctarank": lambda m: _one(0),
    "%cluster_nctarank": lambda m: _one(1),
    "%laneid": _lane,
    "%warpid": lambda m: (_thread(m) // WARP).astype(np.uint32),
    "%nwarpid": lambda m: _one(m.shape.lanes // WARP),
    "%lanemask_eq": _mask(np.equal),
    "%lanemask_lt": _mask(np.less),
    "%lanemask_le": _mask(np.less_equal),
    "%lanemask_gt": _mask(np.greater),
    "%lanemask_ge": _mask(np.greater_equal),
    "%dynamic_smem_size": lambda m: _one(m.shared_size - m.symbols.get("", 0)),
    "%total_smem_size": lambda m: _one(m.shared_size),
    "%smid": lambda m: _one(0),
    "%nsmid": lambda m: _one(1),
    "%gridid": lambda m: _one(0, np.uint64),
}
"""Each for all lanes, or for one where all have the same."""

TIMERS = ("%clock", "%clock_hi", "%clock64", "%globaltimer", "%globaltimer_lo", "%globaltimer_hi")
"""What has no meaning here: they count runs of the scheduler."""


def special(m: Machine, name: str) -> Array:
    """A special register, for all lanes or one."""
    if name in TIMERS:
        return _one(m.clocks.now, np.uint64)
    if name not in m.special:
        m.special[name] = SPECIAL[name](m)
    return m.special[name]

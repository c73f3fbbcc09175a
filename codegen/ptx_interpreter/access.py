"""Loads, stores and atomics (PTX ISA, sections 9.7.9.8 and on, and 9.7.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.assembler import Assembler, executes
from irc.codegen.ptx_interpreter.errors import Fault, first
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.memory import LOCAL_WINDOW, SHARED_WINDOW, Region
from irc.codegen.ptx_interpreter.narrow import round_to
from irc.codegen.ptx_interpreter.scalars import RAW, TYPES, Array, as_bits, as_type
from irc.codegen.ptx_interpreter.syntax import (
    Address,
    Instruction,
    Operand,
    Several,
    Symbol,
)

SPACES = (
    "global",
    "shared",
    "shared::cta",
    "shared::cluster",
    "local",
    "const",
    "param",
    "param::entry",
    "param::func",
)
_ORDERED = ("volatile", "relaxed", "acquire", "release", "acq_rel", "seq_cst", "mmio")
"""Accesses that are meant to meet others."""
_VECTORS = {"v2": 2, "v4": 4, "v8": 8}


def space_of(i: Instruction) -> str:
    """The state space an access names: global, shared, local or param; generic where none."""
    space = i.first_of(*SPACES).partition("::")[0]
    return {"const": "global", "": "generic"}.get(space, space)


class Places:
    """Where the active lanes access memory: parts of regions, each with the rows that lie there."""

    def __init__(self, m: Machine, addresses: Array, space: str, width: int, what: str) -> None:
        self.m, self.width, self.what = m, width, what
        self.addresses = addresses
        """[active] or [1]; one address for all lanes stays one for the data."""
        self.parts = self._parts(space)

    def _parts(self, space: str) -> list[tuple[Region, Array | None, Array]]:
        """(region, rows or None for all, byte offsets)."""
        a = self.addresses
        match space:
            case "global":
                found = self.m.memory.groups(a, self.width, self.what)
                return [
                    (r, rows, (a if rows is None else a[rows]).astype(np.int64) - r.address)
                    for r, rows in found
                ]
            case "shared":
                return [(self.m.shared, None, self.shared_offsets(a))]
            case "local":
                return [(self.m.local, None, self._local_offsets(a))]
            case "param":
                return [(self.m.parameters, None, self._inside(a, self.m.parameters.size, "the parameters"))]
        return self._generic()

    def _generic(self) -> list[tuple[Region, Array | None, Array]]:
        windows = np.where(
            self.addresses >= np.uint64(SHARED_WINDOW), 2, self.addresses >= np.uint64(LOCAL_WINDOW)
        )
        names = {0: ("global", 0), 1: ("local", LOCAL_WINDOW), 2: ("shared", SHARED_WINDOW)}
        kinds = np.unique(windows)
        if len(kinds) > 1:
            raise Fault(f"{self.what} reaches several state spaces through generic addresses at once", 0)
        space, base = names[int(kinds[0])]
        self.addresses = self.addresses - np.uint64(base)
        return self._parts(space)

    def _inside(self, offsets: Array, size: int, name: str) -> Array:
        misaligned = (offsets & np.uint64(self.width - 1)) != 0
        if misaligned.any():
            row = first(misaligned)
            raise Fault(
                f"{self.what} of {self.width} bytes is misaligned at byte {int(offsets[row])} of {name}", row
            )
        outside = (offsets > size) | (offsets + np.uint64(self.width) > size)
        if outside.any():
            row = first(outside)
            raise Fault(
                f"{self.what} of {self.width} bytes is out of bounds: byte {int(offsets[row]):#x} of {name}, "
                f"which has {size}",
                row,
            )
        return offsets.astype(np.int64)

    def shared_offsets(self, offsets: Array) -> Array:
        """Offsets in the shared memory of all blocks."""
        inside = self._inside(offsets, self.m.shared_size, "shared memory")
        if len(self.m.blocks) == 1:
            return inside
        return inside + self.m.lanes // self.m.shape.lanes * self.m.shared_stride

    def _local_offsets(self, offsets: Array) -> Array:
        return self._inside(offsets, self.m.local_size, "local memory") + self.m.lanes * self.m.local_size

    def _recorded(self, region: Region, rows: Array | None) -> Array | None:
        """The threads to record; nobody where memory is a thread's own, or nobody writes it."""
        if region is self.m.local or region is self.m.parameters:
            return None
        threads = self.m.numbers()
        return threads if rows is None else threads[rows]

    def load(self, *, record: bool) -> Array:
        """[active] or [1] words, or [.., 2] of 8 bytes."""
        clocks = self.m.clocks
        made: Array | None = None
        for region, rows, offsets in self.parts:
            threads = self._recorded(region, rows) if record and not region.constant else None
            if threads is not None and len(offsets) < len(threads):
                region.load(clocks, np.broadcast_to(offsets, len(threads)), self.width, threads, self.what)
                threads = None
            try:
                words = region.load(clocks, offsets, self.width, threads, self.what)
            except Fault as fault:
                raise _relocated(fault, rows) from None
            if rows is None:
                return words
            if made is None:
                made = np.empty((len(self.addresses), *words.shape[1:]), words.dtype)
            made[rows] = words
        assert made is not None
        return made

    def expect_unwritten(self) -> None:
        """Faults where this launch has written: the read-only path to memory does not see it."""
        for region, rows, offsets in self.parts:
            units = region.shadow.units(offsets, self.width)
            written = region.shadow.writers.touched(units)
            if written is not None:
                row = first(written)
                fault = Fault(
                    f"{self.what} by the read-only path (.nc) reads {region.name}, which this kernel writes",
                    row,
                )
                raise _relocated(fault, rows)

    def store(self, values: Array, *, record: bool) -> None:
        """Values are [active] or [1] words, or [.., 2] of 8 bytes."""
        count = self.m.count
        values = np.broadcast_to(values, (count, *values.shape[1:]))
        for region, rows, offsets in self.parts:
            threads = self._recorded(region, rows) if record else None
            offsets = np.broadcast_to(offsets, count) if rows is None else offsets
            chosen = values if rows is None else values[rows]
            try:
                region.store(self.m.clocks, offsets, self.width, chosen, threads, self.what)
            except Fault as fault:
                raise _relocated(fault, rows) from None


def _relocated(fault: Fault, rows: Array | None) -> Fault:
    if rows is not None and fault.lane is not None:
        fault.lane = int(rows[fault.lane])
    return fault


# Loads and stores.


def _elements(operand: Operand) -> tuple[Operand | None, ...]:
    return operand.elements if isinstance(operand, Several) else (operand,)


def _access_type(i: Instruction, count: int) -> tuple[np.dtype[Any], int]:
    dtype = TYPES[i.type]
    return dtype, dtype.itemsize * count


@executes("ld", "ldu")
def ld(i: Instruction, a: Assembler) -> Step:
    targets = [a.lanes_target(e) for e in _elements(i.operands[0])]
    dtype, width = _access_type(i, len(targets))
    if width > 16:
        raise a.refuse(f"the instruction '{i.opcode}'")
    space, address, what = space_of(i), a.address(i.operands[1]), "a load"
    record, fixed = not i.has(*_ORDERED), i.has("nc")
    if space == "param" and _uniform_address(i.operands[1]):
        return _parameter(a, i, targets, dtype)
    fence = i.has("acquire")

    def step(m: Machine) -> None:
        places = Places(m, m.lanes_of(address(m)), space, width, what)
        if fixed:
            places.expect_unwritten()
        words = places.load(record=record)
        columns = words.view(dtype).reshape(len(words), -1)
        for n, target in enumerate(targets):
            target(m, columns[:, n] if len(targets) == 1 else np.ascontiguousarray(columns[:, n]))
        if fence:
            m.clocks.pass_fence(m.active)

    return step


def _uniform_address(operand: Operand) -> bool:
    return isinstance(operand, Address) and isinstance(operand.base, Symbol)


def _parameter(
    a: Assembler, i: Instruction, targets: list[Callable[[Machine, Array], None]], dtype: np.dtype[Any]
) -> Step:
    """`ld.param` at a place known now; of a device function's parameters, which a thread has for itself, elsewhere."""
    assert isinstance(i.operands[1], Address) and isinstance(i.operands[1].base, Symbol)
    name, offset = i.operands[1].base.name, i.operands[1].offset
    width = dtype.itemsize

    def step(m: Machine) -> None:
        start = m.symbols[name] + offset
        for n, target in enumerate(targets):
            at = start + n * width
            target(m, m.parameters.bytes[at : at + width].view(dtype).copy())

    return step


@executes("st")
def st(i: Instruction, a: Assembler) -> Step:
    elements = _elements(i.operands[1])
    dtype, width = _access_type(i, len(elements))
    if width > 16:
        raise a.refuse(f"the instruction '{i.opcode}'")
    space, address, what = space_of(i), a.address(i.operands[0]), "a store"
    sources = [a.source(e, i.type) for e in elements]
    record = not i.has(*_ORDERED)

    def step(m: Machine) -> None:
        places = Places(m, m.lanes_of(address(m)), space, width, what)
        places.store(_words([m.lanes_of(s(m)) for s in sources], dtype, width), record=record)

    return step


def _words(values: list[Array], dtype: np.dtype[Any], width: int) -> Array:
    """Columns of elements side by side: [n] words, or [n, 2] of 8 bytes."""
    if len(values) == 1:
        return values[0].view(RAW[width]) if dtype.kind != "b" else values[0].astype(np.uint8)
    length = max(v.shape[0] for v in values)
    table = np.empty((length, len(values)), RAW[dtype.itemsize])
    for n, value in enumerate(values):
        table[:, n] = as_bits(value, RAW[dtype.itemsize])
    return table.view(np.uint64) if width == 16 else table.view(RAW[width])[:, 0]


# Atomics: lanes that meet at one address take turns, in their order.

_COMBINE: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add, "min": np.minimum, "max": np.maximum, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "exch": lambda old, new: new,
    "inc": lambda old, top: np.where(old >= top, 0, old + old.dtype.type(1)).astype(old.dtype),
    "dec": lambda old, top: np.where((old == 0) | (old > top), top, old - old.dtype.type(1)).astype(old.dtype),
}  # fmt: skip


@executes("atom", "red")
def atom(i: Instruction, a: Assembler) -> Step:
    if i.name == "red" and i.has("async"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    kind = i.first_of(*_COMBINE, "cas")
    if i.has("v2", "v4"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    result = None if i.name == "red" else a.lanes_target(i.operands[0])
    operands = i.operands if i.name == "red" else i.operands[1:]
    address, space = a.address(operands[0]), space_of(i)
    sources = [a.source(o, i.type) for o in operands[1:]]
    dtype = TYPES[i.type]
    combine = _combine(kind, i.type)
    fence = i.has("acquire", "acq_rel", "seq_cst")

    def step(m: Machine) -> None:
        addresses = m.per_lane(address(m))
        values = [m.per_lane(s(m)) for s in sources]
        old = np.empty(len(addresses), dtype)
        for turn in turns(addresses):
            rows = m.lanes[turn]
            old[turn] = _exchange(m, rows, addresses[turn], space, dtype, combine, [v[turn] for v in values])
        if result is not None:
            result(m, old)
        if fence:
            m.clocks.pass_fence(m.active)

    return step


def _exchange(
    m: Machine, lanes: Array, addresses: Array, space: str, dtype: np.dtype[Any],
    combine: Callable[..., Array], values: list[Array],
) -> Array:  # fmt: skip
    active, whole = m.active, m.whole
    m.active, m.whole = lanes, False
    try:
        places = Places(m, addresses, space, dtype.itemsize, "an atomic")
        old = places.load(record=False).view(dtype)
        places.store(as_type(np.ascontiguousarray(combine(old, *values)), RAW[dtype.itemsize]), record=False)
    finally:
        m.active, m.whole = active, whole
    return old


def _swapped(old: Array, expected: Array, new: Array) -> Array:
    return np.where(old == expected, new, old)


def _combine(kind: str, type: str) -> Callable[..., Array]:
    if kind == "cas":
        return _swapped
    if kind == "add" and type in ("f16", "bf16"):
        dtype = TYPES[type]
        return lambda old, x: (
            round_to(old.astype(np.float64) + x.astype(np.float64), type).astype(np.float32).astype(dtype)
        )
    if kind == "add" and type in ("f16x2", "bf16x2"):
        raise KeyError(type)
    return _COMBINE[kind]


def turns(addresses: Array) -> list[Array]:
    """Rows such that no address comes twice in one turn."""
    order = np.argsort(addresses, kind="stable")
    ordered = addresses[order]
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    if fresh.all():
        return [np.arange(len(addresses))]
    starts = np.flatnonzero(fresh)
    rank = np.arange(len(addresses)) - np.repeat(starts, np.diff([*starts, len(addresses)]))
    by_rank = order[np.argsort(rank, kind="stable")]
    return [np.sort(rows) for rows in np.split(by_rank, np.cumsum(np.bincount(rank))[:-1])]


@executes("fence", "membar")
def fence(i: Instruction, a: Assembler) -> Step:
    """What a fence orders between blocks; inside a block nothing counts but barriers."""
    if not i.has("gl", "gpu", "sys"):
        return lambda m: None
    return lambda m: m.clocks.pass_fence(m.active)


@executes(
    "prefetch",
    "prefetchu",
    "applypriority",
    "discard",
    "createpolicy",
    "griddepcontrol",
    "nanosleep",
    "pmevent",
)
def hint(i: Instruction, a: Assembler) -> Step:
    if i.name == "createpolicy":
        target = a.target(i.operands[0])
        return lambda m: target(m, np.zeros(1, np.uint64))
    return lambda m: None


__all__ = ["Places", "space_of"]

"""The geometry of windows over an operand, with lanes along a dimension that windows do not span."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.elementwise import convert
from irc.codegen.lower.epilogue import Epilogue
from irc.codegen.lower.group import kernel_element
from irc.codegen.lower.narrow_formats import stored
from irc.codegen.lower.view import Access, Counter, View
from irc.dialects import arith, memref, vector
from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.ir.extents import at_most, ceildiv, divides, typical
from irc.ir.operation import Value
from irc.ir.types import VectorType

VECTOR = 16
_SEQUENTIAL = 1 << 16  # elements read in less than some 20 microseconds
_TICKETS = 32

At = dict[int, Index]


@dataclass(frozen=True, slots=True)
class Panel:
    """A run of lanes: where it begins, how wide it is, and whether it reaches past the end."""

    start: Index
    width: int
    is_ragged: bool = False


@dataclass(frozen=True)
class Windows:
    """How windows lie over an operand of shape `shape`; `counts` of them along each dimension."""

    window: Any
    shape: tuple[int, ...]
    counts: tuple[int, ...]
    singly: bool = False
    """No lanes: every window by itself."""

    @cached_property
    def lane(self) -> int | None:
        """The last dimension, if windows neither span nor skip anything along it."""
        d, w = len(self.shape) - 1, self.window
        if self.singly or d < 0 or self.shape[d] == 1:
            return None
        plain = (w.sizes[d], w.strides[d], w.base_dilations[d], w.padding[d]) == (1, 1, 1, (0, 0))
        return d if plain else None

    @cached_property
    def elements(self) -> int:
        return math.prod(self.window.sizes)

    @cached_property
    def positions(self) -> tuple[tuple[int, ...], ...]:
        """The elements of a window in row-major order."""
        return tuple(itertools.product(*(range(n) for n in self.window.sizes)))

    @cached_property
    def checked(self) -> tuple[int, ...]:
        """Dimensions along which some window reaches out of the operand or into a hole."""
        w = self.window
        return tuple(
            d
            for d in range(len(self.shape))
            if w.base_dilations[d] != 1
            or w.padding[d][0] > 0
            or not at_most(
                (self.counts[d] - 1) * w.strides[d] - w.padding[d][0] + self._reach(d) + 1, self.shape[d]
            )
        )

    def _reach(self, d: int) -> int:
        """The distance of a window's last element from its first."""
        return (self.window.sizes[d] - 1) * self.window.window_dilations[d]

    def inside(self, b: KernelBuilder, at: At) -> Value | None:
        """Whether all of the window at `at` lies in the operand; None where that is not worth asking."""
        w, found = self.window, None
        if any(
            w.base_dilations[d] != 1 or not at_most(self._reach(d) + 1, self.shape[d]) for d in self.checked
        ):
            return None
        for d in self.checked:
            start = b.sub(b.mul(at[d], w.strides[d]), w.padding[d][0])
            fits = b.compare("ult", start, self.shape[d] - self._reach(d))
            found = fits if found is None else b.emit(arith.AndI(found, fits))
        return found

    def along(self, b: KernelBuilder, d: int, i: Index, k: Index, checks: bool) -> tuple[Index, Value | None]:
        """Where element `k` of window `i` lies along dimension `d`, and whether there is one (None: there is).

        Where there is none, the place is some element of the operand."""
        w = self.window
        steps = b.sub(b.mul(k, w.window_dilations[d]), w.padding[d][0])
        place = b.add(b.mul(i, w.strides[d]), steps)
        if not checks or d not in self.checked:
            return place, None
        dilation = w.base_dilations[d]
        exists = b.compare("ult", place, (self.shape[d] - 1) * dilation + 1)
        place = b.emit(arith.Select(exists, b.index(place), b.index(0)))
        if dilation == 1:
            return place, exists
        on = b.compare("eq", b.rem(place, dilation), 0)
        return b.div(place, dilation), b.emit(arith.AndI(exists, on))

    def places(
        self, b: KernelBuilder, at: At, elements: Sequence[Sequence[Index]], checks: bool
    ) -> list[tuple[At, Value | None]]:
        """The place in the operand of each of the elements of the window at `at`, and whether there is one."""
        known: dict[tuple[int, Index], tuple[Index, Value | None]] = {}
        found = []
        for k in elements:
            place: At = {}
            exists: Value | None = None
            for d in range(len(self.shape)):
                if (d, k[d]) not in known:
                    known[d, k[d]] = self.along(b, d, at[d], k[d], checks)
                place[d], here = known[d, k[d]]
                if here is not None:
                    exists = here if exists is None else b.emit(arith.AndI(exists, here))
            found.append((place, exists))
        return found

    def around(self, b: KernelBuilder, at: At, k: Sequence[int]) -> tuple[At, Value | None]:
        """The window whose element `k` is the operand's element `at`, and whether there is one (None: there is)."""
        w, window, exists = self.window, {}, None
        for d, count in enumerate(self.counts):
            start = b.add(b.sub(at[d], k[d] * w.window_dilations[d]), w.padding[d][0])
            if (
                w.sizes[d] == 1
                and w.strides[d] == 1
                and d not in self.checked
                and self.counts[d] == self.shape[d]
            ):
                window[d] = start
                continue
            there = b.compare("ult", start, count * w.strides[d])
            if w.strides[d] > 1:
                whole = b.compare("eq", b.rem(start, w.strides[d]), 0)
                there = b.emit(arith.AndI(there, whole))
            window[d] = b.div(start, w.strides[d])
            exists = there if exists is None else b.emit(arith.AndI(exists, there))
        return window, exists

    def width(self, registers: int) -> int:
        """Lanes of a tile of at most `registers` vectors."""
        if self.lane is None:
            return 1
        extent = self.shape[self.lane]
        return (min(registers, -(-extent // VECTOR)) if isinstance(extent, int) else registers) * VECTOR

    def panels(self, b: KernelBuilder, width: int, body: Callable[[KernelBuilder, Panel], None]) -> None:
        """`body` for each run of `width` lanes."""
        if self.lane is None:
            body(b, Panel(0, 1))
            return
        full, tail = divmod(self.shape[self.lane], width)
        if not isinstance(tail, int):
            b.loop(0, full * width, width, lambda b, i: body(b, Panel(i, width)))
            b.branch(b.compare("ne", tail, 0), lambda b: body(b, Panel(full * width, width, True)))
            return
        if full != 0:
            b.loop(0, full * width, width, lambda b, i: body(b, Panel(i, width)))
        if tail:
            body(b, Panel(full * width, -(-tail // VECTOR) * VECTOR, True))

    def dims(self, panel: Panel) -> list[tuple[int | None, int]]:
        """The tile of a panel."""
        return [(self.lane, panel.width)]

    def ragged(self, panel: Panel) -> tuple[int, ...]:
        """The axes along which the panel reaches past the end."""
        return (self.lane,) if panel.is_ragged and self.lane is not None else ()

    def at(self, place: At, panel: Panel) -> At:
        """`place` with the lane dimension at the panel's beginning."""
        return place if self.lane is None else {**place, self.lane: panel.start}


def splat(b: KernelBuilder, value: Value, width: int) -> Value:
    return b.emit(vector.Broadcast(value, result_types=[VectorType((width,), value.type)]))


def choose(b: KernelBuilder, condition: Value | None, x: Value, y: Value) -> Value:
    """`x` where a scalar condition (None: always) holds, else `y`."""
    return x if condition is None else b.emit(arith.Select(condition, x, y))


def in_or_out(b: KernelBuilder, w: Windows, at: At, body: Callable[[KernelBuilder, bool], None]) -> None:
    """`body(b, checks)` with checks only where the window at `at` may leave the operand."""
    inside = w.inside(b, at) if w.checked else None
    if inside is None:
        body(b, bool(w.checked))
    else:
        b.branch(inside, lambda b: body(b, False), lambda b: body(b, True))


def other_views(
    b: KernelBuilder, epilogue: Epilogue, arguments: dict[Value, Value]
) -> tuple[View | Counter, ...]:
    """What an epilogue reads, along the dimensions of its center's result."""
    accesses = [Access(0, epilogue.strides(value, dims)) for value, dims in epilogue.reads]
    return epilogue.readers(b, arguments, accesses, epilogue.shape)


def scalar(b: KernelBuilder, value: Value, arguments: dict[Value, Value], element: Any) -> Value:
    """A scalar of a fused function (an argument or a constant) as `element` in its kernel."""
    if isinstance(value.op, hlo.Constant):
        made = b.constant(
            stored(value.op.value.splat_array, value.type.element), kernel_element(value.type.element)
        )
    elif value in arguments:
        made = b.emit(memref.Load(arguments[value], ()))
    else:
        name = value.op.name if value.op is not None else "argument"
        raise UnsupportedError(
            f"an initial value computed by '{name}' in a window's function is not supported"
        )
    return convert(b, made, value.type.element, element)


def _each_on_grid(
    b: KernelBuilder, w: Windows, body: Callable[[KernelBuilder, At], None], free: Sequence[int]
) -> None:
    bound = [d for d in range(len(w.counts)) if d not in free]

    def along(b: KernelBuilder, at: At, rest: Sequence[int]) -> None:
        if rest:
            b.loop(0, w.counts[rest[0]], 1, lambda b, i: along(b, {**at, rest[0]: i}, rest[1:]))
        else:
            body(b, at)

    b.forall([w.counts[d] for d in free], lambda b, *ids: along(b, dict(zip(free, ids, strict=True)), bound))


def each_position(
    b: KernelBuilder,
    w: Windows,
    work: int,
    body: Callable[[KernelBuilder, At], None],
    free: Sequence[int] | None = None,
) -> None:
    """`body(b, at)` for every window but those along lanes, in row-major order within a ticket.

    Where `work` is large, leading dimensions that are `free` (all, if not given) are cut into tickets, by shape. On a grid
    every place along free dimensions is a ticket."""
    dims = [d for d in range(len(w.counts)) if d != w.lane]
    if b.machine.is_grid:
        _each_on_grid(b, w, body, dims if free is None else free)
        return
    outer = list(itertools.takewhile(lambda d: free is None or d in free, dims))
    if len(outer) == len(dims) and len(dims) > 1:
        outer = outer[:-1]
    total = math.prod(w.counts[d] for d in outer)
    if not isinstance(total, int):
        share = max(1, _SEQUENTIAL * typical(total) // max(typical(work), 1))
    else:
        share = -(-total // _TICKETS) if typical(work) >= _SEQUENTIAL else max(total, 1)

    def along(b: KernelBuilder, at: At, rest: Sequence[int]) -> None:
        if rest:
            b.loop(0, w.counts[rest[0]], 1, lambda b, i: along(b, {**at, rest[0]: i}, rest[1:]))
        else:
            body(b, at)

    def line(b: KernelBuilder, u: Index) -> None:
        at: At = {} if w.lane is None else {w.lane: 0}
        for d in reversed(outer[1:]):
            at[d] = b.rem(u, w.counts[d])
            u = b.div(u, w.counts[d])
        at.update({outer[0]: u} if outer else {})
        along(b, at, dims[len(outer) :])

    def ticket(b: KernelBuilder, t: Index) -> None:
        low = b.mul(t, share)
        high = b.add(low, share)
        b.loop(low, high if divides(share, total) else b.min(high, total), 1, line)

    b.forall((ceildiv(total, share),), ticket)

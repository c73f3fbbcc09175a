"""The reduction tree as code. Elements come from `read`; lanes are a vector (rows) or a small buffer by columns.

One tree, fixed by the number of elements: lane l folds elements l, l + 64, l + 128, ... from the left, then halves of
the lanes are combined: 32, 16, 8, 4, 2, 1. Lanes without an element take no part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.dialects import arith, memref, vector
from irc.ir.operation import Region, Value
from irc.ir.types import MemRefType, VectorType

LANES = 64
BLOCK = 4096
TOGETHER = 4
"""Lanes of a column tree that are folded at once, in registers."""
FEW_TOGETHER = 16
"""The same where a lane has one element, or two: they meet as they are read, and few wait."""

Read = Callable[[KernelBuilder, Index, int], Sequence[Value]]
"""`read(builder, start, width)`: elements start..start+width-1 of every operand, as vectors of that width (or, for
columns, element `start` of every column: width is 1)."""


def fold_rows(b: KernelBuilder, region: Region, read: Read, start: Index, count: int) -> list[Value]:
    """Scalars: the tree over `count` (at most a block) consecutive elements."""
    lanes = list(read(b, start, min(LANES, count)))
    full = count // LANES

    def turn(inner: KernelBuilder, j: Index, *acc: Value) -> Sequence[Value]:
        return apply_region(inner, region, [*acc, *read(inner, inner.add(start, j), LANES)])

    if full > 1:
        lanes = list(b.loop(LANES, full * LANES, LANES, turn, *lanes))
    rest = count % LANES
    if full and rest:
        lanes = _combine_first(b, region, lanes, read(b, b.add(start, full * LANES), rest), rest)
    return halved(b, region, lanes, min(count, LANES))


def halved(b: KernelBuilder, region: Region, lanes: list[Value], live: int) -> list[Value]:
    """Scalars: halves of the vectors' `live` lanes combined until one is left."""
    half = LANES // 2
    while half:
        if live > half:
            upper = [_slice(b, v, half, live - half) for v in lanes]
            lanes = _combine_first(b, region, [_slice(b, v, 0, half) for v in lanes], upper, live - half)
            live = half
        half //= 2
    return [b.emit(vector.Extract(v, (), static_position=(0,))) for v in lanes]


def _slice(b: KernelBuilder, v: Value, at: int, size: int) -> Value:
    if v.type.shape == (size,):
        return v
    return b.emit(vector.ExtractStridedSlice.of(v, (at,), (size,)))


def _combine_first(
    b: KernelBuilder, region: Region, lanes: Sequence[Value], others: Sequence[Value], count: int
) -> list[Value]:
    """The first `count` lanes combined with `others`; the rest as they were."""
    made = apply_region(b, region, [*(_slice(b, v, 0, count) for v in lanes), *others])
    if lanes[0].type.shape == (count,):
        return made
    return [
        b.emit(vector.InsertStridedSlice(m, v, offsets=(0,), strides=(1,)))
        for m, v in zip(made, lanes, strict=True)
    ]


def fold_columns(
    b: KernelBuilder, region: Region, read: Read, start: Index, count: int, together: int = TOGETHER
) -> list[Value]:
    """The tree over `count` (at most a block) elements of many columns at once (or of one, as scalars).

    `together` lanes, which the first halvings bring together, are folded in registers; what they leave is kept in a buffer."""
    if count == 1:
        return list(read(b, start, 1))
    if count < 2 * LANES:
        together = FEW_TOGETHER
    apart = LANES // together
    full, rest = divmod(count, LANES)
    kept, few = divmod(rest, apart)
    lanes: list[Value] = []
    like: list[Value] = []

    def fold(inner: KernelBuilder, lane: Index, longer: int) -> None:
        found = _fold_together(inner, region, read, inner.add(start, lane), together, (full, longer))
        if not lanes:
            like.extend(found)
            lanes.extend(lane_buffer(b, v.type, min(apart, count)) for v in found)
        for buffer, value in zip(lanes, found, strict=True):
            put(inner, buffer, lane, value)

    if few:
        b.loop(0, few, 1, lambda inner, lane: fold(inner, lane, kept + 1))
    if full or kept:
        b.loop(few, apart, 1, lambda inner, lane: fold(inner, lane, kept))
    _halve(b, region, lanes, like, min(apart, count))
    return [get(b, v, 0, f) for v, f in zip(lanes, like, strict=True)]


def _fold_together(
    b: KernelBuilder, region: Region, read: Read, first: Index, together: int, sizes: tuple[int, int]
) -> list[Value]:
    """The lane whose first element is `first` and those it meets in the first halvings, combined. With `sizes` (n, m) lanes
    have n elements, the first m of them one more."""
    apart, (full, longer) = LANES // together, sizes
    lanes: list[list[Value]] = []

    def turn(inner: KernelBuilder, j: Index, *sums: Value) -> list[Value]:
        made: list[Value] = []
        width = len(sums) // together
        for q in range(together):
            more = read(inner, inner.add(inner.add(first, j), q * apart), 1)
            made += apply_region(inner, region, [*sums[q * width : (q + 1) * width], *more])
        return made

    def lane(q: int) -> list[Value]:
        found = lanes[q] if lanes else list(read(b, b.add(first, q * apart), 1))
        if full and q < longer:
            more = read(b, b.add(first, full * LANES + q * apart), 1)
            found = list(apply_region(b, region, [*found, *more]))
        return found

    def tree(q: int, step: int, live: int) -> list[Value]:
        """Lanes q, q + step, ... below `live`, those that are met last combined first."""
        if q + step >= live:
            return lane(q)
        return list(apply_region(b, region, [*tree(q, 2 * step, live), *tree(q + step, 2 * step, live)]))

    if full > 1:
        firsts = [v for q in range(together) for v in read(b, b.add(first, q * apart), 1)]
        flat = b.loop(LANES, full * LANES, LANES, turn, *firsts)
        width = len(flat) // together
        lanes = [list(flat[q * width : (q + 1) * width]) for q in range(together)]
    return tree(0, 1, together if full else longer)


def _halve(
    b: KernelBuilder, region: Region, lanes: Sequence[Value], like: Sequence[Value], live: int
) -> None:
    """Halves the lanes of buffers, of which `live` have a value, down to one."""
    half = LANES // 2
    while half:
        if live > half:
            upper = half

            def halve(inner: KernelBuilder, i: Index, upper: int = upper) -> None:
                values = [get(inner, v, inner.add(i, upper), f) for v, f in zip(lanes, like, strict=True)]
                _into(inner, region, lanes, i, values, like)

            b.loop(0, live - half, 1, halve)
            live = half
        half //= 2


def _into(
    b: KernelBuilder,
    region: Region,
    lanes: Sequence[Value],
    lane: Index,
    values: Sequence[Value],
    like: Sequence[Value],
) -> None:
    before = [get(b, v, lane, f) for v, f in zip(lanes, like, strict=True)]
    for buffer, value in zip(lanes, apply_region(b, region, [*before, *values]), strict=True):
        put(b, buffer, lane, value)


def lane_buffer(b: KernelBuilder, t: Any, lanes: int) -> Value:
    """A buffer of `lanes` values of a type."""
    shape = (lanes, *t.shape) if isinstance(t, VectorType) else (lanes,)
    return b.emit(memref.Alloca((), (), alignment=64, result_types=[MemRefType(shape, arith.element(t))]))


def get(b: KernelBuilder, buffer: Value, lane: Index, like: Value) -> Value:
    """One value of a lane buffer, as wide as `like`."""
    t = like.type
    if isinstance(t, VectorType):
        return b.load(buffer, [lane, *(0 for _ in t.shape)], t)
    return b.load(buffer, [lane])


def put(b: KernelBuilder, buffer: Value, lane: Index, value: Value) -> None:
    """Stores one value into a lane buffer."""
    b.store(value, buffer, [lane, *(0 for _ in getattr(value.type, "shape", ()))])

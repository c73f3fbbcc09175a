"""The reduction tree (`tree.py`) in the threads of a warp: thread l holds lanes l and l + 32, halves meet by shuffles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.tree import LANES
from irc.codegen.schedule.machine import WARP
from irc.dialects import arith, gpu
from irc.ir.operation import Region, Value
from irc.ir.types import FloatType, Type, i32

ReadOne = Callable[[KernelBuilder, Index], Sequence[Value]]
"""`read(builder, at)`: element `at` of every operand, as scalars."""


def lane_id(b: KernelBuilder) -> Value:
    """The thread's place in its warp."""
    return b.emit(gpu.LaneId())


def fold_warp(b: KernelBuilder, region: Region, read: ReadOne, start: Index, count: int) -> list[Value]:
    """Scalars, the same in every thread of the warp: the tree over `count` (at most a block) elements.

    All threads of the warp must come here together."""
    lane = lane_id(b)
    here = b.add(start, lane)
    full, rest = divmod(count, LANES)
    low, high = min(rest, WARP), max(rest - WARP, 0)
    if full:
        first = [*read(b, here), *read(b, b.add(here, WARP))]
        half = len(first) // 2

        def turn(inner: KernelBuilder, j: Index, *acc: Value) -> Sequence[Value]:
            at = inner.add(here, j)
            return [
                *apply_region(inner, region, [*acc[:half], *read(inner, at)]),
                *apply_region(inner, region, [*acc[half:], *read(inner, inner.add(at, WARP))]),
            ]

        sums = b.loop(LANES, full * LANES, LANES, turn, *first)
        at = b.add(here, full * LANES)
        lower = _joined(b, region, sums[:half], read, at, lane, low)
        upper = _joined(b, region, sums[half:], read, b.add(at, WARP), lane, high)
    else:
        lower = _read_below(b, read, here, lane, low)
        upper = _read_below(b, read, b.add(here, WARP), lane, high) if high else []
    live = min(count, LANES)
    if live > WARP:
        lower = where_below(b, lane, live - WARP, WARP, apply_region(b, region, [*lower, *upper]), lower)
    return _across(b, region, lower, lane, min(live, WARP))


def _across(b: KernelBuilder, region: Region, values: Sequence[Value], lane: Value, live: int) -> list[Value]:
    """The halves 16, 8, 4, 2, 1 of the warp's first `live` threads, and the result to all."""
    half = WARP // 2
    while half:
        if live > half:
            others = [shuffle(b, "down", v, half) for v in values]
            made = apply_region(b, region, [*values, *others])
            # Threads from `half` on hold nothing that counts any more.
            values = made if live >= 2 * half else where_below(b, lane, live - half, WARP, made, values)
            live = half
        half //= 2
    return [shuffle(b, "idx", v, 0) for v in values]


def shuffle(b: KernelBuilder, mode: str, value: Value, offset: int) -> Value:
    """The value of another thread of the warp."""
    made = gpu.Shuffle(value, b.constant(offset, i32), b.constant(WARP, i32), mode=mode)
    return b.emit(made)[0]


def _joined(
    b: KernelBuilder,
    region: Region,
    sums: Sequence[Value],
    read: ReadOne,
    at: Index,
    lane: Value,
    threads: int,
) -> list[Value]:
    """The sums, in the first `threads` threads with one more element."""
    if threads == 0:
        return list(sums)
    if threads == WARP:
        return apply_region(b, region, [*sums, *read(b, at)])
    types = [v.type for v in sums]
    more = lambda inner: apply_region(inner, region, [*sums, *read(inner, at)])  # noqa: E731
    return list(b.branch(b.compare("ult", lane, threads), more, lambda _: sums, types))


def _read_below(b: KernelBuilder, read: ReadOne, at: Index, lane: Value, threads: int) -> list[Value]:
    """Elements in the first `threads` threads, zero in the others."""
    if threads == WARP:
        return list(read(b, at))
    # What is read has types that only reading tells: once on the side, for them.
    types = [v.type for v in read(b.nested(), at)]
    zeros = [zero_of(b, t) for t in types]
    return list(
        b.branch(b.compare("ult", lane, threads), lambda inner: read(inner, at), lambda _: zeros, types)
    )


def zero_of(b: KernelBuilder, type: Type) -> Value:
    """Zero of a scalar type."""
    return b.constant(0.0 if isinstance(type, FloatType) else 0, type)


def where_below(
    b: KernelBuilder, number: Value, live: int, all_: int, made: Sequence[Value], kept: Sequence[Value]
) -> list[Value]:
    """`made` in threads whose number, of `all_`, is below `live`, else `kept`."""
    if live >= all_:
        return list(made)
    inside = b.compare("ult", number, live)
    return [b.emit(arith.Select(inside, m, k)) for m, k in zip(made, kept, strict=True)]

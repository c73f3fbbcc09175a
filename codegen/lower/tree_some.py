"""The reduction tree over a number of elements that is known when running, from 1 to a block.

The tree is that of `tree`: how many lanes there are, and how many elements each has, follows from the number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.tree import LANES, Read, get, halved, lane_buffer, put
from irc.ir.operation import Region, Value
from irc.ir.types import VectorType


def fold_some_rows(
    b: KernelBuilder, region: Region, read: Read, start: Index, count: Index, elements: Sequence[Any]
) -> list[Value]:
    """Scalars: the tree over consecutive elements, of these types. From 64 elements on lanes are a vector."""
    buffers = [lane_buffer(b, element, LANES) for element in elements]
    full = b.div(count, LANES)

    def save(inner: KernelBuilder, at: Index, values: Sequence[Value]) -> None:
        for buffer, value in zip(buffers, values, strict=True):
            inner.store(value, buffer, [at])

    def many(inner: KernelBuilder) -> None:
        """A vector of lanes; what is left over joins them one by one."""
        end = inner.mul(full, LANES)

        def turn(b: KernelBuilder, j: Index, *lanes: Value) -> Sequence[Value]:
            return apply_region(b, region, [*lanes, *read(b, b.add(start, j), LANES)])

        def join(b: KernelBuilder, i: Index) -> None:
            lane = b.sub(i, end)
            before = [_lane(b, v, lane) for v in buffers]
            save(b, lane, apply_region(b, region, [*before, *read(b, b.add(start, i), 1)]))

        lanes = inner.loop(LANES, end, LANES, turn, *read(inner, start, LANES))
        save(inner, 0, lanes)
        inner.loop(end, count, 1, join)
        whole = [inner.load(buffer, [0], lane.type) for buffer, lane in zip(buffers, lanes, strict=True)]
        for buffer, value in zip(buffers, halved(inner, region, whole, LANES), strict=True):
            inner.store(value, buffer, [0])

    def few(inner: KernelBuilder) -> None:
        inner.loop(0, count, 1, lambda b, i: save(b, i, read(b, b.add(start, i), 1)))

        def halve(b: KernelBuilder, i: Index, half: int) -> None:
            values = [_lane(b, v, place) for place in (i, b.add(i, half)) for v in buffers]
            save(b, i, apply_region(b, region, values))

        _halve(inner, count, halve)

    b.branch(b.compare("ne", full, 0), many, few)
    return [b.load(buffer, [0]) for buffer in buffers]


def fold_some_columns(
    b: KernelBuilder, region: Region, read: Read, start: Index, count: Index
) -> list[Value]:
    """The tree over elements of many columns at once (or of one, as scalars), lane after lane."""
    like = read(b, start, 1)
    buffers = [lane_buffer(b, v.type, LANES) for v in like]

    def save(inner: KernelBuilder, at: Index, values: Sequence[Value]) -> None:
        for buffer, value in zip(buffers, values, strict=True):
            put(inner, buffer, at, value)

    def fold(inner: KernelBuilder, lane: Index) -> None:
        def turn(b: KernelBuilder, i: Index, *sums: Value) -> Sequence[Value]:
            return apply_region(b, region, [*sums, *read(b, b.add(start, i), 1)])

        first = read(inner, inner.add(start, lane), 1)
        save(inner, lane, inner.loop(inner.add(lane, LANES), count, LANES, turn, *first))

    def halve(inner: KernelBuilder, i: Index, half: int) -> None:
        places = (i, inner.add(i, half))
        values = [get(inner, v, place, f) for place in places for v, f in zip(buffers, like, strict=True)]
        save(inner, i, apply_region(inner, region, values))

    b.loop(0, b.min(count, LANES), 1, fold)
    _halve(b, count, halve)
    return [get(b, v, 0, f) for v, f in zip(buffers, like, strict=True)]


def _halve(b: KernelBuilder, count: Index, halve: Callable[[KernelBuilder, Index, int], None]) -> None:
    """Combines halves of the lanes of so many elements, down to one."""
    live, half = b.min(count, LANES), LANES // 2
    while half:
        b.loop(0, b.max(b.sub(live, half), 0), 1, lambda inner, i, half=half: halve(inner, i, half))
        live, half = b.min(live, half), half // 2


def _lane(b: KernelBuilder, buffer: Value, lane: Index) -> Value:
    """One lane as a vector of one element."""
    return b.load(buffer, [lane], VectorType((1,), buffer.type.element))

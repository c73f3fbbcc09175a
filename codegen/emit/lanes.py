"""Lanes between registers: every rearrangement of a tile's elements comes down to `pick`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

from irc.codegen.emit.function import FunctionEmitter
from irc.codegen.emit.held import Held, Scattered, Tile, llvm_type, shape_of, split, vector_type
from irc.ir.types import VectorType

Source = tuple[str, int]
"""A register and its number of lanes."""

Pick = tuple[int, int] | None
"""A source's place in the list and a lane of it; None where any value will do."""


def is_constant(text: str) -> bool:
    """Whether a vector operand is a splat that fits any number of lanes."""
    return text.startswith("splat") or text in ("zeroinitializer", "poison")


def shuffle(e: FunctionEmitter, scalar: str, a: str, b: str, have: int, mask: Sequence[int | None]) -> str:
    """A shufflevector of two registers of `have` lanes; None in the mask is any lane."""
    type_ = vector_type(have, scalar)
    return e.ins(f"shufflevector {type_} {a}, {type_} {b}, {_mask_text(tuple(mask))}")


@functools.cache
def _mask_text(mask: tuple[int | None, ...]) -> str:
    lanes = ", ".join("i32 poison" if m is None else f"i32 {m}" for m in mask)
    return f"<{len(mask)} x i32> <{lanes}>"


def pick(e: FunctionEmitter, scalar: str, sources: Sequence[Source], picks: Sequence[Pick]) -> str:
    """A register whose lanes are lanes of `sources`. What already is one source costs nothing."""
    used = list(dict.fromkeys(p[0] for p in picks if p is not None))
    if not used:
        return "poison"
    text, have = sources[used[0]]
    if len(used) == 1:
        same = have == len(picks) and all(p is None or p[1] == i for i, p in enumerate(picks))
        if same or is_constant(text):
            return text
        return shuffle(e, scalar, text, "poison", have, [None if p is None else p[1] for p in picks])
    made = _pick_two(e, scalar, sources, picks, used[0], used[1])
    for number in used[2:]:
        merged: list[Pick] = [(0, i) for i in range(len(picks))]
        merged = [(1, p[1]) if p and p[0] == number else m for m, p in zip(merged, picks, strict=True)]
        made = _pick_two(e, scalar, [(made, len(picks)), sources[number]], merged, 0, 1)
    return made


def _pick_two(
    e: FunctionEmitter, scalar: str, sources: Sequence[Source], picks: Sequence[Pick], one: int, two: int
) -> str:
    have = max(sources[one][1], sources[two][1])
    a, b = (_widened(e, scalar, *sources[n], have) for n in (one, two))
    places = {one: 0, two: have}
    return shuffle(
        e, scalar, a, b, have, [places[p[0]] + p[1] if p and p[0] in places else None for p in picks]
    )


def _widened(e: FunctionEmitter, scalar: str, text: str, have: int, want: int) -> str:
    if have == want or is_constant(text):
        return text
    return shuffle(e, scalar, text, "poison", have, [*range(have), *[None] * (want - have)])


@functools.cache
def places(extent: int, lanes: int) -> tuple[tuple[int, int], ...]:
    """For each element of a row, the piece that holds it and its lane there."""
    return tuple((p, i) for p, n in enumerate(split(extent, lanes)) for i in range(n))


def row(e: FunctionEmitter, tile: Tile, number: int) -> list[Source]:
    """The pieces of a row, the rows counted over all leading dimensions."""
    pieces = split(shape_of(tile.type)[-1], e.lanes)
    at = number * len(pieces)
    return list(zip(tile.registers[at : at + len(pieces)], pieces, strict=True))


def regrouped(e: FunctionEmitter, scalar: str, sources: Sequence[Source], picks: Sequence[Pick]) -> list[str]:
    """The pieces of a new row whose elements are `picks`."""
    out, at = [], 0
    for n in split(len(picks), e.lanes):
        out.append(pick(e, scalar, sources, picks[at : at + n]))
        at += n
    return out


def row_slice(e: FunctionEmitter, tile: Tile, number: int, start: int, count: int) -> list[str]:
    """`count` elements of a row from `start`, as the pieces of a row of that many."""
    picks = places(shape_of(tile.type)[-1], e.lanes)[start : start + count]
    return regrouped(e, llvm_type(tile.type.element), row(e, tile, number), picks)


def flat_sources(e: FunctionEmitter, tile: Tile) -> tuple[list[Source], list[tuple[int, int]]]:
    """All pieces of a tile, and the place of each element in row-major order."""
    pieces = split(shape_of(tile.type)[-1], e.lanes)
    count = len(tile.registers) // len(pieces)
    sources = list(zip(tile.registers, pieces * count, strict=True))
    found = [
        (r * len(pieces) + p, lane)
        for r in range(count)
        for p, lane in places(shape_of(tile.type)[-1], e.lanes)
    ]
    return sources, found


def one_lane(e: FunctionEmitter, scalar: str, source: Source, lane: int) -> str:
    """A scalar out of a register, or out of the text of a constant."""
    text, lanes = source
    if text.startswith("splat ("):
        return text[len("splat (") : -1].partition(" ")[2]
    if text == "poison":
        return text
    return e.ins(f"extractelement {vector_type(lanes, scalar)} {text}, i64 {lane}")


def element_of(e: FunctionEmitter, held: Held, position: Sequence[int]) -> str:
    """One element of a vector, as a scalar."""
    assert isinstance(held, Tile | Scattered)
    shape = shape_of(held.type)
    flat = 0
    for extent, i in zip(shape, position, strict=True):
        flat = flat * extent + i
    if isinstance(held, Scattered):
        return held.elements[flat]
    piece, lane = places(shape[-1], e.lanes)[flat % shape[-1]]
    return one_lane(e, llvm_type(held.type.element), row(e, held, flat // shape[-1])[piece], lane)


def leading(type_: VectorType) -> Iterator[tuple[int, ...]]:
    """The positions of a tile's rows, in order."""
    return itertools.product(*(range(n) for n in shape_of(type_)[:-1]))

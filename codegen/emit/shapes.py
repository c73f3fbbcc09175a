"""Tiles cut, joined, repeated and turned: registers change hands, and lanes move only where they must."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from irc.codegen.emit.function import FunctionEmitter, emits, refuse
from irc.codegen.emit.held import Tile, literal, llvm_type, shape_of, split, vector_type
from irc.codegen.emit.lanes import (
    Pick,
    Source,
    element_of,
    flat_sources,
    leading,
    pick,
    places,
    regrouped,
    row,
    row_slice,
    shuffle,
)
from irc.codegen.emit.memref import splat
from irc.dialects import vector
from irc.ir.types import VectorType


def _strides(shape: Sequence[int]) -> list[int]:
    """Rows between neighbours along each leading dimension."""
    steps = [1]
    for extent in reversed(shape[1:-1]):
        steps.append(steps[-1] * extent)
    return steps[::-1][: len(shape) - 1]


def row_number(type_: VectorType, position: Sequence[int]) -> int:
    """Which row of a tile is at a position of its leading dimensions."""
    return sum(i * s for i, s in zip(position, _strides(shape_of(type_)), strict=True))


@emits(vector.Broadcast)
def emit_broadcast(e: FunctionEmitter, op: vector.Broadcast) -> None:
    type_, source = op.vector.type, op.source.type
    scalar = llvm_type(type_.element)
    if not isinstance(source, VectorType):
        text, made = e.scalar(op.source), {}
        for n in dict.fromkeys(split(shape_of(type_)[-1], e.lanes)):
            made[n] = splat(e, vector_type(n, scalar), scalar, text)
        e.set_tile(op, [made[n] for _ in leading(type_) for n in split(shape_of(type_)[-1], e.lanes)])
        return
    shape = shape_of(source)
    skip = len(shape_of(type_)) - len(shape)
    lines: dict[tuple[int, ...], list[str]] = {}
    registers = []
    for position in leading(type_):
        origin = tuple(0 if n == 1 else i for n, i in zip(shape[:-1], position[skip:], strict=True))
        if origin not in lines:
            lines[origin] = _stretched_row(e, op, origin)
        registers += lines[origin]
    e.set_tile(op, registers)


def _stretched_row(e: FunctionEmitter, op: vector.Broadcast, origin: tuple[int, ...]) -> list[str]:
    """One row of the source, its only element repeated where the result's rows are longer."""
    source, type_ = op.source.type, op.vector.type
    extent = shape_of(type_)[-1]
    if shape_of(source)[-1] == extent:
        return [text for text, _ in row(e, e.tile(op.source), row_number(source, origin))]
    scalar = llvm_type(type_.element)
    text = element_of(e, e.get(op.source), (*origin, 0))
    return [splat(e, vector_type(n, scalar), scalar, text) for n in split(extent, e.lanes)]


@emits(vector.Extract)
def emit_extract(e: FunctionEmitter, op: vector.Extract) -> None:
    position, type_ = op.static_position, op.source.type
    if op.dynamic_position:
        _extract_dynamic(e, op)
    elif len(position) == len(type_.shape):
        e.set(op, element_of(e, e.get(op.source), position or (0,)))
    else:
        tile, shape = e.tile(op.source), shape_of(type_)
        rest = [range(n) for n in shape[len(position) : -1]]
        rows = [row(e, tile, row_number(type_, (*position, *p))) for p in itertools.product(*rest)]
        e.set_tile(op, [text for line in rows for text, _ in line])


def _extract_dynamic(e: FunctionEmitter, op: vector.Extract) -> None:
    registers = e.tile(op.source).registers
    if op.source.type.rank != 1 or len(registers) != 1:
        raise refuse(op, f"vector.extract at an unknown position of {op.source.type}")
    at = e.scalar(op.dynamic_position[0])
    e.set(op, e.ins(f"extractelement {e.types(op.source.type)[0]} {registers[0]}, i64 {at}"))


@emits(vector.Insert)
def emit_insert(e: FunctionEmitter, op: vector.Insert) -> None:
    type_, position = op.dest.type, list(op.static_position)
    registers, shape = list(e.tile(op.dest).registers), shape_of(type_)
    if op.dynamic_position:
        if type_.rank != 1 or len(registers) != 1:
            raise refuse(op, f"vector.insert at an unknown position of {type_}")
        at = e.scalar(op.dynamic_position[0])
        known = literal(at)
        if known is None:
            whole, scalar = e.types(type_)[0], llvm_type(type_.element)
            value = e.scalar(op.valueToStore)
            e.set_tile(op, [e.ins(f"insertelement {whole} {registers[0]}, {scalar} {value}, i64 {at}")])
            return
        position = [known]
    per_row = len(split(shape[-1], e.lanes))
    if len(position) == len(shape):
        piece, lane = places(shape[-1], e.lanes)[position[-1]]
        at_register = row_number(type_, position[:-1]) * per_row + piece
        scalar, value = llvm_type(type_.element), e.scalar(op.valueToStore)
        whole = e.types(type_)[at_register]
        text = f"insertelement {whole} {registers[at_register]}, {scalar} {value}, i64 {lane}"
        registers[at_register] = e.ins(text)
    else:
        inner = e.tile(op.valueToStore).registers
        first = row_number(type_, (*position, *[0] * (len(shape) - 1 - len(position)))) * per_row
        registers[first : first + len(inner)] = inner
    e.set_tile(op, registers)


@emits(vector.ExtractStridedSlice)
def emit_slice(e: FunctionEmitter, op: vector.ExtractStridedSlice) -> None:
    tile, shape = e.tile(op.source), shape_of(op.source.type)
    _unit_strides(op)
    offsets = [*op.offsets, *[0] * (len(shape) - len(op.offsets))]
    sizes = shape_of(op.result.type)
    registers = []
    for position in leading(op.result.type):
        number = row_number(tile.type, [o + i for o, i in zip(offsets, position, strict=False)])
        registers += row_slice(e, tile, number, offsets[-1], sizes[-1])
    e.set_tile(op, registers)


@emits(vector.InsertStridedSlice)
def emit_insert_slice(e: FunctionEmitter, op: vector.InsertStridedSlice) -> None:
    _unit_strides(op)
    tile, part = e.tile(op.dest), e.tile(op.valueToStore)
    shape, inner = shape_of(tile.type), shape_of(part.type)
    offsets, outer = op.offsets, len(shape) - len(inner)
    scalar, per_row = llvm_type(tile.type.element), len(split(shape[-1], e.lanes))
    registers = list(tile.registers)
    for number, position in enumerate(leading(part.type)):
        moved = [o + i for o, i in zip(offsets, (*[0] * outer, *position), strict=False)]
        target = row_number(tile.type, moved)
        old, new = row(e, tile, target), row(e, part, number)
        picks: list[Pick] = list(places(shape[-1], e.lanes))
        for i, (piece, lane) in enumerate(places(inner[-1], e.lanes)):
            picks[offsets[-1] + i] = (len(old) + piece, lane)
        registers[target * per_row : (target + 1) * per_row] = regrouped(e, scalar, [*old, *new], picks)
    e.set_tile(op, registers)


def _unit_strides(op: Any) -> None:
    if any(s != 1 for s in op.strides):
        raise refuse(op, f"{op.name} with strides")


@emits(vector.Shuffle)
def emit_shuffle(e: FunctionEmitter, op: vector.Shuffle) -> None:
    a, b = e.tile(op.v1), e.tile(op.v2)
    first = shape_of(a.type)[0]
    if a.type.rank > 1:
        rows = len(a.registers) // first
        both = [*a.registers, *b.registers]
        e.set_tile(op, [text for m in op.mask for text in both[m * rows : (m + 1) * rows]])
        return
    (sources, found), (others, rest) = flat_sources(e, a), flat_sources(e, b)
    found = [*found, *((s + len(sources), lane) for s, lane in rest)]
    picks: list[Pick] = [None if m < 0 else found[m] for m in op.mask]
    e.set_tile(op, regrouped(e, llvm_type(a.type.element), [*sources, *others], picks))


@emits(vector.ShapeCast)
def emit_shape_cast(e: FunctionEmitter, op: vector.ShapeCast) -> None:
    e.set(op, reshaped(e, e.tile(op.source), op.result.type))


def reshaped(e: FunctionEmitter, tile: Tile, type_: VectorType) -> Tile:
    """The elements of a tile, in row-major order, under another shape."""
    if shape_of(type_)[-1] == shape_of(tile.type)[-1]:
        return Tile(type_, tile.registers)
    sources, found = flat_sources(e, tile)
    scalar, extent = llvm_type(type_.element), shape_of(type_)[-1]
    registers = []
    for at in range(0, len(found), extent):
        registers += regrouped(e, scalar, sources, found[at : at + extent])
    return Tile(type_, tuple(registers))


@emits(vector.BitCast)
def emit_bitcast(e: FunctionEmitter, op: vector.BitCast) -> None:
    """Piece by piece; where the width changes, the pieces are then cut or joined again. What is read for it alone comes from
    memory in the new width."""
    if op.results[0] in e.values:
        return
    tile, type_ = e.tile(op.source), op.result.type
    old, new = tile.type.element.width, type_.element.width
    scalar = llvm_type(type_.element)
    types = e.types(tile.type)
    pieces = split(shape_of(tile.type)[-1], e.lanes)
    if any(n * old % new for n in pieces):
        raise refuse(op, f"vector.bitcast of {tile.type} to {type_}")
    sources: list[Source] = []
    for i, (given, text) in enumerate(zip(types, tile.registers, strict=True)):
        n = pieces[i % len(pieces)] * old // new
        made = vector_type(n, scalar)
        sources.append((text if given == made else e.ins(f"bitcast {given} {text} to {made}"), n))
    found: list[Pick] = [(s, lane) for s, (_, n) in enumerate(sources) for lane in range(n)]
    extent = shape_of(type_)[-1]
    registers = []
    for at in range(0, len(found), extent):
        registers += regrouped(e, scalar, sources, found[at : at + extent])
    e.set_tile(op, registers)


@emits(vector.Transpose)
def emit_transpose(e: FunctionEmitter, op: vector.Transpose) -> None:
    e.set(op, transposed(e, e.tile(op.vector), op.permutation))


def transposed(e: FunctionEmitter, tile: Tile, permutation: Sequence[int]) -> Tile:
    """Dimension i of the result is dimension `permutation[i]` of `tile`.

    Where the last dimension stays, only rows change places; else planes of it and the one that becomes last
    are turned, lanes into rows."""
    shape = shape_of(tile.type)
    type_ = VectorType(tuple(shape[p] for p in permutation), tile.type.element)
    last, moved = len(shape) - 1, permutation[-1]
    lines: dict[tuple[int, ...], list[str]] = {}
    if moved == last:
        for position in leading(tile.type):
            lines[position] = [text for text, _ in row(e, tile, row_number(tile.type, position))]
        order = list(permutation[:-1])
        registers = [t for p in leading(type_) for t in lines[_unpermuted(p, order)]]
        return Tile(type_, tuple(registers))
    # A plane is turned once for each position of the other dimensions; its rows are then named by the old
    # last one.
    for others in itertools.product(*(range(n) for a, n in enumerate(shape[:-1]) if a != moved)):
        at = [(*others[:moved], i, *others[moved:]) for i in range(shape[moved])]
        rows = [row(e, tile, row_number(tile.type, p)) for p in at]
        for lane, line in enumerate(turned(e, llvm_type(type_.element), rows, shape[-1])):
            lines[(*others[:moved], *others[moved:], lane)] = line
    axes = [a for a in range(len(shape)) if a != moved]
    order = [axes.index(p) for p in permutation[:-1]]
    return Tile(type_, tuple(t for p in leading(type_) for t in lines[_unpermuted(p, order)]))


def _unpermuted(position: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """The old position of a new one: entry `order[i]` of it is entry i."""
    old = [0] * len(position)
    for i, axis in enumerate(order):
        old[axis] = position[i]
    return tuple(old)


def turned(e: FunctionEmitter, scalar: str, rows: list[list[Source]], extent: int) -> list[list[str]]:
    """The transpose of a plane given by its rows' pieces: one list of pieces for each of its `extent`
    columns."""
    columns: list[list[str]] = [[] for _ in range(extent)]
    start = 0
    for height in split(len(rows), e.lanes):
        band = rows[start : start + height]
        at = 0
        for p, width in enumerate(split(extent, e.lanes)):
            block = [line[p][0] for line in band]
            for i, text in enumerate(_turned_block(e, scalar, block, width)):
                columns[at + i].append(text)
            at += width
        start += height
    return columns


def _turned_block(e: FunctionEmitter, scalar: str, block: list[str], width: int) -> list[str]:
    """A block of registers transposed in log2(n) rounds: halves, then quarters, ... change places in
    pairs."""
    height = len(block)
    size = 1 << (max(height, width) - 1).bit_length()
    rows = [
        pick(e, scalar, [(t, width)], [(0, i) if i < width else None for i in range(size)]) for t in block
    ]
    rows += ["poison"] * (size - height)
    step = size // 2
    while step:
        for i in range(size):
            if i & step:
                continue
            a, b = rows[i], rows[i + step]
            if a == b == "poison":
                continue
            upper = [j if not j & step else size + j - step for j in range(size)]
            lower = [j + step if not j & step else size + j for j in range(size)]
            rows[i] = shuffle(e, scalar, a, b, size, upper)
            rows[i + step] = shuffle(e, scalar, a, b, size, lower)
        step //= 2
    return [pick(e, scalar, [(rows[i], size)], [(0, j) for j in range(height)]) for i in range(width)]

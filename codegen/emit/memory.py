"""Tiles to and from memory: transfers with bounds, masks and permutations, loads and stores, gather and
scatter."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from irc.codegen.emit.function import FunctionEmitter, emits, refuse, suffix, with_scalar
from irc.codegen.emit.held import (
    Buffer,
    Scattered,
    Tile,
    element_bytes,
    literal,
    llvm_type,
    memory_type,
    shape_of,
    split,
    vector_type,
)
from irc.codegen.emit.lanes import leading, one_lane
from irc.codegen.emit.memref import address, element_at, from_memory, hint, lane_mask, splat, to_memory
from irc.codegen.emit.shapes import transposed
from irc.dialects import vector
from irc.ir.affine import AffineConstant, AffineDim, AffineMapAttr
from irc.ir.operation import Operation, Value
from irc.ir.types import VectorType

Mask = str | bool
"""The lanes of a piece that count: a register of i1, or all (True), or none (False)."""

_FEW = 64  # elements that may be held one by one


@dataclass(frozen=True, slots=True)
class Access:
    """How a tile lies in a buffer: `dims` is the buffer's dimension along each of the tile's, None
    repeats."""

    op: Operation
    buffer: Buffer
    indices: tuple[str, ...]
    type: VectorType
    dims: tuple[int | None, ...]
    in_bounds: tuple[bool, ...]
    mask: tuple[str, ...] | None = None
    align: int = 0
    hint: str = ""

    @property
    def element(self) -> Any:
        return self.buffer.type.element

    def stride(self, axis: int) -> int | None:
        """Elements between neighbours along a dimension of the tile, None where that is no number."""
        dim = self.dims[axis]
        stride = 0 if dim is None else self.buffer.stride(dim)
        return stride if isinstance(stride, int) else None

    def step(self, axis: int) -> int:
        """`stride` along the last dimension of a tile. Raises UnsupportedError where it is no number."""
        found = self.stride(axis)
        if found is None:
            raise refuse(self.op, f"{self.op.name} along a stride that is not known")
        return found


def _access(e: FunctionEmitter, op: Any, tile: VectorType, base: Value, masked: Value | None) -> Access:
    """The access of a transfer op."""
    buffer = e.buffer(base)
    rank, tile_rank = buffer.type.rank, len(shape_of(tile))
    dims: tuple[int | None, ...] = tuple(range(rank - tile_rank, rank))
    if op.permutation_map is not None:
        dims = _map_dims(op, op.permutation_map)
    elif rank < tile_rank:
        raise refuse(op, f"{op.name} of {tile} in {buffer.type}")
    in_bounds = tuple(op.in_bounds) if op.in_bounds is not None else (False,) * len(dims)
    if tile.rank == 0:
        dims, in_bounds = (None,), (True,)
    mask = None
    if masked is not None:
        if dims != tuple(range(rank - tile_rank, rank)):
            raise refuse(op, f"{op.name} with a mask and a permutation")
        mask = e.tile(masked).registers
    return Access(op, buffer, tuple(e.scalars(op.indices)), tile, dims, in_bounds, mask)


def _map_dims(op: Operation, map_: AffineMapAttr) -> tuple[int | None, ...]:
    dims: list[int | None] = []
    for result in map_.results:
        match result:
            case AffineDim(position):
                dims.append(position)
            case AffineConstant(0):
                dims.append(None)
            case _:
                raise refuse(op, f"{op.name} along {map_}")
    return tuple(dims)


# Bounds. Indices are never negative; what lies past the end is read as padding and not written.


def _guard(e: FunctionEmitter, access: Access, position: Sequence[int]) -> Mask:
    """Whether a position of the tile's leading dimensions (or of all) is inside the buffer along them."""
    guard: Mask = True
    for axis, k in enumerate(position):
        dim = access.dims[axis]
        if dim is None or access.in_bounds[axis]:
            continue
        extent, known = access.buffer.size(dim), literal(access.indices[dim])
        if known is not None and isinstance(extent, int):
            if known + k >= extent:
                return False
            continue
        if isinstance(extent, int):
            below = str(extent - k)
        else:
            below = e.ins(f"sub i64 {extent}, {k}") if k else extent
        inside = e.ins(f"icmp slt i64 {access.indices[dim]}, {below}")
        guard = inside if guard is True else e.ins(f"and i1 {guard}, {inside}")
    return guard


def _piece_masks(e: FunctionEmitter, access: Access) -> list[Mask]:
    """For each piece of a row, its lanes inside the buffer along the last dimension."""
    extent = shape_of(access.type)[-1]
    pieces, dim = split(extent, e.lanes), access.dims[-1]
    if dim is None or access.in_bounds[-1]:
        return [True] * len(pieces)
    size, index = access.buffer.size(dim), access.indices[dim]
    known = literal(index)
    starts = list(itertools.accumulate(pieces, initial=0))
    if known is not None and isinstance(size, int):
        return [_constant_mask(n, size - known - at) for n, at in zip(pieces, starts, strict=False)]
    left = e.ins(f"sub i64 {size}, {index}")
    masks: list[Mask] = []
    for n, at in zip(pieces, starts, strict=False):
        masks.append(lane_mask(e, n, e.ins(f"sub i64 {left}, {at}") if at else left))
    return masks


def _constant_mask(lanes: int, below: int) -> Mask:
    if below >= lanes or below <= 0:
        return below > 0
    return _mask_text([i < below for i in range(lanes)])


def _both(e: FunctionEmitter, lanes: int, a: Mask, b: Mask) -> Mask:
    if a is True or b is False:
        return b
    if b is True or a is False:
        return a
    left, right = _constant_lanes(a), _constant_lanes(b)
    if left is not None and right is not None:
        return _mask_text([x and y for x, y in zip(left, right, strict=True)])
    return e.ins(f"and <{lanes} x i1> {a}, {b}")


def _mask_text(lanes: Sequence[bool]) -> str:
    return f"<{', '.join(f'i1 {str(lane).lower()}' for lane in lanes)}>"


def _constant_lanes(mask: Mask) -> list[bool] | None:
    """The lanes of a mask that is written out; None for a register or a splat."""
    if not isinstance(mask, str) or not mask.startswith("<"):
        return None
    return [lane.endswith("true") for lane in mask[1:-1].split(", ")]


def _masks(e: FunctionEmitter, access: Access) -> list[list[Mask]]:
    """The mask of every piece of every row."""
    pieces = split(shape_of(access.type)[-1], e.lanes)
    along = _piece_masks(e, access)
    out = []
    for number, position in enumerate(leading(access.type)):
        guard = _guard(e, access, position)
        line: list[Mask] = []
        for p, n in enumerate(pieces):
            mask = along[p]
            if guard is False:
                mask = False
            elif guard is not True:
                mask = _both(e, n, mask, splat(e, f"<{n} x i1>", "i1", str(guard)))
            if access.mask is not None:
                mask = _both(e, n, mask, access.mask[number * len(pieces) + p])
            line.append(mask)
        out.append(line)
    return out


def _rows(e: FunctionEmitter, access: Access) -> list[tuple[str, int]]:
    """A pointer, and elements after it, where each row begins."""
    pointer, rest = address(e, access.op, access.buffer, access.indices)
    return [_moved(e, access, pointer, rest, position) for position in leading(access.type)]


def _moved(
    e: FunctionEmitter, access: Access, pointer: str, rest: int, position: Sequence[int]
) -> tuple[str, int]:
    """A pointer, and elements after it, where a position of a tile is whose first element is `rest` after `pointer`."""
    for axis, k in enumerate(position):
        stride, dim = access.stride(axis), access.dims[axis]
        if stride is not None:
            rest += k * stride
        elif k and dim is not None:
            text = access.buffer.stride(dim)
            far = str(text) if k == 1 else e.ins(f"mul i64 {text}, {k}")
            pointer = element_at(e, access.element, pointer, far)
    return pointer, rest


# Reading


@emits(vector.TransferRead)
def emit_transfer_read(e: FunctionEmitter, op: vector.TransferRead) -> None:
    access = _access(e, op, op.vector.type, op.base, op.mask)
    cast = _only_cast(e, op)
    if cast is not None and access.stride(-1) == 1:
        e.set(cast, _read_wide(e, access, cast))
        return
    if op.mask is None and _used_singly(e, op):
        e.set(op, _read_singly(e, access, e.scalar(op.padding)))
        return
    order = _memory_order(access)
    if order is None:
        e.set(op, Tile(op.vector.type, tuple(_read(e, access, e.scalar(op.padding)))))
        return
    plain = _reordered(access, order)
    tile = Tile(plain.type, tuple(_read(e, plain, e.scalar(op.padding))))
    e.set(op, transposed(e, tile, [order.index(axis) for axis in range(len(order))]))


def _only_cast(e: FunctionEmitter, op: vector.TransferRead) -> Any:
    """The bitcast to wider elements that alone uses what is read, where whole ones are in bounds."""
    uses = e.module.uses.get(op.results[0], [])
    if len(uses) != 1 or op.mask is not None or not op.in_bounds or not op.in_bounds[-1]:
        return None
    user = uses[0][0]
    wider = isinstance(user, vector.BitCast) and user.result.type.element.width > op.vector.type.element.width
    return user if wider else None


def _read_wide(e: FunctionEmitter, access: Access, cast: Any) -> Tile | Scattered:
    """A tile of narrow neighbours read at once as the wider elements that a bitcast makes of them."""
    type_: VectorType = cast.result.type
    many, scalar = type_.element.width // access.element.width, llvm_type(type_.element)
    align, extent = element_bytes(access.element), shape_of(type_)[-1]
    singly = _used_singly(e, cast)
    pieces = [1] * extent if singly else split(extent, e.lanes)
    pointer, rest = address(e, access.op, access.buffer, access.indices)
    made = []
    for position in leading(access.type):
        guard = _guard(e, access, position)
        start, offset = _moved(e, access, pointer, rest, position)
        for n in pieces:
            register = scalar if singly else vector_type(n, scalar)
            at = element_at(e, access.element, start, offset)
            offset += n * many
            if guard is False:
                made.append("0" if singly else "zeroinitializer")
            elif guard is True:
                made.append(e.ins(f"load {register}, ptr {at}, align {align}"))
            elif singly:
                first = element_at(e, access.element, access.buffer.pointer, access.buffer.type.offset or 0)
                safe = e.ins(f"select i1 {guard}, ptr {at}, ptr {first}")
                text = e.ins(f"load {scalar}, ptr {safe}, align {align}")
                made.append(e.ins(f"select i1 {guard}, {scalar} {text}, {scalar} 0"))
            else:
                mask = (f"<{n} x i1>", splat(e, f"<{n} x i1>", "i1", guard))
                place = (f"ptr align {align}", at)
                name = f"llvm.masked.load.{suffix(register)}.p0"
                made.append(e.call(name, register, place, mask, (register, "zeroinitializer")))
    return Scattered(type_, tuple(made)) if singly else Tile(type_, tuple(made))


def _used_singly(e: FunctionEmitter, op: Operation) -> bool:
    """Whether only single elements of a small tile are used: extracted, or repeated by contractions."""
    uses = e.module.uses.get(op.results[0], [])
    return op.results[0].type.size <= _FEW and bool(uses) and all(_single_use(u, i) for u, i in uses)


def _single_use(user: Operation, operand: int) -> bool:
    if isinstance(user, vector.Contract) and operand < 2:
        maps: Any = user.indexing_maps
        return bool(maps[2].positions) and maps[2].positions[-1] not in maps[operand].positions
    if isinstance(user, vector.Extract):
        return len(user.static_position) == user.source.type.rank and not user.dynamic_position
    return False


def _read_singly(e: FunctionEmitter, access: Access, padding: str) -> Scattered:
    """The elements as scalars; one that may be outside is read from the buffer's first place instead."""
    pointer, rest = address(e, access.op, access.buffer, access.indices)
    first = element_at(e, access.element, access.buffer.pointer, access.buffer.type.offset or 0)
    scalar, elements = llvm_type(access.element), []
    for position in itertools.product(*(range(n) for n in shape_of(access.type))):
        guard = _guard(e, access, position)
        start, offset = _moved(e, access, pointer, rest, position)
        if guard is True:
            elements.append(_load_one(e, access, start, offset))
        elif guard is False:
            elements.append(padding)
        else:
            at = element_at(e, access.element, start, offset)
            safe = e.ins(f"select i1 {guard}, ptr {at}, ptr {first}")
            text = _load_one(e, access, safe, 0)
            elements.append(e.ins(f"select i1 {guard}, {scalar} {text}, {scalar} {padding}"))
    return Scattered(access.type, tuple(elements))


def _load_one(e: FunctionEmitter, access: Access, pointer: str, offset: int) -> str:
    kept, at = memory_type(access.element), element_at(e, access.element, pointer, offset)
    text = e.ins(f"load {kept}, ptr {at}, align {element_bytes(access.element)}{access.hint}")
    return from_memory(e, access.element, kept, text)


def _memory_order(access: Access) -> list[int] | None:
    """The tile's dimensions in the order that puts the contiguous one last, where it is not last already."""
    last = len(access.dims) - 1
    if access.stride(last) in (0, 1):
        return None
    dense = [axis for axis in range(last) if access.stride(axis) == 1]
    if not dense or None in access.dims or access.mask is not None:
        return None
    return [axis for axis in range(last + 1) if axis != dense[0]] + [dense[0]]


def _reordered(access: Access, order: Sequence[int]) -> Access:
    """The same access of the tile with its dimensions in another order."""
    type_ = VectorType(tuple(access.type.shape[a] for a in order), access.type.element)
    dims, in_bounds = tuple(access.dims[a] for a in order), tuple(access.in_bounds[a] for a in order)
    return replace(access, type=type_, dims=dims, in_bounds=in_bounds, mask=None)


def _read(e: FunctionEmitter, access: Access, padding: str) -> list[str]:
    """The registers of a tile."""
    scalar, stride = llvm_type(access.element), access.step(-1)
    registers = []
    for (pointer, rest), masks in zip(_rows(e, access), _masks(e, access), strict=True):
        at = 0
        for n, mask in zip(split(shape_of(access.type)[-1], e.lanes), masks, strict=True):
            if mask is False:
                registers.append(splat(e, vector_type(n, scalar), scalar, padding))
            else:
                registers.append(_read_piece(e, access, pointer, rest + at * stride, n, mask, padding))
            at += n
    return registers


def _read_piece(
    e: FunctionEmitter, access: Access, pointer: str, offset: int, lanes: int, mask: Mask, padding: str
) -> str:
    element, stride = access.element, access.step(-1)
    kept, held = memory_type(element), llvm_type(element)
    register = vector_type(lanes, kept)
    align = access.align or element_bytes(element)
    if mask is True and stride == 1:
        at = element_at(e, element, pointer, offset)
        text = e.ins(f"load {register}, ptr {at}, align {align}{access.hint}")
        return from_memory(e, element, register, text)
    if mask is True:
        places = [offset + i * stride for i in range(lanes)]
        if stride == 0:
            return splat(e, vector_type(lanes, held), held, _load_one(e, access, pointer, offset))
        return e.vector_of([_load_one(e, access, pointer, p) for p in places], held)
    default = _padding(e, element, register, padding)
    at = element_at(e, element, pointer, offset)
    operands = ((f"<{lanes} x i1>", str(mask)), (register, default))
    if stride == 1:
        text = e.call(
            f"llvm.masked.load.{suffix(register)}.p0", register, (f"ptr align {align}", at), *operands
        )
    else:
        pointers = _strided_pointers(e, element, at, lanes, stride)
        text = _gather(e, register, align, pointers, *operands)
    return from_memory(e, element, register, text)


def _padding(e: FunctionEmitter, element: Any, register: str, padding: str) -> str:
    """The scalar `padding` as a register of memory elements."""
    held = llvm_type(element)
    return to_memory(
        e, element, with_scalar(register, held), splat(e, with_scalar(register, held), held, padding)
    )


def _strided_pointers(e: FunctionEmitter, element: Any, pointer: str, lanes: int, stride: int) -> str:
    steps = ", ".join(f"i64 {i * stride}" for i in range(lanes))
    return e.ins(f"getelementptr {memory_type(element)}, ptr {pointer}, <{lanes} x i64> <{steps}>")


def _gather(
    e: FunctionEmitter, register: str, align: int, pointers: str, mask: tuple[str, str], rest: tuple[str, str]
) -> str:
    many = with_scalar(register, "ptr")
    name = f"llvm.masked.gather.{suffix(register)}.{suffix(many)}"
    return e.call(name, register, (f"{many} align {align}", pointers), mask, rest)


# Writing


@emits(vector.TransferWrite)
def emit_transfer_write(e: FunctionEmitter, op: vector.TransferWrite) -> None:
    access = _access(e, op, op.valueToStore.type, op.base, op.mask)
    if None in access.dims and op.valueToStore.type.rank:
        raise refuse(op, "vector.transfer_write along a dimension that is not the buffer's")
    tile, order = e.tile(op.valueToStore), _memory_order(access)
    if order is not None:
        access = _reordered(access, order)
        tile = transposed(e, tile, order)
    _write(e, access, tile)


def _write(e: FunctionEmitter, access: Access, tile: Tile) -> None:
    stride, registers = access.step(-1) or 1, iter(tile.registers)
    for (pointer, rest), masks in zip(_rows(e, access), _masks(e, access), strict=True):
        at = 0
        for n, mask in zip(split(shape_of(access.type)[-1], e.lanes), masks, strict=True):
            text = next(registers)
            if mask is not False:
                _write_piece(e, access, pointer, rest + at * stride, n, mask, text)
            at += n


def _write_piece(
    e: FunctionEmitter, access: Access, pointer: str, offset: int, lanes: int, mask: Mask, text: str
) -> None:
    element, stride = access.element, access.step(-1) or 1
    kept, held = memory_type(element), llvm_type(element)
    register = vector_type(lanes, kept)
    align = access.align or element_bytes(element)
    if mask is True and stride != 1:
        for i in range(lanes):
            one = to_memory(e, element, held, one_lane(e, held, (text, lanes), i))
            at = element_at(e, element, pointer, offset + i * stride)
            e.do(f"store {kept} {one}, ptr {at}, align {align}")
        return
    known = _constant_lanes(mask)
    if known is not None and sum(known) == 1:
        # LLVM 22 makes this one scalar store too, but of the wide element where the lane is a truncation of it.
        lane = known.index(True)
        one = to_memory(e, element, held, one_lane(e, held, (text, lanes), lane))
        at = element_at(e, element, pointer, offset + lane * stride)
        e.do(f"store {kept} {one}, ptr {at}, align {align}")
        return
    text = to_memory(e, element, vector_type(lanes, held), text)
    at = element_at(e, element, pointer, offset)
    if mask is True:
        e.do(f"store {register} {text}, ptr {at}, align {align}{access.hint}")
        return
    condition = (f"<{lanes} x i1>", str(mask))
    if stride == 1:
        name = f"llvm.masked.store.{suffix(register)}.p0"
        e.call(name, "void", (register, text), (f"ptr align {align}", at), condition)
    else:
        _scatter(e, register, text, align, _strided_pointers(e, element, at, lanes, stride), condition)


def _scatter(
    e: FunctionEmitter, register: str, text: str, align: int, pointers: str, mask: tuple[str, str]
) -> None:
    many = with_scalar(register, "ptr")
    name = f"llvm.masked.scatter.{suffix(register)}.{suffix(many)}"
    e.call(name, "void", (register, text), (f"{many} align {align}", pointers), mask)


# Plain loads and stores


def _plain(e: FunctionEmitter, op: Any, tile: VectorType) -> Access:
    buffer, rank = e.buffer(op.base), len(shape_of(tile))
    if buffer.type.strides and buffer.stride(buffer.type.rank - 1) != 1:
        raise refuse(op, f"{op.name} of {buffer.type}, whose last dimension is not contiguous")
    dims = tuple(range(buffer.type.rank - rank, buffer.type.rank))
    indices = tuple(e.scalars(op.indices))
    return Access(op, buffer, indices, tile, dims, (True,) * rank, None, op.alignment or 0, hint(op))


@emits(vector.Load)
def emit_load(e: FunctionEmitter, op: vector.Load) -> None:
    access = _plain(e, op, op.result.type)
    e.set(op, Tile(op.result.type, tuple(_read(e, access, "poison"))))


@emits(vector.Store)
def emit_store(e: FunctionEmitter, op: vector.Store) -> None:
    _write(e, _plain(e, op, op.valueToStore.type), e.tile(op.valueToStore))


# Gather and scatter


@emits(vector.Gather)
def emit_gather(e: FunctionEmitter, op: vector.Gather) -> None:
    buffer, pointers = _indexed(e, op)
    element = buffer.type.element
    kept, held, align = memory_type(element), llvm_type(element), element_bytes(element)
    masks, rest = e.tile(op.mask).registers, e.tile(op.pass_thru).registers
    registers = []
    for (n, many), mask, default in zip(pointers, masks, rest, strict=True):
        register = vector_type(n, kept)
        other = to_memory(e, element, vector_type(n, held), default)
        text = _gather(e, register, align, many, (f"<{n} x i1>", mask), (register, other))
        registers.append(from_memory(e, element, register, text))
    e.set_tile(op, registers)


@emits(vector.Scatter)
def emit_scatter(e: FunctionEmitter, op: vector.Scatter) -> None:
    buffer, pointers = _indexed(e, op)
    element = buffer.type.element
    kept, held = memory_type(element), llvm_type(element)
    masks, values = e.tile(op.mask).registers, e.tile(op.valueToStore).registers
    for (n, many), mask, value in zip(pointers, masks, values, strict=True):
        text = to_memory(e, element, vector_type(n, held), value)
        _scatter(e, vector_type(n, kept), text, element_bytes(element), many, (f"<{n} x i1>", mask))


def _indexed(e: FunctionEmitter, op: Any) -> tuple[Buffer, list[tuple[int, str]]]:
    """The buffer, and for each piece its lanes and a register of pointers."""
    buffer = e.buffer(op.base)
    pointer, rest = address(e, op, buffer, e.scalars(op.offsets))
    start = element_at(e, buffer.type.element, pointer, rest)
    stride, type_ = buffer.stride(buffer.type.rank - 1), op.indices.type
    scalar, kept = llvm_type(type_.element), memory_type(buffer.type.element)
    pieces = split(shape_of(type_)[-1], e.lanes)
    out = []
    for i, text in enumerate(e.tile(op.indices).registers):
        n = pieces[i % len(pieces)]
        wide = f"<{n} x i64>"
        if scalar != "i64":
            text = e.ins(f"sext <{n} x {scalar}> {text} to {wide}")
        if stride != 1:
            text = e.ins(f"mul {wide} {text}, {splat(e, wide, 'i64', str(stride))}")
        out.append((n, e.ins(f"getelementptr {kept}, ptr {start}, {wide} {text}")))
    return buffer, out

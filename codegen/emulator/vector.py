"""vector: tiles as arrays. What meets in which order is written out for contractions and reductions: it decides the bits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.codegen.emulator.arith import in_f32, maximum, minimum, signed, unsigned
from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.math import fma
from irc.codegen.emulator.memory import Array, Buffer, Fault
from irc.codegen.emulator.memref import numbers
from irc.dialects import vector
from irc.ir.affine import AffineConstant, AffineDim
from irc.ir.attributes import StringAttr
from irc.ir.types import FloatType

# Transfers.


def _dims(op: Any, rank: int, tile_rank: int) -> list[int | None]:
    """The buffer's dimension along each of the tile's; None repeats."""
    if op.permutation_map is None:
        return list(range(rank - tile_rank, rank))
    dims: list[int | None] = []
    for result in op.permutation_map.results:
        match result:
            case AffineDim(position):
                dims.append(position)
            case AffineConstant(0):
                dims.append(None)
            case _:
                raise Fault(f"transfers along {op.permutation_map}")
    return dims


def _transfer(
    op: Any, buffer: Buffer, indices: Sequence[Any], mask: Any, shape: tuple[int, ...]
) -> tuple[list[Array], Array]:
    """The buffer indices of every element of the tile, and which elements take part."""
    dims = _dims(op, len(buffer.sizes), len(shape))
    plain = dims == list(range(len(buffer.sizes) - len(shape), len(buffer.sizes)))
    if mask is not None and not plain:
        raise Fault("has a mask and a permutation, whose order is not settled here")
    in_bounds = op.in_bounds or (False,) * len(shape)
    at = [np.full(shape, i, np.int64) for i in indices]
    live = np.ones(shape, bool) if mask is None else np.array(mask)
    for axis, dim in enumerate(dims):
        if dim is not None:
            at[dim] = at[dim] + np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
            if not in_bounds[axis]:
                live &= at[dim] < buffer.sizes[dim]
    return at, live


@emulates(vector.TransferRead)
def transfer_read(m: Machine, op: vector.TransferRead, buffer: Buffer, *rest: Any) -> Any:
    n = len(op.indices)
    indices, padding, mask = rest[:n], rest[n], rest[n + 1] if len(rest) > n + 1 else None
    at, live = _transfer(op, buffer, indices, mask, op.vector.type.shape)
    tile = np.full(live.shape, padding)
    tile[live] = m.read(buffer, [i[live] for i in at])
    return tile


@emulates(vector.TransferWrite)
def transfer_write(m: Machine, op: vector.TransferWrite, tile: Any, buffer: Buffer, *rest: Any) -> None:
    n = len(op.indices)
    indices, mask = rest[:n], rest[n] if len(rest) > n else None
    at, live = _transfer(op, buffer, indices, mask, tile.shape)
    m.write(buffer, [i[live] for i in at], tile[live])


def _box(op: Any, buffer: Buffer, indices: Sequence[Any], shape: tuple[int, ...]) -> list[Array]:
    """The indices of a plain load or store, whose last dimension must be contiguous."""
    if buffer.strides and buffer.strides[-1] != 1:
        raise Fault(f"takes {buffer}, whose last dimension is not contiguous")
    at = [np.full(shape, i, np.int64) for i in indices]
    for axis in range(len(shape)):
        at[axis - len(shape)] += np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
    if op.alignment and shape:
        known = buffer.alignment(int(buffer.places(at).flat[0]))
        if known % op.alignment:
            raise Fault(
                f"says {op.alignment} bytes of alignment at {list(map(int, indices))} of {buffer}, which has {known}"
            )
    return at


@emulates(vector.Load)
def load(m: Machine, op: vector.Load, buffer: Buffer, *indices: Any) -> Any:
    return m.read(buffer, _box(op, buffer, indices, op.result.type.shape))


@emulates(vector.Store)
def store(m: Machine, op: vector.Store, tile: Any, buffer: Buffer, *indices: Any) -> None:
    m.write(buffer, _box(op, buffer, indices, tile.shape), tile)


@emulates(vector.Gather)
def gather(m: Machine, op: vector.Gather, buffer: Buffer, *rest: Any) -> Any:
    offsets, (lanes, mask, kept) = rest[: len(op.offsets)], rest[len(op.offsets) :]
    at = [np.full(lanes.shape, i, np.int64) for i in offsets]
    at[-1] = at[-1] + lanes
    tile = np.array(kept)
    tile[mask] = m.read(buffer, [i[mask] for i in at])
    return tile


@emulates(vector.Scatter)
def scatter(m: Machine, op: vector.Scatter, buffer: Buffer, *rest: Any) -> None:
    """Lane by lane: where indices meet, the last lane stays."""
    offsets, (lanes, mask, tile) = rest[: len(op.offsets)], rest[len(op.offsets) :]
    for lane, live, value in zip(lanes.flat, mask.flat, tile.flat, strict=True):
        if live:
            m.write(buffer, [*offsets[:-1], offsets[-1] + lane], value)


# Shapes.


@emulates(vector.Broadcast)
def broadcast(m: Machine, op: vector.Broadcast, x: Any) -> Any:
    return np.broadcast_to(x, op.vector.type.shape)


def _position(op: Any, given: Sequence[Any], shape: Sequence[int]) -> tuple[int, ...]:
    position = numbers(op.static_position, given)
    for i, n in zip(position, shape, strict=False):
        if not 0 <= i < n:
            raise Fault(f"names position {list(position)} of a tile of {list(shape)}")
    return position


@emulates(vector.Extract)
def extract(m: Machine, op: vector.Extract, x: Any, *position: Any) -> Any:
    return x[_position(op, position, x.shape)]


@emulates(vector.Insert)
def insert(m: Machine, op: vector.Insert, value: Any, x: Any, *position: Any) -> Any:
    made = np.array(x)
    made[_position(op, position, x.shape)] = value
    return made


@emulates(vector.ExtractStridedSlice)
def extract_slice(m: Machine, op: vector.ExtractStridedSlice, x: Any) -> Any:
    return x[tuple(slice(o, o + n * s, s) for o, n, s in zip(op.offsets, op.sizes, op.strides, strict=True))]


@emulates(vector.InsertStridedSlice)
def insert_slice(m: Machine, op: vector.InsertStridedSlice, part: Any, x: Any) -> Any:
    """The offsets name every dimension of the tile; the part lies along the last ones."""
    made = np.array(x)
    outer = x.ndim - part.ndim
    along = zip(op.offsets[outer:], part.shape, op.strides, strict=True)
    made[(*op.offsets[:outer], *(slice(o, o + n * s, s) for o, n, s in along))] = part
    return made


@emulates(vector.Shuffle)
def shuffle(m: Machine, op: vector.Shuffle, x: Any, y: Any) -> Any:
    if min(op.mask, default=0) < 0:
        raise Fault("leaves a lane open")
    return np.concatenate([x, y])[list(op.mask)]


@emulates(vector.Transpose)
def transpose(m: Machine, op: vector.Transpose, x: Any) -> Any:
    return np.transpose(x, op.permutation)


@emulates(vector.ShapeCast)
def shape_cast(m: Machine, op: vector.ShapeCast, x: Any) -> Any:
    return x.reshape(op.result.type.shape)


@emulates(vector.BitCast)
def bit_cast(m: Machine, op: vector.BitCast, x: Any) -> Any:
    return np.ascontiguousarray(x).view(op.result.type.element.numpy)


@emulates(vector.CreateMask)
def create_mask(m: Machine, op: vector.CreateMask, *sizes: Any) -> Any:
    return _box_mask(op.result.type.shape, sizes)


@emulates(vector.ConstantMask)
def constant_mask(m: Machine, op: vector.ConstantMask) -> Any:
    return _box_mask(op.result.type.shape, op.mask_dim_sizes)


def _box_mask(shape: tuple[int, ...], sizes: Sequence[Any]) -> Array:
    inside = np.ones(shape, bool)
    for index, size in zip(np.indices(shape), sizes, strict=True):
        inside &= index < size
    return inside


@emulates(vector.Step)
def step(m: Machine, op: vector.Step) -> Any:
    return np.arange(op.result.type.size, dtype=np.int64)


# Contraction and reduction.


@emulates(vector.Fma)
def vector_fma(m: Machine, op: vector.Fma, x: Any, y: Any, z: Any) -> Any:
    return in_f32(fma, x, y, z)


@emulates(vector.Contract)
def contract(m: Machine, op: vector.Contract, x: Any, y: Any, acc: Any) -> Any:
    """For every element of the accumulator one fma for each reduction step, steps in increasing order."""
    if op.kind != "add":
        raise Fault(f"is of kind {op.kind}")
    maps = [tuple(map_.positions) for map_ in op.indexing_maps]
    extents: dict[int, int] = {}
    for positions, array in zip(maps, (x, y, acc), strict=True):
        extents.update(zip(positions, np.shape(array), strict=True))
    steps = [d for d, kind in enumerate(op.iterator_types) if kind == "reduction"]
    total = np.array(acc)
    packs = op.attributes.get(vector.PACKS)
    if not isinstance(packs, StringAttr):
        x, y = x.astype(total.dtype), y.astype(total.dtype)
    for at in itertools.product(*(range(extents[d]) for d in steps)):
        now = dict(zip(steps, at, strict=True))
        left, right = (_aligned(a, p, now, maps[2]) for a, p in ((x, maps[0]), (y, maps[1])))
        both = np.broadcast_arrays(left, right, total)
        if isinstance(packs, StringAttr):
            total = _PACKED[packs.value](*both)
        else:
            total = _multiply_add(op.acc.type, *both)
    return total


def _flushed(x: Array) -> Array:
    """Numbers too small to be normal as zeros of their sign."""
    return np.where(np.abs(x) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), x), x)


def _of_floats(x: Array, y: Array, acc: Array) -> Array:
    """What vdpbf16ps does with packs of two bf16."""
    for high in (True, False):
        sides = ((v if high else v << 16) & np.int32(-(1 << 16)) for v in (x, y))
        left, right = (_flushed(np.ascontiguousarray(v).view(np.float32)) for v in sides)
        acc = _flushed(in_f32(fma, left, right, _flushed(acc)))
    return acc


def _of_bytes(x: Array, y: Array, acc: Array) -> Array:
    """What vpdpbusd does with packs of four bytes, those of `x` unsigned."""
    left, right = (np.ascontiguousarray(v)[..., None].view(t) for v, t in ((x, np.uint8), (y, np.int8)))
    with np.errstate(over="ignore"):
        return acc + (left.astype(np.int32) * right.astype(np.int32)).sum(axis=-1, dtype=np.int32)


_PACKED: dict[str, Callable[[Array, Array, Array], Array]] = {
    "bf16": _of_floats,
    "u8s8": _of_bytes,
    "s8u8": lambda x, y, acc: _of_bytes(y, x, acc),
}


def _aligned(array: Array, positions: tuple[int, ...], now: dict[int, int], target: tuple[int, ...]) -> Array:
    """One reduction step of an operand, its dimensions in the accumulator's order, those it lacks of extent 1."""
    array = array[tuple(now.get(p, slice(None)) for p in positions)]
    left = [p for p in positions if p not in now]
    array = np.transpose(array, [left.index(t) for t in target if t in left])
    return array.reshape(
        [array.shape[[t for t in target if t in left].index(t)] if t in left else 1 for t in target]
    )


def _multiply_add(type: Any, x: Array, y: Array, acc: Array) -> Array:
    if isinstance(getattr(type, "element", type), FloatType):
        return in_f32(fma, x, y, acc)
    with np.errstate(over="ignore"):
        return acc + x * y


_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "maximumf": maximum, "minimumf": minimum, "maxnumf": np.fmax, "minnumf": np.fmin,
    "maxsi": np.maximum, "minsi": np.minimum, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "add": np.add, "mul": np.multiply,
    "maxui": lambda x, y: signed(np.maximum(unsigned(x), unsigned(y)), x.dtype),
    "minui": lambda x, y: signed(np.minimum(unsigned(x), unsigned(y)), x.dtype),
}  # fmt: skip


@emulates(vector.MultiReduction)
def multi_reduction(m: Machine, op: vector.MultiReduction, x: Any, acc: Any) -> Any:
    """Dimension by dimension, the first one first: element i meets element i + h, h half the extent rounded up; an odd
    middle element passes alone. The accumulator comes last, on the right."""
    combine = _COMBINE[op.kind]
    for gone, dim in enumerate(sorted(op.reduction_dims)):
        x = np.moveaxis(x, dim - gone, 0)
        while x.shape[0] > 1:
            half = (x.shape[0] + 1) // 2
            met = in_f32(combine, x[: x.shape[0] - half], x[half:])
            x = np.concatenate([met, x[x.shape[0] - half : half]])
        x = x[0]
    return in_f32(combine, x, np.asarray(acc))

"""memref: views change a place in memory, loads and stores go through the machine's checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import LINE, Buffer, Fault, Memory
from irc.dialects import memref
from irc.dialects.memref import DYNAMIC
from irc.ir.attributes import DenseElementsAttr
from irc.ir.types import MemRefType, row_major_strides


def dense(memory: Memory, start: int, sizes: Sequence[int], element: Any) -> Buffer:
    """A row-major buffer from byte `start` of a memory on."""
    strides = row_major_strides(tuple(sizes))
    return Buffer(memory, start, 0, tuple(sizes), strides, element)


def numbers(static: Sequence[int], dynamic: Sequence[Any]) -> tuple[int, ...]:
    """A static list in which DYNAMIC stands for the next operand."""
    operands = iter(dynamic)
    return tuple(int(next(operands)) if n == DYNAMIC else n for n in static)


@emulates(memref.Load)
def load(m: Machine, op: memref.Load, buffer: Buffer, *indices: Any) -> Any:
    return m.read(buffer, indices)


@emulates(memref.Store)
def store(m: Machine, op: memref.Store, value: Any, buffer: Buffer, *indices: Any) -> None:
    m.write(buffer, indices, value)


@emulates(memref.ExtractAlignedPointerAsIndex)
def address(m: Machine, op: memref.ExtractAlignedPointerAsIndex, buffer: Buffer) -> Any:
    """Every memory begins at a multiple of any alignment."""
    return np.int64(buffer.start)


@emulates(memref.Alloca)
def alloca(m: Machine, op: memref.Alloca, *sizes: Any) -> Buffer:
    """Fresh memory each time it is reached: what an earlier turn of a loop left there may not be read."""
    type: MemRefType = op.memref.type
    extents = iter(sizes)
    shape = tuple(n if isinstance(n, int) else int(next(extents)) for n in type.shape)
    size = int(np.prod(shape, dtype=np.int64)) * type.element.numpy.itemsize
    return dense(Memory("a buffer on the stack", size, op.alignment or LINE), 0, shape, type.element)


@emulates(memref.View)
def view(m: Machine, op: memref.View, source: Buffer, shift: Any, *sizes: Any) -> Buffer:
    type: MemRefType = op.view.type
    extents = iter(sizes)
    shape = tuple(n if isinstance(n, int) else int(next(extents)) for n in type.shape)
    start, size = source.start + int(shift), int(np.prod(shape, dtype=np.int64)) * type.element.numpy.itemsize
    if shift < 0 or int(shift) + size > source.sizes[0]:
        raise Fault(f"sees bytes {shift} to {int(shift) + size}, outside {source}")
    if start % type.element.numpy.itemsize:
        raise Fault(f"sees {type} at byte {start}, misaligned for its elements")
    return dense(source.memory, start, shape, type.element)


@emulates(memref.ReinterpretCast)
def reinterpret_cast(m: Machine, op: memref.ReinterpretCast, source: Buffer, *operands: Any) -> Buffer:
    """The offset is the result's own: it counts from where the source's memory starts, not from its first element."""
    n, k = len(op.offsets), len(op.sizes)
    (offset,) = numbers(op.static_offsets, operands[:n])
    sizes = numbers(op.static_sizes, operands[n : n + k])
    strides = numbers(op.static_strides, operands[n + k :])
    return replace(source, offset=offset, sizes=sizes, strides=strides)


@emulates(memref.SubView)
def subview(m: Machine, op: memref.SubView, source: Buffer, *operands: Any) -> Buffer:
    n, k = len(op.offsets), len(op.sizes)
    offsets = numbers(op.static_offsets, operands[:n])
    sizes = numbers(op.static_sizes, operands[n : n + k])
    steps = numbers(op.static_strides, operands[n + k :])
    for dim, (offset, size, step) in enumerate(zip(offsets, sizes, steps, strict=True)):
        if size and not 0 <= offset <= offset + (size - 1) * step < source.sizes[dim]:
            raise Fault(f"takes {size} from index {offset} by {step} of dimension {dim}, outside {source}")
    offset = source.offset + sum(o * s for o, s in zip(offsets, source.strides, strict=True))
    strides = tuple(s * k for s, k in zip(source.strides, steps, strict=True))
    kept = _kept(sizes, op.result.type.shape)
    return replace(
        source, offset=offset, sizes=tuple(sizes[d] for d in kept), strides=tuple(strides[d] for d in kept)
    )


def _kept(sizes: Sequence[int], shape: Sequence[int | None]) -> list[int]:
    """The dimensions that a rank-reducing result keeps: as many of extent 1 as it lacks are dropped, first ones first."""
    kept: list[int] = []
    surplus = len(sizes) - len(shape)
    for dim, size in enumerate(sizes):
        place = len(kept)
        if size == 1 and surplus and (place == len(shape) or shape[place] != 1):
            surplus -= 1
        else:
            kept.append(dim)
    return kept


@emulates(memref.Cast)
def cast(m: Machine, op: memref.Cast, source: Buffer) -> Buffer:
    return source


@emulates(memref.CollapseShape)
def collapse_shape(m: Machine, op: memref.CollapseShape, source: Buffer) -> Buffer:
    sizes, strides = [], []
    for group in op.reassociation:
        # What has one element has any stride.
        real = [d for d in group if source.sizes[d] != 1] or [group[-1]] if group else []
        for outer, inner in pairwise(real):
            if source.strides[outer] != source.strides[inner] * source.sizes[inner]:
                raise Fault(f"collapses dimensions {list(group)} of {source}, which are apart in memory")
        sizes.append(int(np.prod([source.sizes[d] for d in group], dtype=np.int64)))
        strides.append(source.strides[real[-1]] if real else 1)
    return replace(source, sizes=tuple(sizes), strides=tuple(strides))


@emulates(memref.ExpandShape)
def expand_shape(m: Machine, op: memref.ExpandShape, source: Buffer, *extents: Any) -> Buffer:
    sizes = numbers(op.static_output_shape, extents)
    strides = [0] * len(sizes)
    for dim, group in enumerate(op.reassociation):
        stride = source.strides[dim]
        for d in reversed(group):
            strides[d] = stride
            stride *= sizes[d]
    return replace(source, sizes=sizes, strides=tuple(strides))


@emulates(memref.Dim)
def dim(m: Machine, op: memref.Dim, source: Buffer, index: Any) -> int:
    return source.sizes[int(index)]


@emulates(memref.Prefetch)
def prefetch(m: Machine, op: memref.Prefetch, buffer: Buffer, *indices: Any) -> None:
    """A hint: nothing to do, wherever it points."""


@emulates(memref.GetGlobal)
def get_global(m: Machine, op: memref.GetGlobal) -> Buffer:
    name, type = op.symbol, op.result.type
    if name not in m.globals:
        m.globals[name] = _global(m, name)
    return dense(m.globals[name], 0, type.shape, type.element)


def _global(m: Machine, name: str) -> Memory:
    found = m.symbols.get(name)
    if not isinstance(found, memref.Global):
        raise Fault(f"asks for @{name}, which is no global of the module")
    align, value = found.alignment or LINE, found.initial_value
    if isinstance(value, DenseElementsAttr):
        return Memory.holding(f"@{name}", value.array, align, constant=found.constant is not None)
    return Memory(f"@{name}", found.memref_type.nbytes, align)

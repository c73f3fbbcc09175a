"""nvgpu: asynchronous copies, and products of matrices by a warp."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.codegen.emulator.gpu import thread_of
from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import Array, Buffer
from irc.dialects import nvgpu


def _row(at: tuple[Any, ...], count: int) -> list[Array]:
    """The indices of so many elements along the last dimension."""
    last = int(at[-1]) + np.arange(count)
    return [*(np.full(count, int(i)) for i in at[:-1]), last]


@emulates(nvgpu.DeviceAsyncCopy)
def async_copy(m: Machine, op: nvgpu.DeviceAsyncCopy, dst: Buffer, *operands: Any) -> Any:
    """What is copied counts as written by nobody until it is waited for."""
    thread = thread_of(m)
    n = len(op.dstIndices)
    to, source, rest = operands[:n], operands[n], operands[n + 1 :]
    of = rest[: len(op.srcIndices)]
    count = op.dstElements
    taken = count if op.srcElements is None else int(rest[-1])
    values = np.zeros(count, source.dtype)
    if taken:
        values[:taken] = m.read(source, _row(of, taken))
    m.write(dst, _row(to, count), values)
    places = dst.places([np.asarray(i) for i in _row(to, count)])
    dst.memory.elements(dst.memory.known, dst.dtype)[places] = False
    thread.copies[-1].append((dst.memory, dst.dtype, places))


@emulates(nvgpu.DeviceAsyncCreateGroup)
def async_group(m: Machine, op: nvgpu.DeviceAsyncCreateGroup, *tokens: Any) -> Any:
    thread_of(m).copies.append([])


@emulates(nvgpu.DeviceAsyncWait)
def async_wait(m: Machine, op: nvgpu.DeviceAsyncWait, *tokens: Any) -> None:
    """All groups but the last few have arrived: now their bytes are written, by this thread."""
    thread = thread_of(m)
    left = op.numGroups or 0
    while len(thread.copies) - 1 > left:
        for memory, dtype, places in thread.copies.pop(0):
            memory.elements(memory.known, dtype)[places] = True
            for tickets in thread.foralls:
                tickets.write(memory, dtype, places)


# Matrices: lane l holds of each tile the row l // 4, two neighbours of a row in one register.


@emulates(nvgpu.LdMatrix)
def ldmatrix(m: Machine, op: nvgpu.LdMatrix, source: Buffer, *indices: Any) -> Any:
    """Lane l gives the place of row l % 8 of tile l // 8."""
    tiles = op.numTiles
    row = m.read(source, _row(indices, 8)) if thread_of(m).lane < 8 * tiles else None

    def load(rows: list[Any]) -> list[Any]:
        held = np.stack(rows[: 8 * tiles]).reshape(tiles, 8, 8)
        if op.transpose:
            held = held.swapaxes(1, 2)
        return [held[:, n // 4, n % 4 * 2 : n % 4 * 2 + 2] for n in range(len(rows))]

    return thread_of(m).meet(op, True, row, load)


@emulates(nvgpu.MmaSync)
def mma(m: Machine, op: nvgpu.MmaSync, a: Any, b: Any, c: Any) -> Any:
    """Products are exact, sums are made in f64 and rounded once; devices leave their order open."""
    rows, columns, depth = op.mmaShape

    def multiply(given: list[Any]) -> list[Any]:
        left = _gathered([v[0] for v in given], rows, depth)
        right = _gathered([v[1] for v in given], columns, depth)
        sums = _gathered([v[2] for v in given], rows, columns)
        made = left @ right.T + sums
        return [_part(made, n, np.asarray(c)) for n in range(len(given))]

    return thread_of(m).meet(op, True, (a, b, c), multiply)


def _gathered(parts: list[Any], rows: int, columns: int) -> Array:
    """A matrix from the registers of a warp: tiles of 8 rows, those of one column of tiles first."""
    whole = np.zeros((rows, columns))
    width = np.asarray(parts[0]).shape[-1]
    for lane, part in enumerate(parts):
        for number, register in enumerate(np.asarray(part)):
            row, column = _corner(number, rows, width)
            at = column + lane % 4 * width
            whole[row + lane // 4, at : at + width] = register.astype(np.float64)
    return whole


def _part(matrix: Array, lane: int, like: Array) -> Array:
    made = np.empty(like.shape)
    width = like.shape[-1]
    for number in range(len(like)):
        row, column = _corner(number, len(matrix), width)
        at = column + lane % 4 * width
        made[number] = matrix[row + lane // 4, at : at + width]
    return made.astype(np.float32).astype(like.dtype) if like.dtype != np.float64 else made


def _corner(number: int, rows: int, width: int) -> tuple[int, int]:
    """Where the tile of a lane's register begins."""
    tall = rows // 8
    return number % tall * 8, number // tall * 4 * width

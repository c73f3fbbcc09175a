"""ldmatrix, stmatrix and mma.sync: what a warp does with tiles (PTX ISA, section 9.7.14.5).

Lane l holds of a tile the row l // 4; the elements of one register lie side by side. Products are exact and sums are made
in f64 and rounded once: PTX leaves their order open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from irc.codegen.ptx_interpreter.access import Places, space_of
from irc.codegen.ptx_interpreter.assembler import Assembler, Source, Target, executes
from irc.codegen.ptx_interpreter.errors import Fault
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.scalars import Array
from irc.codegen.ptx_interpreter.shadow import WARP
from irc.codegen.ptx_interpreter.syntax import Instruction, Operand, Several

_COUNTS = {"x1": 1, "x2": 2, "x4": 4}


def _registers(operand: Operand) -> tuple[Operand | None, ...]:
    return operand.elements if isinstance(operand, Several) else (operand,)


# Tiles of 8 by 8 elements of 16 bits.


def _rows(m: Machine, address: Source, count: int) -> tuple[Array, Array]:
    """(addresses of the rows of `count` tiles, which of the active lanes give them)."""
    gives = m.lanes % WARP < 8 * count
    return m.per_lane(address(m))[gives], gives


def _check(i: Instruction, a: Assembler) -> int:
    if not i.has("m8n8") or i.type != "b16":
        raise a.refuse(f"the instruction '{i.opcode}'")
    return _COUNTS[i.first_of(*_COUNTS)]


@executes("ldmatrix")
def ldmatrix(i: Instruction, a: Assembler) -> Step:
    count = _check(i, a)
    targets = [a.lanes_target(e) for e in _registers(i.operands[0])]
    address, space, flipped = a.address(i.operands[1]), space_of(i), i.has("trans")

    def step(m: Machine) -> None:
        addresses, gives = _rows(m, address, count)
        loaded: list[Array] = []

        def load(m: Machine) -> None:
            loaded.append(Places(m, addresses, space, 16, "ldmatrix").load(record=True))

        if gives.all():
            load(m)
        else:
            m.within(gives, load)
        tiles = loaded[0].view(np.uint16).reshape(-1, count, 8, 8)
        if flipped:
            tiles = np.ascontiguousarray(tiles.swapaxes(2, 3))
        words = tiles.view(np.uint32).reshape(-1, count, WARP)
        for n, target in enumerate(targets):
            target(m, np.ascontiguousarray(words[:, n]).reshape(-1))

    return step


@executes("stmatrix")
def stmatrix(i: Instruction, a: Assembler) -> Step:
    count = _check(i, a)
    sources = [a.source(e, "b32") for e in _registers(i.operands[1])]
    address, space, flipped = a.address(i.operands[0]), space_of(i), i.has("trans")

    def step(m: Machine) -> None:
        addresses, gives = _rows(m, address, count)
        words = np.stack([m.per_lane(s(m)).reshape(-1, WARP) for s in sources], axis=1)
        tiles = words.view(np.uint16).reshape(-1, count, 8, 8)
        if flipped:
            tiles = tiles.swapaxes(2, 3)
        values = np.ascontiguousarray(tiles).view(np.uint64).reshape(-1, 2)
        m.within(gives, lambda m: Places(m, addresses, space, 16, "stmatrix").store(values, record=True))

    return step


@executes("movmatrix")
def movmatrix(i: Instruction, a: Assembler) -> Step:
    target, source = a.lanes_target(i.operands[0]), a.source(i.operands[1], "b32")

    def step(m: Machine) -> None:
        tiles = np.ascontiguousarray(m.per_lane(source(m))).view(np.uint16).reshape(-1, 8, 8)
        target(m, np.ascontiguousarray(tiles.swapaxes(1, 2)).view(np.uint32).reshape(-1))

    return step


# Products.


@dataclass(frozen=True, slots=True)
class _Element:
    """An operand type: how many share a register, and how bits become f64."""

    together: int
    dtype: np.dtype[Any]
    register: str = "b32"

    def values(self, registers: Array) -> Array:
        """[..., 32] registers as [..., 8, 4 * together] f64 values."""
        if self.together == 1 and self.register == "b32":
            registers = registers & np.uint32(0xFFFFE000)
        elements = np.ascontiguousarray(registers).view(self.dtype)
        shaped = elements.reshape(*registers.shape[:-1], 8, 4 * self.together)
        if self.dtype == ml_dtypes.bfloat16:
            return (
                (shaped.view(np.uint16).astype(np.uint32) << np.uint32(16))
                .view(np.float32)
                .astype(np.float64)
            )
        return shaped.astype(np.float64)


_ELEMENTS = {
    "f16": _Element(2, np.dtype(np.float16)),
    "bf16": _Element(2, np.dtype(ml_dtypes.bfloat16)),
    "tf32": _Element(1, np.dtype(np.float32)),
    "f64": _Element(1, np.dtype(np.float64), "b64"),
    "s8": _Element(4, np.dtype(np.int8)),
    "u8": _Element(4, np.dtype(np.uint8)),
    "e4m3": _Element(4, np.dtype(ml_dtypes.float8_e4m3fn)),
    "e5m2": _Element(4, np.dtype(ml_dtypes.float8_e5m2)),
}


def _left(element: _Element, registers: Array, rows: int) -> Array:
    """[registers, warps, 32] as [warps, rows, k]."""
    halves = rows // 8
    values = element.values(registers)
    blocks = values.reshape(-1, halves, *values.shape[1:])
    return np.ascontiguousarray(blocks.transpose(2, 1, 3, 0, 4)).reshape(values.shape[1], rows, -1)


def _right(element: _Element, registers: Array) -> Array:
    """[registers, warps, 32] as [warps, k, 8]."""
    values = element.values(registers)
    return np.ascontiguousarray(values.transpose(1, 0, 3, 2)).reshape(values.shape[1], -1, 8)


class _Accumulator:
    """How a warp holds the sum, [warps, rows, 8]: two elements of a row a lane, in registers of their own or (f16) in one."""

    def __init__(self, type: str, rows: int) -> None:
        self.rows = rows
        self.packed = type == "f16"
        self.dtype = {"f16": np.float16, "f32": np.float32, "f64": np.float64, "s32": np.int32}[type]
        self.register = "b64" if type == "f64" else "b32"

    def read(self, registers: Array) -> Array:
        values = registers.view(self.dtype)
        warps = registers.shape[1]
        if self.packed:
            return values.reshape(-1, warps, 8, 8).swapaxes(0, 1).reshape(warps, self.rows, 8)
        pairs = values.reshape(-1, 2, warps, 8, 4)
        return pairs.transpose(2, 0, 3, 4, 1).reshape(warps, self.rows, 8)

    def write(self, m: Machine, targets: list[Target], values: Array) -> None:
        warps = len(values)
        if self.packed:
            words = np.ascontiguousarray(values).view(np.uint32).reshape(warps, -1, WARP)
            for n, target in enumerate(targets):
                target(m, np.ascontiguousarray(words[:, n]).reshape(-1))
            return
        pairs = values.reshape(warps, -1, 8, 4, 2)
        for n, target in enumerate(targets):
            target(m, np.ascontiguousarray(pairs[:, n // 2, :, :, n % 2]).reshape(-1))

    def rounded(self, exact: Array) -> Array:
        if self.dtype is np.int32:
            return exact.astype(np.int64).astype(np.int32)
        return exact.astype(self.dtype)


@executes("mma")
def mma(i: Instruction, a: Assembler) -> Step:
    shape = next((re.fullmatch(r"m(\d+)n8k(\d+)", s) for s in i.modifiers if s.startswith("m")), None)
    types = [t for t in i.modifiers if t in _ELEMENTS or t in ("f32", "s32")]
    if shape is None or i.has("sp", "satfinite", "block_scale") or len(types) != 4 or not i.has("row"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    rows, depth = int(shape[1]), int(shape[2])
    left, right = _ELEMENTS[types[1]], _ELEMENTS[types[2]]
    result, start = _Accumulator(types[0], rows), _Accumulator(types[3], rows)
    operands = [_registers(o) for o in i.operands]
    _check_counts(i, a, [len(o) for o in operands], rows, depth, left, result, start)
    targets = [a.lanes_target(e) for e in operands[0]]
    kinds = (left.register, right.register, start.register)
    sources = [[a.source(e, kind) for e in o] for o, kind in zip(operands[1:], kinds, strict=True)]
    a.approximate[i.opcode] = None

    def step(m: Machine) -> None:
        x, y, z = (_stacked(m, group) for group in sources)
        product = np.matmul(_left(left, x, rows), _right(right, y))
        result.write(m, targets, result.rounded(product + start.read(z)))

    return step


def _check_counts(
    i: Instruction, a: Assembler, counts: list[int], rows: int, depth: int, element: _Element,
    result: _Accumulator, start: _Accumulator,
) -> None:  # fmt: skip
    """PTX wants so many registers for a shape."""
    blocks = depth // (4 * element.together)
    wanted = [
        rows // 8 * (1 if result.packed else 2),
        rows // 8 * blocks,
        blocks,
        rows // 8 * (1 if start.packed else 2),
    ]
    if counts != wanted:
        raise a.refuse(f"'{i.opcode}' with {counts} registers instead of {wanted}")


def _stacked(m: Machine, sources: list[Source]) -> Array:
    """[registers, warps, 32]."""
    if m.count % WARP:
        raise Fault("a product of matrices is made by whole warps", 0)
    return np.stack([m.per_lane(s(m)).reshape(-1, WARP) for s in sources])

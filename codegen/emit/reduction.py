"""Contractions and reductions: which elements meet in which order decides the bits, so it is written out
here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from irc.codegen.emit.arith import extremum, float_op, widen_bf16
from irc.codegen.emit.function import FunctionEmitter, emits, refuse, suffix, with_scalar
from irc.codegen.emit.held import Held, Scattered, Tile, llvm_type, shape_of, split, vector_type
from irc.codegen.emit.lanes import Source, element_of, leading, regrouped, row, row_slice
from irc.codegen.emit.memref import splat
from irc.codegen.emit.shapes import row_number, transposed
from irc.dialects import vector
from irc.ir.attributes import StringAttr
from irc.ir.operation import Operation
from irc.ir.types import FloatType, VectorType, bf16


@emits(vector.Fma)
def emit_fma(e: FunctionEmitter, op: vector.Fma) -> None:
    float_op(e, op, lambda t, v: fused(e, t, *v))


def fused(e: FunctionEmitter, register: str, x: str, y: str, z: str) -> str:
    """x * y + z rounded once."""
    return e.call(f"llvm.fma.{suffix(register)}", register, (register, x), (register, y), (register, z))


# Contraction: for every element of the accumulator, one fma for each reduction step, steps in increasing
# order.


@emits(vector.Contract)
def emit_contract(e: FunctionEmitter, op: vector.Contract) -> None:
    maps = [_positions(op, map_) for map_ in op.indexing_maps]
    if op.kind != "add":
        raise refuse(op, f"vector.contract of kind {op.kind}")
    acc_type = op.acc.type
    if not isinstance(acc_type, VectorType) or not maps[2]:
        raise refuse(op, "vector.contract to a scalar: reduce a product instead")
    if acc_type.element is bf16:
        raise refuse(op, "vector.contract that accumulates in bf16")
    packs = op.attributes.get(vector.PACKS)
    if isinstance(packs, StringAttr):
        _PackedContraction(e, op, maps, packs.value).emit()
    else:
        _Contraction(e, op, maps).emit()


def _positions(op: Operation, map_: Any) -> tuple[int, ...]:
    if len(map_.positions) != len(map_.results):
        raise refuse(op, f"vector.contract over {map_}")
    return tuple(map_.positions)


class _Contraction:
    """The last dimension of the accumulator lies along the lanes; all others are unrolled, reductions
    outermost."""

    def __init__(self, e: FunctionEmitter, op: vector.Contract, maps: list[tuple[int, ...]]) -> None:
        self.e, self.op = e, op
        self.lane = maps[2][-1]
        self.acc = e.tile(op.acc)
        self.element = self.acc.type.element
        self.scalar = llvm_type(self.element)
        self.operand = self.scalar
        self.extents: dict[int, int] = {}
        sides = ((op.lhs, maps[0]), (op.rhs, maps[1]), (op.acc, maps[2]))
        for value, positions in sides:
            self.extents.update(zip(positions, shape_of(value.type), strict=True))
        self.maps = maps
        self.sides: list[tuple[Held, tuple[int, ...]]] = [self._lanes_last(*side) for side in sides[:2]]
        self.pieces = split(self.extents[self.lane], e.lanes)
        self.cache: dict[Any, list[str]] = {}

    def _lanes_last(self, value: Any, positions: tuple[int, ...]) -> tuple[Held, tuple[int, ...]]:
        """An operand with the lane dimension last, where it has it."""
        if self.lane not in positions or positions[-1] == self.lane:
            return self.e.get(value) if self.lane not in positions else self.e.tile(value), positions
        order = [i for i, p in enumerate(positions) if p != self.lane] + [positions.index(self.lane)]
        return transposed(self.e, self.e.tile(value), order), tuple(positions[i] for i in order)

    def emit(self) -> None:
        kinds = self.op.iterator_types
        steps = [d for d in range(len(kinds)) if kinds[d] == "reduction"]
        rows = self.maps[2][:-1]
        registers, count = list(self.acc.registers), len(self.pieces)
        for step in itertools.product(*(range(self.extents[d]) for d in steps)):
            at = dict(zip(steps, step, strict=True))
            for number, position in enumerate(itertools.product(*(range(self.extents[d]) for d in rows))):
                at.update(zip(rows, position, strict=True))
                left, right = (self._operand(side, at) for side in range(2))
                for p, n in enumerate(self.pieces):
                    i = number * count + p
                    registers[i] = self._step(vector_type(n, self.scalar), left[p], right[p], registers[i])
        self.e.set_tile(self.op, registers)

    def _operand(self, side: int, at: dict[int, int]) -> list[str]:
        """The registers of an operand at a position: a row of it, or one element in every lane."""
        held, positions = self.sides[side]
        along = self.lane in positions
        position = tuple(at[d] for d in (positions[:-1] if along else positions))
        key = (side, position)
        if key not in self.cache:
            self.cache[key] = self._row(held, position) if along else self._repeated(held, position)
        return self.cache[key]

    def _row(self, held: Held, position: tuple[int, ...]) -> list[str]:
        assert isinstance(held, Tile)
        given = llvm_type(held.type.element)
        line = row(self.e, held, row_number(held.type, position))
        return [self._widened(held.type.element, vector_type(n, given), text) for text, n in line]

    def _repeated(self, held: Held, position: tuple[int, ...]) -> list[str]:
        assert isinstance(held, Tile | Scattered)
        e, element = self.e, held.type.element
        one = self._widened(element, llvm_type(element), element_of(e, held, position))
        made: dict[int, str] = {}
        for n in self.pieces:
            if n not in made:
                made[n] = splat(e, vector_type(n, self.operand), self.operand, one)
        return [made[n] for n in self.pieces]

    def _widened(self, element: Any, register: str, text: str) -> str:
        """An operand's register in the accumulator's element type."""
        if element is self.element:
            return text
        wide = with_scalar(register, self.scalar)
        if element is bf16:
            text, register = widen_bf16(self.e, register, text), with_scalar(register, "float")
        if register == wide:
            return text
        name = "fpext" if isinstance(element, FloatType) else _extension(element)
        return self.e.ins(f"{name} {register} {text} to {wide}")

    def _step(self, register: str, x: str, y: str, acc: str) -> str:
        if isinstance(self.element, FloatType):
            return fused(self.e, register, x, y, acc)
        return self.e.ins(f"add {register} {acc}, {self.e.ins(f'mul {register} {x}, {y}')}")


_PACKED = {
    "bf16": ("llvm.x86.avx512bf16.dpbf16ps.512", "<32 x bfloat>", False),
    "u8s8": ("llvm.x86.avx512.vpdpbusd.512", "<64 x i8>", False),
    "s8u8": ("llvm.x86.avx512.vpdpbusd.512", "<64 x i8>", True),
}
"""The instruction of packs, what it takes of each side, and whether it takes the right side first."""


class _PackedContraction(_Contraction):
    """Operands are registers of packs, which an instruction multiplies and adds up."""

    def __init__(
        self, e: FunctionEmitter, op: vector.Contract, maps: list[tuple[int, ...]], packs: str
    ) -> None:
        super().__init__(e, op, maps)
        if packs not in _PACKED or any(n != 16 for n in self.pieces):
            raise refuse(op, f"vector.contract of packs '{packs}' into {op.acc.type}")
        self.packs, self.operand = packs, "i32"

    def _widened(self, element: Any, register: str, text: str) -> str:
        return text

    def _step(self, register: str, x: str, y: str, acc: str) -> str:
        name, taken, turned = _PACKED[self.packs]
        sides = [self.e.ins(f"bitcast <16 x i32> {text} to {taken}") for text in (x, y)]
        first, second = reversed(sides) if turned else sides
        return self.e.call(name, register, (register, acc), (taken, first), (taken, second))


def _extension(element: Any) -> str:
    return "zext" if element.is_unsigned else "sext"


# Reduction


Combine = Callable[[FunctionEmitter, str, str, str], str]

_INTEGER_KINDS = {"add": "add", "mul": "mul", "and": "and", "or": "or", "xor": "xor"}
_CHOICES = {
    "minui": "umin",
    "minsi": "smin",
    "maxui": "umax",
    "maxsi": "smax",
    "minnumf": "minnum",
    "maxnumf": "maxnum",
}


def combiner(op: Operation, kind: str, element: Any) -> Combine:
    """How a reduction of a kind puts two registers together."""
    if kind in ("maximumf", "minimumf"):
        return lambda e, t, x, y: extremum(e, kind == "maximumf", t, x, y)
    if kind in _CHOICES:
        return lambda e, t, x, y: e.call(f"llvm.{_CHOICES[kind]}.{suffix(t)}", t, (t, x), (t, y))
    if kind not in _INTEGER_KINDS:
        raise refuse(op, f"{op.name} of kind {kind}")
    name = ("f" if isinstance(element, FloatType) else "") + _INTEGER_KINDS[kind]
    return lambda e, t, x, y: e.ins(f"{name} {t} {x}, {y}")


@emits(vector.MultiReduction)
def emit_multi_reduction(e: FunctionEmitter, op: vector.MultiReduction) -> None:
    """Dimension by dimension, the first one first: element i meets element i + h, h half the extent rounded
    up.

    Where the extent is odd the middle element passes on alone; last comes the accumulator, on the right."""
    element = op.source.type.element
    if element is bf16:
        raise refuse(op, "vector.multi_reduction of bf16")
    combine = combiner(op, op.kind, element)
    tile = e.tile(op.source)
    for gone, dim in enumerate(sorted(op.reduction_dims)):
        tile = _reduced(e, tile, dim - gone, combine)
    scalar = llvm_type(element)
    if not isinstance(op.acc.type, VectorType):
        one = element_of(e, tile, (0,))
        e.set(op, combine(e, scalar, one, e.scalar(op.acc)))
        return
    both = zip(e.types(op.acc.type), tile.registers, e.tile(op.acc).registers, strict=True)
    e.set_tile(op, [combine(e, t, x, acc) for t, x, acc in both])


def _reduced(e: FunctionEmitter, tile: Tile, dim: int, combine: Combine) -> Tile:
    """A tile with one dimension less; that of the last one is made of single lanes."""
    shape = shape_of(tile.type)
    type_ = VectorType(tuple(n for i, n in enumerate(shape) if i != dim), tile.type.element)
    types = e.types(VectorType(shape[-1:], tile.type.element))
    if dim < len(shape) - 1:
        registers = []
        for position in leading(type_):
            at = [(*position[:dim], i, *position[dim:]) for i in range(shape[dim])]
            lines = [[text for text, _ in row(e, tile, row_number(tile.type, p))] for p in at]
            registers += _halved_rows(e, lines, types, combine)
        return Tile(type_, tuple(registers))
    ends = [_halved_row(e, tile, number, combine) for number in range(len(tile.registers) // len(types))]
    scalar = llvm_type(tile.type.element)
    sources: list[Source] = [(text, 1) for text in ends]
    extent = shape_of(type_)[-1]
    registers = []
    for at_ in range(0, len(ends), extent):
        registers += regrouped(e, scalar, sources, [(at_ + i, 0) for i in range(extent)])
    return Tile(type_, tuple(registers))


def _halved_rows(
    e: FunctionEmitter, lines: list[list[str]], types: Sequence[str], combine: Combine
) -> list[str]:
    while len(lines) > 1:
        half = (len(lines) + 1) // 2
        for i in range(len(lines) - half):
            both = zip(types, lines[i], lines[i + half], strict=True)
            lines[i] = [combine(e, t, x, y) for t, x, y in both]
        lines = lines[:half]
    return lines[0]


def _halved_row(e: FunctionEmitter, tile: Tile, number: int, combine: Combine) -> str:
    """The only lane that is left of a row, in a register of one lane."""
    element = tile.type.element
    extent = shape_of(tile.type)[-1]
    line = Tile(VectorType((extent,), element), tuple(text for text, _ in row(e, tile, number)))
    while extent > 1:
        half = (extent + 1) // 2
        met = extent - half
        low, high = row_slice(e, line, 0, 0, met), row_slice(e, line, 0, half, met)
        both = zip(e.types(VectorType((met,), element)), low, high, strict=True)
        made = [combine(e, t, x, y) for t, x, y in both]
        if met < half:
            sources = [*zip(made, split(met, e.lanes), strict=True), *row(e, line, 0)]
            made = _with_middle(e, llvm_type(element), sources, met)
        line, extent = Tile(VectorType((half,), element), tuple(made)), half
    return line.registers[0]


def _with_middle(e: FunctionEmitter, scalar: str, sources: list[Source], met: int) -> list[str]:
    """The combined lanes followed by the middle element of the row they came from."""
    flat = [(s, lane) for s, (_, n) in enumerate(sources) for lane in range(n)]
    return regrouped(e, scalar, sources, [*flat[:met], flat[met + met]])

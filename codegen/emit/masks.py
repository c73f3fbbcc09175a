"""Masks and lane numbers."""

from __future__ import annotations

from collections.abc import Sequence

from irc.codegen.emit.constants import vector_text
from irc.codegen.emit.function import FunctionEmitter, emits
from irc.codegen.emit.held import literal, shape_of, split
from irc.codegen.emit.lanes import leading
from irc.codegen.emit.memref import lane_mask, splat
from irc.dialects import vector
from irc.ir.types import VectorType, i1


@emits(vector.CreateMask)
def emit_create_mask(e: FunctionEmitter, op: vector.CreateMask) -> None:
    e.set_tile(op, box_mask(e, op.result.type, e.scalars(op.mask_operands)))


@emits(vector.ConstantMask)
def emit_constant_mask(e: FunctionEmitter, op: vector.ConstantMask) -> None:
    e.set_tile(op, box_mask(e, op.result.type, [str(n) for n in op.mask_dim_sizes]))


def box_mask(e: FunctionEmitter, type_: VectorType, sizes: Sequence[str]) -> list[str]:
    """The registers of a mask that is true where every index is below its size."""
    along, at = [], 0
    known = literal(sizes[-1])
    for n in split(shape_of(type_)[-1], e.lanes):
        if known is not None:
            along.append(vector_text([i + at < known for i in range(n)], i1))
        else:
            left = e.ins(f"sub i64 {sizes[-1]}, {at}") if at else sizes[-1]
            along.append(lane_mask(e, n, left))
        at += n
    registers: list[str] = []
    for position in leading(type_):
        registers += _guarded(e, along, split(shape_of(type_)[-1], e.lanes), position, sizes)
    return registers


def _guarded(
    e: FunctionEmitter, along: list[str], pieces: Sequence[int], position: Sequence[int], sizes: Sequence[str]
) -> list[str]:
    """A row of the mask: `along` where the leading indices are inside too."""
    guard = ""
    for index, size in zip(position, sizes, strict=False):
        known = literal(size)
        if known is not None:
            if index >= known:
                return ["zeroinitializer"] * len(pieces)
            continue
        inside = e.ins(f"icmp slt i64 {index}, {size}")
        guard = e.ins(f"and i1 {guard}, {inside}") if guard else inside
    if not guard:
        return along
    types = [f"<{n} x i1>" for n in pieces]
    return [
        e.ins(f"and {type_} {mask}, {splat(e, type_, 'i1', guard)}")
        for type_, mask in zip(types, along, strict=True)
    ]


@emits(vector.Step)
def emit_step(e: FunctionEmitter, op: vector.Step) -> None:
    registers, at = [], 0
    for n in split(shape_of(op.result.type)[-1], e.lanes):
        registers.append(vector_text(range(at, at + n), op.result.type.element))
        at += n
    e.set_tile(op, registers)

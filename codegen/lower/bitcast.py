"""bitcast_convert between elements of different widths: the same bytes, read as vectors of one type and kept as another."""

from __future__ import annotations

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import stablehlo as hlo
from irc.dialects import vector
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Operation, Value
from irc.ir.types import VectorType, i1

WIDE = 16
"""Wider elements that one step moves."""


def is_reshaping_bitcast(op: Operation) -> bool:
    """Whether the op is a bitcast_convert that makes or uses up a dimension: always the only op of its function."""
    return isinstance(op, hlo.BitcastConvert) and op.operand.type.shape != op.result.type.shape


def lower_bitcast(func: Func, machine: Machine = HOST) -> KernelGroup:
    """One kernel for a lone `stablehlo.bitcast_convert` whose result has a dimension more or less than its operand."""
    op = func.block.operations[0]
    assert isinstance(op, hlo.BitcastConvert)
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    if i1 in (types[0].element, types[1].element):
        raise UnsupportedError(
            f"no lowering of '{op.name}' from {op.operand.type} to {op.result.type}",
            span=span_of(op.location),
        )
    wide = min(t.size for t in types)

    def body(b: KernelBuilder, *buffers: Value) -> None:
        flat = [b.cast(v, 0, (v.type.size,), (1,)) for v in buffers]

        def move(inner: KernelBuilder, at: Index, count: int) -> None:
            source, target = (VectorType((count * v.type.size // wide,), v.type.element) for v in flat)
            places = [inner.mul(at, v.type.size // wide) for v in flat]
            read = inner.load(flat[0], places[:1], source)
            cast = inner.emit(vector.BitCast(read, result_types=[target]))
            inner.store(cast, flat[1], places[1:])

        if b.machine.is_grid:
            b.forall([wide], lambda inner, i: move(inner, i, 1))
            return
        whole = wide - wide % WIDE
        if whole:
            b.loop(0, whole, WIDE, lambda inner, i: move(inner, i, WIDE))
        if wide > whole:
            move(b, whole, wide - whole)

    return KernelGroup((kernel(func.sym_name, types, body, machine, location=func.location),))

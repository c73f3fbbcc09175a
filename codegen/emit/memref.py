"""memref: addresses. A buffer is a pointer and its strides, numbers or registers, and an access a few multiplications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from irc.codegen.emit.constants import bytes_text
from irc.codegen.emit.function import FunctionEmitter, constant, emits, refuse, with_scalar
from irc.codegen.emit.held import Buffer, Number, element_bytes, literal, llvm_type, memory_type, numbers
from irc.dialects import memref
from irc.dialects.gpu import WORKGROUP
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Operation
from irc.ir.types import MemRefType

if TYPE_CHECKING:
    from irc.codegen.emit.module import ModuleEmitter

STACK_ALIGN = 64


def check_buffer(e: FunctionEmitter, op: Operation, type_: MemRefType) -> None:
    """Refuses buffers that lie in a memory the target has not."""
    if type_.space is not None and not (e.module.target.is_device and type_.space == WORKGROUP):
        raise refuse(op, f"the memory space of {type_}")


def address(
    e: FunctionEmitter,
    op: Operation,
    buffer: Buffer,
    indices: Sequence[str],
) -> tuple[str, int]:
    """A pointer and a constant number of elements after it where the element at `indices` is."""
    type_ = buffer.type
    check_buffer(e, op, type_)
    constant_part, terms = type_.offset or 0, []
    for dim, index in enumerate(indices):
        stride = buffer.stride(dim)
        known = literal(index)
        if known is not None and isinstance(stride, int):
            constant_part += known * stride
        elif stride == 1 or known == 1:
            terms.append(index if stride == 1 else str(stride))
        elif stride and known != 0:
            terms.append(e.ins(f"mul i64 {index}, {stride}"))
    if not terms:
        return buffer.pointer, constant_part
    total = terms[0]
    for term in terms[1:]:
        total = e.ins(f"add i64 {total}, {term}")
    return element_at(e, type_.element, buffer.pointer, total), constant_part


def element_at(e: FunctionEmitter, element: Any, pointer: str, index: str | int) -> str:
    """The pointer to the element `index` places after `pointer`."""
    if index == 0:
        return pointer
    return e.ins(f"getelementptr {memory_type(element)}, ptr {pointer}, i64 {index}")


def place(e: FunctionEmitter, op: Operation, buffer: Buffer, indices: Sequence[str]) -> str:
    """The pointer to one element."""
    pointer, rest = address(e, op, buffer, indices)
    return element_at(e, buffer.type.element, pointer, rest)


# Elements narrower than a byte are bytes in memory: i1 as 0 or 1, i4 with its sign.


def from_memory(e: FunctionEmitter, element: Any, register: str, text: str) -> str:
    """A register of memory elements as a register of values."""
    held = llvm_type(element)
    return (
        text
        if held == memory_type(element)
        else e.ins(f"trunc {register} {text} to {with_scalar(register, held)}")
    )


def to_memory(e: FunctionEmitter, element: Any, register: str, text: str) -> str:
    """A register of values (of type `register`) as memory elements."""
    kept = memory_type(element)
    if llvm_type(element) == kept:
        return text
    extend = "zext" if element.width == 1 or element.is_unsigned else "sext"
    return e.ins(f"{extend} {register} {text} to {with_scalar(register, kept)}")


def hint(op: Any) -> str:
    """Metadata of a load or store that should pass by the caches."""
    return ", !nontemporal !0" if op.nontemporal else ""


@emits(memref.Load)
def emit_load(e: FunctionEmitter, op: memref.Load) -> None:
    buffer = e.buffer(op.memref)
    element = buffer.type.element
    at, kept = place(e, op, buffer, e.scalars(op.indices)), memory_type(element)
    text = e.ins(f"load {kept}, ptr {at}, align {element_bytes(element)}{hint(op)}")
    e.set(op, from_memory(e, element, kept, text))


@emits(memref.Store)
def emit_store(e: FunctionEmitter, op: memref.Store) -> None:
    buffer = e.buffer(op.memref)
    element = buffer.type.element
    at = place(e, op, buffer, e.scalars(op.indices))
    text = to_memory(e, element, llvm_type(element), e.scalar(op.value))
    e.do(f"store {memory_type(element)} {text}, ptr {at}, align {element_bytes(element)}{hint(op)}")


@emits(memref.Alloca)
def emit_alloca(e: FunctionEmitter, op: memref.Alloca) -> None:
    type_: MemRefType = op.memref.type
    check_buffer(e, op, type_)
    if not type_.is_fixed or op.dynamicSizes or op.symbolOperands:
        raise refuse(op, "memref.alloca of a size that is not known")
    e.set(op, Buffer(type_, e.stack(type_.nbytes, op.alignment or STACK_ALIGN)))


@emits(memref.View)
def emit_view(e: FunctionEmitter, op: memref.View) -> None:
    source, shift = e.buffer(op.source), e.scalar(op.byte_shift)
    start = place(e, op, source, ["0"])
    pointer = start if shift == "0" else e.ins(f"getelementptr i8, ptr {start}, i64 {shift}")
    sizes = iter(e.scalars(op.sizes))
    shape = numbers(str(n) if isinstance(n, int) else next(sizes) for n in op.view.type.shape)
    e.set(op, _shaped(op.view.type, pointer, shape, _dense(e, shape)))


def _dense(e: FunctionEmitter, sizes: Sequence[Number]) -> list[Number]:
    """Row-major strides."""
    strides: list[Number] = []
    step: Number = 1
    for n in reversed(sizes):
        strides.append(step)
        if isinstance(step, int) and isinstance(n, int):
            step *= n
        else:
            step = n if step == 1 else e.ins(f"mul i64 {n}, {step}")
    return strides[::-1]


def _shaped(type_: MemRefType, pointer: str, sizes: Sequence[Number], strides: Sequence[Number]) -> Buffer:
    """A buffer that holds its extents and strides where the type does not say all of them."""
    said = type_.is_fixed and all(isinstance(n, int) for n in type_.strides)
    return Buffer(type_, pointer) if said else Buffer(type_, pointer, tuple(sizes), tuple(strides))


def _mixed(e: FunctionEmitter, static: Sequence[int], dynamic: Sequence[Any]) -> list[str]:
    """A static list of numbers in which DYNAMIC stands for the next operand."""
    operands = iter(dynamic)
    return [e.scalar(next(operands)) if n == memref.DYNAMIC else str(n) for n in static]


@emits(memref.SubView)
def emit_subview(e: FunctionEmitter, op: memref.SubView) -> None:
    """Where the result's offset is known it is the type's; else the pointer moves to the first element."""
    if op.strides:
        raise refuse(op, "memref.subview of steps that are not known")
    source, type_ = e.buffer(op.source), op.result.type
    pointer = source.pointer
    if type_.offset is None:
        pointer = place(e, op, source, _mixed(e, op.static_offsets, op.offsets))
    elif source.type.offset is None:
        raise refuse(op, "memref.subview with a known offset of a buffer whose offset is not known")
    if type_.is_fixed and not source.strides:
        e.set(op, Buffer(type_, pointer))
        return
    sizes = numbers(_mixed(e, op.static_sizes, op.sizes))
    e.set(op, _shaped(type_, pointer, sizes, _stepped(e, source, op.static_strides)))


def _stepped(e: FunctionEmitter, source: Buffer, steps: Sequence[int]) -> list[Number]:
    """A buffer's strides times steps."""
    strides: list[Number] = []
    for dim, step in enumerate(steps):
        stride = source.stride(dim)
        if isinstance(stride, int):
            strides.append(stride * step)
        else:
            strides.append(stride if step == 1 else e.ins(f"mul i64 {stride}, {step}"))
    return strides


@emits(memref.ReinterpretCast)
def emit_reinterpret_cast(e: FunctionEmitter, op: memref.ReinterpretCast) -> None:
    """The offset counts from the start of the memory, which is known where the source's offset is."""
    source, type_ = e.buffer(op.source), op.result.type
    if source.type.offset is None:
        raise refuse(op, "memref.reinterpret_cast of a buffer whose offset is not known")
    pointer = source.pointer
    if type_.offset is None:
        (offset,) = _mixed(e, op.static_offsets, op.offsets)
        pointer = element_at(e, type_.element, pointer, offset)
    if not op.sizes and not op.strides:
        e.set(op, Buffer(type_, pointer))
        return
    sizes, strides = _mixed(e, op.static_sizes, op.sizes), _mixed(e, op.static_strides, op.strides)
    e.set(op, _shaped(type_, pointer, numbers(sizes), numbers(strides)))


@emits(memref.Cast)
def emit_buffer_cast(e: FunctionEmitter, op: memref.Cast) -> None:
    source = e.buffer(op.source)
    e.set(op, _retyped(e, op, source, op.dest.type))


@emits(memref.CollapseShape, memref.ExpandShape)
def emit_reshape(e: FunctionEmitter, op: Any) -> None:
    e.set(op, _retyped(e, op, e.buffer(op.src), op.result.type))


def _retyped(e: FunctionEmitter, op: Operation, source: Buffer, type_: MemRefType) -> Buffer:
    """The same elements under a type of other shape and strides; an offset that becomes unknown is
    applied."""
    if not (type_.is_fixed and source.type.is_fixed):
        raise refuse(op, f"{op.name} of extents that are not known")
    if source.type.offset == type_.offset:
        return Buffer(type_, source.pointer)
    if type_.offset is not None:
        raise refuse(op, f"{op.name} to a type whose offset is not the source's")
    return Buffer(type_, element_at(e, type_.element, source.pointer, source.type.offset or 0))


@emits(memref.Dim)
def emit_dim(e: FunctionEmitter, op: memref.Dim) -> None:
    axis, type_ = literal(e.scalar(op.index)), op.source.type
    buffer = e.buffer(op.source)
    if axis is None or not (buffer.sizes or isinstance(type_.shape[axis], int)):
        raise refuse(op, "memref.dim of an extent that is not known")
    e.set(op, str(buffer.size(axis)))


@emits(memref.ExtractAlignedPointerAsIndex)
def emit_extract_aligned_pointer_as_index(
    e: FunctionEmitter, op: memref.ExtractAlignedPointerAsIndex
) -> None:
    e.set(op, e.ins(f"ptrtoint ptr {e.buffer(op.source).pointer} to i64"))


@emits(memref.Prefetch)
def emit_prefetch(e: FunctionEmitter, op: memref.Prefetch) -> None:
    at = place(e, op, e.buffer(op.memref), e.scalars(op.indices))
    hints = (int(op.isWrite), op.localityHint, int(op.isDataCache))
    e.call("llvm.prefetch.p0", "void", ("ptr", at), *(("i32", str(n)) for n in hints))


def emit_global(module: ModuleEmitter, op: memref.Global) -> None:
    """Constant data of the module. A global that is written would be shared by calls that run at once."""
    value = op.initial_value
    if op.constant is None or not isinstance(value, DenseElementsAttr):
        raise refuse(op, f"memref.global @{op.sym_name} that is not constant data")
    data = np.ascontiguousarray(value.array).tobytes()
    align = op.alignment or STACK_ALIGN
    module.globals[op.sym_name] = (
        f'@"{op.sym_name}" = private constant [{len(data)} x i8] {bytes_text(data)}, align {align}'
    )


@emits(memref.GetGlobal)
def emit_get_global(e: FunctionEmitter, op: memref.GetGlobal) -> None:
    e.set(op, Buffer(op.result.type, f'@"{op.symbol}"'))


def lane_mask(e: FunctionEmitter, lanes: int, below: str) -> str:
    """A mask of the lanes whose number is below an i64, which may be negative or large."""
    at_least = e.call("llvm.smax.i64", "i64", ("i64", below), ("i64", "0"))
    at_most = e.call("llvm.smin.i64", "i64", ("i64", at_least), ("i64", str(lanes)))
    short = e.ins(f"trunc i64 {at_most} to i32")
    type_ = f"<{lanes} x i32>"
    count = splat(e, type_, "i32", short)
    iota = f"<{', '.join(f'i32 {i}' for i in range(lanes))}>"
    return e.ins(f"icmp ult {type_} {iota}, {count}")


def splat(e: FunctionEmitter, register: str, scalar: str, text: str) -> str:
    """A register of equal elements; a constant stays one."""
    if not text.startswith("%"):
        return constant(register, text)
    first = e.ins(f"insertelement {register} poison, {scalar} {text}, i64 0")
    lanes = register[1:].partition(" ")[0]
    return e.ins(f"shufflevector {register} {first}, {register} poison, <{lanes} x i32> zeroinitializer")

"""gpu: where a thread stands, what its block shares, and what a warp hands round, as calls of NVVM's intrinsics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from irc.codegen.emit.function import FunctionEmitter, Handler, refuse
from irc.codegen.emit.held import Buffer, element_bytes, llvm_type
from irc.codegen.emit.lanes import one_lane
from irc.codegen.emit.memref import place
from irc.dialects import gpu, nvgpu
from irc.errors import UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Operation
from irc.ir.types import FloatType, IntegerType, MemRefType, bf16, f16, f32

if TYPE_CHECKING:
    from irc.codegen.emit.module import ModuleEmitter

DEVICE: dict[type[Operation], Handler] = {}
"""What only a device's code can hold."""

SHARED = "@shared = external addrspace(3) global [0 x i8], align 1024"
_SHARED_START = "ptr addrspacecast (ptr addrspace(3) @shared to ptr)"
_WHOLE_WARP = ("i32", "-1")
SHARED_ALIGN = 128
"""Buffers of a block begin at multiples of so many bytes."""


def on_device(*classes: type[Operation]) -> Callable[[Handler], Handler]:
    """Registers a handler of ops that the host has no code for."""

    def register(handler: Handler) -> Handler:
        for cls in classes:
            DEVICE[cls] = handler
        return handler

    return register


def shared_bytes(op: gpu.Func) -> int:
    """Bytes of workgroup memory that a block of this kernel needs."""
    return sum(_shared_size(t) for t in _workgroup_types(op))


def _shared_size(type_: MemRefType) -> int:
    return -(-type_.nbytes // SHARED_ALIGN) * SHARED_ALIGN


def _workgroup_types(op: gpu.Func) -> Sequence[MemRefType]:
    inputs = len(op.function_type.inputs)
    return [a.type for a in op.body.arguments[inputs : inputs + (op.workgroup_attributions or 0)]]


def block_size(op: gpu.Func) -> int:
    """Threads of a block: `known_block_size` of the kernel."""
    size = op.attributes.get("known_block_size")
    if size is None:
        raise refuse(op, f"@{op.sym_name} without known_block_size")
    return int(size.value[0])  # type: ignore[attr-defined]


def emit_kernel(module: ModuleEmitter, op: gpu.Func) -> None:
    """A kernel: memrefs are passed as pointers, buffers of the block lie one after the other in its dynamic memory."""
    e = FunctionEmitter(module, op.sym_name)
    inputs = len(op.function_type.inputs)
    given, shared = op.body.arguments[:inputs], op.body.arguments[inputs:]
    names = [f"%a{i}" for i in range(inputs)]
    e.bind(given, names)
    at = 0
    for value in shared:
        start = _SHARED_START if at == 0 else ""
        if not start:
            start = f"ptr {e.ins(f'getelementptr i8, {_SHARED_START}, i64 {at}')}"
        e.values[value] = Buffer(value.type, start.removeprefix("ptr "))
        at += _shared_size(value.type)
    e.emit_block(op.body.block)
    e.do("ret void")
    if shared:
        module.globals["shared"] = SHARED
    parameters = ", ".join(f"{t} {n}" for t, n in zip(e.types_all(given), names, strict=True))
    attributes = f'nounwind "nvvm.reqntid"="{block_size(op)}"'
    module.functions.append(e.text(f'define ptx_kernel void @"{op.sym_name}"({parameters}) {attributes}'))


_REGISTERS: dict[type[Operation], str] = {
    gpu.ThreadId: "tid",
    gpu.BlockId: "ctaid",
    gpu.BlockDim: "ntid",
    gpu.GridDim: "nctaid",
}


@on_device(*_REGISTERS)
def emit_place(e: FunctionEmitter, op: Any) -> None:
    e.set(op, _special(e, f"{_REGISTERS[type(op)]}.{op.dimension}"))


@on_device(gpu.LaneId)
def emit_lane(e: FunctionEmitter, op: gpu.LaneId) -> None:
    e.set(op, _special(e, "laneid"))


@on_device(gpu.SubgroupId)
def emit_warp(e: FunctionEmitter, op: gpu.SubgroupId) -> None:
    """Blocks have one dimension here."""
    e.set(op, e.ins(f"lshr i64 {_special(e, 'tid.x')}, 5"))


def _special(e: FunctionEmitter, name: str) -> str:
    small = e.call(f"llvm.nvvm.read.ptx.sreg.{name}", "i32")
    return e.ins(f"zext i32 {small} to i64")


@on_device(gpu.Barrier)
def emit_barrier(e: FunctionEmitter, op: gpu.Barrier) -> None:
    e.call("llvm.nvvm.barrier.cta.sync.aligned.all", "void", ("i32", "0"))


_MODES = {"xor": ("bfly", 31), "down": ("down", 31), "up": ("up", 0), "idx": ("idx", 31)}


@on_device(gpu.Shuffle)
def emit_shuffle(e: FunctionEmitter, op: gpu.Shuffle) -> None:
    """Whole warps, 32 bits at a time."""
    if e.module.uses.get(op.results[1]):
        raise refuse(op, "the flag of gpu.shuffle")
    name, clamp = _MODES[op.mode]
    scalar, text, offset = llvm_type(op.value.type), e.scalar(op.value), e.scalar(op.offset)

    def hand_round(word: str) -> str:
        arguments = (_WHOLE_WARP, ("i32", word), ("i32", offset), ("i32", str(clamp)))
        return e.call(f"llvm.nvvm.shfl.sync.{name}.i32", "i32", *arguments)

    e.values[op.results[0]] = _by_words(e, op, scalar, text, hand_round)


@on_device(nvgpu.DeviceAsyncCopy)
def emit_async_copy(e: FunctionEmitter, op: nvgpu.DeviceAsyncCopy) -> None:
    """`cp.async` of 4, 8 or 16 bytes, the end of them zeros where fewer elements are given; of 16 bytes past the first-level
    cache where asked for."""
    source, target = e.buffer(op.src), e.buffer(op.dst)
    size = op.dstElements * element_bytes(source.type.element)
    if size not in (4, 8, 16):
        raise refuse(op, f"nvgpu.device_async_copy of {size} bytes")
    there = place(e, op, source, e.scalars(op.srcIndices))
    here = place(e, op, target, e.scalars(op.dstIndices))
    way = "cg" if op.bypassL1 and size == 16 else "ca"
    places = (
        ("ptr addrspace(3)", e.ins(f"addrspacecast ptr {here} to ptr addrspace(3)")),
        ("ptr addrspace(1)", e.ins(f"addrspacecast ptr {there} to ptr addrspace(1)")),
    )
    name = f"llvm.nvvm.cp.async.{way}.shared.global.{size}"
    if op.srcElements is None:
        e.call(name, "void", *places)
    else:
        given = e.ins(f"mul i64 {e.scalar(op.srcElements)}, {element_bytes(source.type.element)}")
        e.call(f"{name}.s", "void", *places, ("i32", e.ins(f"trunc i64 {given} to i32")))


@on_device(nvgpu.DeviceAsyncCreateGroup)
def emit_async_group(e: FunctionEmitter, op: nvgpu.DeviceAsyncCreateGroup) -> None:
    """The thread's copies since the last group."""
    e.call("llvm.nvvm.cp.async.commit.group", "void")


@on_device(nvgpu.DeviceAsyncWait)
def emit_async_wait(e: FunctionEmitter, op: nvgpu.DeviceAsyncWait) -> None:
    """Until at most `numGroups` of the thread's groups are under way."""
    e.call("llvm.nvvm.cp.async.wait.group", "void", ("i32", str(op.numGroups or 0)))


@on_device(nvgpu.LdMatrix)
def emit_ldmatrix(e: FunctionEmitter, op: nvgpu.LdMatrix) -> None:
    """Matrices of 16-bit elements, as the registers of a tile of (matrices, 2)."""
    source, count = e.buffer(op.srcMemref), op.numTiles
    if count not in (1, 2, 4) or element_bytes(source.type.element) != 2:
        raise refuse(op, f"nvgpu.ldmatrix of {count} matrices of {source.type.element}")
    at = e.ins(f"addrspacecast ptr {place(e, op, source, e.scalars(op.indices))} to ptr addrspace(3)")
    turned = ".trans" if op.transpose else ""
    words = "i32" if count == 1 else f"{{ {', '.join(['i32'] * count)} }}"
    name = f"llvm.nvvm.ldmatrix.sync.aligned.m8n8.x{count}{turned}.b16.p3"
    made = e.call(name, words, ("ptr addrspace(3)", at))
    parts = [made] if count == 1 else [e.ins(f"extractvalue {words} {made}, {i}") for i in range(count)]
    register = e.types(op.res.type)[0]
    e.set_tile(op, [e.ins(f"bitcast i32 {part} to {register}") for part in parts])


@on_device(nvgpu.MmaSync)
def emit_mma(e: FunctionEmitter, op: nvgpu.MmaSync) -> None:
    """Products of bf16 or f16 with sums in f32."""
    element, shape = op.matrixA.type.element, tuple(op.mmaShape)
    if shape != (16, 8, 16) or element not in (bf16, f16) or op.matrixC.type.element is not f32:
        raise refuse(op, f"nvgpu.mma.sync of {op.matrixA.type} with sums of {op.matrixC.type}")
    kind, held = ("bf16", "i32") if element is bf16 else ("f32.f32", "<2 x half>")
    arguments: list[tuple[str, str]] = []
    for value in (op.matrixA, op.matrixB):
        for text in e.tile(value).registers:
            arguments.append((held, e.ins(f"bitcast <2 x i16> {text} to i32") if element is bf16 else text))
    for text in e.tile(op.matrixC).registers:
        for i in range(2):
            arguments.append(("float", one_lane(e, "float", (text, 2), i)))
    whole = "{ float, float, float, float }"
    made = e.call(f"llvm.nvvm.mma.m16n8k16.row.col.{kind}", whole, *arguments)
    parts = [e.ins(f"extractvalue {whole} {made}, {i}") for i in range(4)]
    e.set_tile(op, [e.vector_of(parts[i : i + 2], "float") for i in (0, 2)])


def _by_words(e: FunctionEmitter, op: Any, scalar: str, text: str, hand_round: Callable[[str], str]) -> str:
    """A scalar of any width, 32 bits at a time."""
    width = _width(op, op.value.type)
    bits = text if scalar.startswith("i") else e.ins(f"bitcast {scalar} {text} to i{width}")
    if width <= 32:
        word = bits if width == 32 else e.ins(f"zext i{width} {bits} to i32")
        moved = hand_round(word)
        made = moved if width == 32 else e.ins(f"trunc i32 {moved} to i{width}")
    else:
        low = hand_round(e.ins(f"trunc i64 {bits} to i32"))
        high = hand_round(e.ins(f"trunc i64 {e.ins(f'lshr i64 {bits}, 32')} to i32"))
        upper = e.ins(f"shl i64 {e.ins(f'zext i32 {high} to i64')}, 32")
        made = e.ins(f"or i64 {e.ins(f'zext i32 {low} to i64')}, {upper}")
    return made if scalar.startswith("i") else e.ins(f"bitcast i{width} {made} to {scalar}")


def _width(op: Operation, element: Any) -> int:
    match element:
        case IntegerType() | FloatType():
            return int(element.width)
    raise UnsupportedError(f"no shuffle of {element}", span=span_of(op.location))

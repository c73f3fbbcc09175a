"""One LLVM function while it is written: its lines, the values it holds, and the block it stands in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from irc.codegen.emit.held import (
    Buffer,
    Held,
    Number,
    Scattered,
    Tile,
    held_from,
    llvm_type,
    register_types,
    shape_of,
    split,
    vector_type,
)
from irc.errors import UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import Type, VectorType

if TYPE_CHECKING:
    from irc.codegen.emit.module import ModuleEmitter

Handler = Callable[["FunctionEmitter", Any], None]
HANDLERS: dict[type[Operation], Handler] = {}


def emits(*classes: type[Operation]) -> Callable[[Handler], Handler]:
    """Registers a handler: it writes the op's instructions and says what its results are held as."""

    def register(handler: Handler) -> Handler:
        for cls in classes:
            HANDLERS[cls] = handler
        return handler

    return register


def refuse(op: Operation, what: str) -> UnsupportedError:
    """The error for an op, or a form of it, that has no code."""
    return UnsupportedError(f"the emitter does not take {what}", span=span_of(op.location))


class FunctionEmitter:
    """Writes one function. `parent` is the function around an outlined body: values found there are
    captured."""

    def __init__(self, module: ModuleEmitter, name: str, parent: FunctionEmitter | None = None) -> None:
        self.module = module
        self.name = name
        self.parent = parent
        self.lanes = module.lanes
        self.lines: list[str] = []
        self.entry: list[str] = []
        """Instructions that stand before all others: stack buffers, captured values."""
        self.values: dict[Value, Held] = {}
        self.captured: list[tuple[str, str, int]] = []
        """Type, the parent's register, and place in the context of each captured register."""
        self.context_bytes = 0
        self.block = "entry"
        self._count = 0

    # Instructions

    def register(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def ins(self, text: str) -> str:
        """Appends an instruction with a result; the register it defines."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Appends an instruction without a result."""
        self.lines.append("  " + text)

    def call(self, name: str, result: str, *arguments: tuple[str, str]) -> str:
        """Calls an intrinsic or a library function, declaring it: arguments are (type, text)."""
        if name not in self.module.declared:
            self.module.declare(name, result, [t for t, _ in arguments])
        text = f"call {result} @{name}({', '.join([f'{t} {v}' for t, v in arguments])})"
        if result == "void":
            self.do(text)
            return ""
        return self.ins(text)

    def new_label(self, hint: str) -> str:
        self._count += 1
        return f"{hint}{self._count}"

    def start(self, label: str) -> None:
        """Begins a block; the one before must have ended."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.do(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.do(f"br i1 {condition}, label %{yes}, label %{no}")

    def phis(self, types: Sequence[str]) -> tuple[tuple[str, ...], int]:
        """Registers for phi nodes at the start of this block, and where their lines will stand."""
        at = len(self.lines)
        self.lines += [""] * len(types)
        return tuple(self.register() for _ in types), at

    def set_phis(
        self, at: int, names: Iterable[str], types: Iterable[str], *edges: tuple[str, Sequence[str]]
    ) -> None:
        """Writes the phi nodes: each edge is (label of the block it comes from, the values)."""
        for i, (name, type_) in enumerate(zip(names, types, strict=True)):
            incoming = ", ".join(f"[ {values[i]}, %{label} ]" for label, values in edges)
            self.lines[at + i] = f"  {name} = phi {type_} {incoming}"

    # Values

    def get(self, value: Value) -> Held:
        held = self.values.get(value)
        return self._capture(value) if held is None else held

    def scalar(self, value: Value) -> str:
        held = self.get(value)
        assert isinstance(held, str), value
        return held

    def scalars(self, values: Iterable[Value]) -> list[str]:
        return [self.scalar(v) for v in values]

    def buffer(self, value: Value) -> Buffer:
        held = self.get(value)
        assert isinstance(held, Buffer), value
        return held

    def tile(self, value: Value) -> Tile:
        held = self.get(value)
        if isinstance(held, Scattered):
            return self.gathered(held)
        assert isinstance(held, Tile), value
        return held

    def set(self, op: Operation, held: Held) -> None:
        """Says what the only result of `op` is held as."""
        self.values[op.results[0]] = held

    def set_tile(self, op: Operation, registers: Iterable[str]) -> None:
        result = op.results[0]
        self.values[result] = Tile(result.type, tuple(registers))

    def gathered(self, held: Scattered) -> Tile:
        """The tile of elements that are held one by one."""
        scalar = llvm_type(held.type.element)
        out, at = [], 0
        while at < len(held.elements):
            for n in split(shape_of(held.type)[-1], self.lanes):
                out.append(self.vector_of(held.elements[at : at + n], scalar))
                at += n
        return Tile(held.type, tuple(out))

    def vector_of(self, elements: Sequence[str], scalar: str) -> str:
        """A register of the given scalars."""
        type_, made = vector_type(len(elements), scalar), "poison"
        for i, element in enumerate(elements):
            made = self.ins(f"insertelement {type_} {made}, {scalar} {element}, i64 {i}")
        return made

    def types(self, type_: Type) -> tuple[str, ...]:
        """The LLVM types of the registers of a value."""
        return register_types(type_, self.lanes)

    def flat(self, value: Value) -> tuple[str, ...]:
        """The registers of a value, as `types` lists their types."""
        match self.get(value):
            case Tile(_, registers):
                return registers
            case Scattered() as held:
                return self.gathered(held).registers
            case Buffer(_, pointer):
                return (pointer,)
            case text:
                return (text,)

    def flat_all(self, values: Iterable[Value]) -> list[str]:
        return [text for value in values for text in self.flat(value)]

    def types_all(self, values: Iterable[Value]) -> list[str]:
        return [t for value in values for t in self.types(value.type)]

    def bind(self, values: Sequence[Value], texts: Sequence[str]) -> None:
        """Holds `values` in registers given one after the other."""
        at = 0
        for value in values:
            n = len(self.types(value.type))
            self.values[value] = held_from(value.type, tuple(texts[at : at + n]))
            at += n

    def _capture(self, value: Value) -> Held:
        """A value of the function around this one: constants as they are, registers through the context."""
        assert self.parent is not None, f"{value} is used in {self.name} before it is made"
        outer = self.parent.get(value)
        if isinstance(outer, Buffer):
            pointer = self._captured("ptr", outer.pointer)
            sizes, strides = (tuple(map(self.captured_number, part)) for part in (outer.sizes, outer.strides))
            held: Held = Buffer(outer.type, pointer, sizes, strides)
        else:
            texts = self.parent.flat(value)
            held = held_from(value.type, tuple(map(self._captured, self.types(value.type), texts)))
        self.values[value] = held
        return held

    def captured_number(self, number: Number) -> Number:
        """A number that the function around this one holds."""
        return number if isinstance(number, int) else self._captured("i64", number)

    def _captured(self, type_: str, text: str) -> str:
        if not text.startswith("%"):
            return text
        size, align = slot(type_)
        at = -(-self.context_bytes // align) * align
        self.context_bytes = at + size
        self.captured.append((type_, text, at))
        address, name = self.register(), self.register()
        self.entry.append(f"  {address} = getelementptr i8, ptr %ctx, i64 {at}")
        self.entry.append(f"  {name} = load {type_}, ptr {address}, align {align}")
        return name

    # Ops

    def emit_block(self, block: Block) -> Operation:
        """Writes the ops of a block but its terminator, which is returned."""
        handlers = self.module.handlers
        *body, last = block.operations
        for op in body:
            handler = handlers.get(type(op))
            if handler is None:
                raise refuse(op, f"the op {op.name}")
            handler(self, op)
        return last

    def stack(self, bytes_: int, align: int) -> str:
        """A buffer of the function's frame."""
        name = self.register()
        self.entry.append(f"  {name} = alloca [{max(bytes_, 1)} x i8], align {align}")
        return name

    @contextmanager
    def scope(self) -> Any:
        """Values bound inside are forgotten: for a region that is written more than once."""
        before = dict(self.values)
        try:
            yield
        finally:
            self.values = before

    def text(self, header: str) -> str:
        """The whole function."""
        return "\n".join([f"{header} {{", "entry:", *self.entry, *self.lines, "}", ""])


@functools.cache
def slot(register: str) -> tuple[int, int]:
    """Bytes and alignment of a register's place in a context (eight bytes an element are enough for any)."""
    if not register.startswith("<"):
        return 8, 8
    return -(-8 * int(register[1:].partition(" ")[0]) // 64) * 64, 64


def elementwise(e: FunctionEmitter, op: Operation, write: Callable[[str, tuple[str, ...]], str]) -> None:
    """Writes an op once for each register: `write(type of the first operand's register, operands)`."""
    first = op.operands[0].type
    if isinstance(first, VectorType):
        tiles = [e.tile(o).registers for o in op.operands]
        types = e.types(first)
        e.set_tile(op, [write(t, texts) for t, *texts in zip(types, *tiles, strict=True)])  # type: ignore[arg-type]
    else:
        e.set(op, write(llvm_type(first), tuple(e.scalars(op.operands))))


@functools.cache
def with_scalar(register: str, scalar: str) -> str:
    """The register type of other elements: `<16 x float>` with `i32` is `<16 x i32>`."""
    return f"{register.partition(' x ')[0]} x {scalar}>" if register.startswith("<") else scalar


@functools.cache
def scalar_part(register: str) -> str:
    """`float` of `<16 x float>`, and of itself."""
    return register.partition(" x ")[2][:-1] if register.startswith("<") else register


@functools.cache
def constant(register: str, text: str) -> str:
    """A constant operand for a register type: the scalar itself, or its splat."""
    return f"splat ({scalar_part(register)} {text})" if register.startswith("<") else text


@functools.cache
def suffix(register: str) -> str:
    """How an intrinsic's name says a type: `v16f32` of `<16 x float>`."""
    short = {"half": "f16", "float": "f32", "double": "f64", "ptr": "p0"}
    scalar = scalar_part(register)
    name = short.get(scalar, scalar)
    return f"v{register[1:].partition(' ')[0]}{name}" if register.startswith("<") else name

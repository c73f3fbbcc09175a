"""The machine: values of the function that runs, a table of what ops do, and memory seen through its checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from irc.codegen.emulator.memory import Array, Buffer, Fault, Tickets
from irc.dialects.builtin import Module
from irc.errors import IrcError, UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import MemRefType, OpaqueType, Type, VectorType

Handler = Callable[..., Any]
HANDLERS: dict[type[Operation], Handler] = {}

Order = Callable[[int], Iterable[int]]
"""The order in which a forall of so many tickets runs them."""


class EmulationError(IrcError):
    """A kernel that does what it must not: the message names the op, the span is its line."""


def emulates(*classes: type[Operation]) -> Callable[[Handler], Handler]:
    """Registers a handler: `handler(machine, op, *operands)` gives the result, a tuple of results, or None."""

    def register(handler: Handler) -> Handler:
        for cls in classes:
            HANDLERS[cls] = handler
        return handler

    return register


class Machine:
    """Runs the functions of one module."""

    def __init__(self, module: Module, order: Order = range) -> None:
        self.symbols = module.symbols
        self.order = order
        self.globals: dict[str, Any] = {}
        self.frame: dict[Value, Any] = {}
        """Values of the function that runs."""
        self.foralls: list[Tickets] = []
        """The foralls around the op that runs, outermost first."""

    def call(self, block: Block, arguments: Sequence[Any]) -> list[Any]:
        """Runs the body of a function; what it returns."""
        caller, self.frame = self.frame, {}
        try:
            return self.block(block, arguments)
        finally:
            self.frame = caller

    def block(self, block: Block, arguments: Sequence[Any] = ()) -> list[Any]:
        """Runs a block of the function that runs; the operands of its terminator."""
        frame = self.frame
        frame.update(zip(block.arguments, arguments, strict=True))
        for op in block.operations:
            if op.terminator:
                return [frame[o] for o in op.operands]
            frame.update(zip(op.results, self.operation(op), strict=True))
        return []

    def operation(self, op: Operation) -> tuple[Any, ...]:
        handler = HANDLERS.get(type(op))
        if handler is None:
            raise UnsupportedError(f"the emulator does not take the op {op.name}", span=span_of(op.location))
        try:
            given = handler(self, op, *(self.frame[o] for o in op.operands))
            made = given if isinstance(given, tuple) else (given,) if op.results else ()
            return tuple(_typed(v, r.type) for v, r in zip(made, op.results, strict=True))
        except Fault as fault:
            raise EmulationError(f"'{op.name}' {fault}", span=span_of(op.location)) from None

    # Memory. Indices are integers or arrays of them, one for each dimension of the buffer.

    def read(self, buffer: Buffer, at: Sequence[Any]) -> Any:
        """The elements at `at`; faults where they lie outside, were never written, or are another ticket's."""
        memory, dtype = buffer.memory, buffer.dtype
        places = buffer.places(_arrays(at))
        if not memory.elements(memory.known, dtype)[places].all():
            raise Fault(f"reads what nothing has written, {buffer}")
        for tickets in self.foralls:
            tickets.read(memory, dtype, places)
        return memory.elements(memory.bytes, dtype)[places]

    def write(self, buffer: Buffer, at: Sequence[Any], values: Any) -> None:
        """Stores `values` at `at`, later ones over earlier ones; faults where it must not."""
        memory, dtype = buffer.memory, buffer.dtype
        if memory.constant:
            raise Fault(f"writes {memory.name}, which is constant")
        places = buffer.places(_arrays(at))
        for tickets in self.foralls:
            tickets.write(memory, dtype, places)
        memory.elements(memory.bytes, dtype)[places] = values
        memory.elements(memory.known, dtype)[places] = True


def _arrays(at: Sequence[Any]) -> list[Array]:
    return [np.asarray(i, np.int64) for i in at]


def _typed(value: Any, type: Type) -> Any:
    """The value as its type holds it; a memref that is not what its type says is a fault."""
    match type:
        case VectorType():
            array = np.asarray(value)
            assert array.dtype == type.element.numpy and array.shape == type.shape, f"{value!r} is no {type}"
            return array
        case MemRefType():
            _check_buffer(value, type)
            return value
        case OpaqueType():
            return value
    scalar: Any = type
    return np.asarray(value, scalar.numpy)[()]


def _check_buffer(buffer: Buffer, type: MemRefType) -> None:
    claims = [(type.shape, buffer.sizes), (type.strides, buffer.strides), ((type.offset,), (buffer.offset,))]
    for said, found in claims:
        if len(said) != len(found) or any(s is not None and s != f for s, f in zip(said, found, strict=True)):
            raise Fault(
                f"gives {buffer} with strides {list(buffer.strides)} and offset {buffer.offset}, which is no {type}"
            )

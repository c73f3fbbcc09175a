"""A module of kernels as one text: declarations, constants, functions, and the native entry `irc_main`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.codegen.emit import (
    arith,
    cf,
    device,
    device_math,
    func,
    masks,
    math,
    memory,
    memref,
    reduction,
    scf,
    shapes,
)
from irc.codegen.emit.function import HANDLERS, FunctionEmitter, refuse
from irc.codegen.emit.held import Buffer
from irc.dialects import gpu
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.memref import Global
from irc.errors import UnsupportedError
from irc.ir.operation import Operation, Value
from irc.ir.types import MemRefType, index
from irc.runtime.target import Target, host_target

__all__ = ["HANDLERS", "ModuleEmitter", "emit_module"]

_FAMILIES = (arith, cf, device_math, func, masks, math, memory, memref, reduction, scf, shapes)
"""Importing them fills HANDLERS."""

_ATTRIBUTES = "attributes #0 = { nounwind }"
_NONTEMPORAL = "!0 = !{i32 1}"


class ModuleEmitter:
    """What the functions of one module share."""

    def __init__(self, module: Module, target: Target) -> None:
        self.module = module
        self.target = target
        self.lanes = max(4, target.vector_bits // 32)
        self.handlers = {**HANDLERS, **device.DEVICE} if target.is_device else HANDLERS
        self.functions: list[str] = []
        self.globals: dict[str, str] = {}
        self.symbols: dict[str, Any] = module.symbols
        self.uses = _uses(module)
        self.declared: dict[str, str] = {}
        self.messages: dict[str, str] = {}
        self._outlined: dict[str, int] = {}
        self._bodies: dict[str, str] = {}
        self._same: dict[str, str] = {}
        self._referred: dict[str, None] = {}

    def declare(self, name: str, result: str, arguments: Sequence[str]) -> None:
        self.declared[name] = f"declare {result} @{name}({', '.join(map(_bare, arguments))})"

    def define(self, name: str, result: str, parameters: str, e: FunctionEmitter) -> str:
        """Writes an internal function; returns the name it is called by: that of an equal one, where there is one (LLVM's
        time is most of a compilation)."""
        body = e.text(f"{result} ({parameters})")
        known = self._bodies.get(body)
        if known is None or name in self._referred:
            self._bodies[body] = name
            self.functions.append(e.text(f'define internal {result} @"{name}"({parameters}) #0'))
            return name
        self._same[name] = known
        return known

    def called(self, name: str) -> str:
        """What a function of the module is called by."""
        self._referred[name] = None
        return self._same.get(name, name)

    def outlined_name(self, function: str) -> str:
        """A name for the next body that is cut out of `function`."""
        number = self._outlined.get(function, 0)
        self._outlined[function] = number + 1
        return f"{function}.forall{number}"

    def emit(self, entry: str, symbol: str) -> str:
        main = self.symbols.get(entry)
        if not isinstance(main, Func):
            raise UnsupportedError(f"the module has no function @{entry}")
        for op in self.module.operations:
            if not isinstance(op, Func | Global):
                raise refuse(op, f"the op {op.name} at the top of a module")
            if isinstance(op, Global):
                memref.emit_global(self, op)
            elif op is not main:
                func.emit_function(self, op)
        self.functions.append(self._native(main, symbol))
        declared = [self.declared[name] for name in sorted(self.declared)]
        globals_ = list(self.globals.values())
        return "\n".join([*globals_, *declared, "", *self.functions, _ATTRIBUTES, _NONTEMPORAL, ""])

    def emit_kernels(self) -> str:
        """The text of a module of gpu.func kernels."""
        for op in self.module.operations:
            if not isinstance(op, gpu.Func):
                raise refuse(op, f"the op {op.name} beside kernels")
            device.emit_kernel(self, op)
        declared = [self.declared[name] for name in sorted(self.declared)]
        return "\n".join([*self.globals.values(), *declared, "", *self.functions, _NONTEMPORAL, ""])

    def _native(self, main: Func, symbol: str) -> str:
        """`void symbol(ptr args, ptr arena)`: pointers of the inputs, then of the outputs, then one to the named sizes if
        there are any. @main takes the arena after the outputs, the sizes last."""
        sizes = [a for a in main.arguments if a.type is index]
        arguments = [a for a in main.arguments if a.type is not index]
        for argument in arguments:
            if not isinstance(argument.type, MemRefType):
                raise refuse(main, f"an argument of type {argument.type} of @{main.sym_name}")
        if not arguments or main.returned:
            raise refuse(main, f"an entry function that returns values or has no arena (@{main.sym_name})")
        e = FunctionEmitter(self, symbol)
        *buffers, arena = arguments
        for i, argument in enumerate(buffers):
            address = e.ins(f"getelementptr ptr, ptr %args, i64 {i}")
            e.values[argument] = Buffer(argument.type, e.ins(f"load ptr, ptr {address}, align 8"))
        e.values[arena] = Buffer(arena.type, "%arena")
        if sizes:
            address = e.ins(f"getelementptr ptr, ptr %args, i64 {len(buffers)}")
            table = e.ins(f"load ptr, ptr {address}, align 8")
            for i, size in enumerate(sizes):
                place = e.ins(f"getelementptr i64, ptr {table}, i64 {i}")
                e.values[size] = e.ins(f"load i64, ptr {place}, align 8")
        e.emit_block(main.block)
        e.do("ret void")
        return e.text(f"define void @{symbol}(ptr %args, ptr %arena) #0")


def _uses(module: Module) -> dict[Value, list[tuple[Operation, int]]]:
    """The (op, operand number) of every use of every value."""
    uses: dict[Value, list[tuple[Operation, int]]] = {}
    for op in module.walk():
        for i, operand in enumerate(op.operands):
            uses.setdefault(operand, []).append((op, i))
    return uses


def _bare(argument: str) -> str:
    """An argument's type without attributes (`ptr align 4`)."""
    if argument.startswith("<"):
        return argument.partition(">")[0] + ">"
    return argument if "addrspace" in argument else argument.partition(" ")[0]


def emit_device_module(kernels: gpu.DeviceModule, target: Target) -> str:
    """LLVM text of the kernels of a `gpu.module` for a device. Raises UnsupportedError, naming it, for what has no code."""
    return ModuleEmitter(Module.of(kernels.body.block.operations), target).emit_kernels()


def emit_module(
    module: Module, target: Target | None = None, *, entry: str = "main", symbol: str = "irc_main"
) -> str:
    """LLVM text of a module of kernels for `target` (the host).

    `@entry` takes the inputs, the outputs and, last, the arena as memrefs, and becomes
    `void symbol(ptr args, ptr arena)`, where `args` holds the data pointers of inputs and outputs in order.
    Raises UnsupportedError that names the op, type or form which has no code."""
    return ModuleEmitter(module, target or host_target()).emit(entry, symbol)

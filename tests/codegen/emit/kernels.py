"""Kernel modules written with the op classes, compiled by the emitter and run on NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.codegen.emit import emit_module
from irc.dialects import arith, scf, vector
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.ir.attributes import UnitAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import MemRefType, TensorType, VectorType, element_types, i8, index
from irc.runtime import jit
from irc.runtime.executable import NativeProgram
from irc.runtime.target import Target

Body = Callable[..., None]


class Writer(Builder):
    """A builder with the few shorthands that kernels written by hand want."""

    def nested(self) -> Writer:
        return Writer(self.location)

    def constant(self, value: Any, type_: Any = index) -> Value:
        return self.emit(arith.Constant.of(value, type_))

    def at(self, *indices: Any) -> list[Value]:  # type: ignore[override]
        return [self.constant(i) if isinstance(i, int) else i for i in indices]

    def read(self, buffer: Value, indices: Sequence[Any], shape: tuple[int, ...], **attributes: Any) -> Value:
        """An in-bounds read unless `in_bounds` says otherwise."""
        element = buffer.type.element
        pad = attributes.pop("padding", None) or self.constant(0, element)
        mask = attributes.pop("mask", None)
        attributes.setdefault("in_bounds", (True,) * len(shape))
        type_ = VectorType(shape, element)
        op = vector.TransferRead(buffer, self.at(*indices), pad, mask, result_types=[type_], **attributes)
        return self.emit(op)

    def write(self, value: Value, buffer: Value, indices: Sequence[Any], **attributes: Any) -> None:
        mask = attributes.pop("mask", None)
        attributes.setdefault("in_bounds", (True,) * len(value.type.shape))
        self.emit(vector.TransferWrite(value, buffer, self.at(*indices), mask, **attributes))

    def loop(self, low: Any, high: Any, step: Any, inits: Sequence[Value], body: Body) -> Any:
        """`body(b, i, *carried)` returns the values to carry on."""

        def write(b: Writer, *arguments: Value) -> None:
            b.emit(scf.Yield(list(body(b, *arguments) or ())))

        region = self.region([index, *(v.type for v in inits)], write)
        return self.emit(scf.For(*self.at(low, high, step), list(inits), regions=[region]))

    def forall(self, bounds: Sequence[int], body: Body, *, sequential: bool = False) -> None:
        def write(b: Writer, *indices: Value) -> None:
            body(b, *indices)
            b.emit(scf.InParallel(regions=[]))

        region = self.region([index] * len(bounds), write)
        op = scf.Forall.over(bounds, region)
        if sequential:
            op.attributes["irc.sequential"] = UnitAttr()
        self.emit(op)


def function(name: str, types: Sequence[Any], body: Body, *, visibility: str | None = None) -> Func:
    """A function around what `body(b, *arguments)` writes; what it returns is returned."""
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    b = Writer()
    returned = body(b, *arguments)
    b.emit(Return(list(returned or ())))
    return Func.of(name, Block(arguments, b.operations), visibility=visibility)


def module_of(
    types: Sequence[MemRefType], body: Body, arena: int = 0, others: Sequence[Operation] = ()
) -> Module:
    """A kernel over buffers of these types, and the entry that calls it."""
    kernel = function("kernel", types, body, visibility="private")
    arena_type = MemRefType((arena,), i8)

    def call(b: Writer, *arguments: Value) -> None:
        b.emit(Call(list(arguments[:-1]), callee="kernel", result_types=[]))

    main = function("main", [*types, arena_type], call)
    return Module.of([*others, kernel, main])


def run(
    module: Module, inputs: Sequence[Any], outputs: Sequence[TensorType], target: Target | None = None
) -> list[np.ndarray]:
    """Compile @main and call it."""
    main: Any = module.symbols["main"]
    text = emit_module(module, target)
    types = [TensorType(a.shape, a.element) for a in (v.type for v in main.arguments[:-1])]
    program = NativeProgram(
        jit.assemble(text, target),
        types[: len(inputs)],
        list(outputs),
        arena_bytes=main.arguments[-1].type.shape[0],
    )
    return program(*inputs)


def computed(
    body: Body,
    inputs: Sequence[np.ndarray],
    outputs: Sequence[TensorType],
    target: Target | None = None,
    arena: int = 0,
) -> list[np.ndarray]:
    """Run `body(b, *input buffers, *output buffers)` as a kernel."""
    given = [MemRefType(a.shape, _element(a.dtype)) for a in inputs]
    made = [MemRefType(t.shape, t.element) for t in outputs]
    return run(module_of([*given, *made], body, arena), inputs, outputs, target)


def _element(dtype: np.dtype) -> Any:
    return next(e for e in element_types() if e.numpy == dtype)

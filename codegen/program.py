"""A fused module as one program of kernels.

`lower_program` gives a module of kernel IR. Its @main takes the inputs, the outputs and an arena as memrefs, makes views
of the arena and calls the kernels; control flow stays inside it as scf ops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from irc.codegen.buffers import Buffer
from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.group import buffer_type
from irc.codegen.memory_plan import MemoryPlan
from irc.codegen.plan import Branch, Check, Loop, Planner, Run, Step
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import arith, cf, memref, scf
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.errors import UnsupportedError
from irc.ir.attributes import ArrayAttr, Attribute, DenseElementsAttr, StringAttr, TypeAttr
from irc.ir.extents import greatest, names, size
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import FunctionType, MemRefType, TensorType, i8, index
from irc.passes.extents.written import UNKNOWN
from irc.runtime import failures

SIGNATURE = "irc.signature"
"""Module attribute: the tensor types of the program's inputs and outputs."""

EXTENTS = "irc.extents"
"""Module attribute of a program with unknown extents: the extents of inputs and outputs, and the arena's bytes, as text."""


def lower_program(module: Module, entry: str = "main", machine: Machine = HOST) -> tuple[Module, MemoryPlan]:
    """Kernel IR for a fused module on a machine, and its memory plan. Raises UnsupportedError naming what has no lowering."""
    main = module.symbols.get(entry)
    if not isinstance(main, Func) or main.is_declaration:
        raise UnsupportedError(f"the module has no function @{entry}")
    planner = Planner(module, main, machine)
    steps = planner.run()
    plan = planner.plan(steps)
    return _Emitter(module, main, planner, plan).module(steps), plan


@dataclass
class _Emitter:
    """Writes the planned steps as kernel IR."""

    source: Module
    main: Func
    planner: Planner
    plan: MemoryPlan
    views: dict[tuple[Buffer, MemRefType], Value] = field(default_factory=dict)
    turning: dict[Buffer, Value] = field(default_factory=dict)
    """Pointers to buffers that change places, here."""

    def module(self, steps: Sequence[Step]) -> Module:
        main = self.main
        inputs, outputs = [a.type for a in main.arguments], [v.type for v in main.returned]
        arena = MemRefType((greatest(self.plan.arena_bytes, 1),), i8)
        types = [*map(buffer_type, inputs), *map(buffer_type, outputs), arena]
        names = [*(a.name for a in main.arguments), *("" for _ in outputs), "arena"]
        arguments = [Value(t, None, i, n) for i, (t, n) in enumerate(zip(types, names, strict=True))]
        self.arguments, self.arena = arguments[:-1], arguments[-1]
        sizes = {n: Value(index, None, len(types) + i, n) for i, n in enumerate(sizes_of(inputs))}
        self.top = KernelBuilder(main.location, sizes=sizes)
        body = KernelBuilder(main.location, self.top.constants, sizes=sizes)
        self.emit(body, steps)
        body.emit(Return(()))
        block = Block(
            [*arguments, *sizes.values()],
            [*self.top.constants.values(), *self.top.operations, *body.operations],
        )
        attributes: dict[str, Attribute] = {}
        if main.arg_attrs is not None:
            attributes["irc.arguments"] = main.arg_attrs
        function = Func.of(main.sym_name, block, attributes=attributes, location=main.location)
        kernels = [f for group in self.planner.groups.values() for f in group.functions]
        kept = {k: v for k, v in self.source.attributes.items() if k != UNKNOWN}
        kept[SIGNATURE] = TypeAttr(FunctionType(tuple(inputs), tuple(outputs)))
        if sizes:
            shapes = [t.shape for t in (*inputs, *outputs)]
            kept[EXTENTS] = ArrayAttr(
                tuple(StringAttr(", ".join(map(str, s))) for s in (*shapes, arena.shape))
            )
        return Module.of([*self._globals(), function, *kernels], kept)

    def _globals(self) -> list[Operation]:
        made: list[Operation] = []
        for value, buffer in self.planner.constants.items():
            t = buffer.type
            array = value.array
            if array.dtype.kind == "c":  # two numbers an element: a splat has to be written out
                array = np.ascontiguousarray(array).view(t.element.numpy)
            initial = DenseElementsAttr.of(TensorType(t.shape, t.element), array.view(t.element.numpy))
            made.append(
                memref.Global(
                    sym_name=f"constant_{buffer.index}",
                    sym_visibility="private",
                    type=t,
                    initial_value=initial,
                    constant=True,
                    alignment=64,
                    location=buffer.location,
                )
            )
        return made

    def view(self, b: KernelBuilder, buffer: Buffer, t: MemRefType) -> Value:
        """A buffer as a memref of type `t` (of as many bytes); views stand once at the top of @main, but for those of buffers
        that change places."""
        if buffer in self.turning:
            return _cast(b, self.turning[buffer], t)
        key = (buffer, t)
        if key not in self.views:
            self.views[key] = self._make_view(buffer, t)
        return self.views[key]

    def _make_view(self, buffer: Buffer, t: MemRefType) -> Value:
        b = self.top
        match buffer.place:
            case "arena":
                unknown = [b.index(n) for n in t.static_shape if not isinstance(n, int)]
                return b.emit(memref.View(self.arena, b.index(buffer.index), unknown, result_types=[t]))
            case "constant":
                base = b.emit(memref.GetGlobal(name=f"constant_{buffer.index}", result_types=[buffer.type]))
            case "input":
                base = self.arguments[buffer.index]
            case _:
                base = self.arguments[len(self.main.arguments) + buffer.index]
        return _cast(b, base, t)

    def emit(self, b: KernelBuilder, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Run(group=group, operands=operands, location=location):
                    for func in group.functions:
                        pairs = zip(operands, func.arguments, strict=False)
                        values = [self.view(b, o, a.type) for o, a in pairs]
                        values += [b.index(size(a.name)) for a in func.arguments[len(operands) :]]
                        b.emit(Call(values, callee=func.sym_name, result_types=[], location=location))
                case Loop():
                    self._loop(b, step)
                case Branch():
                    self._branch(b, step)
                case Check(flag=flag, message=message, location=location):
                    text = failures.located(message, span_of(location))
                    b.emit(cf.Assert(self._scalar(b, flag), msg=text, location=location))

    def _loop(self, b: KernelBuilder, step: Loop) -> None:
        """A loop whose pointers to the buffers of the ring are carried."""
        outside = self.turning
        types = [buffer.type for buffer in step.ring]
        inits = [self.view(b, buffer, buffer.type) for buffer in step.ring]

        def before(inner: KernelBuilder, *pointers: Value) -> None:
            self.turning = outside | dict(zip(step.ring, pointers, strict=True))
            self.emit(inner, step.condition)
            inner.emit(scf.Condition(self._scalar(inner, step.flag), pointers))

        def after(inner: KernelBuilder, *pointers: Value) -> None:
            self.turning = outside | dict(zip(step.ring, pointers, strict=True))
            now = dict(self.turning)
            self.emit(inner, step.body)
            inner.emit(scf.Yield([now[buffer] for buffer in step.turned]))

        op = scf.While(inits, regions=[b.region(types, before), b.region(types, after)], result_types=types)
        b.emit(op)
        self.turning = outside | dict(zip(step.results, op.results, strict=False))

    def _scalar(self, b: KernelBuilder, buffer: Buffer) -> Value:
        return b.emit(memref.Load(self.view(b, buffer, MemRefType((), buffer.type.element)), ()))

    def _branch(self, b: KernelBuilder, step: Branch) -> None:
        chosen = self._scalar(b, step.selector)
        self._arms(b, chosen, step.arms, 0)

    def _arms(self, b: KernelBuilder, chosen: Value, arms: Sequence[Sequence[Step]], number: int) -> None:
        if number == len(arms) - 1:
            self.emit(b, arms[number])
            return
        is_flag = chosen.type.width == 1
        holds = chosen if is_flag else b.compare("eq", b.emit(_to_index(chosen)), number)
        b.branch(
            holds,
            lambda inner: self.emit(inner, arms[number]),
            lambda inner: self._arms(inner, chosen, arms, number + 1),
        )


def sizes_of(inputs: Sequence[Any]) -> list[str]:
    """The named sizes of a program, in the order in which the types of its inputs name them."""
    return list(dict.fromkeys(n for t in inputs for extent in t.shape for n in names(extent)))


def _to_index(value: Value) -> Operation:
    return arith.IndexCast(value, result_types=[index])


def _cast(b: KernelBuilder, base: Value, t: MemRefType) -> Value:
    """A dense buffer as one of another type."""
    if base.type is t:
        return base
    strides: Any = t.strides
    made: Value = b.emit(memref.ReinterpretCast.of(base, 0, t.static_shape, strides, b.index, t))
    return made

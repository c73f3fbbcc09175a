"""The host's side of a program on a device: launches in order, on places of four memories; control flow driven by the host.

`read_program` takes it from @main of a module of kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from irc.dialects import arith, cf, gpu, memref, scf
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.attributes import DenseElementsAttr
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import IntegerType


@dataclass(frozen=True, slots=True)
class Place:
    """`offset` bytes into a memory: `input`, `output` or `constant` number `index`, or the `arena`."""

    memory: str
    index: int
    offset: int = 0

    def __str__(self) -> str:
        name = self.memory if self.memory == "arena" else f"{self.memory}{self.index}"
        return f"{name}+{self.offset}" if self.offset else name


@dataclass(frozen=True, slots=True)
class Launch:
    """A kernel on a grid of `blocks` blocks of `threads` threads, with `shared` bytes of memory for each block."""

    kernel: str
    blocks: int
    threads: int
    arguments: tuple[Place, ...]
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Scalar:
    """An element that the host reads to decide: an integer of so many bytes."""

    place: Place
    nbytes: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """While `flag` is not 0 after `condition`: `body`."""

    condition: tuple[Step, ...]
    flag: Scalar
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """`then` where the scalar is `value`, else `otherwise`."""

    scalar: Scalar
    value: int
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Require:
    """The program has failed, and says the message, where the scalar is 0."""

    scalar: Scalar
    message: str


Step = Launch | Repeat | Choose | Require


@dataclass(frozen=True)
class HostProgram:
    """Steps, and the data of the constants they name."""

    steps: tuple[Step, ...]
    constants: tuple[Any, ...]

    @property
    def summary(self) -> str:
        """How many kernels it launches, and what of its control flow the host drives."""
        counts = Counter(type(step) for step in walk(self.steps))
        driven = [
            f"{counts[kind]} {name}{'s' * (counts[kind] > 1)}"
            for kind, name in ((Repeat, "loop"), (Choose, "choice"), (Require, "assertion"))
            if counts[kind]
        ]
        launches = f"{counts[Launch]} launch{'es' * (counts[Launch] != 1)}"
        if driven:
            return f"{launches}, {' and '.join(driven)} driven by the host"
        return f"{launches} in one graph" if counts[Launch] > 1 else launches

    def __str__(self) -> str:
        return "\n".join([f"// {self.summary}", *_listed(self.steps, "")])


def walk(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps, and those inside them."""
    for step in steps:
        yield step
        match step:
            case Repeat(condition, _, body):
                yield from walk((*condition, *body))
            case Choose(_, _, then, otherwise):
                yield from walk((*then, *otherwise))


def _listed(steps: Sequence[Step], indent: str) -> list[str]:
    lines: list[str] = []
    for step in steps:
        match step:
            case Launch():
                given = ", ".join(map(str, step.arguments))
                shared = f" shared {step.shared}" if step.shared else ""
                lines.append(f"{indent}{step.kernel}<<<{step.blocks}, {step.threads}>>>({given}){shared}")
            case Repeat():
                lines += [
                    f"{indent}while host reads {step.flag.place} after",
                    *_listed(step.condition, indent + "  "),
                ]
                lines += [f"{indent}do", *_listed(step.body, indent + "  ")]
            case Choose():
                lines += [f"{indent}if host reads {step.scalar.place} == {step.value}"]
                lines += [
                    *_listed(step.then, indent + "  "),
                    f"{indent}else",
                    *_listed(step.otherwise, indent + "  "),
                ]
            case Require():
                lines.append(f"{indent}assert host reads {step.scalar.place}")
    return lines


def read_program(module: Module) -> HostProgram:
    """The host's program of an outlined module."""
    main = module.symbols["main"]
    assert isinstance(main, Func)
    reader = _Reader(module)
    outputs = len(main.arguments) - 1 - _inputs(module)
    for i, argument in enumerate(main.arguments[:-1]):
        first = len(main.arguments) - 1 - outputs
        place = Place("input", i) if i < first else Place("output", i - first)
        reader.places[argument] = place
    reader.places[main.arguments[-1]] = Place("arena", 0)
    return HostProgram(reader.steps(main.block), tuple(reader.constants.values()))


def _inputs(module: Module) -> int:
    signature: Any = module.attributes["irc.signature"]
    return len(signature.value.inputs)


@dataclass
class _Reader:
    module: Module
    places: dict[Value, Place] = field(default_factory=dict)
    numbers: dict[Value, int] = field(default_factory=dict)
    scalars: dict[Value, Scalar] = field(default_factory=dict)
    tests: dict[Value, tuple[Scalar, int]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)

    def steps(self, block: Block) -> tuple[Step, ...]:
        made: list[Step] = []
        for op in block.operations:
            step = self.step(op)
            if step is not None:
                made.append(step)
        return tuple(made)

    def step(self, op: Operation) -> Step | None:
        match op:
            case gpu.LaunchFunc():
                return self.launch(op)
            case scf.While():
                before, last = op.before.block, op.before.block.terminator
                condition = self.steps(before)
                return Repeat(condition, self.scalars[last.operands[0]], self.steps(op.after.block))
            case scf.If():
                chosen = self.scalars.get(op.condition)
                scalar, value = self.tests[op.condition] if chosen is None else (chosen, 1)
                otherwise = self.steps(op.elseRegion.block) if op.elseRegion.blocks else ()
                return Choose(scalar, value, self.steps(op.thenRegion.block), otherwise)
            case cf.Assert():
                return Require(self.scalars[op.arg], op.msg)
            case _ if op.terminator:
                return None
        self.value(op)
        return None

    def launch(self, op: gpu.LaunchFunc) -> Launch:
        shared = 0 if op.dynamicSharedMemorySize is None else self.numbers[op.dynamicSharedMemorySize]
        places = tuple(self.places[v] for v in op.kernelOperands)
        blocks, threads = self.numbers[op.gridSizeX], self.numbers[op.blockSizeX]
        return Launch(op.kernel.nested[-1], blocks, threads, places, shared)

    def value(self, op: Operation) -> None:
        """Follows an op that only says where something is, or reads a scalar."""
        match op:
            case arith.Constant():
                self.numbers[op.result] = int(op.value.value)
            case memref.View():
                start = self.places[op.source]
                self.places[op.view] = Place(
                    start.memory, start.index, start.offset + self.numbers[op.byte_shift]
                )
            case memref.GetGlobal():
                self.places[op.result] = Place("constant", self.constant(op.symbol))
            case memref.ReinterpretCast():
                self.places[op.result] = self.places[op.source]
            case memref.Load():
                place, element = self.places[op.memref], op.memref.type.element
                assert isinstance(element, IntegerType)
                self.scalars[op.result] = Scalar(place, element.numpy.itemsize)
            case arith.IndexCast():
                self.scalars[op.result] = self.scalars[op.operands[0]]
            case arith.CmpI() if op.predicate == "eq":
                self.tests[op.result] = (self.scalars[op.lhs], self.numbers[op.rhs])
            case _:
                raise UnsupportedError(
                    f"'{op.name}' on the host of a device is not supported", span=span_of(op.location)
                )

    def constant(self, symbol: str) -> int:
        if symbol not in self.constants:
            op: Any = self.module.symbols[symbol]
            assert isinstance(op.initial_value, DenseElementsAttr)
            self.constants[symbol] = op.initial_value.array
        return list(self.constants).index(symbol)

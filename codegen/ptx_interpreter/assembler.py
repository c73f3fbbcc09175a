"""Instructions made ready to run: operands resolved, each a step on the machine, straight runs of them as blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.machine import Machine, Step, anything
from irc.codegen.ptx_interpreter.scalars import RAW, TYPES, Array, as_bits, as_type, raw
from irc.codegen.ptx_interpreter.special import SPECIAL, TIMERS, special
from irc.codegen.ptx_interpreter.syntax import (
    Address,
    Function,
    Instruction,
    Integer,
    Label,
    Operand,
    Register,
    Several,
    Symbol,
    Text,
    Variable,
)
from irc.errors import IrcError, SourceSpan, UnsupportedError

Source = Callable[[Machine], Array]
"""An operand: its value for the lanes that arithmetic works on."""
Target = Callable[[Machine, Array], None]

Maker = Callable[[Instruction, "Assembler"], Step]
MAKERS: dict[str, Maker] = {}
"""By first word of the opcode."""

CARRY = "%carry"
"""The carry flag, as a register."""


def executes(*names: str) -> Callable[[Maker], Maker]:
    """Registers what makes steps of instructions whose opcode begins with one of these words."""

    def register(maker: Maker) -> Maker:
        for name in names:
            MAKERS[name] = maker
        return maker

    return register


@dataclass(frozen=True, slots=True)
class Branch:
    """Goes on at `targets[index]` where an index is given, else at the one target; under the guard where one is given."""

    targets: tuple[str, ...]
    guard: Source | None = None
    index: Source | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The thread ends."""

    guard: Source | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A place where lanes wait: for others of their warp, named by a mask (all without), for those of their block at a
    barrier, or for the phase of a barrier in memory."""

    kind: str
    mask: Source | None = None
    barrier: Source | None = None
    count: Source | None = None
    arrive: bool = False
    aligned: bool = True
    ready: Source | None = None
    """Which of the active lanes need not wait for a phase."""


@dataclass(slots=True)
class Straight:
    """Steps without a branch between; then `end`, or the block after it. With a meeting, the one step waits for others."""

    steps: list[Step] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    end: Branch | Leave | None = None
    meeting: Meeting | None = None


@dataclass(slots=True)
class Kernel:
    """A kernel that can be launched."""

    name: str
    parameters: list[Variable]
    blocks: list[Straight]
    labels: dict[str, int]
    registers: dict[str, int]
    shared: dict[str, int]
    shared_size: int
    dynamic_alignment: int
    local_size: int
    local: dict[str, int]
    directives: dict[str, tuple[int, ...]]
    approximate: tuple[str, ...] = ()
    """Opcodes whose results the hardware may round otherwise."""


class Assembler:
    """Makes a kernel of a function in which no calls are left."""

    def __init__(self, text: Text, function: Function, file: str, lines: list[str]) -> None:
        self.text, self.function, self.file, self.lines = text, function, file, lines
        self.registers: dict[str, int] = {}
        self.types: dict[str, np.dtype[Any]] = {CARRY: np.dtype(bool)}
        self.approximate: dict[str, None] = {}
        self._written = {name for s in function.body if isinstance(s, Instruction) for name in _results(s)}
        self.now: Instruction | None = None

    # Errors.

    def span(self, line: int) -> SourceSpan:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        column = len(text) - len(text.lstrip()) + 1
        return SourceSpan(self.file, line, column, len(text) + 1, text)

    def refuse(self, what: str) -> UnsupportedError:
        assert self.now is not None
        return UnsupportedError(f"the PTX interpreter does not take {what}", span=self.span(self.now.line))

    # Operands.

    def register(self, name: str) -> int:
        if name not in self.registers:
            self.registers[name] = len(self.registers)
        return self.registers[name]

    def holder(self, name: str) -> np.dtype[Any]:
        """What a register keeps its bits in."""
        if name not in self.types:
            declared = self.function
            type = declared.registers.get(name) or declared.families.get(name.rstrip("0123456789"))
            if type is None:
                raise self.refuse(f"'{name}', which is declared nowhere,")
            self.types[name] = raw(type)
        return self.types[name]

    def is_register(self, operand: Operand | None) -> bool:
        return isinstance(operand, Register) or (
            isinstance(operand, Symbol) and operand.name in self.function.registers
        )

    def source(self, operand: Operand | None, type: str, *, undefined: bool = False) -> Source:
        """An operand read as a type, [lanes] or [1]. With `undefined`, a register that nothing writes has some value."""
        dtype = TYPES[type]
        if undefined and isinstance(operand, Register) and operand.name not in self._written:
            some = anything(1, RAW[dtype.itemsize]).view(dtype)
            return lambda m: some
        match operand:
            case Register(name, negated):
                return self._from_register(name, negated, dtype)
            case Symbol(name) if name in self.function.registers:
                return self._from_register(name, False, dtype)
            case Integer():
                value = self._literal(operand, dtype)
                return lambda m: value
            case Symbol("WARP_SZ"):
                warp = np.full(1, 32, dtype)
                return lambda m: warp
            case Symbol(name, offset):
                if not self._is_variable(name):
                    raise self.refuse(f"'{name}', which is declared nowhere,")
                return lambda m: np.asarray([m.symbols[name] + offset], np.uint64).astype(dtype)
            case Several(elements):
                return self._packed(elements, dtype)
        raise self.refuse(f"the operand {operand}")

    def _is_variable(self, name: str) -> bool:
        f = self.function
        declared = (f.variables, self.text.variables, {p.name: p for p in f.parameters})
        return any(name in variables for variables in declared)

    def _from_register(self, name: str, negated: bool, dtype: np.dtype[Any]) -> Source:
        if name in SPECIAL or name in TIMERS:
            return lambda m: as_type(_selected(m, special(m, name)), dtype)
        kept = self.holder(name)
        number = self.register(name)
        if negated:
            return lambda m: ~m.get(number)
        if kept != dtype and kept.itemsize != dtype.itemsize:
            return lambda m: as_type(m.get(number), dtype)

        def read(m: Machine) -> Array:
            # As Machine.get, without a call: nothing is done more often.
            held = m.registers[number]
            if held is None or not m.whole:
                held = m.get(number)
            return held.view(dtype)

        return read

    def _packed(self, elements: tuple[Operand | None, ...], dtype: np.dtype[Any]) -> Source:
        """`{low, high}` as the bits of a wider value."""
        width = dtype.itemsize // len(elements)
        parts = [self.source(e, f"b{8 * width}", undefined=True) for e in elements]
        whole = np.dtype(f"u{dtype.itemsize}")
        shifts = [np.asarray(8 * width * i, whole) for i in range(len(parts))]

        def pack(m: Machine) -> Array:
            made = parts[0](m).astype(whole)
            for part, shift in zip(parts[1:], shifts[1:], strict=True):
                made = made | (part(m).astype(whole) << shift)
            return made.view(dtype)

        return pack

    def _literal(self, literal: Integer, dtype: np.dtype[Any]) -> Array:
        if literal.width:
            bits = np.asarray([literal.value], np.uint32 if literal.width == 32 else np.uint64)
            if dtype.kind == "f" and dtype.itemsize * 8 != literal.width:
                return bits.view(f"f{literal.width // 8}").astype(dtype)
            return as_type(bits, dtype)
        if dtype.kind == "b":
            return np.asarray([literal.value != 0])
        width = dtype.itemsize
        return np.asarray([literal.value % (1 << 8 * width)], np.dtype(f"u{width}")).view(dtype)

    def target(self, operand: Operand | None) -> Target:
        """Where arithmetic puts its value."""
        return self._target(operand, lanes=False)

    def lanes_target(self, operand: Operand | None) -> Target:
        """Where what works on the active lanes alone puts its value, [active] or [1]."""
        return self._target(operand, lanes=True)

    def _target(self, operand: Operand | None, *, lanes: bool) -> Target:
        put = Machine.put_lanes if lanes else Machine.put
        match operand:
            case None | Several((None,)) | Register("_"):
                return lambda m, value: None
            case Register(name) | Symbol(name):
                kept, number = self.holder(name), self.register(name)

                def write(m: Machine, value: Array) -> None:
                    bits = value if value.dtype == kept else as_bits(value, kept)
                    if m.whole and not lanes:
                        m.registers[number] = bits
                    else:
                        put(m, number, bits)

                return write
            case Several(elements):
                return self._unpacked(elements, lanes=lanes)
        raise self.refuse(f"the result {operand}")

    def _unpacked(self, elements: tuple[Operand | None, ...], *, lanes: bool) -> Target:
        targets = [self._target(e, lanes=lanes) for e in elements]

        def put(m: Machine, value: Array) -> None:
            width = value.dtype.itemsize // len(targets)
            parts = np.ascontiguousarray(value).view(f"u{width}").reshape(-1, len(targets))
            for i, target in enumerate(targets):
                target(m, np.ascontiguousarray(parts[:, i]))

        return put

    def guard(self, register: Register) -> Source:
        return self.source(register, "pred")

    def address(self, operand: Operand) -> Source:
        """The 64 bits of `[base + offset]`."""
        assert isinstance(operand, Address)
        offset = np.asarray([operand.offset % (1 << 64)], np.uint64)
        base = operand.base
        if self.is_register(base):
            assert isinstance(base, Register | Symbol)
            width = self.holder(base.name).itemsize
            value = self.source(base, f"u{8 * width}")
            if not operand.offset:
                return (lambda m: value(m)) if width == 8 else (lambda m: value(m).astype(np.uint64))
            return lambda m: value(m).astype(np.uint64) + offset
        value = self.source(base, "u64")
        return lambda m: value(m) + offset

    # Steps.

    def step(self, instruction: Instruction) -> Step:
        """One instruction under its guard."""
        self.now = instruction
        maker = MAKERS.get(instruction.name)
        if maker is None:
            raise self.refuse(f"the instruction '{instruction.opcode}'")
        try:
            run = maker(instruction, self)
        except (KeyError, IndexError, ValueError) as error:
            raise self.refuse(f"the instruction '{instruction.opcode}' ({error})") from None
        return run if instruction.guard is None else self._guarded(run, self.guard(instruction.guard))

    def _guarded(self, run: Step, guard: Source) -> Step:
        def step(m: Machine) -> None:
            chosen = m.per_lane(guard(m))
            if chosen.all():
                run(m)
            elif chosen.any():
                m.within(chosen, run)

        return step


def _results(i: Instruction) -> list[str]:
    """The registers that stand where results do."""
    first = i.operands[:1]
    return [
        o.name
        for e in first
        for o in (e.elements if isinstance(e, Several) else (e,))
        if isinstance(o, Register)
    ]


def _selected(m: Machine, value: Array) -> Array:
    """A value of all lanes, for those that arithmetic works on."""
    return value if m.whole or value.shape[0] == 1 else value[m.active]


__all__ = ["MAKERS", "Assembler", "Branch", "IrcError", "Kernel", "Label", "Leave", "Meeting", "Source", "Step",
           "Straight", "Target", "executes"]  # fmt: skip

"""PTX as data: what a text says, before anything is run (PTX ISA, chapters 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Register:
    """A register, special ones included. `negated` is the `!` before a predicate."""

    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Integer:
    """A literal integer, or the bits of a literal float where `width` is 32 or 64."""

    value: int
    width: int = 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, a function or a label."""

    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """`[base + offset]`; `coordinates` are those of a tensor copy."""

    base: Register | Symbol | Integer
    offset: int = 0
    coordinates: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class Several:
    """`{a, b}`, the `(a, b)` of a call, or the `p|q` of two results; None is `_`."""

    elements: tuple[Operand | None, ...]


Operand = Register | Integer | Symbol | Address | Several


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `name.modifiers operands` under a guard."""

    name: str
    modifiers: tuple[str, ...]
    operands: tuple[Operand, ...]
    guard: Register | None
    line: int

    @property
    def opcode(self) -> str:
        return ".".join((self.name, *self.modifiers))

    @property
    def type(self) -> str:
        """The last modifier: the type of what it works on."""
        return self.modifiers[-1]

    def has(self, *modifiers: str) -> bool:
        return any(m in self.modifiers for m in modifiers)

    def first_of(self, *modifiers: str) -> str:
        """Which of these it carries; the empty string where none."""
        return next((m for m in modifiers if m in self.modifiers), "")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a state space. `size` is in bytes and 0 for an array of unknown extent."""

    name: str
    space: str
    type: str
    size: int
    alignment: int
    initial: bytes | None = None
    external: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A place to branch to."""

    name: str


Statement = Instruction | Label


@dataclass(slots=True)
class Function:
    """A kernel or a device function, its scopes undone: every register, variable and label has a name of its own."""

    name: str
    kernel: bool
    line: int
    parameters: list[Variable] = field(default_factory=list)
    results: list[Variable] = field(default_factory=list)
    registers: dict[str, str] = field(default_factory=dict)
    """Type by name."""
    families: dict[str, str] = field(default_factory=dict)
    """Type by prefix, of registers declared as `%r<8>`."""
    variables: dict[str, Variable] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The labels of each list of branch targets."""
    body: list[Statement] = field(default_factory=list)
    directives: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """`reqntid`, `maxntid` and their kin."""
    defined: bool = True


@dataclass(slots=True)
class Text:
    """A module as it is written."""

    version: str = ""
    target: str = ""
    functions: dict[str, Function] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

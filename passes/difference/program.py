"""A program as it is compared: what it computes once its initial values are there, and its canonical form.

A program that is recorded as it runs often draws its weights and makes its first step in one go, where another has two
programs: what is drawn for an initial value (its note says so) becomes an argument here, at the place of the draw."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from irc.dialects.builtin import Module, print_module
from irc.dialects.func import Call, Func, Return
from irc.dialects.stablehlo import Constant, Convolution, DotGeneral, Gather, Transpose, While
from irc.errors import IrcError
from irc.ir.attributes import DenseElementsAttr
from irc.ir.locations import FusedLoc, Location, NameLoc, file_location
from irc.ir.notes import CALL, Note, note_of, notes_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter
from irc.passes.canonical import Canonical, canonical_name
from irc.passes.layout.orders import Order, identity
from irc.passes.manager import Context
from irc.passes.regions import walk

INITIAL = "initial"
"""The operation that notes of initial values name."""
NUMBER = "number"
"""The operation that the note of a number names which a program is given anew at each call."""
BACKWARD = "grad"
TURNED = "product, turned round"
"""The role of a weight that is held as [out, in]."""
SHOWS = ("stablehlo.broadcast_in_dim", "stablehlo.reshape", "stablehlo.pad")
"""Ops whose result is, for what it means, their first operand."""


def is_backward(location: Location) -> bool:
    """Whether an op computes a gradient."""
    return isinstance(location, FusedLoc) and BACKWARD in location.metadata


CallKey = tuple[Note, Location | None, str]


def keys_of(note: Note, place: Location) -> list[CallKey]:
    """What tells one call of an operation from another: the line and the module, or its number where it has one."""
    plain = Note(note.operation, tuple(pair for pair in note.settings if pair[0] != CALL))
    name = place.name if isinstance(place, NameLoc) else ""
    here: list[CallKey] = [(plain, file_location(place), name)]
    return here if plain == note else [*here, (note, None, "")]


@dataclass(slots=True)
class Called:
    """A call of an operation of the frontend: its note, the place of its first op, and what its ops are known by."""

    note: Note
    place: Location
    keys: dict[CallKey, None]


@dataclass(frozen=True)
class Program:
    """A module's entry with its canonical function, which keeps locations."""

    number: int
    entry: Func
    canonical: Func
    wrapper: Func

    @staticmethod
    def of(module: Module, number: int = 0) -> Program:
        """Raises IrcError where there is no @main, nor one public function."""
        cut = module.with_operations([_cut(op) if isinstance(op, Func) else op for op in module.operations])
        made = Canonical(locations=True).apply(cut, Context())
        functions = [op for op in made.operations if isinstance(op, Func)]
        wrapper = made.symbols.get("main", functions[0] if len(functions) == 2 else None)
        if not isinstance(wrapper, Func):
            raise IrcError("the module has no function @main")
        canonical, entry = made.symbols[canonical_name(wrapper.sym_name)], cut.symbols[wrapper.sym_name]
        assert isinstance(canonical, Func) and isinstance(entry, Func)
        return Program(number, entry, canonical, wrapper)

    @cached_property
    def text(self) -> str:
        return print_module(self.canonical, locations=False)

    @property
    def is_trivial(self) -> bool:
        """Whether it computes nothing."""
        return all(isinstance(op, Constant | Return) for op in self.canonical.block.operations)

    @cached_property
    def operations(self) -> list[Called]:
        """The frontend's operations with notes in the order of the program, each call once."""
        known: dict[CallKey, Called] = {}
        for op in walk(self.entry.block):
            if not is_backward(op.location):
                for note, place in notes_of(op.location):
                    keys = keys_of(note, place)
                    call = next((known[k] for k in keys if k in known), None) or Called(note, place, {})
                    call.keys.update(dict.fromkeys(keys))
                    known.update(dict.fromkeys(keys, call))
        calls = {id(call): call for call in known.values()}
        return [call for call in calls.values() if call.note.operation != INITIAL]

    def orders(self) -> dict[Value, Order]:
        """How each argument of the canonical function stands to what @main is given: the order of its dimensions."""
        (call,) = [op for op in self.wrapper.block.operations if isinstance(op, Call)]
        found = {}
        for argument, given in zip(self.canonical.arguments, call.operands, strict=True):
            rank = len(given.type.shape) if hasattr(given.type, "shape") else 0
            order = given.op.permutation if isinstance(given.op, Transpose) else identity(rank)
            found[argument] = tuple(order)
        return found

    def roles(self) -> dict[Value, tuple[str, Location]]:
        """What arguments are to the op that reads them first: a convolution's or a product's input or weight (and whether
        it is held as [out, in]), a table, a bias; with the place of that op."""
        return dict(_roles(self.canonical.block))


def _cut(func: Func) -> Func:
    """The function with what is drawn for initial values as further arguments, and with numbers that a program reads anew
    at each call (a learning rate) as what they are. What only gives back initial values goes."""
    if func.is_declaration:
        return func
    func = _with_numbers(func)
    ops = func.block.operations
    drawn = {op: None for op in ops if any(note.operation == INITIAL for note, _ in notes_of(op.location))}
    if not drawn:
        return func
    used = dict.fromkeys(v for op in ops if op not in drawn for inner in op.walk() for v in inner.operands)
    arguments = list(func.arguments)
    renamed: dict[Value, Value] = {}
    for op in drawn:
        for result in op.results:
            if result in used:
                renamed[result] = Value(result.type, None, len(arguments), "", op.location)
                arguments.append(renamed[result])
    rewriter = Rewriter(mapping=renamed)
    for op in ops[:-1]:
        if op not in drawn:
            rewriter.replay(op)
    returned = [rewriter.value(v) for v in func.returned if v not in renamed]
    return Func.of(func.sym_name, Block(arguments, [*rewriter.operations, Return(returned)]))


def _with_numbers(func: Func) -> Func:
    values = {a: note_of(a.location) for a in func.arguments}
    numbers = {
        a: Constant(
            value=DenseElementsAttr.of(a.type, _number(note.get("value") or "0")),
            result_types=[a.type],
        )
        for a, note in values.items()
        if note is not None and note.operation == NUMBER
    }
    if not numbers:
        return func
    rewriter = Rewriter(mapping={a: op.result for a, op in numbers.items()})
    for op in func.block.operations:
        rewriter.replay(op)
    arguments = [a for a in func.arguments if a not in numbers]
    given = {a: Value(a.type, None, i, a.name, a.location) for i, a in enumerate(arguments)}
    renumbered = Rewriter(mapping=given)
    for op in (*numbers.values(), *rewriter.operations):
        renumbered.replay(op)
    return Func.of(func.sym_name, Block(list(given.values()), renumbered.operations))


def _number(text: str) -> float:
    try:
        return ast.literal_eval(text)
    except ValueError:
        return float(text)  # inf and nan


def _roles(block: Block) -> Iterator[tuple[Value, tuple[str, Location]]]:
    behind: dict[Value, Value] = {a: a for a in block.arguments}
    found: dict[Value, None] = {}
    for op in walk(block):
        _look_through(op, behind)
        for i, operand in enumerate(op.operands):
            argument = behind.get(operand)
            role = _role(op, i)
            if argument is not None and role and argument not in found:
                found[argument] = None
                yield argument, (role, op.location)


def _look_through(op: Operation, behind: dict[Value, Value]) -> None:
    """Values that only show an argument: carried by a loop, or spread."""
    if isinstance(op, While):
        for region in op.regions:
            behind.update(
                (a, behind[v]) for a, v in zip(region.arguments, op.operands, strict=True) if v in behind
            )
    elif op.name in SHOWS and op.operands[0] in behind:
        behind[op.results[0]] = behind[op.operands[0]]


def _role(op: Operation, i: int) -> str:
    match op:
        case Convolution():
            return ("convolution's input", "convolution's weight")[i]
        case DotGeneral():
            d = op.dot_dimension_numbers
            contracted = (d.lhs_contracting_dimensions, d.rhs_contracting_dimensions)[i]
            return "product" if contracted == (0,) else TURNED
        case Gather() if i == 0:
            return "table"
        case _ if op.name == "stablehlo.add":
            return "bias"
    return ""

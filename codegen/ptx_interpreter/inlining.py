"""Calls undone: the body of a device function put in place of each call, with names of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from irc.codegen.ptx_interpreter.special import SPECIAL, TIMERS
from irc.codegen.ptx_interpreter.syntax import (
    Address,
    Function,
    Instruction,
    Label,
    Operand,
    Register,
    Several,
    Statement,
    Symbol,
    Text,
    Variable,
)
from irc.errors import SourceSpan, UnsupportedError

Rename = Callable[[str], str]


def without_calls(text: Text, kernel: Function, file: str) -> Function:
    """A kernel in which the functions it calls are spelled out; their parameters are variables of the thread.

    Raises UnsupportedError for a call of what the text does not define, through a pointer, or of itself."""
    inliner = _Inliner(text, kernel, file)
    whole = replace(
        kernel,
        registers=dict(kernel.registers),
        families=dict(kernel.families),
        variables=dict(kernel.variables),
        targets=dict(kernel.targets),
    )
    whole.body = inliner.expand(kernel, whole, lambda name: name, (kernel.name,))
    return whole


class _Inliner:
    def __init__(self, text: Text, kernel: Function, file: str) -> None:
        self.text, self.kernel, self.file = text, kernel, file
        self.made = 0

    def expand(
        self, function: Function, whole: Function, rename: Rename, within: tuple[str, ...]
    ) -> list[Statement]:
        """The statements of a function, renamed; what it declares goes to `whole`."""
        body: list[Statement] = []
        for statement in function.body:
            if isinstance(statement, Label):
                body.append(Label(rename(statement.name)))
                continue
            renamed = statement if function is self.kernel else _renamed(statement, rename)
            if statement.name == "call":
                body += self._call(renamed, whole, within)
            else:
                body.append(_own_parameters(renamed, whole))
        return body

    def _call(self, call: Instruction, whole: Function, within: tuple[str, ...]) -> list[Statement]:
        results, callee, arguments = _call_parts(call)
        function = self.text.functions.get(callee)
        span = SourceSpan(self.file, call.line, 1)
        if function is None or not function.defined:
            raise UnsupportedError(f"the PTX calls '{callee}', which it does not define", span=span)
        if callee in within or call.guard is not None:
            raise UnsupportedError(f"the call of '{callee}' is recursive or guarded", span=span)
        self.made += 1
        prefix = f"{callee}.{self.made}#"
        given = dict(zip((v.name for v in function.parameters), arguments, strict=True))
        given |= dict(zip((v.name for v in function.results), results, strict=True))
        own = _own_names(function)

        def rename(name: str) -> str:
            if name in given:
                return given[name]
            family = name.rstrip("0123456789")
            mine = name in own or (family in function.families and name not in SPECIAL and name not in TIMERS)
            return prefix + name if mine else name

        whole.registers |= {prefix + n: t for n, t in function.registers.items()}
        whole.families |= {prefix + n: t for n, t in function.families.items()}
        whole.targets |= {prefix + n: tuple(map(rename, t)) for n, t in function.targets.items()}
        for variable in function.variables.values():
            whole.variables[prefix + variable.name] = replace(variable, name=prefix + variable.name)
        end = f"{prefix}end"
        inner = self.expand(function, whole, rename, (*within, callee))
        return [*(_returns_to(s, end) for s in inner), Label(end)]


def _call_parts(call: Instruction) -> tuple[list[str], str, list[str]]:
    """(results, function, arguments) of `call (r), f, (a, b)`."""
    operands = list(call.operands)
    results = _names(operands.pop(0)) if isinstance(operands[0], Several) else []
    callee = operands.pop(0)
    assert isinstance(callee, Symbol | Register)
    return results, callee.name, _names(operands[0]) if operands else []


def _names(operand: Operand) -> list[str]:
    assert isinstance(operand, Several)
    return [e.name for e in operand.elements if isinstance(e, Symbol | Register)]


def _own_names(function: Function) -> set[str]:
    labels = {s.name for s in function.body if isinstance(s, Label)}
    return {*function.registers, *function.variables, *function.targets, *labels}


def _returns_to(statement: Statement, end: str) -> Statement:
    if isinstance(statement, Instruction) and statement.name == "ret":
        return replace(statement, name="bra", modifiers=(), operands=(Symbol(end),))
    return statement


def _renamed(i: Instruction, rename: Rename) -> Instruction:
    def operand(o: Operand | None) -> Operand | None:
        match o:
            case Register(name, negated):
                return Register(rename(name), negated)
            case Symbol(name, offset):
                return Symbol(rename(name), offset)
            case Address(base, offset, coordinates):
                inner = operand(base)
                assert isinstance(inner, Register | Symbol) or inner is base
                return Address(inner, offset, tuple(c for e in coordinates if (c := operand(e)) is not None))
            case Several(elements):
                return Several(tuple(operand(e) for e in elements))
        return o

    operands = tuple(found for o in i.operands if (found := operand(o)) is not None)
    guard = operand(i.guard)
    assert guard is None or isinstance(guard, Register)
    return replace(i, operands=operands, guard=guard)


def _own_parameters(i: Instruction, whole: Function) -> Instruction:
    """Accesses to the parameters of calls are accesses to local memory."""
    if "param" not in {m.partition("::")[0] for m in i.modifiers}:
        return i
    for o in i.operands:
        if isinstance(o, Address) and isinstance(o.base, Symbol):
            variable: Variable | None = whole.variables.get(o.base.name)
            if variable is not None and variable.space == "param":
                modifiers = tuple("local" if m.partition("::")[0] == "param" else m for m in i.modifiers)
                return replace(i, modifiers=modifiers)
    return i

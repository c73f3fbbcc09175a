"""A kernel made of a function: its variables placed, its body cut into straight runs."""

from __future__ import annotations

from dataclasses import replace

from irc.codegen.ptx_interpreter import (
    access,
    async_copy,
    control,
    convert,
    floating,
    integer,
    matrix,
    warp,
)
from irc.codegen.ptx_interpreter.assembler import Assembler, Branch, Kernel, Straight
from irc.codegen.ptx_interpreter.inlining import without_calls
from irc.codegen.ptx_interpreter.syntax import (
    Address,
    Function,
    Instruction,
    Label,
    Operand,
    Register,
    Several,
    Symbol,
    Text,
)

# Importing them registers what they execute.
_FAMILIES = (access, async_copy, control, convert, floating, integer, matrix, warp)


def make_kernel(text: Text, function: Function, file: str, lines: list[str]) -> Kernel:
    """Everything about a kernel that no launch changes. Raises UnsupportedError, naming it, for an instruction that is not known."""
    whole = without_calls(text, function, file)
    a = Assembler(text, whole, file, lines)
    blocks, labels = _cut(whole, a)
    shared, size, alignment = _shared(text, whole)
    local, local_size = _placed([v for v in whole.variables.values() if v.space in ("local", "param")])
    return Kernel(
        function.name, function.parameters, blocks, labels, a.registers, shared, size, alignment,
        local_size, local, function.directives, tuple(a.approximate),
    )  # fmt: skip


def _cut(function: Function, a: Assembler) -> tuple[list[Straight], dict[str, int]]:
    blocks, labels = [Straight()], {}

    def fresh() -> Straight:
        if blocks[-1].steps or blocks[-1].end or blocks[-1].meeting or blocks[-1].instructions:
            blocks.append(Straight())
        return blocks[-1]

    for statement in function.body:
        if isinstance(statement, Label):
            fresh()
            labels[statement.name] = len(blocks) - 1
            continue
        end = control.end_of(statement, a)
        if end is not None:
            blocks[-1].end = end
            blocks[-1].instructions.append(statement)
            fresh()
            continue
        meeting = control.meeting_of(statement, a)
        if meeting is None:
            blocks[-1].steps.append(a.step(statement))
            blocks[-1].instructions.append(statement)
            continue
        after = f"{statement.line}.{len(blocks)}.after"
        if statement.guard is not None:
            fresh().end = Branch(
                (after,), a.guard(replace(statement.guard, negated=not statement.guard.negated))
            )
            blocks[-1].instructions.append(statement)
        block = fresh()
        block.meeting = meeting
        block.instructions.append(statement)
        block.steps.append(a.step(replace(statement, guard=None)))
        fresh()
        labels[after] = len(blocks) - 1
    return blocks, labels


def _placed(variables: list, start: int = 0) -> tuple[dict[str, int], int]:  # type: ignore[type-arg]
    """Offsets of variables one after another, and where they end."""
    offsets: dict[str, int] = {}
    for v in variables:
        start = -(-start // v.alignment) * v.alignment
        offsets[v.name] = start
        start += v.size
    return offsets, start


def _shared(text: Text, function: Function) -> tuple[dict[str, int], int, int]:
    """(offsets, bytes of static shared memory, alignment of the dynamic one), which begins after the static."""
    used = _symbols(function)
    mine = [
        v
        for v in (*text.variables.values(), *function.variables.values())
        if v.space == "shared" and v.name in used
    ]
    offsets, size = _placed([v for v in mine if not (v.external and v.size == 0)])
    dynamic = [v for v in mine if v.external and v.size == 0]
    alignment = max((v.alignment for v in dynamic), default=1)
    start = -(-size // alignment) * alignment if dynamic else size
    return offsets | dict.fromkeys((v.name for v in dynamic), start), start, alignment


def _symbols(function: Function) -> set[str]:
    found: set[str] = set()

    def visit(o: Operand | None) -> None:
        match o:
            case Symbol(name) | Register(name):
                found.add(name)
            case Address(base):
                visit(base)
            case Several(elements):
                for e in elements:
                    visit(e)

    for statement in function.body:
        if isinstance(statement, Instruction):
            for operand in statement.operands:
                visit(operand)
    return found

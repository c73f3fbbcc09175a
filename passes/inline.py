"""Inlining: calls of functions, and composites, become the bodies."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func
from irc.dialects.stablehlo import Composite
from irc.ir.locations import CallSiteLoc, Location
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter, fresh_copy
from irc.passes.dce import without_dead_functions
from irc.passes.manager import Context, Pass
from irc.passes.marks import KIND
from irc.passes.symbols import referenced_symbols

"""A function with this attribute is a fusion (design: the fused level) and stays a call."""


@dataclass(frozen=True)
class Inline(Pass, name="inline"):
    """Given  `call @f(%x)` with `func private @f(%a) { %0 = tanh %a; return %0 }`.  Result  `tanh %x`.

    A composite becomes its decomposition. Fusions, declarations and functions that call themselves stay. Private functions
    left without a caller go."""

    def apply(self, module: Module, context: Context) -> Module:
        functions = {op.sym_name: op for op in module.operations if isinstance(op, Func)}
        order = _callees_first(functions)
        done: dict[str, Func] = {}
        candidates: dict[str, Func] = {}
        for name in order:
            func = functions[name]
            if not func.is_declaration:
                block = _Inliner(candidates).block_of(func.block)
                func = func if block is func.block else func.with_block(block)
            done[name] = func
            if _may_inline(func):
                candidates[name] = func
        operations = [done[op.sym_name] if isinstance(op, Func) else op for op in module.operations]
        if all(a is b for a, b in zip(operations, module.operations, strict=True)):
            return module
        return without_dead_functions(module.with_operations(operations))


def _may_inline(func: Func) -> bool:
    return (
        len(func.body.blocks) == 1
        and KIND not in func.attributes
        and func.sym_name not in referenced_symbols(func)
    )


def _callees_first(functions: dict[str, Func]) -> list[str]:
    """Names so that a callee comes before its callers (of functions that call each other, one comes first)."""
    order: dict[str, None] = {}
    started: set[str] = set()
    for root in functions:
        stack = [root]
        while stack:
            name = stack[-1]
            waiting = (
                [] if name in started else [n for n in referenced_symbols(functions[name]) if n in functions]
            )
            started.add(name)
            waiting = [n for n in waiting if n not in started]
            if waiting:
                stack += waiting
            else:
                order.setdefault(stack.pop())
    return list(order)


class _Inliner(Rewriter):
    def __init__(self, candidates: dict[str, Func]) -> None:
        super().__init__()
        self.candidates = candidates

    def replay(self, op: Operation) -> None:
        func = self.candidates.get(name) if (name := _named(op)) is not None else None
        if func is None:
            super().replay(op)
            return
        local: dict[Value, Value] = dict(zip(func.arguments, map(self.value, op.operands), strict=True))
        for inner in func.block.operations[:-1]:
            made = fresh_copy(inner, local, lambda callee: _call_site(callee, op.location))
            self.operations.append(made)
            local.update(zip(inner.results, made.results, strict=True))
        self.replace(op, (local.get(v, v) for v in func.returned))


def _named(op: Operation) -> str | None:
    """The function whose body may take the op's place."""
    match op:
        case Call(callee=name) | Composite(decomposition=name):
            return str(name)
    return None


def _call_site(callee: Location, caller: Location) -> Location:
    if type(callee) is Location:
        return caller
    return callee if type(caller) is Location else CallSiteLoc(callee, caller)

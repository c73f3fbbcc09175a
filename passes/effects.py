"""Which ops may go when unused and merge when equal: those without effects, calls and regions looked through."""

from __future__ import annotations

from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func
from irc.ir.operation import Operation


class Effects:
    """Answers `is_pure(op)` for the ops of one module; a call is as pure as its callee."""

    def __init__(self, module: Module) -> None:
        self.impure_functions = _impure_functions(module)

    def is_pure(self, op: Operation) -> bool:
        """Whether the op does nothing but give its results."""
        if not op.regions:
            return self._itself(op)
        return all(self._itself(inner) or inner.terminator for inner in op.walk())

    def _itself(self, op: Operation) -> bool:
        return op.pure and not (isinstance(op, Call) and op.callee in self.impure_functions)


def _impure_functions(module: Module) -> frozenset[str]:
    """Names of functions that have an effect, or call one that has, or are only declared."""
    functions = [op for op in module.operations if isinstance(op, Func)]
    callees: dict[str, list[str]] = {}
    impure: set[str] = set()
    for func in functions:
        inner = [op for op in func.walk() if op is not func]
        callees[func.sym_name] = [op.callee for op in inner if isinstance(op, Call)]
        if func.is_declaration or not all(op.pure or op.terminator for op in inner):
            impure.add(func.sym_name)
    grown = True
    while grown:
        found = [
            name for name, called in callees.items() if name not in impure and not impure.isdisjoint(called)
        ]
        impure.update(found)
        grown = bool(found)
    return frozenset(impure)

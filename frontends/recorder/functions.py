"""Functions that recorded ops name: the decompositions and gradients of composites.

They are kept by names that say what they do (`passes.symbols.content_named`), so that templates refer to them by name
alone, and a module takes along those that its ops refer to."""

from __future__ import annotations

from collections.abc import Iterable

from irc.dialects.func import Func
from irc.ir.operation import Operation
from irc.passes.symbols import content_named, referenced_symbols

FUNCTIONS: dict[str, Func] = {}
"""Every function that has been kept."""


def keep(function: Func) -> str:
    """The name under which a function can be referred to."""
    named = content_named(function)
    return FUNCTIONS.setdefault(named.sym_name, named).sym_name


def referred(operations: Iterable[Operation]) -> list[Func]:
    """The kept functions that ops refer to, and those that these refer to, each once."""
    if not FUNCTIONS:
        return []
    found: dict[str, Func] = {}
    pending = list(operations)
    while pending:
        for name in referenced_symbols(pending.pop()):
            if name in FUNCTIONS and name not in found:
                found[name] = FUNCTIONS[name]
                pending.append(found[name])
    return list(found.values())

"""Which symbols ops refer to: callees, and any attribute that names a function; names that say what a function does."""

from __future__ import annotations

from collections.abc import Iterator

from irc.dialects.func import Func
from irc.ir.attributes import ArrayAttr, Attribute, DictionaryAttr, SymbolRefAttr
from irc.ir.keys import digest
from irc.ir.operation import Operation


def referenced_symbols(op: Operation) -> list[str]:
    """Names used by the op and the ops inside it, in order, each once."""
    names: dict[str, None] = {}
    for inner in op.walk():
        for key in sorted(inner.attributes):
            names.update(dict.fromkeys(_symbols(inner.attributes[key])))
    return list(names)


def _symbols(attribute: Attribute) -> Iterator[str]:
    match attribute:
        case SymbolRefAttr(value=name):
            yield name
        case ArrayAttr(value=items):
            for item in items:
                yield from _symbols(item)
        case DictionaryAttr(value=entries):
            for _, item in entries:
                yield from _symbols(item)


def content_named(func: Func) -> Func:
    """The function with a part of its digest behind its name: functions of equal names do the same, in every process."""
    return func.with_attributes(sym_name=f"{func.sym_name}_{digest(func)[:8]}")

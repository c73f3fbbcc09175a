"""What is said of the arguments of @main beside their types: which are donated to a result, which calls come with again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.attributes import ArrayAttr, Attribute, DictionaryAttr, IntegerAttr, UnitAttr
from irc.ir.types import i32

DONOR = "tf.aliasing_output"
"""Argument attribute: the result that takes over the argument's buffer (the name JAX and TensorFlow use)."""
KEPT = "irc.kept"
"""Argument attribute: a call mostly comes with the same value as the one before."""


def kept_arguments(func: Func) -> list[int]:
    """The numbers of the arguments marked `irc.kept`."""
    given = func.arg_attrs
    if not isinstance(given, ArrayAttr):
        return []
    return [i for i, a in enumerate(given.value) if isinstance(a, DictionaryAttr) and a.get(KEPT) is not None]


def keeping(module: Module, keep: Sequence[int]) -> Module:
    """The module with these arguments of @main marked as kept."""
    main = module.symbols.get("main")
    if not keep or not isinstance(main, Func):
        return module
    return marked(module, main, {i: (KEPT, UnitAttr()) for i in keep})


def marked(module: Module, main: Func, marks: Mapping[int, tuple[str, Attribute]]) -> Module:
    """The module with an attribute more at some arguments of @main."""
    entries: list[Attribute] = []
    for i in range(len(main.arguments)):
        given = main.arg_attrs.value[i] if isinstance(main.arg_attrs, ArrayAttr) else DictionaryAttr(())
        assert isinstance(given, DictionaryAttr)
        mine = dict(given.value)
        mine.update([marks[i]] if i in marks else [])
        entries.append(DictionaryAttr(tuple(sorted(mine.items(), key=lambda item: item[0]))))
    new = main.with_attributes(arg_attrs=ArrayAttr(tuple(entries)))
    return module.with_operations([new if op is main else op for op in module.operations])


def donated(module: Module, donate: Mapping[int, int] | Sequence[int]) -> Module:
    """The module with its donations written at the arguments of @main."""
    main = module.symbols.get("main")
    if not donate or not isinstance(main, Func):
        return module
    pairs = dict(donate) if isinstance(donate, Mapping) else _matched(main, donate)
    return marked(module, main, {i: (DONOR, IntegerAttr(output, i32)) for i, output in pairs.items()})


def _matched(main: Func, donate: Sequence[int]) -> dict[int, int]:
    free = {i: v.type for i, v in enumerate(main.returned)}
    pairs: dict[int, int] = {}
    for i in donate:
        output = next((k for k, t in free.items() if t is main.arguments[i].type), None)
        if output is not None:
            pairs[i] = output
            del free[output]
    return pairs

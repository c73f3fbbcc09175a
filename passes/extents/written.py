"""Extents as text: a type shows those that only a run knows as `?`, so the module says in an attribute what each one is.

`written` adds the attribute to a module whose types hold expressions, `named` gives a module that was read its types back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.attributes import ArrayAttr, StringAttr
from irc.ir.extents import Extent, parsed
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import TensorType

UNKNOWN = "irc.unknown"
"""Module attribute: what each `?` of the functions' arguments, results of ops and arguments of regions is, in order."""


def written(module: Module) -> Module:
    """The module with the attribute; itself where every extent is known."""
    found = [n for value in _values(module) for n in _shape(value) if isinstance(n, Extent)]
    if not found:
        return module
    shown = ArrayAttr(tuple(StringAttr(str(n)) for n in found))
    return Module.of(module.operations, {**module.attributes, UNKNOWN: shown})


def named(module: Module) -> Module:
    """The module, without the attribute, whose types hold the expressions that it says. Raises IrcError where there are more
    or fewer than `?`s."""
    said = module.attributes.get(UNKNOWN)
    if not isinstance(said, ArrayAttr):
        return module
    operations = list(module.operations)
    unknown = sum(n is None for value in _values(module) for n in _shape(value))
    if unknown:  # else it holds them already
        if unknown != len(said.value):
            raise IrcError(
                f"'{UNKNOWN}' says what {len(said.value)} extents are, the text has {unknown} of '?'"
            )
        texts = iter(said.value)
        namer = _Namer(lambda: parsed(next(texts).value))  # type: ignore[attr-defined]
        operations = [namer.operation(op) for op in operations]
    return Module.of(operations, {k: v for k, v in module.attributes.items() if k != UNKNOWN})


def _shape(value: Value) -> tuple[Any, ...]:
    return value.type.shape if isinstance(value.type, TensorType) else ()


def _values(module: Module) -> Iterator[Value]:
    """Every value in the order of the text."""
    waiting: list[Any] = list(reversed(module.operations))
    while waiting:
        item = waiting.pop()
        if isinstance(item, Block):
            yield from item.arguments
            waiting.extend(reversed(item.operations))
        else:
            yield from item.results
            waiting.extend(block for region in reversed(item.regions) for block in reversed(region.blocks))


@dataclass
class _Namer:
    """Builds a module again, taking an extent wherever a type has none."""

    next: Callable[[], int]
    map: dict[Value, Value] = field(default_factory=dict)

    def block(self, block: Block) -> Block:
        arguments = [Value(self.type(a), None, a.index, a.name, a.location) for a in block.arguments]
        self.map.update(zip(block.arguments, arguments, strict=True))
        return Block(arguments, [self.operation(op) for op in block.operations])

    def type(self, value: Value) -> Any:
        shape = _shape(value)
        if None not in shape:
            return value.type
        return value.type.with_shape(tuple(self.next() if n is None else n for n in shape))

    def operation(self, op: Operation) -> Operation:
        if isinstance(op, Func):
            return op if op.is_declaration else op.with_block(self.block(op.block))
        types = [self.type(r) for r in op.results]
        regions = [Region([self.block(b) for b in r.blocks]) for r in op.regions]
        made = type(op).create(
            [self.map.get(v, v) for v in op.operands], types, op.attributes, regions, op.location
        )
        for old, new in zip(op.results, made.results, strict=True):
            new.name = old.name
        self.map.update(zip(op.results, made.results, strict=True))
        return made

"""Text in and out: modules, types, attributes. (`str(module)` is the text out, locations included.)"""

from __future__ import annotations

from typing import Any

from irc.ir.attribute_text import parse_attribute, parse_type
from irc.ir.operation import Block, Operation, Region, registered
from irc.ir.parser import parse_operations
from irc.ir.printer import print_operation
from irc.ir.verify import verify as verify_operation

__all__ = ["parse", "parse_attribute", "parse_type", "print_module"]


def parse(text: str, filename: str = "<string>", *, verify: bool = True) -> Any:
    """The module that a text is: StableHLO, MLIR's core dialects, or anything that irc printed.

    Functions that stand without a module get one. Raises ParseError, and VerifyError unless `verify` is False, with
    line, column, caret and the constraint's label."""
    operations, place = parse_operations(text, filename)
    module = registered("builtin.module")
    assert module is not None, "the dialects are not loaded"
    if len(operations) == 1 and isinstance(operations[0], module):
        made = operations[0]
    else:
        made = module.create((), (), {}, (Region([Block((), operations)]),))
    if verify:
        verify_operation(made, place)
    return made


def print_module(module: Operation, *, locations: bool = True, generic: bool = False) -> str:
    """The text of a module (or of any op). `locations=False` hides where ops came from; `generic` writes no pretty form."""
    return print_operation(module, locations=locations, generic=generic)

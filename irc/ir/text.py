"""Text out, and types and attributes in. (Modules come in through `irc.dialects.builtin.parse`.)"""

from __future__ import annotations

from irc.ir.attribute_text import parse_attribute, parse_type
from irc.ir.operation import Operation
from irc.ir.printer import print_operation

__all__ = ["parse_attribute", "parse_type", "print_module"]


def print_module(module: Operation, *, locations: bool = True, generic: bool = False) -> str:
    """The text of a module (or of any op). `locations=False` hides where ops came from; `generic` writes no pretty form."""
    return print_operation(module, locations=locations, generic=generic)

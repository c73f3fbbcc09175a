"""Text in: modules and types. (Text out is `str(module)`.)"""

from __future__ import annotations

from typing import Any

from irc.ir.diagnostics import SourceText
from irc.ir.operation import Block, Region, registered
from irc.ir.parser import parse_operations
from irc.ir.type_text import TypeReader
from irc.ir.verify import verify


def parse(text: str, filename: str = "<string>") -> Any:
    """The module that a text says, verified; bare functions are put into one.

    Raises ParseError or VerifyError with line, column, caret and the constraint's label."""
    operations = parse_operations(text, filename)
    module = registered("builtin.module")
    assert module is not None, "the dialects are not loaded"
    if len(operations) == 1 and isinstance(operations[0], module):
        made = operations[0]
    else:
        made = module.create((), (), {}, (Region([Block((), operations)]),))
    verify(made)
    return made


def parse_type(text: str) -> Any:
    """The type that a text says; raises ParseError."""
    return TypeReader(SourceText(text, "<type>")).type()

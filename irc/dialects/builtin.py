"""MLIR's builtin dialect: the module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from irc.ir.attributes import Attribute, StringAttr
from irc.ir.fields import STRING, Attr, RegionField
from irc.ir.operation import Block, Operation, Region
from irc.ir.parser import parse_operations
from irc.ir.text import print_module
from irc.ir.types import Type
from irc.ir.verify import verify as verify_operation

__all__ = ["Module", "parse", "print_module"]


class Module(Operation, name="builtin.module"):
    """A list of top-level ops, functions above all, found by symbol name.

    `attributes` carry what compiling the text again needs (design: re-entry)."""

    assembly: ClassVar[str] = "($sym_name^)? attr-dict-with-keyword $body"
    pure: ClassVar[bool] = False
    isolated: ClassVar[bool] = True
    no_terminator: ClassVar[bool] = True
    default_dialect: ClassVar[str] = "builtin"
    sym_name = Attr(STRING, optional=True)
    body = RegionField()

    def infer(self) -> Sequence[Type]:
        blocks = self.body.blocks
        self.check(len(blocks) < 2, "regions", "expects its region to have one block")
        self.check(not any(b.arguments for b in blocks), "regions", "expects its region to have no arguments")
        return []

    @staticmethod
    def of(operations: Iterable[Operation], attributes: dict[str, Attribute] | None = None) -> Module:
        """A module with these top-level ops."""
        return Module.create((), (), attributes or {}, (Region([Block((), operations)]),))

    @property
    def operations(self) -> tuple[Operation, ...]:
        return self.body.block.operations

    @property
    def symbols(self) -> dict[str, Operation]:
        """Top-level ops by symbol name."""
        named = ((op.attributes.get("sym_name"), op) for op in self.operations)
        return {name.value: op for name, op in named if isinstance(name, StringAttr)}

    def __str__(self) -> str:
        return print_module(self)

    def verify(self) -> None:
        """Checks everything inside; raises VerifyError at the first broken constraint."""
        verify_operation(self)

    def with_operations(self, operations: Iterable[Operation]) -> Module:
        """The same module (name, attributes) around other ops."""
        return Module.create((), (), self.attributes, (Region([Block((), operations)]),), self.location)


def parse(text: str, filename: str = "<string>", *, verify: bool = True) -> Module:
    """The module that a text is: StableHLO, MLIR's core dialects, or anything that irc printed.

    Functions that stand without a module get one. Raises ParseError, and VerifyError unless `verify` is False, with
    line, column, caret and the constraint's label."""
    operations, place = parse_operations(text, filename)
    made = operations[0] if len(operations) == 1 else None
    if not isinstance(made, Module):
        made = Module.of(operations)
    if verify:
        verify_operation(made, place)
    return made

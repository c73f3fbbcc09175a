"""MLIR's ub dialect: values and places that a program has not defined."""

from __future__ import annotations

from typing import ClassVar

from irc.dialects.carried import Carried
from irc.ir.assembly_elements import AttrElement, Directive, OpPrinter, directive
from irc.ir.fields import ANY, Attr, Result
from irc.ir.op_text import OpReader, OpState
from irc.ir.operation import Operation


@directive("ub.Value")
class Value(Directive):
    """`<#ub.poison>`, the kind of poison; nothing where it is that one."""

    def parse(self, r: OpReader, s: OpState, value: AttrElement) -> None:
        if r.accept("<"):
            s.attributes[value.key] = r.attribute()
            r.expect(">")

    def print(self, p: OpPrinter, op: Operation, value: AttrElement) -> None:
        found = op.attributes.get(value.key)
        p.write(f"<{found}>" if found is not None else "")


class Poison(Carried, name="ub.poison"):
    """A value of which nothing may be asked."""

    assembly: ClassVar[str] = "custom<Value>($value) attr-dict `:` type($result)"
    value = Attr(ANY, optional=True)
    result = Result()


class Unreachable(Carried, name="ub.unreachable"):
    """Ends a block that is never run to its end."""

    assembly: ClassVar[str] = "attr-dict"
    pure: ClassVar[bool] = False
    terminator: ClassVar[bool] = True

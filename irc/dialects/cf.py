"""The one op of MLIR's cf dialect that kernels may hold: an assertion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from irc.ir.fields import STRING, Attr, Operand
from irc.ir.operation import Operation
from irc.ir.types import Type


class Assert(Operation, name="cf.assert"):
    """`cf.assert %holds, "message"`: where `%holds` (i1) is false, the program has failed and says the message."""

    assembly: ClassVar[str] = "$arg `,` $msg attr-dict"
    pure: ClassVar[bool] = False
    arg = Operand()
    msg = Attr(STRING)

    def infer(self) -> Sequence[Type]:
        return []

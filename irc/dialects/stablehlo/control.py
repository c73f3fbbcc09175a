"""Control flow: conditionals, loops, and what regions end in."""

from __future__ import annotations

from typing import ClassVar

from irc.dialects.stablehlo.base import TensorOp
from irc.ir.fields import Operand


class Return(TensorOp, name="stablehlo.return"):
    """Ends a region; its operands are what the region gives."""

    assembly: ClassVar[str] = "$values attr-dict (`:` type($values)^)?"
    terminator: ClassVar[bool] = True
    pure: ClassVar[bool] = False
    values = Operand(variadic=True)

"""What may stand inside ops of MLIR's linalg dialect, which are carried in their generic form."""

from __future__ import annotations

from typing import ClassVar

from irc.dialects.carried import Carried
from irc.ir.fields import Operand


class Yield(Carried, name="linalg.yield"):
    """Ends a region: the values it gives to its op."""

    assembly: ClassVar[str] = "attr-dict ($values^ `:` type($values))?"
    terminator: ClassVar[bool] = True
    pure: ClassVar[bool] = False
    values = Operand(variadic=True)

"""The pass `jvp`: a function also returns how its results move with its arguments."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.passes.autodiff import jvp
from irc.passes.manager import Context, Pass


@dataclass(frozen=True)
class Jvp(Pass, name="jvp"):
    """Given  `@main(%x) -> %y`.  Result  `@main(%x, %dx) -> (%y, %dy)`: how the results move with the
    arguments.

    `of` names the function, `wrt` numbers the arguments that move (none: all that are floating-point)."""

    of: str = "main"
    wrt: tuple[int, ...] = ()

    def apply(self, module: Module, context: Context) -> Module:
        return jvp(module, self.wrt or None, self.of)

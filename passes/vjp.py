"""The pass `vjp`: a function also takes cotangents of its results, and returns those of its arguments."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.passes.autodiff import vjp
from irc.passes.manager import Context, Pass


@dataclass(frozen=True)
class Vjp(Pass, name="vjp"):
    """Given  `@main(%x) -> %y`.  Result  `@main(%x, %gy) -> (%y, %gx)`: a cotangent for each floating-point result goes
    in, the gradients come out.

    `of` names the function, `wrt` numbers the arguments (none: all that are floating-point)."""

    of: str = "main"
    wrt: tuple[int, ...] = ()

    def apply(self, module: Module, context: Context) -> Module:
        return vjp(module, self.wrt or None, self.of)

"""The pass `grad`: a function also returns the gradient of its result."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.passes.autodiff import value_and_grad
from irc.passes.manager import Context, Pass


@dataclass(frozen=True)
class Grad(Pass, name="grad"):
    """Given  `@main(%x, %w) -> loss`.  Result  `@main(%x, %w) -> (loss, its gradients at %x and %w)`.

    `wrt` numbers the arguments (none: all that are floating-point), `of` the result, which is a scalar."""

    wrt: tuple[int, ...] = ()
    of: int = 0
    entry: str = "main"

    def apply(self, module: Module, context: Context) -> Module:
        return value_and_grad(module, self.wrt or None, self.of, self.entry)

"""The pass `grad`: a function also returns the gradient of its result."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.passes.autodiff import value_and_grad
from irc.passes.manager import Context, Pass


@dataclass(frozen=True)
class Grad(Pass, name="grad"):
    """Given  `@main(%x, %w) -> loss`.  Result  `@main(%x, %w) -> (loss, its gradients at %x and %w)`.

    `of` names the function, `wrt` numbers its arguments (none: all that are floating-point), `result` its result, which is
    a scalar."""

    of: str = "main"
    wrt: tuple[int, ...] = ()
    result: int = 0

    def apply(self, module: Module, context: Context) -> Module:
        return value_and_grad(module, self.wrt or None, self.result, self.of)

"""The pass `vmap`: a function of one example works on a batch of them."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.passes.batching import vmap
from irc.passes.manager import Context, Pass


@dataclass(frozen=True)
class Vmap(Pass, name="vmap"):
    """Given  `@main(%x: tensor<3xf32>) -> tensor<f32>`.  Result  `@main(%x: tensor<8x3xf32>) -> tensor<8xf32>` for
    `size=8`.

    `of` names the function, `over` numbers the arguments that have examples (none: all)."""

    of: str = "main"
    size: int = 1
    over: tuple[int, ...] = ()

    def apply(self, module: Module, context: Context) -> Module:
        return vmap(module, self.size, self.over or None, self.of)

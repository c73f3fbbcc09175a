"""Fusion: ops that one kernel computes become a private function, called once.

Given   %0 = add %x, %b; %1 = maximum %0, %z; return %1
Result  call @fused_add_maximum(%x, %b, %z), whose body is those ops, with `irc.kind = "loop"`."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.passes.fusion.groups import Limits, plan_groups
from irc.passes.fusion.outline import Outliner
from irc.passes.manager import Context, Pass
from irc.passes.marks import KIND, is_for_gpu


@dataclass(frozen=True)
class Fusion(Pass, name="fusion"):
    """Groups the ops of every function (and of the regions of its control flow) and outlines each group.

    `max_ops` bounds the ops of a group, `max_epilogue` those that follow a contraction in its tile. `attention`: a product,
    the rows of it and their product become one kernel. `views`: products read slices where they lie and write their results
    in another order, and masks of positions are counted where they are used. Neither for a GPU.
    With `recompute` a kernel computes values of others for itself where that costs less than to store and read them."""

    max_ops: int = 64
    max_epilogue: int = 12
    attention: bool = True
    recompute: bool = True
    views: bool = True

    def apply(self, module: Module, context: Context) -> Module:
        host = not is_for_gpu(module)
        limits = Limits(
            self.max_ops, self.max_epilogue, self.attention and host, self.recompute, self.views and host
        )
        outliner = Outliner(module, limits, context.remarks)
        functions = []
        for op in module.operations:
            if isinstance(op, Func) and not op.is_declaration and KIND not in op.attributes:
                op = outliner.function(op)
            functions.append(op)
        return module.with_operations([*functions, *outliner.fusions]) if outliner.fusions else module


__all__ = ["Fusion", "plan_groups"]

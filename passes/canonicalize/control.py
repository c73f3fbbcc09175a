"""Control flow whose way is known."""

from __future__ import annotations

from irc.dialects.stablehlo import Case, GetTupleElement, If, Tuple, While
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.passes.constants import splat
from irc.passes.loop_invariant_code_motion import unchanged_value

rules = RewriteSet()
rewrite = rules.rewrite
rewrite("a value that a loop carries unchanged is seen from outside; a constant is one inside", While)(
    unchanged_value
)


@rewrite("if true then x else y = x, if false then x else y = y", If)
def if_known(op: If, b: Rewriter) -> tuple[Value, ...] | None:
    chosen = splat(op.pred)
    return None if chosen is None else b.inline(op.regions[0 if chosen else 1].block, ())


@rewrite("case of a known index = that branch, or the last one for an index outside", Case)
def case_known(op: Case, b: Rewriter) -> tuple[Value, ...] | None:
    last = len(op.regions) - 1
    index = splat(op.index) if last else 0
    if index is None:
        return None
    return b.inline(op.regions[int(index) if 0 <= index <= last else last].block, ())


@rewrite("while false do x = x", While)
def while_false(op: While, b: Rewriter) -> tuple[Value, ...] | None:
    condition = splat(op.regions[0].block.terminator.operands[0])
    return op.operands if condition is not None and not condition else None


@rewrite("element i of tuple(x0, x1, ...) = xi", GetTupleElement)
def element_of_tuple(op: GetTupleElement, b: Rewriter) -> Value | None:
    match op:
        case GetTupleElement(operand=Value(Tuple(val=values)), index=i):
            return values[i]
    return None

"""Layout: convolutions in NHWC, products in the form their kernel wants, transposes moved and cancelled.

Given   `convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]`, then bias, relu and a pool
Result  `transpose %x`, then convolution `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`, bias, relu and pool in NHWC, then
        the pool's small result transposed back

The layout is visible: transposes are ops, and the function says `irc.layout = "NHWC"`. Its signature stays. All bits
stay as well: products are added in the sequence that their dimensions' roles say, and a sum is moved only with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import Convolution, DotGeneral, Transpose
from irc.ir.attributes import StringAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter
from irc.passes.layout import convolution, dot
from irc.passes.layout.forms import Forms
from irc.passes.layout.movable import Movable, movable, rank_of
from irc.passes.layout.orders import Order, identity, inverse, permuted
from irc.passes.layout.plan import LEAST_RANK, Plan
from irc.passes.manager import Context, FunctionPass
from irc.passes.steady import steady_products

LAYOUT = "irc.layout"
"""The function attribute that says in which layout its convolutions run."""


@dataclass(frozen=True)
class Layout(FunctionPass, name="layout"):
    """Given  `convolution(%x, %w)` in NCHW.  Result  `transpose`, the convolution in NHWC, `transpose` back where needed."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        # Products say their operands' transposes themselves first, so that the choice of what to transpose is free.
        block = Rewriter(dot.rules, context.rewrites).block_of(func.block)
        block = dot.Swapped(block, context.rewrites).block_of(block)
        inner = [op for top in block.operations for op in top.walk()]
        steady = steady_products(func, block)
        if not all(_is_plain(op, op in steady) for op in inner):
            block = _Arranger(steady).block_of(block)
        if block is func.block:
            return func
        changed = func.with_block(block)
        has_convolution = any(isinstance(op, Convolution) for op in inner)
        return changed.with_attributes(**{LAYOUT: StringAttr("NHWC")}) if has_convolution else changed


def _is_plain(op: Operation, steady: bool) -> bool:
    match op:
        case Convolution():
            return not convolution.is_static(op) or convolution.is_plain(op)
        case DotGeneral():
            return dot.is_plain(op, steady)
    return True


class _Arranger(Forms):
    """Brings a block over, holding each value in the order that its plan chose."""

    def __init__(self, steady: Mapping[Operation, None]) -> None:
        super().__init__()
        self.plan: Plan
        self.steady = steady

    def block_of(self, block: Block) -> Block:
        outer, outer_forms = getattr(self, "plan", None), self.forms
        # Orders made inside a region are not to be seen outside it.
        self.plan, self.forms = Plan(block), {v: dict(f) for v, f in outer_forms.items()}
        result = super().block_of(block)
        self.forms = outer_forms
        if outer is not None:
            self.plan = outer
        return result

    def order(self, value: Value) -> Order:
        return self.plan[value]

    def replay(self, op: Operation) -> None:
        self.location = op.location
        moves = movable(op)
        match op:
            case Convolution() if convolution.is_static(op) and not convolution.is_plain(op):
                self._convolution(op)
            case Transpose(operand=x, permutation=permutation) if rank_of(x) >= LEAST_RANK:
                held, value = self.native(x)
                self.forms[op.result] = {permuted(inverse(permutation), held): value}
            case DotGeneral() if not dot.is_plain(op, op in self.steady):
                lhs, rhs = (self.held(v, identity(rank_of(v))) for v in op.operands)
                product = dot.multiply(self, op, lhs, rhs, self.transposed, op in self.steady)
                self.result(op.result, (identity(rank_of(op.result)), product))
            case _ if moves is not None and self._is_moved(op, moves):
                for result, moved in zip(op.results, moves.move(op, self), strict=True):
                    self.result(result, moved)
            case _:
                self.as_it_is(op)

    def _is_moved(self, op: Operation, moves: Movable) -> bool:
        """Whether a linked value is held in another order than the program's, and the op can be."""
        orders = [self.order(v) for group in moves.links(op) for v in group if rank_of(v) >= LEAST_RANK]
        return any(o != identity(len(o)) for o in orders) and all(moves.allowed(op, o) for o in orders)

    def _convolution(self, op: Convolution) -> None:
        orders = convolution.orders_of(op)
        lhs, rhs = self.held(op.lhs, orders.lhs), self.held(op.rhs, orders.rhs)
        type = op.result.type.with_shape(permuted(op.result.type.shape, orders.result))
        self.result(op.result, (orders.result, convolution.convolve(self, op, lhs, rhs, orders, type)))

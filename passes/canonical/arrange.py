"""A function brought into the orders of a plan: arguments and results too, so that the entry has to permute them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.dialects import func as F
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import (
    Case,
    Convolution,
    DotGeneral,
    If,
    Reshape,
    Return,
    Transpose,
    While,
)
from irc.ir.operation import Block, Operation, Region, Value
from irc.passes.canonical.axes import is_free, permutation_of
from irc.passes.canonical.colours import Colours
from irc.passes.canonical.plan import Plan, source_order
from irc.passes.canonical.products import numbers_on
from irc.passes.canonical.shapes import groups
from irc.passes.canonical.simplify import settled
from irc.passes.dce import DeadCode
from irc.passes.layout.convolution import ConvOrders, convolve, is_static
from irc.passes.layout.forms import Forms
from irc.passes.layout.movable import movable, rank_of
from irc.passes.layout.orders import Order, identity, inverse, moves_nothing, permuted, step
from irc.passes.manager import Context


@dataclass(frozen=True, slots=True)
class Arranged:
    """A function in the orders of its plan, and the orders that its arguments and results are held in."""

    func: Func
    arguments: tuple[Order, ...]
    results: tuple[Order, ...]


def arrange(func: Func, context: Context) -> Arranged:
    """The function in canonical orders, simplified again. Its arguments and results change their types."""
    plan = Plan(func, Colours(func.block, coarse=True))
    results = tuple(plan[v] for v in func.returned)
    block = Arranger(plan).block(func.block, results, F.Return)
    made = _only_function(settled(Module.of([func.with_block(block)]), context))
    turned = [_before_transpose(v, order) for v, order in zip(made.returned, results, strict=True)]
    end = F.Return.create([v for v, _ in turned], (), {}, (), made.block.terminator.location)
    block = Block(made.arguments, [*made.block.operations[:-1], end])
    made = _only_function(DeadCode().apply(Module.of([made.with_block(block)]), context))
    return Arranged(made, tuple(plan[a] for a in func.arguments), tuple(order for _, order in turned))


def _only_function(module: Module) -> Func:
    (made,) = module.operations
    assert isinstance(made, Func)
    return made


def _before_transpose(value: Value, order: Order) -> tuple[Value, Order]:
    """What a returned transpose is of: permuting results is the entry's."""
    match value:
        case Value(Transpose(operand=x, permutation=permutation)):
            return x, permuted(order, inverse(permutation))
    return value, order


class Arranger(Forms):
    """Brings a function over, every value held in the order of the plan where its op allows it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def order(self, value: Value) -> Order:
        return self.plan[value]

    def block(self, block: Block, orders: Sequence[Order], end: type[Operation]) -> Block:
        """The block, its terminator giving its operands in these orders."""
        outer = self.operations, self.forms
        # Orders made inside a region are not to be seen outside it.
        self.operations, self.forms = [], {v: dict(f) for v, f in self.forms.items()}
        arguments = self._arguments(block.arguments)
        for op in block.operations[:-1]:
            self.replay(op)
        last = block.terminator
        held = [self.held(v, order) for v, order in zip(last.operands, orders, strict=True)]
        self.operations.append(end.create(held, (), last.attributes, (), last.location))
        made = Block(arguments, self.operations)
        self.operations, self.forms = outer
        return made

    def _arguments(self, old: Sequence[Value]) -> list[Value]:
        made = []
        for i, argument in enumerate(old):
            order = self.order(argument)
            type = argument.type.with_shape(permuted(argument.type.shape, order)) if order else argument.type
            value = Value(type, None, i, argument.name, argument.location)
            self.forms[argument] = {order: value}
            made.append(value)
        return made

    def replay(self, op: Operation) -> None:
        self.location = op.location
        permutation = permutation_of(op)
        moves = movable(op)
        match op:
            case _ if permutation is not None and not is_free(op.operands[0]):
                held, value = self.native(op.operands[0])
                self.forms[op.results[0]] = {permuted(inverse(permutation), held): value}
            case While():
                self._while(op)
            case If() | Case():
                self._branches(op)
            case Convolution() if is_static(op):
                self._convolution(op)
            case DotGeneral():
                self._dot(op)
            case Reshape() if permutation is None:
                self._reshape(op)
            case _ if moves is not None and all(
                moves.allowed(op, self.order(v)) for group in moves.links(op) for v in group if rank_of(v)
            ):
                for result, moved in zip(op.results, moves.move(op, self), strict=True):
                    self.result(result, moved)
            case _:
                self.as_it_is(op)

    # Control flow

    def _while(self, op: While) -> None:
        orders = [self.order(r) for r in op.results]
        operands = [self.held(v, order) for v, order in zip(op.operands, orders, strict=True)]
        test, body = op.regions
        regions = [
            Region([self.block(test.block, [()], Return)]),
            Region([self.block(body.block, orders, Return)]),
        ]
        self._made(
            op,
            While.create(operands, [v.type for v in operands], op.attributes, regions, op.location),
            orders,
        )

    def _branches(self, op: If | Case) -> None:
        orders = [self.order(r) for r in op.results]
        regions = [Region([self.block(r.block, orders, Return)]) for r in op.regions]
        types = [v.type for v in regions[0].block.terminator.operands]
        operands = [self.held(v, ()) for v in op.operands]
        self._made(op, type(op).create(operands, types, op.attributes, regions, op.location), orders)

    def _made(self, op: Operation, made: Operation, orders: Sequence[Order]) -> None:
        self.emit(made)
        for old, new, order in zip(op.results, made.results, orders, strict=True):
            self.result(old, (order, new))

    # Contractions

    def _convolution(self, op: Convolution) -> None:
        orders = ConvOrders(*(self.order(v) for v in (op.lhs, op.rhs, op.result)))
        lhs, rhs = self.held(op.lhs, orders.lhs), self.held(op.rhs, orders.rhs)
        type = op.result.type.with_shape(permuted(op.result.type.shape, orders.result))
        self.result(op.result, (orders.result, convolve(self, op, lhs, rhs, orders, type)))

    def _dot(self, op: DotGeneral) -> None:
        """The product in whichever of its readings gives the result in its order. Each element adds the same products in
        the same sequence."""
        wanted, shape = self.order(op.result), op.result.type.shape
        readings = self.plan.readings(op)
        given = [r.result_order(self.order(r.op.lhs), self.order(r.op.rhs)) for r in readings]
        fits = (
            i for i, order in enumerate(given) if moves_nothing(step(order, wanted), permuted(shape, order))
        )
        chosen = next(fits, 0)
        made, order = readings[chosen].op, given[chosen]
        orders = self.order(made.lhs), self.order(made.rhs)
        operands = [self.held(v, held) for v, held in zip(made.operands, orders, strict=True)]
        attributes = {**made.attributes, "dot_dimension_numbers": numbers_on(made, *orders)}
        type = op.result.type.with_shape(permuted(shape, order))
        product = self.emit(DotGeneral.create(operands, [type], attributes, (), op.location))
        self.result(op.result, (order, product))

    # Reshapes

    def _reshape(self, op: Reshape) -> None:
        wanted = self.order(op.result)
        found = groups(op.operand.type.shape, op.result.type.shape)
        source = source_order(op, found, wanted) if found is not None else None
        if source is None:
            wanted, source = identity(rank_of(op.result)), identity(rank_of(op.operand))
        x = self.held(op.operand, source)
        type = op.result.type.with_shape(permuted(op.result.type.shape, wanted))
        self.result(op.result, (wanted, self.emit(Reshape(x, result_types=[type]))))

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
    DotDimensionNumbers,
    DotGeneral,
    If,
    Reshape,
    Return,
    While,
)
from irc.ir.operation import Block, Operation, Region, Value
from irc.passes.canonical.axes import is_free, permutation_of
from irc.passes.canonical.colours import Colours
from irc.passes.canonical.plan import Plan, dot_order, is_reshape
from irc.passes.canonical.shapes import Group, groups
from irc.passes.canonical.simplify import settled
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
    plan = Plan(func, Colours(func.block, coarse=True).operations)
    results = tuple(plan[v] for v in func.returned)
    block = Arranger(plan).block(func.block, results, F.Return)
    (made,) = settled(Module.of([func.with_block(block)]), context).operations
    assert isinstance(made, Func)
    return Arranged(made, tuple(plan[a] for a in func.arguments), results)


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
            case Reshape() if is_reshape(op):
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
        bodies = zip(op.regions, ([()], orders), strict=True)
        regions = [Region([self.block(region.block, ends, Return)]) for region, ends in bodies]
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
        """The product, sides swapped where that gives the result in its order. Each element adds the same products in
        the same sequence."""
        wanted = self.order(op.result)
        for made in (op, _swapped(op)) if op.algorithm is None else (op,):
            orders = self.order(made.lhs), self.order(made.rhs)
            places = result_places(op, made)
            given = permuted(places, dot_order(made, *orders))
            if moves_nothing(step(given, wanted), permuted(op.result.type.shape, given)):
                break
        else:
            made, orders = op, (self.order(op.lhs), self.order(op.rhs))
            given = dot_order(op, *orders)
        self.result(op.result, (given, self._product(op, made, orders, given, wanted)))

    def _product(
        self, op: DotGeneral, made: DotGeneral, orders: tuple[Order, Order], given: Order, wanted: Order
    ) -> Value:
        numbers = dot_numbers(made, *orders)
        operands = [self.held(v, order) for v, order in zip(made.operands, orders, strict=True)]
        attributes = {**made.attributes, "dot_dimension_numbers": numbers}
        type = op.result.type.with_shape(permuted(op.result.type.shape, given))
        return self.emit(DotGeneral.create(operands, [type], attributes, (), op.location))

    # Reshapes

    def _reshape(self, op: Reshape) -> None:
        wanted = self.order(op.result)
        found = groups(op.operand.type.shape, op.result.type.shape)
        source = _source_order(op, found, wanted) if found is not None else None
        if source is None:
            wanted, source = identity(rank_of(op.result)), identity(rank_of(op.operand))
        x = self.held(op.operand, source)
        type = op.result.type.with_shape(permuted(op.result.type.shape, wanted))
        self.result(op.result, (wanted, self.emit(Reshape(x, result_types=[type]))))


def _source_order(op: Reshape, found: list[Group], wanted: Order) -> Order | None:
    """The order of the operand from which the result comes out in the wanted order; None where a group would be torn."""
    shape = op.result.type.shape
    first = {g.target[0]: g for g in found}
    places = [d for d in wanted if shape[d] != 1]
    order: list[int] = []
    while places:
        group = first.get(places[0])
        if group is None or tuple(places[: len(group.target)]) != group.target:
            return None
        order += group.source
        places = places[len(group.target) :]
    ones = [d for d in range(rank_of(op.operand)) if d not in order]
    return (*order, *ones)


def _swapped(op: DotGeneral) -> DotGeneral:
    d = op.dot_dimension_numbers
    numbers = DotDimensionNumbers(
        d.rhs_batching_dimensions,
        d.lhs_batching_dimensions,
        d.rhs_contracting_dimensions,
        d.lhs_contracting_dimensions,
    )
    precision = op.precision_config
    made = op.with_attributes(
        dot_dimension_numbers=numbers, precision_config=precision and tuple(reversed(precision))
    )
    made.operands = (op.rhs, op.lhs)
    return made


def result_places(op: DotGeneral, made: DotGeneral) -> Order:
    """For each dimension of `made`'s result, that of `op`'s: `made` is `op` or `op` with its sides swapped."""
    rank, batch = rank_of(op.result), len(op.dot_dimension_numbers.lhs_batching_dimensions)
    rows = op.lhs.type.rank - batch - len(op.dot_dimension_numbers.lhs_contracting_dimensions)
    if made is op:
        return identity(rank)
    return (*range(batch), *range(batch + rows, rank), *range(batch, batch + rows))


def dot_numbers(op: DotGeneral, lhs: Order, rhs: Order) -> DotDimensionNumbers:
    """The dimension numbers of the product on sides held in these orders; batching dimensions as they stand in lhs."""
    d = op.dot_dimension_numbers
    at_lhs, at_rhs = inverse(lhs), inverse(rhs)
    batching = sorted(
        (at_lhs[i], at_rhs[j])
        for i, j in zip(d.lhs_batching_dimensions, d.rhs_batching_dimensions, strict=True)
    )
    return DotDimensionNumbers(
        tuple(i for i, _ in batching),
        tuple(j for _, j in batching),
        tuple(at_lhs[i] for i in d.lhs_contracting_dimensions),
        tuple(at_rhs[j] for j in d.rhs_contracting_dimensions),
    )

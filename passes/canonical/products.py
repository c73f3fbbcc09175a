"""The two readings of a product: x y, and y x with the result's dimensions in another order. Each element adds the same
products in the same sequence."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.stablehlo import DotDimensionNumbers, DotGeneral
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.passes.layout.orders import Order, identity, inverse, permuted


@dataclass(frozen=True, slots=True)
class Reading:
    """A product, and for each dimension of its result that of the result of the product as it was written."""

    op: DotGeneral
    places: Order

    def factors(self) -> tuple[Order, Order]:
        """The orders that the sides are best held in: [batching, rows, contracting] by [batching, contracting, columns]."""
        d = self.op.dot_dimension_numbers
        rows, columns = free_dimensions(self.op.lhs.type.rank, self.op.rhs.type.rank, d)
        return (
            (*d.lhs_batching_dimensions, *rows, *d.lhs_contracting_dimensions),
            (*d.rhs_batching_dimensions, *d.rhs_contracting_dimensions, *columns),
        )

    @property
    def is_held_turned(self) -> bool:
        """Whether the left side is held as columns are (contracting dimensions first), and the right one as rows."""
        d = self.op.dot_dimension_numbers
        rows, columns = free_dimensions(self.op.lhs.type.rank, self.op.rhs.type.rank, d)
        left, right = d.lhs_contracting_dimensions, d.rhs_contracting_dimensions
        if not (rows and columns and left):
            return False
        return max(left) < min(rows) and max(columns) < min(right)

    def result_order(self, lhs: Order, rhs: Order) -> Order:
        """The order that the written result comes in from sides held in these orders: batching, rows, columns."""
        d = self.op.dot_dimension_numbers
        rows, columns = free_dimensions(self.op.lhs.type.rank, self.op.rhs.type.rank, d)
        batch = len(d.lhs_batching_dimensions)
        of_lhs = {dim: i for i, dim in enumerate((*d.lhs_batching_dimensions, *rows))}
        of_rhs = {dim: batch + len(rows) + i for i, dim in enumerate(columns)}
        from_lhs = [of_lhs[dim] for dim in lhs if dim in of_lhs]
        from_rhs = [of_rhs[dim] for dim in rhs if dim in of_rhs]
        order = (*(i for i in from_lhs if i < batch), *(i for i in from_lhs if i >= batch), *from_rhs)
        return permuted(self.places, order)


def readings(op: DotGeneral) -> list[Reading]:
    """The product as it is written, and turned round."""
    rank, d = op.result.type.rank, op.dot_dimension_numbers
    written = Reading(op, identity(rank))
    if op.algorithm is not None:
        return [written]
    batch = len(d.lhs_batching_dimensions)
    rows = op.lhs.type.rank - batch - len(d.lhs_contracting_dimensions)
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
    return [written, Reading(made, (*range(batch), *range(batch + rows, rank), *range(batch, batch + rows)))]


def numbers_on(op: DotGeneral, lhs: Order, rhs: Order) -> DotDimensionNumbers:
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

"""dot_general with the dimension that the kernel vectorises, rhs free, innermost in the rhs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from irc.dialects.stablehlo import DotDimensionNumbers, DotGeneral, Transpose
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType
from irc.passes.layout.orders import Order, inverse, permuted
from irc.passes.layout.plan import bytes_of

LEAST_ROWS = 16
"""With fewer rows than a vector has lanes, rows are not what the kernel should vectorise."""

Transposed = Callable[[Value, Order], Value]

rules = RewriteSet()


@rules.rewrite("dot_general(transpose(x), y) = dot_general(x, y) over other dimensions", DotGeneral)
def dot_of_transposed(op: DotGeneral, b: Rewriter) -> Value | None:
    dims = op.dot_dimension_numbers
    operands = [op.lhs, op.rhs]
    for side, (batching, contracting) in enumerate(
        (
            (dims.lhs_batching_dimensions, dims.lhs_contracting_dimensions),
            (dims.rhs_batching_dimensions, dims.rhs_contracting_dimensions),
        )
    ):
        match operands[side]:
            case Value(Transpose(operand=x, permutation=permutation)):
                free = [permutation[d] for d in range(len(permutation)) if d not in (*batching, *contracting)]
                # The free dimensions stand in the result in the operand's order, so that order has to stay.
                if free == sorted(free):
                    operands[side] = x
                    dims = _with_side(dims, side, [permutation[d] for d in batching], [permutation[d] for d in contracting])
    if dims == op.dot_dimension_numbers:
        return None
    attributes = {**op.attributes, "dot_dimension_numbers": dims}
    return b.emit(DotGeneral.create(operands, op.result_types, attributes, (), op.location))


def _with_side(
    dims: DotDimensionNumbers, side: int, batching: Sequence[int], contracting: Sequence[int]
) -> DotDimensionNumbers:
    name = ("lhs", "rhs")[side]
    return replace(
        dims,
        **{f"{name}_batching_dimensions": tuple(batching), f"{name}_contracting_dimensions": tuple(contracting)},
    )


def is_plain(op: DotGeneral) -> bool:
    """Whether the rhs ends in a free dimension, or its extents are not known."""
    _, rhs_free = free_dimensions(op.lhs.type.rank, op.rhs.type.rank, op.dot_dimension_numbers)
    return not (op.lhs.type.is_static and op.rhs.type.is_static) or not _ends_badly(op.rhs, rhs_free)


def multiply(b: Builder, op: DotGeneral, lhs: Value, rhs: Value, transposed: Transposed) -> Value:
    """Emits the dot_general of `lhs` and `rhs`, which ends in a contracting dimension (x @ W^T).

    The cheaper of two transposes is emitted: of the rhs, or of the lhs and the result of the product with sides swapped,
    (W x^T)^T. Either way each element adds the same products in the same sequence."""
    d = op.dot_dimension_numbers
    lhs_free, rhs_free = free_dimensions(lhs.type.rank, rhs.type.rank, d)
    rows = prod(lhs.type.shape[i] for i in lhs_free)
    of_lhs = bytes_of(lhs) if _ends_badly(lhs, lhs_free) else 0
    if rows >= LEAST_ROWS and op.algorithm is None and of_lhs + bytes_of(op.result) < bytes_of(rhs):
        if of_lhs:
            lhs, d = _contracting_first(d, 0, lhs, lhs_free, transposed)
        return _swapped(b, op, lhs, rhs, d, transposed)
    rhs, d = _contracting_first(d, 1, rhs, rhs_free, transposed)
    attributes = {**op.attributes, "dot_dimension_numbers": d}
    return b.emit(DotGeneral.create((lhs, rhs), op.result_types, attributes, (), op.location))


def _ends_badly(x: Value, free: Sequence[int]) -> bool:
    """Whether the innermost extent that is not 1 is contracting or batching, while a free one exists."""
    wide = [i for i, n in enumerate(x.type.shape) if n != 1]
    return bool(wide) and wide[-1] not in free and any(i in free for i in wide)


def _contracting_first(
    d: DotDimensionNumbers, side: int, x: Value, free: Sequence[int], transposed: Transposed
) -> tuple[Value, DotDimensionNumbers]:
    """One side as [batching, contracting, free], and the dimension numbers that say so."""
    both = [
        [d.lhs_batching_dimensions, d.rhs_batching_dimensions],
        [d.lhs_contracting_dimensions, d.rhs_contracting_dimensions],
    ]
    order = (*both[0][side], *both[1][side], *free)
    for dims in both:
        dims[side] = tuple(inverse(order)[i] for i in dims[side])
    return transposed(x, order), DotDimensionNumbers(*both[0], *both[1])


def _swapped(
    b: Builder, op: DotGeneral, lhs: Value, rhs: Value, d: DotDimensionNumbers, transposed: Transposed
) -> Value:
    swapped = DotDimensionNumbers(
        d.rhs_batching_dimensions, d.lhs_batching_dimensions, d.rhs_contracting_dimensions, d.lhs_contracting_dimensions
    )
    lhs_free, rhs_free = free_dimensions(lhs.type.rank, rhs.type.rank, d)
    batch, rows, columns = len(d.lhs_batching_dimensions), len(lhs_free), len(rhs_free)
    # The result, [batching, lhs free, rhs free], as it comes out and back.
    out = (*range(batch), *range(batch + rows, batch + rows + columns), *range(batch, batch + rows))
    type: TensorType = op.result.type
    precision = op.precision_config
    made = op.with_attributes(
        dot_dimension_numbers=swapped, precision_config=precision and tuple(reversed(precision))
    )
    product = b.emit(
        DotGeneral.create((rhs, lhs), (type.with_shape(permuted(type.shape, out)),), made.attributes, (), op.location)
    )
    return transposed(product, inverse(out))

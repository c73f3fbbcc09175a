"""dot_general where the rhs ends in a contracting dimension (x @ W^T), while the kernel vectorises a free one.

Left as it is, the kernel turns the rhs as it reads it, which costs less than a transpose of its own (measured from 1 to
1,024 rows). Two cases are better: a steady rhs is transposed once (a constant while compiling); and for some rows against a large rhs
the sides are swapped, (W x^T)^T, so that only the small x and the small result are transposed. Either way each element
adds the same products in the same sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from irc.dialects.stablehlo import Constant, DotDimensionNumbers, DotGeneral, Transpose
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.builder import Builder
from irc.ir.extents import typical
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import RewriteLog, Rewriter, RewriteSet
from irc.ir.types import TensorType
from irc.passes.layout.orders import Order, identity, inverse, permuted
from irc.passes.layout.plan import bytes_of

LEAST_ROWS = 5
"""With fewer rows the kernel turns the rhs in registers, reading it once."""
LEAST_BYTES = 1 << 18
"""A rhs of at most this size stays in the caches, and turning it costs little."""

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
                    dims = _with_side(
                        dims, side, [permutation[d] for d in batching], [permutation[d] for d in contracting]
                    )
    if dims == op.dot_dimension_numbers:
        return None
    attributes = {**op.attributes, "dot_dimension_numbers": dims}
    return b.emit(DotGeneral.create(operands, op.result_types, attributes, (), op.location))


class Swapped(Rewriter):
    """Swaps the sides of products whose only use is a transpose that puts a free dimension of the lhs last: the product
    writes its result as it is wanted, or at least in whole rows of it (a weight's gradient, heads of attention)."""

    SENTENCE = "transpose(dot_general(x, y)) = transpose(dot_general(y, x))"

    def __init__(self, block: Block, log: RewriteLog) -> None:
        super().__init__(log=log)
        self.uses = Counter(v for top in block.operations for op in top.walk() for v in op.operands)

    def replay(self, op: Operation) -> None:
        match op:
            case Transpose(operand=Value(DotGeneral()) as product) if self.uses[product] == 1:
                made = self.value(product).op
                assert isinstance(made, DotGeneral)
                if _gains(made, op.permutation):
                    self.location = op.location
                    self.log.record(self.SENTENCE, op.location)
                    self.replace(op, [self._swap(made, op.permutation)])
                    return
        super().replay(op)

    def _swap(self, op: DotGeneral, permutation: Order) -> Value:
        def turned(product: Value, back: Order) -> Value:
            order = permuted(back, permutation)
            if order == identity(len(order)):
                return product
            made: Value = self.emit(Transpose(product, permutation=order))
            return made

        return _swapped(self, op, op.lhs, op.rhs, op.dot_dimension_numbers, turned)


def _gains(op: DotGeneral, permutation: Order) -> bool:
    if not (op.lhs.type.is_static and op.rhs.type.is_static) or op.algorithm is not None:
        return False
    lhs_free, rhs_free = _free(op)
    batch = len(op.dot_dimension_numbers.lhs_batching_dimensions)
    from_lhs = batch <= permutation[-1] < batch + len(lhs_free)
    return from_lhs and bool(rhs_free) and not _ends_badly(op.lhs, lhs_free)


def _with_side(
    dims: DotDimensionNumbers, side: int, batching: Sequence[int], contracting: Sequence[int]
) -> DotDimensionNumbers:
    name = ("lhs", "rhs")[side]
    return replace(
        dims,
        **{
            f"{name}_batching_dimensions": tuple(batching),
            f"{name}_contracting_dimensions": tuple(contracting),
        },
    )


def is_plain(op: DotGeneral, steady: bool = False) -> bool:
    """Whether the product is best left as it is; `steady` says that its rhs is the same each time it runs."""
    return not (op.lhs.type.is_static and op.rhs.type.is_static) or not (_folds(op, steady) or _swaps(op))


def _free(op: DotGeneral) -> tuple[list[int], list[int]]:
    return free_dimensions(op.lhs.type.rank, op.rhs.type.rank, op.dot_dimension_numbers)


def _folds(op: DotGeneral, steady: bool) -> bool:
    return (steady or isinstance(op.rhs.op, Constant)) and _ends_badly(op.rhs, _free(op)[1])


def _swaps(op: DotGeneral) -> bool:
    lhs_free, rhs_free = _free(op)
    rows = typical(prod(op.lhs.type.static_shape[i] for i in lhs_free))
    if not _ends_badly(op.rhs, rhs_free) or rows < LEAST_ROWS or op.algorithm is not None:
        return False
    moved = bytes_of(op.result) + (bytes_of(op.lhs) if _ends_badly(op.lhs, lhs_free) else 0)
    return bytes_of(op.rhs) > max(2 * moved, LEAST_BYTES)


def multiply(
    b: Builder, op: DotGeneral, lhs: Value, rhs: Value, transposed: Transposed, steady: bool = False
) -> Value:
    """Emits the dot_general of `lhs` and `rhs` in its better form."""
    d = op.dot_dimension_numbers
    lhs_free, rhs_free = _free(op)
    if _folds(op, steady):
        rhs, d = _contracting_first(d, 1, rhs, rhs_free, transposed)
        attributes = {**op.attributes, "dot_dimension_numbers": d}
        return b.emit(DotGeneral.create((lhs, rhs), op.result_types, attributes, (), op.location))
    if _ends_badly(lhs, lhs_free):
        lhs, d = _contracting_first(d, 0, lhs, lhs_free, transposed)
    return _swapped(b, op, lhs, rhs, d, transposed)


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
        d.rhs_batching_dimensions,
        d.lhs_batching_dimensions,
        d.rhs_contracting_dimensions,
        d.lhs_contracting_dimensions,
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
        DotGeneral.create(
            (rhs, lhs), (type.with_shape(permuted(type.shape, out)),), made.attributes, (), op.location
        )
    )
    return transposed(product, inverse(out))

"""Gradients of contractions, each a contraction of the cotangent with the other operand, and of solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.types import TensorType, i32
from irc.passes.autodiff.registry import Formula, defadjoint, defvjp
from irc.passes.autodiff.transform import Reverse
from irc.passes.expression import Expr, compare, conj, convert, extent, reshape, reverse, select, transpose

Dims = tuple[tuple[int, ...], tuple[int, ...]]


def contract(
    x: Expr,
    y: Expr,
    batch: tuple[Sequence[int], Sequence[int]],
    over: tuple[Sequence[int], Sequence[int]],
    precision: Any = None,
) -> Expr:
    """The dot_general of `x` and `y`: batch dims, then what is left of `x`, then of `y`. Precision is that
    of `like`."""
    numbers = hlo.DotDimensionNumbers(
        lhs_batching_dimensions=tuple(batch[0]),
        rhs_batching_dimensions=tuple(batch[1]),
        lhs_contracting_dimensions=tuple(over[0]),
        rhs_contracting_dimensions=tuple(over[1]),
    )
    shape = [x.type.shape[d] for d in batch[0]]
    shape += [n for d, n in enumerate(x.type.shape) if d not in (*batch[0], *over[0])]
    shape += [n for d, n in enumerate(y.type.shape) if d not in (*batch[1], *over[1])]
    made = hlo.DotGeneral(
        x.value,
        y.value,
        dot_dimension_numbers=numbers,
        precision_config=precision,
        result_types=[TensorType(tuple(shape), x.element)],
    )
    return x.scope.emit(made)


def contraction_side(side: int, dimensions: Callable[[Any], tuple[Dims, Dims]]) -> Formula:
    """The formula of operand `side` (0: lhs, 1: rhs) of an op whose batch and contracted `dimensions` are
    given, each for lhs and rhs: contract `g` with the other operand over the other's
    free dims.

    What is left is this operand's batch, free and contracted dims, in an order that a transpose puts
    right; of the two orders of factors, the one that needs no transpose is taken."""

    def formula(g: Expr, ans: Expr, lhs: Expr, rhs: Expr) -> Expr:
        batches, overs = dimensions(ans.op)
        x, y = (lhs, rhs)[side], (lhs, rhs)[1 - side]
        x_free, y_free = (
            [d for d in range(v.rank) if d not in (*batches[s], *overs[s])]
            for v, s in ((x, side), (y, 1 - side))
        )
        leading = len(batches[0])
        g_x = range(leading, leading + len(x_free)) if side == 0 else range(g.rank - len(x_free), g.rank)
        g_y = [d for d in range(leading, g.rank) if d not in g_x]

        y = convert(y, g.element)
        summed = [overs[side][i] for i in sorted(range(len(overs[0])), key=overs[1 - side].__getitem__)]
        y_first = [*batches[side], *summed, *x_free]
        if y_first == sorted(y_first):
            made = contract(y, g, (batches[1 - side], range(leading)), (y_free, g_y), ans.op.precision_config)
            return convert(made, x.element)
        g_first = [*batches[side], *x_free, *summed]
        made = contract(g, y, (range(leading), batches[1 - side]), (g_y, y_free), ans.op.precision_config)
        return convert(transpose(made, [g_first.index(d) for d in range(x.rank)]), x.element)

    return formula


def dot_general_dimensions(op: Any) -> tuple[Dims, Dims]:
    """((batching), (contracting)) dimensions, each of lhs and of rhs."""
    d = op.dot_dimension_numbers
    return (
        (d.lhs_batching_dimensions, d.rhs_batching_dimensions),
        (d.lhs_contracting_dimensions, d.rhs_contracting_dimensions),
    )


defvjp(hlo.DotGeneral, *(contraction_side(side, dot_general_dimensions) for side in (0, 1)))


def split_dim(x: Expr, dim: int, count: int) -> Expr:
    """Dimension `dim` of extent n becomes two, of extents `count` and n / `count`."""
    shape = list(x.shape)
    shape[dim : dim + 1] = [count, shape[dim] // count]
    return reshape(x, shape)


def move_groups(x: Expr, source: int, target: int, count: int) -> Expr:
    """Dimension `source` is `count` groups; they become the outer part of dimension `target` instead."""
    if count == 1:
        return x
    merged = list(x.shape)
    merged[source] //= count
    merged[target] *= count
    order = [d if d <= source else d + 1 for d in range(x.rank)]
    order[source] = source + 1
    order.insert(target, source)
    return reshape(transpose(split_dim(x, source, count), order), merged)


def holes(n: int, dilation: int) -> int:
    """The extent of n elements with `dilation - 1` holes between neighbours."""
    return (n - 1) * dilation + 1 if n else 0


def windows_of(op: Any) -> tuple[Any, ...]:
    """(strides, padding, lhs_dilation, rhs_dilation, window_reversal), defaults spelled out."""
    rank = len(op.dimension_numbers.input_spatial_dimensions)
    ones = (1,) * rank
    return (
        op.window_strides or ones,
        op.padding or ((0, 0),) * rank,
        op.lhs_dilation or ones,
        op.rhs_dilation or ones,
        op.window_reversal or (False,) * rank,
    )


def convolution_lhs(g: Expr, ans: Expr, lhs: Expr, rhs: Expr) -> Expr:
    """A convolution of `g`, its holes the strides, with the reversed kernel whose features have changed
    roles."""
    op, numbers = ans.op, ans.op.dimension_numbers
    strides, padding, lhs_dilation, rhs_dilation, reversal = windows_of(op)
    groups = op.feature_group_count * op.batch_group_count
    kernel_in, kernel_out = numbers.kernel_input_feature_dimension, numbers.kernel_output_feature_dimension
    kernel = reverse(
        rhs, [d for d, r in zip(numbers.kernel_spatial_dimensions, reversal, strict=True) if not r]
    )
    kernel = move_groups(kernel, kernel_out, kernel_in, groups)

    spatial = zip(
        *(
            numbers.input_spatial_dimensions,
            numbers.kernel_spatial_dimensions,
            numbers.output_spatial_dimensions,
        ),
        *(strides, padding, lhs_dilation, rhs_dilation),
        strict=True,
    )
    edges = []
    for i, k, o, stride, (low, _), lhs_hole, rhs_hole in spatial:
        before = holes(extent(rhs, k), rhs_hole) - 1 - low
        after = holes(extent(lhs, i), lhs_hole) - holes(extent(g, o), stride) + low
        edges.append((before, after))
    made = hlo.Convolution(
        g.value,
        convert(kernel, g.element).value,
        window_strides=lhs_dilation,
        padding=tuple(edges),
        lhs_dilation=strides,
        rhs_dilation=rhs_dilation,
        dimension_numbers=hlo.ConvDimensionNumbers(
            input_batch_dimension=numbers.output_batch_dimension,
            input_feature_dimension=numbers.output_feature_dimension,
            input_spatial_dimensions=numbers.output_spatial_dimensions,
            kernel_input_feature_dimension=kernel_out,
            kernel_output_feature_dimension=kernel_in,
            kernel_spatial_dimensions=numbers.kernel_spatial_dimensions,
            output_batch_dimension=numbers.input_batch_dimension,
            output_feature_dimension=numbers.input_feature_dimension,
            output_spatial_dimensions=numbers.input_spatial_dimensions,
        ),
        feature_group_count=groups,
        batch_group_count=1,
        precision_config=op.precision_config,
        result_types=[_with_groups(lhs, g.element, numbers, op.batch_group_count)],
    )
    back = move_groups(
        g.scope.emit(made),
        numbers.input_feature_dimension,
        numbers.input_batch_dimension,
        op.batch_group_count,
    )
    return convert(back, lhs.element)


def _with_groups(lhs: Expr, element: Any, numbers: Any, batch_groups: int) -> TensorType:
    """The type of `lhs` with its batch groups among the features."""
    shape = list(lhs.type.shape)
    if batch_groups > 1:
        shape[numbers.input_batch_dimension] = extent(lhs, numbers.input_batch_dimension) // batch_groups
        shape[numbers.input_feature_dimension] = extent(lhs, numbers.input_feature_dimension) * batch_groups
    return TensorType(tuple(shape), element)


def convolution_rhs(g: Expr, ans: Expr, lhs: Expr, rhs: Expr) -> Expr:
    """A convolution of the activations with `g` as kernel, batch and feature in each other's roles:
    `[f,0,1,b]x[i,0,1,o]->[0,1,b,f]`, stepping by the kernel's dilation; the strides are the holes of `g`."""
    op, numbers = ans.op, ans.op.dimension_numbers
    strides, padding, lhs_dilation, rhs_dilation, reversal = windows_of(op)
    spatial = zip(
        *(
            numbers.input_spatial_dimensions,
            numbers.kernel_spatial_dimensions,
            numbers.output_spatial_dimensions,
        ),
        *(strides, padding, lhs_dilation, rhs_dilation),
        strict=True,
    )
    edges = []
    for i, k, o, stride, (low, _), lhs_hole, rhs_hole in spatial:
        reach = holes(extent(rhs, k), rhs_hole) + holes(extent(g, o), stride) - 1
        edges.append((low, reach - holes(extent(lhs, i), lhs_hole) - low))
    made = hlo.Convolution(
        convert(lhs, g.element).value,
        g.value,
        window_strides=rhs_dilation,
        padding=tuple(edges),
        lhs_dilation=lhs_dilation,
        rhs_dilation=strides,
        dimension_numbers=hlo.ConvDimensionNumbers(
            input_batch_dimension=numbers.input_feature_dimension,
            input_feature_dimension=numbers.input_batch_dimension,
            input_spatial_dimensions=numbers.input_spatial_dimensions,
            kernel_input_feature_dimension=numbers.output_batch_dimension,
            kernel_output_feature_dimension=numbers.output_feature_dimension,
            kernel_spatial_dimensions=numbers.output_spatial_dimensions,
            output_batch_dimension=numbers.kernel_input_feature_dimension,
            output_feature_dimension=numbers.kernel_output_feature_dimension,
            output_spatial_dimensions=numbers.kernel_spatial_dimensions,
        ),
        feature_group_count=op.batch_group_count,
        batch_group_count=op.feature_group_count,
        precision_config=op.precision_config,
        result_types=[TensorType(rhs.type.shape, g.element)],
    )
    turned = [d for d, r in zip(numbers.kernel_spatial_dimensions, reversal, strict=True) if r]
    return convert(reverse(g.scope.emit(made), turned), rhs.element)


defvjp(hlo.Convolution, convolution_lhs, convolution_rhs)


def matmul(x: Expr, y: Expr) -> Expr:
    """x y, matrix by matrix."""
    batch = range(x.rank - 2)
    return contract(x, y, (batch, batch), ([x.rank - 1], [y.rank - 2]))


def transposed(x: Expr) -> Expr:
    """Each matrix transposed."""
    return transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


def triangle(x: Expr, direction: str, other: float = 0) -> Expr:
    """The elements whose row `direction` their column (`GE`: the lower triangle), `other` elsewhere."""
    places = TensorType(x.shape, i32)
    rows, columns = x.scope.iota(places, x.rank - 2), x.scope.iota(places, x.rank - 1)
    return select(compare(rows, direction, columns), x, other)


def halved_triangle(x: Expr) -> Expr:
    """The lower triangle with half the diagonal."""
    return (triangle(x, "GE") + triangle(x, "GT")) * 0.5


def solve(a: Expr, b: Expr, left: bool, turned: bool, lower: bool, unit: bool = False) -> Expr:
    """x with op(a) x = b (left), or x op(a) = b; op transposes where `turned`."""
    made = hlo.TriangularSolve(
        a.value,
        b.value,
        left_side=left,
        lower=lower,
        unit_diagonal=unit,
        transpose_a="TRANSPOSE" if turned else "NO_TRANSPOSE",
    )
    return a.scope.emit(made)


def adjoint(x: Expr) -> Expr:
    """The conjugate transpose of each matrix."""
    return conj(transposed(x))


def cholesky_cotangent(ans: Expr, g: Expr, lower: bool) -> Expr:
    """With P the halved triangle of L^H G and Z = L^-H P L^-1, the halved triangle of Z + Z^H (Murray,
    "Differentiation of the Cholesky decomposition", 2016): the triangle that is read stands for both. G is the conjugate of
    the cotangent, and so is what comes out."""
    ans, g = (ans, conj(g)) if lower else (adjoint(ans), transposed(g))
    ans = triangle(ans, "GE")
    inner = halved_triangle(matmul(adjoint(ans), triangle(g, "GE")))
    left = solve(conj(ans), inner, left=True, turned=True, lower=True)
    z = solve(ans, left, left=False, turned=False, lower=True)
    read = halved_triangle(z + adjoint(z))
    return conj(read) if lower else transposed(read)


@defadjoint(hlo.Cholesky)
def cholesky_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """See `cholesky_cotangent`."""
    ((ans,), (g,)) = map(reverse.scope.of, op.results), gs
    assert g is not None
    reverse.add(op.a, cholesky_cotangent(ans, g, bool(op.lower)))


def triangular_solve_cotangents(
    a: Expr, ans: Expr, g: Expr, left: bool, turned: bool, lower: bool, unit: bool
) -> tuple[Expr, Expr]:
    """Of M x = b with M = op(a): the cotangent of b solves M^T, and that of M is - b' x^T (x M = b: - x^T
    b'). Returns those of a and b."""
    g_b = solve(a, g, left, not turned, lower, unit)
    g_m = -(matmul(g_b, transposed(ans)) if left else matmul(transposed(ans), g_b))
    direction = ("G" if lower else "L") + ("T" if unit else "E")
    return triangle(transposed(g_m) if turned else g_m, direction), g_b


@defadjoint(hlo.TriangularSolve)
def triangular_solve_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """See `triangular_solve_cotangents`."""
    ((a, _), (ans,), (g,)) = map(reverse.scope.of, op.operands), map(reverse.scope.of, op.results), gs
    assert g is not None
    turned, conjugated = op.transpose_a != "NO_TRANSPOSE", op.transpose_a == "ADJOINT"
    a = conj(a) if conjugated else a
    g_a, g_b = triangular_solve_cotangents(a, ans, g, op.left_side, turned, op.lower, op.unit_diagonal)
    reverse.add(op.b, g_b)
    reverse.add(op.a, conj(g_a) if conjugated else g_a)

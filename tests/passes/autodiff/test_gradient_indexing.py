"""gather, scatter and sort, indices that repeat or lie outside included."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_harness import check, program_for

from irc.dialects import stablehlo as hlo
from irc.interpreter import interpret
from irc.ir.types import TensorType, i32
from irc.passes.autodiff import vjp
from irc.passes.autodiff.rules.indexing import scatter_with
from irc.passes.expression import Expr, sin

RNG = np.random.default_rng(5)


def gather(x: Expr, indices: Expr, sizes, **numbers) -> Expr:
    made = hlo.Gather(
        x.value, indices.value, dimension_numbers=hlo.GatherDimensionNumbers(**numbers), slice_sizes=sizes
    )
    return x.scope.emit(made)


def rows(x: Expr, indices: Expr) -> Expr:
    """`x[indices]`, an embedding."""
    n = indices.rank
    return gather(
        x,
        indices,
        (1, x.shape[1]),
        offset_dims=(n,),
        collapsed_slice_dims=(0,),
        start_index_map=(0,),
        index_vector_dim=n,
    )


@pytest.mark.parametrize("indices", [[0, 2, 2, 1], [-3, 9, 1, 1], [[1, 0], [3, 3]]])
def test_rows(indices) -> None:
    check(lambda x, i: sin(rows(x, i)), RNG.standard_normal((4, 3)), np.array(indices, np.int32))


def test_windows_at_two_components() -> None:
    def body(x: Expr, i: Expr) -> Expr:
        return sin(gather(x, i, (2, 3), offset_dims=(1, 2), start_index_map=(1, 0), index_vector_dim=1))

    places = np.array([[0, 0], [1, 2], [9, -1], [1, 3]], np.int64)
    check(body, RNG.standard_normal((5, 6)), places)


def test_batched_gather() -> None:
    def body(x: Expr, i: Expr) -> Expr:
        return sin(
            gather(
                x,
                i,
                (1, 1, 2),
                offset_dims=(2,),
                collapsed_slice_dims=(1,),
                operand_batching_dims=(0,),
                start_indices_batching_dims=(1,),
                start_index_map=(1,),
                index_vector_dim=2,
            )
        )

    check(body, RNG.standard_normal((2, 4, 2)), np.array([[0, 3], [1, 1], [7, 0]], np.int32))


def test_indices_known_to_be_inside_are_not_clamped() -> None:
    def body(x: Expr) -> Expr:
        return rows(x, x.scope.constant(np.array([1, 0, 2]), TensorType((3,), i32)))

    x = RNG.standard_normal((3, 2))
    module = vjp(program_for(body, [x]))
    assert not any(isinstance(op, hlo.Clamp) for op in module.walk())
    check(body, x)


ROW_NUMBERS = hlo.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), index_vector_dim=1
)


def scatter_rows(cls, unique: bool = False):
    return lambda x, u, i: sin(scatter_with(cls, x, i, u, ROW_NUMBERS, unique))


INSIDE, REPEATED, OUTSIDE = ([2, 0, 1], [1, 3, 1], [1, -1, 9])


@pytest.mark.parametrize("indices", [INSIDE, REPEATED, OUTSIDE])
@pytest.mark.parametrize("cls", [hlo.Add, hlo.Maximum, hlo.Minimum, None], ids=str)
def test_scatter(cls, indices) -> None:
    x, u = RNG.standard_normal((4, 2)), RNG.standard_normal((3, 2))
    check(scatter_rows(cls), x, u, np.array(indices, np.int32))


@pytest.mark.parametrize("indices", [INSIDE, OUTSIDE])
@pytest.mark.parametrize("cls", [hlo.Add, hlo.Multiply, None], ids=str)
def test_scatter_at_unique_indices(cls, indices) -> None:
    x, u = RNG.standard_normal((4, 2)), RNG.standard_normal((3, 2))
    check(scatter_rows(cls, True), x, u, np.array(indices, np.int32))


def test_scatter_of_scalars() -> None:
    numbers = hlo.ScatterDimensionNumbers(
        inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), index_vector_dim=1
    )
    x, u = RNG.standard_normal(4), RNG.standard_normal(3)
    check(lambda x, u, i: sin(scatter_with(hlo.Add, x, i, u, numbers)), x, u, np.array([1, 1, 5], np.int32))


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_products_at_indices_that_repeat(zeros: int) -> None:
    x, u = RNG.standard_normal((4, 2)), RNG.standard_normal((3, 2))
    u[[0, 2][:zeros], 0] = 0
    for indices in (INSIDE, REPEATED, OUTSIDE):
        check(scatter_rows(hlo.Multiply), x, u, np.array(indices, np.int32), order=1 if zeros else 2)


def sort(dimension: int, *xs: Expr) -> tuple[Expr, ...]:
    scope = xs[0].scope
    scalars = [TensorType((), x.element) for x in xs for _ in range(2)]

    def before(b, x, y, *_) -> None:
        b.emit(hlo.Return([b.emit(hlo.Compare(x, y, comparison_direction="LT", compare_type="FLOAT"))]))

    made = hlo.Sort(
        [x.value for x in xs],
        dimension=dimension,
        is_stable=True,
        regions=[scope.builder.region(scalars, before)],
    )
    scope.builder.emit(made)
    return tuple(map(scope.of, made.results))


@pytest.mark.parametrize("dimension", [0, 1, -1])
def test_sort(dimension: int) -> None:
    x, y = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4))
    check(lambda x: sin(sort(dimension, x)[0]), x)
    check(lambda x, y: [a * b for a, b in [sort(dimension, x, y)]], x, y)


def test_sort_that_carries_positions_is_not_done_twice() -> None:
    def body(x: Expr) -> Expr:
        return sin(sort(1, x, x.scope.iota(TensorType(x.shape, i32), 1))[0])

    x = RNG.standard_normal((2, 5))
    module = check(body, x)
    assert sum(isinstance(op, hlo.Sort) for op in module.walk()) == 1


def test_sort_is_made_once_with_its_positions() -> None:
    x = RNG.standard_normal((2, 5))
    module = vjp(program_for(lambda x: sort(1, x)[0], [x]))
    assert [len(op.operands) for op in module.walk() if isinstance(op, hlo.Sort)] == [2]
    g = RNG.standard_normal((2, 5))
    np.testing.assert_array_equal(interpret(module, x, g)[0], np.sort(x, 1))

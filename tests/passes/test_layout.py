"""Layout: every bit stays, convolutions and products take the form their kernels want, transposes meet and cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pass_programs import assert_same_meaning, const, names, program, scalar_region, tensor

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.stablehlo import ConvDimensionNumbers, DotDimensionNumbers
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import i1, i32
from irc.passes.layout import dot as products
from irc.passes.manager import run_pipeline

NCHW = "bf01,oi01->bf01"


def dims_of(text: str) -> ConvDimensionNumbers:
    """From `bf01,oi01->bf01`: where batch, feature and spatial dimensions stand in input, kernel and output."""
    sides, out = text.split("->")
    lhs, rhs = sides.split(",")
    spatial = [c for c in lhs if c.isdigit()]
    places = [tuple(side.index(c) for c in spatial) for side in (lhs, rhs, out)]
    return ConvDimensionNumbers(
        lhs.index("b"), lhs.index("f"), places[0],
        rhs.index("i"), rhs.index("o"), places[1],
        out.index("b"), out.index("f"), places[2],
    )  # fmt: skip


def conv(b: Builder, x: Value, w: Value, dims: str = NCHW, **window: Any) -> Value:
    groups = {"feature_group_count": 1, "batch_group_count": 1, **window}
    return b.emit(S.Convolution(x, w, dimension_numbers=dims_of(dims), **groups))


def spread(b: Builder, x: Value, shape: Sequence[int], *dims: int) -> Value:
    return b.emit(
        S.BroadcastInDim(x, broadcast_dimensions=dims, result_types=[x.type.with_shape(tuple(shape))])
    )


def relu(b: Builder, x: Value) -> Value:
    return b.emit(S.Maximum(x, const(b, 0.0, x.type)))


def max_pool(b: Builder, x: Value) -> Value:
    start = const(b, -np.inf, tensor())
    return b.emit(
        S.ReduceWindow(
            [x],
            [start],
            window_dimensions=(1, 1, 2, 2),
            window_strides=(1, 1, 2, 2),
            regions=[scalar_region(b, S.Maximum)],
        )
    )


def reduce(b: Builder, x: Value, dims: Sequence[int], op: Any = S.Add) -> Value:
    return b.emit(S.Reduce([x], [const(b, 0.0, tensor())], dimensions=dims, regions=[scalar_region(b, op)]))


def transpose(b: Builder, x: Value, *permutation: int) -> Value:
    return b.emit(S.Transpose(x, permutation=permutation))


def reshape(b: Builder, x: Value, *shape: int) -> Value:
    return b.emit(S.Reshape(x, result_types=[x.type.with_shape(shape)]))


X, W = tensor(2, 3, 6, 6), tensor(5, 3, 3, 3)


def laid_out(module: Module) -> Module:
    """After layout, cse and dce; every bit as it was, every convolution and product in its kernel's form."""
    after = run_pipeline(module, "layout,cse,dce")
    assert_same_meaning(module, after)
    for op in after.walk():
        if isinstance(op, S.Convolution):
            d, w = op.dimension_numbers, op.window
            last = op.lhs.type.rank - 1
            assert d.output_feature_dimension == d.kernel_output_feature_dimension == last
            assert last in (d.input_feature_dimension, d.input_batch_dimension)
            assert not any(map(any, w.padding)) and not any(w.reversal) and set(w.lhs_dilation) <= {1}
    return after


def transposes(module: Module) -> list[tuple[int, ...]]:
    return [op.permutation for op in module.walk() if isinstance(op, S.Transpose)]


def convolutions(module: Module) -> list[str]:
    return [
        op.dimension_numbers.body().replace(", ", "") for op in module.walk() if isinstance(op, S.Convolution)
    ]


def test_a_forward_convolution_is_nhwc_with_explicit_padding() -> None:
    window = {"window_strides": (2, 1), "padding": ((1, 2), (0, 1)), "rhs_dilation": (1, 2)}
    after = laid_out(program([X, W], lambda b, x, w: conv(b, x, w, **window)))
    assert names(after) == ["transpose", "transpose", "constant", "pad", "convolution", "transpose"]
    assert convolutions(after) == ["[b01f]x[01io]->[b01f]"]
    assert transposes(after) == [(0, 2, 3, 1), (2, 3, 1, 0), (0, 3, 1, 2)]
    assert after.symbols["main"].attributes["irc.layout"].value == "NHWC"  # type: ignore[attr-defined]


def test_dilated_input_and_reversed_window_become_pad_and_reverse() -> None:
    window = {"lhs_dilation": (2, 2), "padding": ((2, 1), (-1, 2)), "window_reversal": (True, False)}
    after = laid_out(program([X, W], lambda b, x, w: conv(b, x, w, **window)))
    assert {"pad", "reverse"} <= set(names(after))


def test_a_plain_program_is_left_as_it_is() -> None:
    def body(b: Builder, x: Value, w: Value) -> Value:
        return conv(b, x, w, "b01f,01io->b01f")

    before = program([tensor(2, 6, 6, 3), tensor(3, 3, 3, 5)], body)
    assert run_pipeline(before, "layout") is before
    matrix = program([X], lambda b, x: transpose(b, x, 3, 0, 1, 2))
    assert run_pipeline(matrix, "layout") is matrix


def test_a_weight_gradient_reads_the_nhwc_tensors_as_they_are() -> None:
    """Activations and output gradient are NHWC already, and no activation is transposed for the gradient."""

    def body(b: Builder, x: Value, w: Value) -> list[Value]:
        y = relu(b, conv(b, x, w))
        return [reduce(b, y, (0, 2, 3)), conv(b, x, b.emit(S.Tanh(y)), "fb01,io01->bf01")]

    after = laid_out(program([X, W], body))
    assert convolutions(after) == ["[b01f]x[01io]->[b01f]", "[f01b]x[i01o]->[01bf]"]
    assert transposes(after) == [(0, 2, 3, 1), (2, 3, 1, 0), (2, 3, 0, 1)]


def test_an_input_gradient_transposes_and_reverses_the_kernel_alone() -> None:
    window = {"padding": ((2, 2), (2, 2)), "window_reversal": (True, True)}

    def body(b: Builder, x: Value, w: Value, g: Value) -> Value:
        return conv(b, relu(b, conv(b, x, w)), w, "bf01,io01->bf01", **window)

    after = laid_out(program([X, W, tensor(2, 5, 4, 4)], body))
    assert sorted(transposes(after)) == [(0, 2, 3, 1), (0, 3, 1, 2), (2, 3, 0, 1), (2, 3, 1, 0)]


def test_transposes_sink_to_the_smallest_tensor() -> None:
    """conv, bias, relu, pool, conv, bias, residual, flatten, product: one transpose in, one out, of the pooled result."""

    def body(b: Builder, x: Value, w: Value, bias: Value, w2: Value, fc: Value) -> Value:
        y = conv(b, x, w, padding=((1, 1), (1, 1)))
        y = relu(b, b.emit(S.Add(y, spread(b, bias, y.type.shape, 1))))
        y = max_pool(b, y)
        z = conv(b, y, w2, padding=((1, 1), (1, 1)))
        z = max_pool(b, b.emit(S.Add(relu(b, z), y)))
        flat = reshape(b, z, 2, 5)
        return b.emit(S.DotGeneral(flat, fc, dot_dimension_numbers=DotDimensionNumbers((), (), (1,), (0,))))

    types = [tensor(2, 3, 4, 4), W, tensor(5), tensor(5, 5, 3, 3), tensor(5, 7)]
    after = laid_out(program(types, body))
    # After the second pool extents are 1 x 1, and moving those is a reshape.
    assert transposes(after) == [(0, 2, 3, 1), (2, 3, 1, 0), (2, 3, 1, 0)]


def test_batch_norm_statistics_keep_their_sequence_and_a_full_sum_is_not_moved() -> None:
    def body(b: Builder, x: Value, w: Value) -> list[Value]:
        y = conv(b, x, w)
        mean = reduce(b, y, (0, 2, 3))
        centred = b.emit(S.Subtract(y, spread(b, mean, y.type.shape, 1)))
        return [reduce(b, b.emit(S.Multiply(centred, centred)), (0, 1, 2, 3)), mean]

    after = laid_out(program([X, W], body))
    assert transposes(after).count((0, 3, 1, 2)) == 1
    assert [op.dimensions for op in after.walk() if isinstance(op, S.Reduce)] == [(0, 1, 2), (0, 1, 2, 3)]


def test_a_maximum_may_be_taken_in_any_sequence() -> None:
    after = laid_out(program([X, W], lambda b, x, w: reduce(b, conv(b, x, w), (0, 1, 2, 3), S.Maximum)))
    assert (0, 3, 1, 2) not in transposes(after)


def test_kept_dimensions_come_back_in_their_order() -> None:
    """Reducing the height of NHWC leaves NWC, and NCW is what the program says."""
    laid_out(program([X, W], lambda b, x, w: reduce(b, conv(b, x, w), (2,))))


def select_and_scatter(b: Builder, x: Value, source: Value) -> Value:
    scalar = tensor()

    def select(r: Builder, u: Value, v: Value) -> None:
        r.emit(S.Return([r.emit(S.Compare(u, v, comparison_direction="GE"))]))

    return b.emit(
        S.SelectAndScatter(
            x,
            source,
            const(b, 0.0, scalar),
            window_dimensions=(1, 1, 3, 3),
            window_strides=(1, 1, 1, 1),
            padding=((0, 0), (0, 0), (2, 0), (0, 2)),
            regions=[b.region([scalar] * 2, select), scalar_region(b, S.Add)],
        )
    )


def moved_ops() -> dict[str, Callable[[Builder, Value, Value], Any]]:
    """y [2, 5, 4, 4] is a convolution's result, p [2, 5, 4, 4] booleans: each gives something of y in its own way."""
    n = tensor(element=i32)

    def starts(b: Builder) -> list[Value]:
        return [const(b, v, n) for v in (0, 3, 1, 0)]

    def reduce_window_sum(b: Builder, y: Value, p: Value) -> Value:
        return b.emit(
            S.ReduceWindow(
                [y],
                [const(b, 0.5, tensor())],
                window_dimensions=(1, 1, 3, 2),
                window_strides=(1, 1, 2, 1),
                window_dilations=(1, 1, 1, 2),
                padding=((0, 0), (0, 0), (1, 0), (0, 2)),
                regions=[scalar_region(b, S.Add)],
            )
        )

    def window_over_channels(b: Builder, y: Value, p: Value) -> Value:
        return b.emit(
            S.ReduceWindow(
                [y],
                [const(b, 0.0, tensor())],
                window_dimensions=(1, 3, 2, 1),
                regions=[scalar_region(b, S.Add)],
            )
        )

    return {
        "pad": lambda b, y, p: b.emit(
            S.Pad(
                y,
                const(b, 2.0, tensor()),
                edge_padding_low=(0, 1, 2, -1),
                edge_padding_high=(1, 0, 0, 3),
                interior_padding=(0, 0, 1, 2),
            )
        ),
        "slice": lambda b, y, p: b.emit(
            S.Slice(y, start_indices=(0, 1, 0, 2), limit_indices=(2, 5, 3, 4), strides=(1, 2, 1, 1))
        ),
        "reverse": lambda b, y, p: b.emit(S.Reverse(y, dimensions=(1, 2))),
        "concatenate": lambda b, y, p: b.emit(S.Concatenate([y, b.emit(S.Tanh(y))], dimension=1)),
        "select": lambda b, y, p: b.emit(S.Select(p, y, b.emit(S.Negate(y)))),
        "select by a scalar": lambda b, y, p: b.emit(
            S.Select(const(b, True, tensor(element=i1)), y, b.emit(S.Abs(y)))
        ),
        "clamp": lambda b, y, p: b.emit(S.Clamp(const(b, -1.0, tensor()), y, const(b, 1.0, tensor()))),
        "compare": lambda b, y, p: b.emit(S.Compare(y, b.emit(S.Tanh(y)), comparison_direction="LT")),
        "convert": lambda b, y, p: b.emit(S.Convert(y, result_types=[y.type.with_element(i32)])),
        "iota": lambda b, y, p: b.emit(S.Add(y, b.emit(S.Iota(iota_dimension=2, result_types=[y.type])))),
        "constant": lambda b, y, p: b.emit(
            S.Multiply(y, b.emit(S.Constant.of(np.arange(160, dtype=np.float32).reshape(2, 5, 4, 4))))
        ),
        "broadcast": lambda b, y, p: b.emit(
            S.Multiply(y, spread(b, reduce(b, y, (0, 2)), y.type.shape, 1, 3))
        ),
        "broadcast of a result": lambda b, y, p: spread(b, y, (2, 5, 4, 4, 3), 0, 1, 2, 3),
        "dynamic_slice": lambda b, y, p: b.emit(S.DynamicSlice(y, starts(b), slice_sizes=(2, 2, 3, 4))),
        "dynamic_update_slice": lambda b, y, p: b.emit(
            S.DynamicUpdateSlice(
                y, b.emit(S.DynamicSlice(b.emit(S.Tanh(y)), starts(b), slice_sizes=(2, 2, 3, 4))), starts(b)
            )
        ),
        "optimization_barrier": lambda b, y, p: list(b.emit(S.OptimizationBarrier([y, p]))),
        "reduce_window": reduce_window_sum,
        "reduce_window over channels": window_over_channels,
        "select_and_scatter": lambda b, y, p: select_and_scatter(b, y, b.emit(S.Tanh(y))),
        "transpose": lambda b, y, p: transpose(b, y, 1, 0, 3, 2),
        "nhwc": lambda b, y, p: transpose(b, y, 0, 2, 3, 1),
        "reshape": lambda b, y, p: reshape(b, y, 2, 80),
    }


@pytest.mark.parametrize("name", moved_ops())
@pytest.mark.parametrize("follow", ["end", "convolution"])
def test_ops_move_with_their_bits(name: str, follow: str) -> None:
    def body(b: Builder, x: Value, w: Value, w2: Value, p: Value) -> Any:
        out = moved_ops()[name](b, b.emit(S.Multiply(conv(b, x, w), const(b, 0.25, tensor(2, 5, 4, 4)))), p)
        last = out[0] if isinstance(out, list) else out
        if follow == "convolution" and last.type.rank == 4 and last.type.element == x.type.element:
            channels = last.type.shape[1]
            kernel = b.emit(
                S.Slice(w2, start_indices=(0,) * 4, limit_indices=(5, channels, 2, 1), strides=(1,) * 4)
            )
            return conv(b, last, kernel)
        return out

    laid_out(program([X, W, tensor(5, 10, 2, 2), tensor(2, 5, 4, 4, element=i1)], body))


def test_nhwc_code_around_a_nchw_convolution_needs_no_transpose_of_activations() -> None:
    def body(b: Builder, x: Value, w: Value) -> Value:
        return transpose(b, relu(b, conv(b, transpose(b, x, 0, 3, 1, 2), w)), 0, 2, 3, 1)

    after = laid_out(program([tensor(2, 6, 6, 3), W], body))
    assert transposes(after) == [(2, 3, 1, 0)]


def test_loops_and_branches_have_their_own_plan() -> None:
    def body(b: Builder, x: Value, w: Value, p: Value) -> Value:
        y = relu(b, conv(b, x, w))

        def branch(scale: float) -> Any:
            def build(r: Builder) -> None:
                z = relu(r, conv(r, y, w, "bf01,io01->bf01"))
                r.emit(S.Return([r.emit(S.Multiply(z, const(r, scale, z.type)))]))

            return b.region([], build)

        return b.emit(S.If(p, regions=[branch(1.0), branch(2.0)]))

    laid_out(program([X, W, tensor(element=i1)], body))


def test_one_and_three_spatial_dimensions_and_groups() -> None:
    laid_out(
        program(
            [tensor(2, 3, 7), tensor(5, 3, 2)],
            lambda b, x, w: conv(b, x, w, "bf0,oi0->bf0", padding=((1, 0),)),
        )
    )
    laid_out(
        program(
            [tensor(1, 2, 3, 4, 3), tensor(2, 2, 2, 2, 1)],
            lambda b, x, w: conv(b, x, w, "bf012,oi012->bf012"),
        )
    )
    laid_out(
        program(
            [X, tensor(6, 1, 3, 3)],
            lambda b, x, w: conv(b, x, w, feature_group_count=3, padding=((1, 1), (1, 1))),
        )
    )
    laid_out(
        program(
            [tensor(3, 4, 5, 5), tensor(6, 3, 2, 2)],
            lambda b, x, w: conv(b, x, w, "fb01,oi01->bf01", batch_group_count=2),
        )
    )


# Products


def dot(lhs: int, rhs: int) -> Callable[..., Value]:
    dims = DotDimensionNumbers((), (), (lhs,), (rhs,))
    return lambda b, x, y: b.emit(S.DotGeneral(x, y, dot_dimension_numbers=dims))


def test_a_few_rows_against_large_weights_swap_sides() -> None:
    """x @ W^T as (W x^T)^T: only x and the result are transposed."""
    after = laid_out(program([tensor(16, 64), tensor(1100, 64)], dot(1, 1)))
    assert names(after) == ["transpose", "dot_general", "transpose"]
    assert [op.operands[0].type.shape for op in after.walk() if isinstance(op, S.DotGeneral)] == [(1100, 64)]


@pytest.mark.parametrize("shape", [(4, 1100, 64), (16, 1000, 64), (400, 1100, 64)], ids=str)
def test_very_few_rows_small_weights_and_many_rows_are_left_to_the_kernel(
    shape: tuple[int, int, int],
) -> None:
    rows, columns, depth = shape
    before = program([tensor(rows, depth), tensor(columns, depth)], dot(1, 1))
    assert run_pipeline(before, "layout") is before


def test_constant_weights_are_transposed_while_compiling() -> None:
    weights = np.arange(64 * 32, dtype=np.float32).reshape(64, 32)
    after = laid_out(program([tensor(16, 32)], lambda b, x: dot(1, 1)(b, x, b.emit(S.Constant.of(weights)))))
    assert names(after) == ["constant", "dot_general"]


def test_rows_that_are_contiguous_need_no_transpose_when_sides_are_swapped() -> None:
    after = laid_out(program([tensor(64, 16), tensor(1100, 64)], dot(0, 1)))
    assert names(after) == ["dot_general", "transpose"]


def test_batched_products_of_transposed_operands_read_them_where_they_are() -> None:
    """Attention's scores: heads stand inside, and neither q nor k is copied."""
    dims = DotDimensionNumbers((0, 1), (0, 1), (3,), (3,))

    def scores(b: Builder, q: Value, k: Value) -> Value:
        return b.emit(
            S.DotGeneral(transpose(b, q, 0, 2, 1, 3), transpose(b, k, 0, 2, 1, 3), dot_dimension_numbers=dims)
        )

    after = laid_out(program([tensor(2, 4, 3, 5), tensor(2, 6, 3, 5)], scores))
    assert names(after) == ["dot_general"]


def test_batched_products_swap_sides_too() -> None:
    dims = DotDimensionNumbers((0,), (0,), (2,), (2,))
    types = [tensor(2, 6, 64), tensor(2, 600, 64)]
    after = laid_out(
        program(
            types,
            lambda b, x, w: b.emit(
                S.DotGeneral(x, w, dot_dimension_numbers=dims, precision_config=("HIGH", "DEFAULT"))
            ),
        )
    )
    assert names(after) == ["transpose", "dot_general", "transpose"]
    assert [op.precision_config for op in after.walk() if isinstance(op, S.DotGeneral)] == [
        ("DEFAULT", "HIGH")
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_convolution(data: st.DataObject) -> None:
    """Dimension numbers, windows and extents at random."""

    def permuted(letters: str) -> str:
        return "".join(data.draw(st.permutations(letters)))

    lhs, rhs, out = permuted("bf01"), permuted("io01"), permuted("bf01")
    groups = data.draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2)]))
    small = st.integers(1, 3)
    extents = {"b": 2 * data.draw(small), "f": 2 * data.draw(small), "o": 2 * data.draw(small)}
    window = {
        "window_strides": tuple(data.draw(small) for _ in "01"),
        "padding": tuple((data.draw(st.integers(-1, 2)), data.draw(st.integers(0, 2))) for _ in "01"),
        "lhs_dilation": tuple(data.draw(st.integers(1, 2)) for _ in "01"),
        "rhs_dilation": tuple(data.draw(st.integers(1, 2)) for _ in "01"),
        "window_reversal": tuple(data.draw(st.booleans()) for _ in "01"),
        "feature_group_count": groups[0],
        "batch_group_count": groups[1],
    }
    image = {**extents, "0": data.draw(st.integers(5, 7)), "1": data.draw(st.integers(5, 7))}
    kernel = {"i": extents["f"] // groups[0], "o": extents["o"], "0": data.draw(st.integers(1, 2)), "1": 2}
    types = [tensor(*(image[c] for c in lhs)), tensor(*(kernel[c] for c in rhs))]
    laid_out(program(types, lambda b, x, w: relu(b, conv(b, x, w, f"{lhs},{rhs}->{out}", **window))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_product(monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    """Batching, contracting and free dimensions anywhere, with extents of 1; small products are treated as large ones."""
    monkeypatch.setattr(products, "LEAST_BYTES", 0)
    monkeypatch.setattr(products, "LEAST_ROWS", 1)

    def side(free: str) -> str:
        return "".join(data.draw(st.permutations("ak" + free)))

    extent = st.sampled_from([1, 2, 3, 17])
    sizes = {c: data.draw(extent) for c in "akmnpq"}
    lhs, rhs = (
        side(data.draw(st.sampled_from(["", "m", "mp"]))),
        side(data.draw(st.sampled_from(["", "n", "nq"]))),
    )
    batch = ("a",) if data.draw(st.booleans()) else ()
    contracting = "k" if batch else "ka"
    dims = DotDimensionNumbers(
        tuple(lhs.index(c) for c in batch),
        tuple(rhs.index(c) for c in batch),
        tuple(lhs.index(c) for c in contracting),
        tuple(rhs.index(c) for c in contracting),
    )
    types = [tensor(*(sizes[c] for c in lhs)), tensor(*(sizes[c] for c in rhs))]
    laid_out(program(types, lambda b, x, y: b.emit(S.DotGeneral(x, y, dot_dimension_numbers=dims))))

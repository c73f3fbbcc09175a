"""Contraction kernels: bit for bit the reference under every schedule; what is refused. How they read: golden/kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from group_programs import (
    NCHW,
    WEIGHT_GRADIENT,
    assert_same_bits,
    bias_relu,
    compile_group,
    convolution,
    function,
    matmul,
    reference,
    run_group,
    samples,
    splat,
    with_attribute,
)

from irc.codegen.lower.contraction import lower_contraction
from irc.codegen.schedule.contraction import Schedule, row_plan
from irc.codegen.schedule.machine import Machine
from irc.dialects import stablehlo as hlo
from irc.errors import IrcError, UnsupportedError
from irc.ir.attributes import BoolAttr, DictionaryAttr, IntegerAttr, StringAttr
from irc.ir.printer import print_operation
from irc.ir.types import ComplexType, TensorType, bf16, f16, f32, f64, i1, i8, i32, i64, ui8
from irc.runtime import pool

CONV3D = hlo.ConvDimensionNumbers(0, 4, (1, 2, 3), 3, 4, (0, 1, 2), 0, 4, (1, 2, 3))

CASES = {
    "matmul": matmul(37, 75, 45, after=bias_relu),
    "both-transposed": matmul(37, 75, 45, turned="lhs rhs", after=bias_relu),
    "rhs-transposed-long": matmul(14, 21, 100, turned="rhs"),
    "batched": matmul(9, 21, 35, batch=(3, 2)),
    "batched-transposed": matmul(9, 21, 35, batch=(3,), turned="rhs"),
    "one-row": matmul(1, 40, 33),
    "one-column": matmul(33, 1, 40),
    "one-element": matmul(1, 1, 50),
    "no-depth": matmul(5, 6, 0, after=bias_relu),
    "f64": matmul(13, 21, 15, element=f64),
    "bf16": matmul(13, 21, 35, element=bf16, after=bias_relu),
    "bf16-to-f32": matmul(13, 21, 35, element=bf16, result=f32),
    "f16-transposed": matmul(13, 21, 35, element=f16, turned="lhs rhs"),
    "i8": matmul(13, 21, 35, element=i8),
    "i8-to-i32": matmul(13, 21, 35, element=i8, result=i32),
    "ui8-to-i32": matmul(13, 21, 35, element=ui8, result=i32),
    "i64": matmul(13, 21, 35, element=i64),
    "conv": convolution((2, 9, 10, 5), (3, 3, 5, 20), after=bias_relu),
    "conv-strided": convolution((2, 9, 10, 5), (3, 3, 5, 20), window_strides=(2, 2), after=bias_relu),
    "conv-dilated-reversed": convolution(
        (2, 9, 10, 5), (3, 2, 5, 20), rhs_dilation=(2, 3), window_reversal=(True, False)
    ),
    "conv-1x1": convolution((2, 9, 10, 5), (1, 1, 5, 20)),
    "conv-few-positions": convolution((3, 4, 4, 5), (3, 3, 5, 70)),
    "conv-cropped": convolution((2, 9, 10, 5), (3, 3, 5, 20), padding=((-1, -1), (-2, 0))),
    "conv-nchw": convolution((2, 5, 9, 10), (20, 5, 3, 3), numbers=NCHW),
    "conv-weight-gradient": convolution((3, 8, 9, 5), (3, 6, 7, 20), numbers=WEIGHT_GRADIENT),
    "conv-depthwise": convolution((2, 9, 10, 21), (3, 3, 1, 21), feature_group_count=21, after=bias_relu),
    "conv-grouped": convolution((2, 9, 10, 8), (3, 3, 4, 6), feature_group_count=2, after=bias_relu),
    "conv-batch-grouped": convolution((4, 9, 10, 8), (3, 3, 8, 6), batch_group_count=2),
    "conv-3d": convolution((2, 4, 5, 6, 3), (2, 3, 2, 3, 20), numbers=CONV3D),
}
SCHEDULES: tuple[dict[str, Any], ...] = (
    {},
    {"pack_b": "all", "kc": 16, "order": "lanes", "mc": 8, "nc": 32, "prefetch": True},
    {"pack_b": "block", "pack_a": True, "kc": 7},
    {"pack_b": "none", "mr": 3, "nv": 2, "mc": 6, "nc": 32, "kc": 10, "bc": 1},
)


def scheduled(func: Any, edits: dict[str, Any]) -> Any:
    """The function with an edited `irc.schedule`."""
    encode = {bool: BoolAttr, int: lambda v: IntegerAttr(v, i64), str: StringAttr}
    entries = tuple(sorted((k, encode[type(v)](v)) for k, v in edits.items()))
    return with_attribute(func, "irc.schedule", DictionaryAttr(entries)) if edits else func


@pytest.mark.parametrize("name", CASES)
def test_every_schedule_gives_the_bits_of_the_reference(name: str) -> None:
    func = CASES[name]
    arrays = samples(func)
    expected = reference(func, arrays)
    for edits in SCHEDULES:
        chosen = scheduled(func, edits)
        assert_same_bits(run_group(chosen, lower_contraction(chosen), arrays), expected, edits)


def test_the_edited_schedule_is_what_the_kernel_says() -> None:
    group = lower_contraction(scheduled(CASES["matmul"], {"mr": 5, "pack_b": "all"}))
    schedule = group.functions[-1].attributes["irc.schedule"]
    assert schedule["mr"].value == 5 and schedule["pack_b"].value == "all"
    assert [f.sym_name for f in group.functions] == ["fused_pack", "fused"]


@pytest.mark.parametrize("edit", [{"mr": 0}, {"pack_b": "some"}, {"rows": 5}, {"kc": "many"}, {"pack_a": 2}])
def test_a_schedule_that_makes_no_sense_is_refused(edit: dict[str, Any]) -> None:
    with pytest.raises(IrcError, match=r"irc\.schedule has no field"):
        lower_contraction(scheduled(CASES["matmul"], edit))


def test_threads_do_not_change_bits() -> None:
    """Large enough for tickets, with packing by each of them."""
    func = matmul(100, 300, 200, turned="rhs")
    arrays = samples(func)
    program = compile_group(func, lower_contraction(func))
    before = pool.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            pool.set_num_threads(threads)
            results.append(program(*arrays))
    finally:
        pool.set_num_threads(before)
    assert_same_bits(results[1], results[0])
    assert np.abs(results[0][0] - arrays[0].astype(np.float64) @ arrays[1].T).max() < 1e-4
    assert "scf.forall" in print_operation(lower_contraction(func).functions[-1])


def test_no_rows_make_an_empty_kernel() -> None:
    func = matmul(0, 21, 3)
    assert run_group(func, lower_contraction(func), samples(func))[0].shape == (0, 21)


def epilogue_function() -> Any:
    """A residual, a mask, a scale per row, a scalar, a conversion, positions; four results, one of them reshaped."""
    shape = (2, 3, 7, 20)
    types = [TensorType(s, f32) for s in ((2, 3, 7, 9), (9, 20), shape, (2, 1, 7, 1), ())]

    def body(b: Any, x: Any, w: Any, residual: Any, scale: Any, scalar: Any) -> Any:
        y = b.emit(hlo.DotGeneral(x, w, dot_dimension_numbers=hlo.DotDimensionNumbers((), (), (3,), (0,))))
        wide = b.emit(hlo.BroadcastInDim(scale, broadcast_dimensions=(0, 1, 2, 3), result_types=[y.type]))
        everywhere = b.emit(hlo.BroadcastInDim(scalar, broadcast_dimensions=(), result_types=[y.type]))
        mask = b.emit(hlo.Compare(y, residual, comparison_direction="GT"))
        kept = b.emit(hlo.Select(mask, b.emit(hlo.Multiply(y, wide)), everywhere))
        narrow = b.emit(hlo.Convert(kept, result_types=[TensorType(shape, f16)]))
        flat = b.emit(hlo.Reshape(kept, result_types=[TensorType((42, 20), f32)]))
        place = b.emit(hlo.Iota(iota_dimension=2, result_types=[TensorType((3, 20, 7), f32)]))
        placed = b.emit(hlo.BroadcastInDim(place, broadcast_dimensions=(1, 3, 2), result_types=[y.type]))
        return [mask, narrow, flat, b.emit(hlo.Add(y, placed))]

    return function(types, body)


def test_epilogues_run_on_the_tile() -> None:
    func = epilogue_function()
    arrays = samples(func)
    expected = reference(func, arrays)
    for edits in SCHEDULES:
        chosen = scheduled(func, edits)
        assert_same_bits(run_group(chosen, lower_contraction(chosen), arrays), expected, edits)


def test_operands_are_seen_through_transposes_and_conversions() -> None:
    def body(b: Any, x: Any, w: Any) -> Any:
        turned = b.emit(hlo.Transpose(x, permutation=(2, 0, 1)))
        wide = b.emit(hlo.Convert(turned, result_types=[TensorType((4, 2, 3), f32)]))
        flat = b.emit(hlo.Reshape(w, result_types=[TensorType((2, 20), f32)]))
        return [
            b.emit(
                hlo.DotGeneral(wide, flat, dot_dimension_numbers=hlo.DotDimensionNumbers((), (), (1,), (0,)))
            )
        ]

    func = function([TensorType((2, 3, 4), f16), TensorType((40,), f32)], body)
    arrays = samples(func)
    assert_same_bits(run_group(func, lower_contraction(func), arrays), reference(func, arrays))


PLAIN = hlo.DotDimensionNumbers((), (), (1,), (0,))


def product(b: Any, x: Any, w: Any) -> Any:
    return [b.emit(hlo.DotGeneral(x, w, dot_dimension_numbers=PLAIN))]


def two_products(b: Any, x: Any, w: Any) -> Any:
    return product(b, *product(b, x, w), w)


def turned_after(b: Any, x: Any, w: Any) -> Any:
    return [b.emit(hlo.Transpose(*product(b, x, w), permutation=(1, 0)))]


def padded_before(b: Any, x: Any, w: Any) -> Any:
    zero = splat(b, 0.0, TensorType((), f32))
    wide = b.emit(
        hlo.Pad(x, zero, edge_padding_low=(0, 0), edge_padding_high=(1, 0), interior_padding=(0, 0))
    )
    return product(b, wide, w)


SQUARES = [TensorType((4, 4), f32)] * 2
REFUSED = {
    "padding": (convolution((1, 5, 5, 2), (3, 3, 2, 4), padding=((1, 1), (0, 0))), "explicit stablehlo.pad"),
    "base-dilation": (convolution((1, 5, 5, 2), (3, 3, 2, 4), lhs_dilation=(2, 1)), "explicit stablehlo.pad"),
    "complex": (matmul(2, 3, 4, element=ComplexType(f32)), "complex<f32>"),
    "i1": (matmul(2, 3, 4, element=i1), "stablehlo.dot_general"),
    "unknown-extent": (function([TensorType((None, 4), f32), SQUARES[1]], product), "unknown extents"),
    "two-products": (function(SQUARES, two_products), "has 2"),
    "result-transposed": (function(SQUARES, turned_after), "rearranged"),
    "operand-padded": (function(SQUARES, padded_before), "stablehlo.pad"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_lowering_is_refused_by_name(name: str) -> None:
    func, words = REFUSED[name]
    with pytest.raises(UnsupportedError, match=words):
        lower_contraction(func)


@pytest.mark.parametrize("extents", [(64,), (5,), (7, 7), (3, 2, 2), (32, 32), (1000,)])
@pytest.mark.parametrize("mr", [1, 6, 14])
def test_row_tiles_cover_the_rows_once_and_are_balanced(extents: tuple[int, ...], mr: int) -> None:
    plan = row_plan(extents, mr)
    assert plan.inner * plan.size <= mr
    if plan.has_split:
        assert plan.large * plan.size + (plan.count - plan.large) * (plan.size - 1) == plan.extent
    else:
        assert plan.inner == np.prod(extents)


def test_the_schedule_attribute_reads_back() -> None:
    schedule = Schedule(6, 4, 512, 1, 192, 1024, "all", True, "lanes")
    assert Schedule(1, 1, 1, 1, 1, 1).edited(schedule.attribute()) == schedule


@pytest.mark.parametrize("bits", [256, 128])
def test_narrower_vectors_give_the_same_bits(bits: int) -> None:
    for name in ("matmul", "both-transposed", "conv", "conv-depthwise", "f64"):
        func = CASES[name]
        arrays = samples(func)
        assert_same_bits(
            run_group(func, lower_contraction(func, Machine(bits)), arrays), reference(func, arrays), name
        )

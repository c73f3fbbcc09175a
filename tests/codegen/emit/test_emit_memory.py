"""Transfers, loads, stores, gathers and scatters against NumPy indexing."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from kernels import Writer, computed

from irc.dialects import arith, memref, vector
from irc.ir.affine import AffineConstant, AffineDim, AffineMapAttr
from irc.ir.operation import Value
from irc.ir.types import TensorType, VectorType, bf16, f32, f64, i1, i8, i32, i64, index

RNG = np.random.default_rng(3)


def array(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return RNG.integers(0, 2 if dtype is bool else 100, shape).astype(dtype)


@pytest.mark.parametrize("element", [f32, f64, bf16, i8, i1, i64], ids=str)
@pytest.mark.parametrize("extent", [1, 3, 10, 16, 40])
def test_tail_past_the_end_reads_padding_and_is_not_written(element: Any, extent: int) -> None:
    """A tile of 3x40 at (1, j) of a buffer of 3 rows: the last row and the columns past the end are
    outside."""
    given = array(3, extent, dtype=element.numpy)
    for start in {0, extent // 2, extent - 1}:
        for known in (True, False):
            got = _shifted(given, element, start, known)
            want = np.zeros((3, 40), element.numpy)
            want[:2, : extent - start] = given[1:, start:]
            back = given.copy()
            back[1:, start:] = want[:2, : extent - start]
            np.testing.assert_array_equal(got[0], want)
            np.testing.assert_array_equal(got[1], back)


def _shifted(given: np.ndarray, element: Any, start: int, known: bool) -> list[np.ndarray]:
    """Read at (1, start), unbounded; write that to one output, and to where it came from in a copy."""
    outs = [TensorType((3, 40), element), TensorType(given.shape, element)]

    def body(b: Writer, source: Value, place: Value, tile_out: Value, copy_out: Value) -> None:
        column: Any = start
        if not known:
            column = b.emit(arith.IndexCast(b.emit(memref.Load(place, b.at(0))), result_types=[index]))
        tile = b.read(source, (1, column), (3, 40), in_bounds=(False, False))
        b.write(tile, tile_out, (0, 0))
        whole = b.read(source, (0, 0), given.shape)
        b.write(whole, copy_out, (0, 0))
        b.write(tile, copy_out, (1, column), in_bounds=(False, False))

    return computed(body, [given, np.array([start])], outs)


def test_padding_is_what_is_asked_for() -> None:
    given = array(5)

    def body(b: Writer, source: Value, out: Value) -> None:
        tile = b.read(source, (2,), (8,), in_bounds=(False,), padding=b.constant(-np.inf, f32))
        b.write(tile, out, (0,))

    (got,) = computed(body, [given], [TensorType((8,), f32)])
    np.testing.assert_array_equal(got, [*given[2:], *[-np.inf] * 5])


def test_masks_meet_bounds() -> None:
    given, keep = array(2, 20), array(2, 32, dtype=bool)

    def body(b: Writer, source: Value, masks: Value, out: Value) -> None:
        mask = b.read(masks, (0, 0), (2, 32))
        tile = b.read(source, (0, 0), (2, 32), mask=mask, in_bounds=(True, False))
        b.write(b.constant(7, VectorType((2, 32), f32)), out, (0, 0))
        b.write(tile, out, (0, 0), mask=mask)

    (got,) = computed(body, [given, keep], [TensorType((2, 32), f32)])
    wide = np.zeros((2, 32), np.float32)
    wide[:, :20] = given
    np.testing.assert_array_equal(got, np.where(keep, wide, 7))


MAPS = [
    ((0, 1), (5, 20)), ((1, 0), (20, 5)), ((1, 0), (33, 17)), ((0, None), (5, 20)), ((None, 1), (4, 20)),
    ((None, 0), (3, 6)), ((None, None), (2, 18)),
]  # fmt: skip


@pytest.mark.parametrize(("dims", "shape"), MAPS)
@pytest.mark.parametrize("bounded", [True, False])
def test_permuted_and_repeated_reads(
    dims: tuple[int | None, ...], shape: tuple[int, ...], bounded: bool
) -> None:
    """Along (d0, d1) -> `dims` of a 40x40 buffer from (2, 3), and near its end where not in bounds."""
    given = array(40, 40)
    origin = (2, 3) if bounded else (30, 36)
    results = tuple(AffineConstant(0) if d is None else AffineDim(d) for d in dims)
    bounds = tuple(bounded or d is None for d in dims)

    def body(b: Writer, source: Value, out: Value) -> None:
        tile = b.read(source, origin, shape, permutation_map=AffineMapAttr(2, 0, results), in_bounds=bounds)
        b.write(tile, out, (0, 0))

    (got,) = computed(body, [given], [TensorType(shape, f32)])
    want = np.zeros(shape, np.float32)
    for position in itertools.product(*map(range, shape)):
        at = list(origin)
        for axis, d in enumerate(dims):
            if d is not None:
                at[d] += position[axis]
        if at[0] < 40 and at[1] < 40:
            want[position] = given[tuple(at)]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("bounded", [True, False])
def test_permuted_writes(bounded: bool) -> None:
    tile, old = array(20, 7), array(8, 24)
    origin = (1, 2) if bounded else (3, 9)
    map_ = AffineMapAttr.select(2, (1, 0))

    def body(b: Writer, source: Value, before: Value, out: Value) -> None:
        b.write(b.read(before, (0, 0), (8, 24)), out, (0, 0))
        value = b.read(source, (0, 0), (20, 7))
        b.write(value, out, origin, permutation_map=map_, in_bounds=(bounded, bounded))

    (got,) = computed(body, [tile, old], [TensorType((8, 24), f32)])
    want = old.copy()
    part = want[origin[0] : origin[0] + 7, origin[1] : origin[1] + 20]
    part[:] = tile.T[: part.shape[0], : part.shape[1]]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("bounded", [True, False])
def test_strided_buffers(bounded: bool) -> None:
    """Every third column of a buffer, through a reinterpret_cast with an offset; read and written."""
    given = array(4, 60)

    def body(b: Writer, source: Value, out: Value) -> None:
        thin = b.emit(memref.ReinterpretCast.of(source, 2, (4, 19), (60, 3)))
        wide = b.emit(memref.ReinterpretCast.of(out, 1, (4, 19), (38, 2)))
        bounds = (True, bounded)
        count = 19 if bounded else 32
        b.write(b.constant(-1, VectorType((4, 38), f32)), out, (0, 0))
        b.write(b.read(thin, (0, 0), (4, count), in_bounds=bounds), wide, (0, 0), in_bounds=bounds)

    (got,) = computed(body, [given], [TensorType((4, 38), f32)])
    want = np.full((4, 38), -1, np.float32)
    want[:, 1::2] = given[:, 2::3][:, :19]
    np.testing.assert_array_equal(got, want)


def test_loads_and_stores_with_hints() -> None:
    given = array(8, 48)

    def body(b: Writer, source: Value, out: Value) -> None:
        zero = b.at(0, 0)
        type_ = VectorType((8, 48), f32)
        tile = b.emit(vector.Load(source, zero, result_types=[type_], nontemporal=True))
        arena = b.emit(memref.Alloca((), (), result_types=[source.type], alignment=64))
        b.emit(vector.Store(tile, arena, zero, nontemporal=True, alignment=64))
        b.emit(memref.Prefetch(arena, zero, isWrite=False, localityHint=3, isDataCache=True))
        b.emit(vector.Store(b.emit(vector.Load(arena, zero, result_types=[type_], alignment=64)), out, zero))

    np.testing.assert_array_equal(computed(body, [given], [TensorType((8, 48), f32)])[0], given)


@pytest.mark.parametrize("element", [f32, f64, i8, i1, bf16], ids=str)
@pytest.mark.parametrize("index_type", [i32, i64, index], ids=str)
def test_gather_and_scatter(element: Any, index_type: Any) -> None:
    data, keep = array(50, dtype=element.numpy), array(20, dtype=bool)
    places = RNG.permutation(40)[:20].astype(np.int32 if index_type is i32 else np.int64)

    def body(b: Writer, source: Value, at: Value, masks: Value, gathered: Value, scattered: Value) -> None:
        lanes, mask = b.read(at, (0,), (20,)), b.read(masks, (0,), (20,))
        if index_type is index:
            lanes = b.emit(arith.IndexCast(lanes, result_types=[VectorType((20,), index)]))
        rest = b.constant(1, VectorType((20,), element))
        values = b.emit(vector.Gather(source, b.at(10), lanes, mask, rest))
        b.write(values, gathered, (0,))
        b.write(b.read(source, (0,), (50,)), scattered, (0,))
        b.emit(vector.Scatter(scattered, b.at(5), lanes, mask, values))

    outs = [TensorType((20,), element), TensorType((50,), element)]
    got = computed(body, [data, places, keep], outs)
    want = np.where(keep, data[10 + places], np.asarray(1, data.dtype))
    after = data.copy()
    after[5 + places[keep]] = want[keep]
    np.testing.assert_array_equal(got[0], want)
    np.testing.assert_array_equal(got[1], after)


def test_scattered_lanes_that_meet_are_written_in_order() -> None:
    places, values = np.array([3, 1, 3, 3, 1]), np.float32([1, 2, 3, 4, 5])

    def body(b: Writer, at: Value, source: Value, out: Value) -> None:
        b.write(b.constant(0, VectorType((5,), f32)), out, (0,))
        mask = b.constant(True, VectorType((5,), i1))
        b.emit(vector.Scatter(out, b.at(0), b.read(at, (0,), (5,)), mask, b.read(source, (0,), (5,))))

    (got,) = computed(body, [places, values], [TensorType((5,), f32)])
    np.testing.assert_array_equal(got, [0, 5, 0, 4, 0])


def test_create_mask_and_step() -> None:
    sizes = np.array([2, 21])

    def body(b: Writer, source: Value, masks: Value, fixed: Value, steps: Value) -> None:
        bounds = [
            b.emit(arith.IndexCast(b.emit(memref.Load(source, b.at(i))), result_types=[index]))
            for i in (0, 1)
        ]
        type_ = VectorType((3, 40), i1)
        b.write(b.emit(vector.CreateMask(bounds, result_types=[type_])), masks, (0, 0))
        b.write(b.emit(vector.ConstantMask(mask_dim_sizes=(1, 35), result_types=[type_])), fixed, (0, 0))
        lanes = b.emit(vector.Step(result_types=[VectorType((40,), index)]))
        b.write(b.emit(arith.IndexCast(lanes, result_types=[VectorType((40,), i64)])), steps, (0,))

    masks = TensorType((3, 40), i1)
    got = computed(body, [sizes], [masks, masks, TensorType((40,), i64)])
    for mask, (rows, columns) in zip(got[:2], ((2, 21), (1, 35)), strict=True):
        want = np.zeros((3, 40), bool)
        want[:rows, :columns] = True
        np.testing.assert_array_equal(mask, want)
    np.testing.assert_array_equal(got[2], np.arange(40))

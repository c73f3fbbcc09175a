"""Tiles cut, joined, repeated, turned and reduced, against NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels import Writer, computed

from irc.dialects import arith, memref, vector
from irc.ir.affine import AffineMapAttr
from irc.ir.operation import Value
from irc.ir.types import TensorType, VectorType, bf16, f32, f64, i1, i8, i16, i32, index
from irc.runtime.target import Target, host_target

RNG = np.random.default_rng(5)


def tile_of(
    write: Callable[..., Value], arrays: list[np.ndarray], shape: tuple[int, ...], element: Any = f32
) -> np.ndarray:
    """The tile that `write(b, *tiles)` makes of whole arrays."""

    def body(b: Writer, *buffers: Value) -> None:
        *sources, out = buffers
        tiles = [b.read(s, (0,) * s.type.rank, s.type.shape) for s in sources]
        b.write(write(b, *tiles), out, (0,) * len(shape))

    return computed(body, arrays, [TensorType(shape, element)])[0]


def array(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return RNG.integers(-50, 50, shape).astype(dtype)


@pytest.mark.parametrize(
    ("source", "shape"),
    [((40,), (3, 40)), ((3, 1), (3, 40)), ((1, 40), (3, 40)), ((1,), (2, 3, 17)), ((2, 1, 5), (2, 4, 5))],
)
def test_broadcast(source: tuple[int, ...], shape: tuple[int, ...]) -> None:
    x = array(*source)
    type_ = VectorType(shape, f32)
    got = tile_of(lambda b, u: b.emit(vector.Broadcast(u, result_types=[type_])), [x], shape)
    np.testing.assert_array_equal(got, np.broadcast_to(x, shape))


def test_broadcast_of_scalar_and_extract() -> None:
    x = array(3, 20)

    def write(b: Writer, u: Value) -> Value:
        scalar = b.emit(vector.Extract(u, (), static_position=(2, 18)))
        return b.emit(vector.Broadcast(scalar, result_types=[VectorType((2, 24), f32)]))

    np.testing.assert_array_equal(tile_of(write, [x], (2, 24)), np.full((2, 24), x[2, 18]))


def test_extract_and_insert_parts() -> None:
    x, y = array(2, 3, 20), array(3, 20)

    def write(b: Writer, u: Value, v: Value) -> Value:
        part = b.emit(vector.Extract(u, (), static_position=(1, 2)))
        one = b.emit(vector.Insert(part, v, (), static_position=(0,)))
        whole = b.emit(vector.Insert(one, u, (), static_position=(0,)))
        scalar = b.emit(vector.Extract(v, (), static_position=(1, 1)))
        return b.emit(vector.Insert(scalar, whole, (), static_position=(1, 0, 17)))

    want = x.copy()
    want[0] = y
    want[0, 0] = x[1, 2]
    want[1, 0, 17] = y[1, 1]
    np.testing.assert_array_equal(tile_of(write, [x, y], (2, 3, 20)), want)


def test_positions_that_are_not_known() -> None:
    x = array(7)

    def body(b: Writer, source: Value, out: Value) -> None:
        tile = b.read(source, (0,), (7,))

        def copy(b: Writer, i: Value, made: Value) -> list[Value]:
            element = b.emit(vector.Extract(tile, [i], static_position=(memref.DYNAMIC,)))
            return [b.emit(vector.Insert(element, made, [i], static_position=(memref.DYNAMIC,)))]

        start = b.constant(0, VectorType((7,), f32))
        b.write(b.loop(0, 6, 1, [start], copy), out, (0,))

    np.testing.assert_array_equal(computed(body, [x], [TensorType((7,), f32)])[0], [*x[:6], 0])


@pytest.mark.parametrize(
    ("offsets", "sizes"), [((1, 3), (2, 30)), ((0, 16), (4, 16)), ((2,), (1,)), ((3, 39), (1, 1))]
)
def test_slices(offsets: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    x = array(4, 40)
    where = tuple(slice(o, o + n) for o, n in zip(offsets, sizes, strict=True))
    got = tile_of(lambda b, u: b.emit(vector.ExtractStridedSlice.of(u, offsets, sizes)), [x], x[where].shape)
    np.testing.assert_array_equal(got, x[where])


def test_insert_slice() -> None:
    x, y = array(3, 4, 40), array(2, 20)

    def write(b: Writer, u: Value, v: Value) -> Value:
        return b.emit(vector.InsertStridedSlice(v, u, offsets=(2, 1, 11), strides=(1, 1)))

    want = x.copy()
    want[2, 1:3, 11:31] = y
    np.testing.assert_array_equal(tile_of(write, [x, y], x.shape), want)


@pytest.mark.parametrize("seed", range(3))
def test_shuffle(seed: int) -> None:
    x, y = array(40), array(9)
    mask = np.random.default_rng(seed).integers(0, 49, 37)
    got = tile_of(lambda b, u, v: b.emit(vector.Shuffle(u, v, mask=tuple(mask))), [x, y], (37,))
    np.testing.assert_array_equal(got, np.concatenate([x, y])[mask])


def test_shuffle_of_rows() -> None:
    x, y = array(3, 20), array(2, 20)
    got = tile_of(lambda b, u, v: b.emit(vector.Shuffle(u, v, mask=(4, 0, 3))), [x, y], (3, 20))
    np.testing.assert_array_equal(got, np.concatenate([x, y])[[4, 0, 3]])


@pytest.mark.parametrize(
    ("source", "shape"),
    [((4, 12), (48,)), ((48,), (6, 8)), ((3, 2, 8), (6, 8)), ((5, 9), (9, 5)), ((1,), (1, 1))],
)
def test_shape_cast(source: tuple[int, ...], shape: tuple[int, ...]) -> None:
    x = array(*source)
    type_ = VectorType(shape, f32)
    got = tile_of(lambda b, u: b.emit(vector.ShapeCast(u, result_types=[type_])), [x], shape)
    np.testing.assert_array_equal(got, x.reshape(shape))


@pytest.mark.parametrize(
    ("element", "shape"), [(i32, (2, 20)), (i16, (2, 40)), (i8, (2, 80)), (f64, (2, 10))]
)
def test_bitcast(element: Any, shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal((2, 20)).astype(np.float32)
    type_ = VectorType(shape, element)
    got = tile_of(lambda b, u: b.emit(vector.BitCast(u, result_types=[type_])), [x], shape, element)
    assert got.tobytes() == x.tobytes()


@pytest.mark.parametrize("element", [f32, f64, i8, i1, bf16], ids=str)
@pytest.mark.parametrize("shape", [(16, 16), (8, 16), (5, 33), (40, 3), (1, 20), (17, 17)])
def test_transpose(element: Any, shape: tuple[int, ...]) -> None:
    x = array(*shape).astype(element.numpy)
    got = tile_of(lambda b, u: b.emit(vector.Transpose(u, permutation=(1, 0))), [x], shape[::-1], element)
    np.testing.assert_array_equal(got, x.T)


@pytest.mark.parametrize("permutation", list(itertools.permutations(range(3))))
def test_transpose_of_three_dimensions(permutation: tuple[int, ...]) -> None:
    x = array(2, 5, 19)
    got = tile_of(
        lambda b, u: b.emit(vector.Transpose(u, permutation=permutation)), [x], x.transpose(permutation).shape
    )
    np.testing.assert_array_equal(got, x.transpose(permutation))


def halved(x: np.ndarray, combine: Callable[..., np.ndarray]) -> np.ndarray:
    """A reduction of the first dimension by halving: element i with i + h, h half the extent rounded up."""
    while len(x) > 1:
        half = (len(x) + 1) // 2
        with np.errstate(over="ignore"):
            x = np.concatenate([combine(x[: len(x) - half], x[half:]), x[len(x) - half : half]])
    return x[0]


KINDS = {
    "add": np.add, "mul": np.multiply, "maximumf": np.maximum, "minimumf": np.minimum,
    "maxnumf": np.fmax, "minnumf": np.fmin,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "dims"), [((64,), (0,)), ((3, 64), (1,)), ((7, 40), (0,)), ((5, 37), (0, 1)),
                                             ((2, 6, 16), (0, 2)), ((1, 3), (1,))])  # fmt: skip
def test_multi_reduction_order(kind: str, shape: tuple[int, ...], dims: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape).astype(np.float32) * np.float32(10)
    rest = tuple(n for i, n in enumerate(shape) if i not in dims)
    acc = RNG.standard_normal(rest).astype(np.float32)
    want = x
    for gone, dim in enumerate(dims):
        want = halved(np.moveaxis(want, dim - gone, 0), KINDS[kind])
    want = KINDS[kind](want, acc)

    def body(b: Writer, source: Value, start: Value, out: Value) -> None:
        tile = b.read(source, (0,) * len(shape), shape)
        init = b.read(start, (0,) * len(rest), rest) if rest else b.emit(memref.Load(start, ()))
        made = b.emit(vector.MultiReduction(tile, init, kind=kind, reduction_dims=dims))
        if rest:
            b.write(made, out, (0,) * len(rest))
        else:
            b.emit(memref.Store(made, out, ()))

    (got,) = computed(body, [x, acc], [TensorType(rest, f32)])
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("kind", ["add", "mul", "and", "or", "xor", "maxsi", "minsi", "maxui", "minui"])
def test_integer_reductions(kind: str) -> None:
    x = RNG.integers(-(2**31), 2**31, (3, 21)).astype(np.int32)
    function = {"add": np.add, "mul": np.multiply, "and": np.bitwise_and, "or": np.bitwise_or,
                "xor": np.bitwise_xor, "max": np.maximum, "min": np.minimum}[kind.removesuffix("si").removesuffix("ui")]  # fmt: skip
    identity = {"and": -1, "mul": 1, "maxsi": -(2**31), "minsi": 2**31 - 1, "minui": -1}.get(kind, 0)

    def write(b: Writer, u: Value) -> Value:
        start = b.constant(identity, VectorType((3,), i32))
        return b.emit(vector.MultiReduction(u, start, kind=kind, reduction_dims=(1,)))

    source = x.view(np.uint32) if kind.endswith("ui") else x
    want = function.reduce(source, axis=1, dtype=source.dtype).view(np.int32)
    np.testing.assert_array_equal(tile_of(write, [x], (3,), i32), want)


def fma_steps(a: np.ndarray, b: np.ndarray, acc: np.ndarray) -> np.ndarray:
    """acc + a b, one fused step for each k in order, in f64 (exact for f32 products) rounded to f32."""
    for k in range(a.shape[1]):
        acc = (a[:, k : k + 1].astype(np.longdouble) * b[k] + acc).astype(acc.dtype)
    return acc


LAYOUTS = [((0, 2), (2, 1)), ((2, 0), (2, 1)), ((0, 2), (1, 2)), ((2, 0), (1, 2))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(6, 64, 3), (2, 40, 5), (5, 7, 16)])
@pytest.mark.parametrize("target", ["host", "avx2"])
def test_contract_is_one_fma_a_step(layout: Any, size: tuple[int, int, int], target: str) -> None:
    m, n, k = size
    extents = dict(enumerate((m, n, k)))
    shapes = [tuple(extents[d] for d in dims) for dims in layout]
    x, y = (RNG.standard_normal(s).astype(np.float32) for s in shapes)
    acc = RNG.standard_normal((m, n)).astype(np.float32)
    host = host_target()
    chosen = host if target == "host" else Target(host.triple, "haswell", "+avx2,+f16c,+fma")

    def body(b: Writer, left: Value, right: Value, start: Value, out: Value) -> None:
        tiles = [b.read(v, (0, 0), v.type.shape) for v in (left, right, start)]
        maps = tuple(AffineMapAttr.select(3, d) for d in (*layout, (0, 1)))
        kinds = ("parallel", "parallel", "reduction")
        b.write(b.emit(vector.Contract(*tiles, indexing_maps=maps, iterator_types=kinds)), out, (0, 0))

    (got,) = computed(body, [x, y, acc], [TensorType((m, n), f32)], chosen)
    want = fma_steps(x if layout[0] == (0, 2) else x.T, y if layout[1] == (2, 1) else y.T, acc)
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("known", [True, False])
def test_contract_reads_zeros_past_the_end(known: bool) -> None:
    """A tile of 6x64 at (8, 32) of a product of 10x40: single elements and rows of the operands are outside."""
    x, y = array(10, 3), array(3, 40)
    places = np.array([8, 32])

    def body(b: Writer, left: Value, right: Value, at: Value, out: Value) -> None:
        i, j = (8, 32) if known else (_index(b, at, 0), _index(b, at, 1))
        u = b.read(left, (i, 0), (6, 4), in_bounds=(False, False))
        v = b.read(right, (0, j), (4, 64), in_bounds=(False, False))
        maps = tuple(AffineMapAttr.select(3, d) for d in ((0, 2), (2, 1), (0, 1)))
        kinds = ("parallel", "parallel", "reduction")
        start = b.constant(0, VectorType((6, 64), f32))
        b.write(b.emit(vector.Contract(u, v, start, indexing_maps=maps, iterator_types=kinds)), out, (0, 0))

    (got,) = computed(body, [x, y, places], [TensorType((6, 64), f32)])
    want = np.zeros((6, 64), np.float32)
    want[:2, :8] = (x @ y)[8:, 32:]
    np.testing.assert_array_equal(got, want)


def _index(b: Writer, buffer: Value, at: int) -> Value:
    return b.emit(arith.IndexCast(b.emit(memref.Load(buffer, b.at(at))), result_types=[index]))


@pytest.mark.parametrize(("element", "result"), [(bf16, f32), (i8, i32), (f64, f64), (i32, i32)])
def test_contract_widens_its_operands(element: Any, result: Any) -> None:
    x, y = array(4, 6).astype(element.numpy), array(6, 20).astype(element.numpy)

    def write(b: Writer, left: Value, right: Value) -> Value:
        maps = tuple(AffineMapAttr.select(3, d) for d in ((0, 2), (2, 1), (0, 1)))
        start = b.constant(0, VectorType((4, 20), result))
        kinds = ("parallel", "parallel", "reduction")
        return b.emit(vector.Contract(left, right, start, indexing_maps=maps, iterator_types=kinds))

    got = tile_of(write, [x, y], (4, 20), result)
    np.testing.assert_array_equal(got, x.astype(result.numpy) @ y.astype(result.numpy))


def test_contract_to_a_row_and_over_a_batch() -> None:
    """A matrix times a vector along the rows, and two matrices at once."""
    x, v, y = array(5, 20), array(5), array(2, 5, 20)

    def write(b: Writer, u: Value, w: Value) -> Value:
        maps = tuple(AffineMapAttr.select(2, d) for d in ((1,), (1, 0), (0,)))
        start = b.constant(0, VectorType((20,), f32))
        return b.emit(
            vector.Contract(w, u, start, indexing_maps=maps, iterator_types=("parallel", "reduction"))
        )

    np.testing.assert_array_equal(tile_of(write, [x, v], (20,)), v @ x)

    def batched(b: Writer, u: Value, w: Value) -> Value:
        maps = tuple(AffineMapAttr.select(4, d) for d in ((0, 1, 3), (0, 3, 2), (0, 1, 2)))
        start = b.constant(0, VectorType((2, 5, 20), f32))
        kinds = ("parallel", "parallel", "parallel", "reduction")
        return b.emit(vector.Contract(u, w, start, indexing_maps=maps, iterator_types=kinds))

    a = array(2, 5, 5)
    np.testing.assert_array_equal(tile_of(batched, [a, y], (2, 5, 20)), a @ y)


def test_fma_rounds_once() -> None:
    x, y, z = (RNG.standard_normal((3, 20)).astype(np.float32) for _ in range(3))
    got = tile_of(lambda b, *v: b.emit(vector.Fma(*v)), [x, y, z], (3, 20))
    assert got.tobytes() == (x.astype(np.longdouble) * y + z).astype(np.float32).tobytes()

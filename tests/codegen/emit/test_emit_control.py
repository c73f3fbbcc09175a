"""Loops, branches, foralls, calls, views and constants: the structure around the tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels import Writer, computed, function, module_of, run

from irc.codegen.emit import emit_module
from irc.dialects import arith, func, memref, scf, vector
from irc.dialects.builtin import Module
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Region, Value
from irc.ir.types import (
    MemRefType,
    StridedLayout,
    TensorType,
    VectorType,
    f32,
    f64,
    i8,
    i64,
    index,
)
from irc.runtime import elf, jit, pool

RNG = np.random.default_rng(11)


def load_index(b: Writer, buffer: Value, *at: Any) -> Value:
    return b.emit(arith.IndexCast(b.emit(memref.Load(buffer, b.at(*at))), result_types=[index]))


def to_i64(b: Writer, value: Value) -> Value:
    return b.emit(arith.IndexCast(value, result_types=[i64]))


@pytest.mark.parametrize("bounds", [(0, 10, 1), (2, 11, 3), (5, 5, 1), (7, 3, 2), (4, 5, 9)])
@pytest.mark.parametrize("known", [True, False])
def test_for_counts_and_carries(bounds: tuple[int, int, int], known: bool) -> None:
    """The sum of the indices and a doubled tile, with bounds that the emitter knows and that it does not."""

    def body(b: Writer, given: Value, out: Value, tile_out: Value) -> None:
        ends: list[Any] = list(bounds) if known else [load_index(b, given, i) for i in range(3)]
        tile = b.constant(1.0, VectorType((20,), f32))

        def step(b: Writer, i: Value, total: Value, carried: Value) -> list[Value]:
            return [b.emit(arith.AddI(total, i)), b.emit(arith.AddF(carried, carried))]

        total, made = b.loop(*ends, [b.constant(0), tile], step)
        b.emit(memref.Store(to_i64(b, total), out, b.at(0)))
        b.write(made, tile_out, (0,))

    outs = [TensorType((1,), i64), TensorType((20,), f32)]
    total, tile = computed(body, [np.array(bounds)], outs)
    steps = range(*bounds)
    assert total[0] == sum(steps)
    np.testing.assert_array_equal(tile, np.full(20, 2.0 ** len(steps)))


@pytest.mark.parametrize("value", [3, -3])
@pytest.mark.parametrize("has_else", [True, False])
def test_if(value: int, has_else: bool) -> None:
    def body(b: Writer, given: Value, out: Value) -> None:
        number = b.emit(memref.Load(given, b.at(0)))
        positive = b.emit(arith.CmpI(number, b.constant(0, i64), predicate="sgt"))

        def arm(factor: int) -> Region:
            def write(b: Writer) -> None:
                made = b.emit(arith.MulI(number, b.constant(factor, i64)))
                if has_else:
                    b.emit(scf.Yield([made]))
                else:
                    b.emit(memref.Store(made, out, b.at(0)))
                    b.emit(scf.Yield([]))

            return b.region([], write)

        if has_else:
            made = b.emit(scf.If(positive, regions=[arm(10), arm(100)], result_types=[i64]))
            b.emit(memref.Store(made, out, b.at(0)))
        else:
            b.emit(memref.Store(b.constant(7, i64), out, b.at(0)))
            b.emit(scf.If(positive, regions=[arm(10), Region()], result_types=[]))

    (got,) = computed(body, [np.array([value])], [TensorType((1,), i64)])
    assert got[0] == (value * 10 if value > 0 else value * 100 if has_else else 7)


def test_while_carries_buffers() -> None:
    """Two buffers that change places each round: the sum of both runs until it passes a limit."""

    def body(b: Writer, given: Value, out: Value) -> None:
        type_ = MemRefType((1,), f32)
        slots = [b.emit(memref.Alloca((), (), result_types=[type_])) for _ in range(2)]
        zero = b.at(0)
        for slot in slots:
            b.emit(memref.Store(b.emit(memref.Load(given, zero)), slot, zero))

        def test(b: Writer, now: Value, before: Value) -> None:
            small = b.emit(
                arith.CmpF(b.emit(memref.Load(now, b.at(0))), b.constant(100.0, f32), predicate="olt")
            )
            b.emit(scf.Condition(small, [now, before]))

        def again(b: Writer, now: Value, before: Value) -> None:
            total = b.emit(arith.AddF(*(b.emit(memref.Load(m, b.at(0))) for m in (now, before))))
            b.emit(memref.Store(total, before, b.at(0)))
            b.emit(scf.Yield([before, now]))

        types = [type_, type_]
        regions = [b.region(types, test), b.region(types, again)]
        now, before = b.emit(scf.While(slots, regions=regions, result_types=types))
        for i, slot in enumerate((now, before)):
            b.emit(memref.Store(b.emit(memref.Load(slot, b.at(0))), out, b.at(i)))

    (got,) = computed(body, [np.float32([3])], [TensorType((2,), f32)])
    now, before = 3.0, 3.0
    while now < 100:
        now, before = now + before, now
    np.testing.assert_array_equal(got, [now, before])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("sequential", [True, False])
def test_forall_captures_what_it_uses(threads: int, sequential: bool) -> None:
    """Each iteration of 5x4 writes a row: an index, a scalar, a tile, an offset view and a nested forall
    meet."""
    before = pool.get_num_threads()
    pool.set_num_threads(threads)
    given = RNG.standard_normal(20).astype(np.float32)

    def body(b: Writer, source: Value, out: Value) -> None:
        tile = b.read(source, (0,), (20,))
        scale = b.emit(memref.Load(source, b.at(3)))

        def each(b: Writer, i: Value, j: Value) -> None:
            view = b.emit(memref.SubView.at(out, [i, j, 0, 0], (1, 1, 2, 20)))

            def inner(b: Writer, k: Value) -> None:
                wide = b.emit(vector.Broadcast(scale, result_types=[tile.type]))
                b.write(b.emit(arith.MulF(tile, wide)), view, (0, 0, k, 0))

            b.forall((2,), inner)

        b.forall((5, 4), each, sequential=sequential)

    (got,) = computed(body, [given], [TensorType((5, 4, 2, 20), f32)])
    pool.set_num_threads(before)
    np.testing.assert_array_equal(got, np.broadcast_to(given * given[3], got.shape))


def test_forall_with_bounds_and_steps_of_its_own() -> None:
    def body(b: Writer, given: Value, out: Value) -> None:
        def write(b: Writer, i: Value, j: Value, k: Value) -> None:
            b.emit(memref.Store(b.constant(1, i64), out, [i, j, k]))
            b.emit(scf.InParallel(regions=[]))

        region = b.region([index] * 3, write)
        spans = {"staticLowerBound": (1, 2, 0), "staticUpperBound": (6, 3, 7), "staticStep": (2, 1, 3)}
        b.emit(scf.Forall((), (), (), (), regions=[region], **spans))

    start = np.zeros((6, 3, 7), np.int64)
    main = computed_in_place(body, start)
    want = start.copy()
    want[1:6:2, 2:3, 0:7:3] = 1
    np.testing.assert_array_equal(main, want)


def computed_in_place(body: Any, start: np.ndarray) -> np.ndarray:
    """The output of a kernel that writes into a copy of `start`."""

    def copied(b: Writer, given: Value, out: Value) -> None:
        tile = b.read(given, (0,) * start.ndim, start.shape)
        b.write(tile, out, (0,) * start.ndim)
        body(b, given, out)

    return computed(copied, [start], [TensorType(start.shape, i64)])[0]


def test_any_number_of_threads_gives_the_same_bits() -> None:
    before = pool.get_num_threads()
    x = RNG.standard_normal((64, 40)).astype(np.float32)

    def body(b: Writer, source: Value, out: Value) -> None:
        def row(b: Writer, i: Value) -> None:
            tile = b.read(source, (i, 0), (1, 40))
            start = b.constant(0.0, VectorType((1,), f32))
            b.write(b.emit(vector.MultiReduction(tile, start, kind="add", reduction_dims=(1,))), out, (i,))

        b.forall((64,), row)

    results = []
    for threads in (1, 2, 5):
        pool.set_num_threads(threads)
        results.append(computed(body, [x], [TensorType((64,), f32)])[0].tobytes())
    pool.set_num_threads(before)
    assert len(set(results)) == 1


def test_functions_take_and_return_values() -> None:
    """A helper takes a buffer, a scalar and a tile, and returns a scalar and a tile."""
    tile_type = VectorType((20,), f32)

    def helper(b: Writer, buffer: Value, number: Value, tile: Value) -> list[Value]:
        first = b.emit(memref.Load(buffer, b.at(0)))
        wide = b.emit(vector.Broadcast(number, result_types=[tile_type]))
        return [b.emit(arith.AddF(first, number)), b.emit(arith.AddF(tile, wide))]

    buffer_type = MemRefType((20,), f32)
    other = function("helper", [buffer_type, f32, tile_type], helper, visibility="private")

    def body(b: Writer, source: Value, out: Value) -> None:
        tile = b.read(source, (0,), (20,))
        call = func.Call([source, b.constant(2.0, f32), tile], callee="helper", result_types=[f32, tile_type])
        number, made = b.emit(call)
        b.write(made, out, (0,))
        b.emit(memref.Store(number, out, b.at(19)))

    x = RNG.standard_normal(20).astype(np.float32)
    module = module_of([buffer_type, buffer_type], body, others=[other])
    (got,) = run(module, [x], [TensorType((20,), f32)])
    want = x + np.float32(2)
    want[19] = x[0] + np.float32(2)
    np.testing.assert_array_equal(got, want)


def test_views_of_the_arena_and_of_views() -> None:
    """Typed views of bytes, a subview of one at unknown offsets, and reshapes of it."""
    x = RNG.standard_normal((8, 12)).astype(np.float32)
    entry: dict[str, Any] = {}

    def kernel(b: Writer, source: Value, temporary: Value, out: Value) -> None:
        b.write(b.read(source, (0, 0), (8, 12)), temporary, (0, 0))
        flat = MemRefType((96,), f32)
        groups = ((0, 1),)
        whole = b.emit(memref.CollapseShape(temporary, reassociation=groups, result_types=[flat]))
        deep = b.emit(
            memref.ExpandShape(
                whole, (), reassociation=((0, 1, 2),), static_output_shape=(4, 2, 12),
                result_types=[MemRefType((4, 2, 12), f32)],
            )
        )  # fmt: skip

        def each(b: Writer, i: Value) -> list[Value]:
            part = b.emit(memref.SubView.at(deep, [i, 1, 3], (1, 1, 6), (1, 1, 1)))
            loose = MemRefType((1, 1, 6), f32, StridedLayout((24, 12, 1), None))
            b.write(b.read(b.emit(memref.Cast(part, result_types=[loose])), (0, 0, 0), (6,)), out, (i, 0))
            return []

        b.loop(0, 4, 1, [], each)

    types = [MemRefType((8, 12), f32), MemRefType((8, 12), f32), MemRefType((4, 6), f32)]
    inner = function("kernel", types, kernel, visibility="private")

    def main(b: Writer, source: Value, out: Value, arena: Value) -> None:
        view = b.emit(memref.View(arena, b.constant(128), (), result_types=[types[1]]))
        b.emit(func.Call([source, view, out], callee="kernel", result_types=[]))

    outer = function("main", [types[0], types[2], MemRefType((1024,), i8)], main)
    entry["module"] = Module.of([inner, outer])
    (got,) = run(entry["module"], [x], [TensorType((4, 6), f32)])
    np.testing.assert_array_equal(got, x[1::2, 3:9])


def test_constant_data() -> None:
    data = RNG.standard_normal((3, 5))
    type_ = MemRefType((3, 5), f64)
    value = DenseElementsAttr.of(TensorType((3, 5), f64), data)
    constant = memref.Global(sym_name="weights", type=type_, initial_value=value, constant=True)

    def body(b: Writer, source: Value, out: Value) -> None:
        weights = b.emit(memref.GetGlobal(name="weights", result_types=[type_]))
        total = b.emit(arith.AddF(b.read(weights, (0, 0), (3, 5)), b.read(source, (0, 0), (3, 5))))
        last = b.emit(memref.Dim(weights, b.constant(1), result_types=[index]))
        b.write(total, out, (0, 0))
        value = b.emit(arith.SIToFP(to_i64(b, last), result_types=[f64]))
        b.emit(memref.Store(value, out, b.at(2, 4)))

    module = module_of([type_, type_], body, others=[constant])
    (got,) = run(module, [np.ones((3, 5))], [TensorType((3, 5), f64)])
    want = data + 1
    want[2, 4] = 5
    np.testing.assert_array_equal(got, want)


def test_selection_of_whole_tiles_and_buffers() -> None:
    def body(b: Writer, given: Value, flag: Value, out: Value) -> None:
        chosen = b.emit(memref.Load(flag, b.at(0)))
        one, two = (b.emit(memref.SubView.at(given, [i, 0], (1, 20))) for i in (0, 1))
        left, right = b.read(one, (0, 0), (1, 20)), b.read(two, (0, 0), (1, 20))
        b.write(b.emit(arith.Select(chosen, left, right)), out, (0, 0))

    x = RNG.standard_normal((2, 20)).astype(np.float32)
    for flag in (True, False):
        (got,) = computed(body, [x, np.array([flag])], [TensorType((1, 20), f32)])
        np.testing.assert_array_equal(got[0], x[0 if flag else 1])


def test_the_text_is_the_same_every_time_and_the_object_too() -> None:
    def body(b: Writer, source: Value, out: Value) -> None:
        b.forall((4,), lambda b, i: b.write(b.read(source, (i, 0), (1, 33)), out, (i, 0)))

    types = [MemRefType((4, 33), f32)] * 2
    texts = [emit_module(module_of(types, body)) for _ in range(2)]
    assert texts[0] == texts[1]
    assert elf.code_digest(jit.assemble(texts[0])) == elf.code_digest(jit.assemble(texts[1]))


def test_blocks_end_where_they_should() -> None:
    """A loop inside a branch inside a loop: phi nodes name the blocks that control really comes from."""

    def body(b: Writer, given: Value, out: Value) -> None:
        limit = b.emit(memref.Load(given, b.at(0)))

        def outer(b: Writer, i: Value, total: Value) -> list[Value]:
            odd = b.emit(arith.AndI(to_i64(b, i), b.constant(1, i64)))
            is_odd = b.emit(arith.CmpI(odd, b.constant(0, i64), predicate="ne"))

            def yes(b: Writer) -> None:
                made = b.loop(0, i, 1, [total], lambda b, j, t: [b.emit(arith.AddI(t, limit))])
                b.emit(scf.Yield([made]))

            def no(b: Writer) -> None:
                b.emit(scf.Yield([total]))

            regions = [b.region([], yes), b.region([], no)]
            return [b.emit(scf.If(is_odd, regions=regions, result_types=[i64]))]

        b.emit(memref.Store(b.loop(0, 9, 1, [b.constant(0, i64)], outer), out, b.at(0)))

    (got,) = computed(body, [np.array([5])], [TensorType((1,), i64)])
    assert got[0] == 5 * (1 + 3 + 5 + 7)

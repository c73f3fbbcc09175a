"""The entry point: results, refusals that name the argument, donation, big results, arenas, concurrency."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from programs import ADD, NOTHING, THROUGH_ARENA

import irc
from irc.ir.types import TensorType, bf16, f32, f64, i1, i32, i64
from irc.runtime import jit, numpy_abi
from irc.runtime.executable import NativeProgram, release_memory

TILE = TensorType((4, 4), f32)


@pytest.fixture(scope="module")
def add() -> NativeProgram:
    return NativeProgram(jit.assemble(ADD), [TILE, TILE], [TILE])


def tile(start: float = 0.0) -> np.ndarray:
    return np.arange(start, start + 16, dtype=np.float32).reshape(4, 4)


def test_call_and_into(add: NativeProgram) -> None:
    a, b = tile(), tile(3)
    (out,) = add(a, b)
    assert type(out) is np.ndarray and out.dtype == np.float32
    np.testing.assert_array_equal(out, a + b)
    given = np.zeros_like(a)
    assert add.into(a, b, given) is None
    np.testing.assert_array_equal(given, a + b)


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a.T.copy().T,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(np.float32).reshape(4, 4),
        lambda a: a.astype(">f4"),
        lambda a: a.view(np.memmap),
        lambda a: memoryview(a),
        lambda a: np.array(a, dtype=np.dtype("f4", metadata={"note": 1})),
    ],
    ids=["fortran", "strided", "unaligned", "byte order", "subclass", "buffer", "dtype object"],
)
def test_inputs_that_need_a_copy_are_copied(add: NativeProgram, make: object) -> None:
    a, b = tile(), tile(3)
    (out,) = add(make(a), b)  # type: ignore[operator]
    np.testing.assert_array_equal(out, a + b)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((tile(),), TypeError, "expected 2 arguments, got 1"),
        ((tile(), tile(), tile()), TypeError, "expected 2 arguments, got 3"),
        ((tile(), tile().astype("f8")), TypeError, r"argument 1: expected f32\[4,4\], got f64\[4,4\]"),
        ((tile().astype("i4"), tile()), TypeError, r"argument 0: expected f32\[4,4\], got i32\[4,4\]"),
        ((tile()[:3], tile()), ValueError, r"argument 0: expected f32\[4,4\], got f32\[3,4\]"),
        ((tile(), tile().reshape(16)), ValueError, r"argument 1: expected f32\[4,4\], got f32\[16\]"),
        ((tile(), 1.0), TypeError, r"argument 1: expected f32\[4,4\], got a value of type float"),
        ((tile(), None), TypeError, r"argument 1: expected f32\[4,4\], got a value of type NoneType"),
    ],
)
def test_wrong_arguments_are_named(
    add: NativeProgram, args: tuple[object, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        add(*args)


def test_outputs_must_be_writable_as_they_are(add: NativeProgram) -> None:
    a, fixed = tile(), tile()
    fixed.flags.writeable = False
    for out in (fixed, np.zeros((4, 8), np.float32)[:, ::2], np.zeros((4, 4), ">f4"), [0.0]):
        with pytest.raises((ValueError, TypeError), match="argument 2"):
            add.into(a, a, out)
    with pytest.raises(ValueError, match="argument 0 shares memory with argument 2"):
        add.into(a, tile(), a)
    whole = np.zeros(20, np.float32)
    with pytest.raises(ValueError, match="argument 1 shares memory with argument 2"):
        add.into(a, whole[:16].reshape(4, 4), whole[4:].reshape(4, 4))


def test_no_references_leak(add: NativeProgram) -> None:
    a, b, out = tile(), tile(), tile()
    for warm in (True, False):
        before = [sys.getrefcount(x) for x in (a, b, out, a.dtype, None)]
        for _ in range(50):
            add(a, b)
            add(a.T, b)
            add.into(a, b, out)
            with pytest.raises(TypeError):
                add(a, 1.0)
        after = [sys.getrefcount(x) for x in (a, b, out, a.dtype, None)]
        assert warm or max(abs(x - y) for x, y in zip(before, after, strict=True)) < 40


@pytest.mark.parametrize("element", [i1, i32, i64, bf16, f64])
def test_element_types(element: object) -> None:
    type_ = TensorType((3, 2), element)
    program = NativeProgram(jit.assemble(NOTHING), [type_], [type_])
    given = np.zeros((3, 2), type_.element.numpy)
    (out,) = program(given)
    assert (out.dtype, out.shape) == (given.dtype, given.shape)
    with pytest.raises(TypeError):
        program(given.astype(np.uint8))


def test_scalars_and_empty_arrays() -> None:
    scalar, empty = TensorType((), f32), TensorType((0, 5), f32)
    program = NativeProgram(jit.assemble(NOTHING), [scalar, empty], [empty, scalar])
    first, second = program(np.float32(3), np.zeros((0, 5), np.float32))
    assert first.shape == (0, 5) and second.shape == ()
    with pytest.raises(TypeError, match=r"argument 0: expected f32\[\], got f64\[\]"):
        program(np.float64(3), np.zeros((0, 5), np.float32))


def test_donated_input_becomes_the_output() -> None:
    program = NativeProgram(jit.assemble(ADD), [TILE, TILE], [TILE], donate={1: 0})
    a, b = tile(), tile(3)
    want = a + b
    (out,) = program(a, b)
    assert out is b
    np.testing.assert_array_equal(b, want)
    with pytest.raises(ValueError, match="argument 0 shares memory with argument 1"):
        program(a, a)
    with pytest.raises(TypeError, match="takes no output arrays"):
        program.into(a, b, tile())
    fixed = tile(3)
    fixed.flags.writeable = False
    (out,) = program(a, fixed)
    np.testing.assert_array_equal(out, a + tile(3))
    np.testing.assert_array_equal(fixed, tile(3))
    with pytest.raises(ValueError, match="cannot become"):
        NativeProgram(jit.assemble(ADD), [TILE, TensorType((16,), f32)], [TILE], donate={1: 0})


def test_big_results_reuse_dead_ones() -> None:
    big = TensorType((1024, 1024), f32)
    program = NativeProgram(jit.assemble(NOTHING), [TILE], [big, big])
    release_memory()
    first, second = program(tile())
    addresses = {x.ctypes.data for x in (first, second)}
    assert len(addresses) == 2 and all(address % (2 << 20) == 0 for address in addresses)
    view = first[10:, 3]
    del first, second
    gc.collect()
    third, fourth = program(tile())
    still = view.base.ctypes.data
    assert {x.ctypes.data for x in (third, fourth)} & addresses == addresses - {still}
    assert third.flags.writeable and third.flags.c_contiguous


def test_concurrent_calls_have_arenas_of_their_own() -> None:
    type_ = TensorType((4096,), i64)
    program = NativeProgram(jit.assemble(THROUGH_ARENA), [type_], [type_], arena_bytes=32768)
    wrong: list[int] = []

    def work(start: int) -> None:
        given = np.arange(start, start + 4096)
        for _ in range(100):
            (out,) = program(given)
            if not (out == 2 * given).all():
                wrong.append(start)

    threads = [threading.Thread(target=work, args=(i * 10_000,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_functions_outlive_their_program() -> None:
    call = NativeProgram(jit.assemble(ADD), [TILE, TILE], [TILE]).call
    gc.collect()
    np.testing.assert_array_equal(call(tile(), tile())[0], 2 * tile())
    with pytest.raises(TypeError, match="argument 1"):
        call(tile(), 3)


def test_impossible_arena_is_a_memory_error() -> None:
    program = NativeProgram(jit.assemble(NOTHING), [TILE], [TILE], arena_bytes=1 << 60)
    with pytest.raises(MemoryError):
        program(tile())


def test_layout_check_knows_this_numpy() -> None:
    numpy_abi.check_layout()
    word = numpy_abi.dtype_word(np.dtype(ml_dtypes.bfloat16))
    assert word >> 32 == np.dtype(ml_dtypes.bfloat16).num


def test_calls_allocate_nothing_that_stays(add: NativeProgram) -> None:
    a, b = tile(), tile()
    add(a, b)
    tracemalloc.start()
    for _ in range(1000):
        add(a, b)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10_000


def test_programs_that_died_leave_no_memory() -> None:
    """Their code is unlinked; a function that outlives its program holds it."""
    code = jit.assemble(ADD)
    kept = NativeProgram(code, [TILE, TILE], [TILE]).call

    def several() -> int:
        for _ in range(500):
            NativeProgram(code, [TILE, TILE], [TILE])(tile(), tile())
        return int(open("/proc/self/statm").read().split()[1]) * 4096

    several()
    before = several()
    assert several() - before < 1 << 20
    np.testing.assert_array_equal(kept(tile(), tile())[0], 2 * tile())


def _double(arguments: str | None) -> NativeProgram:
    return NativeProgram(jit.assemble(ADD), [TILE, TILE], [TILE], arguments=arguments)


def test_arguments_are_copied_and_counted_refused_or_converted() -> None:
    wide = np.zeros((4, 8), np.float32)
    strided, swapped, double = wide[:, ::2], tile().astype(">f4"), tile().astype(np.float64)
    before = irc.copies()
    _double(None)(strided, swapped)
    _double(None)(tile(), tile())
    assert (irc.copies().count - before.count, irc.copies().bytes - before.bytes) == (2, 2 * TILE.nbytes)
    with pytest.raises(TypeError, match=r"argument 1: expected f32\[4,4\], got f64\[4,4\]"):
        _double("copy")(tile(), double)
    for unfit, why in (
        (strided, r"argument 1: it is not contiguous \(strides \(32, 8\)\)"),
        (swapped, "argument 1: its byte"),
    ):
        with pytest.raises(ValueError, match=why):
            _double("exact")(tile(), unfit)
    assert irc.copies().count == before.count + 2
    np.testing.assert_array_equal(_double("convert")(tile(), double)[0], 2 * tile())
    assert irc.copies().count == before.count + 3
    with pytest.raises(TypeError, match="argument 1"):
        _double("convert")(tile(), tile().astype(np.complex64))
    with pytest.raises(ValueError, match="copy, exact, convert"):
        _double("cast")


def test_an_environment_variable_chooses_how_arguments_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_ARGUMENTS", "exact")
    with pytest.raises(ValueError, match="as they lie"):
        _double(None)(tile(), tile().T.copy().T)
    np.testing.assert_array_equal(_double("copy")(tile(), tile().T.copy().T)[0], 2 * tile())

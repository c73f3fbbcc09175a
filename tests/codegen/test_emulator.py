"""The emulator: what kernels compute, in any order of tickets, and the mistakes it names."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from small_programs import PROGRAMS, arguments, module_of

from irc.codegen import plan
from irc.codegen.buffers import Buffer
from irc.codegen.emulator import EmulationError, emulate
from irc.codegen.emulator.machine import HANDLERS
from irc.dialects.builtin import Module, parse
from irc.dialects.carried import Carried
from irc.driver import compile_module
from irc.errors import IrcError, UnsupportedError
from irc.ir.operation import all_operations
from irc.passes.hooks import explain_difference


def kernel(
    body: str, *, inputs: Sequence[str] = ("8xf32",), outputs: Sequence[str] = ("8xf32",), arena: int = 64
) -> Module:
    """A module whose @main is `body`, over %in0, ..., %out0, ... and %arena."""
    named = [(f"%in{i}", t) for i, t in enumerate(inputs)] + [(f"%out{i}", t) for i, t in enumerate(outputs)]
    listed = ", ".join(f"{n}: memref<{t}>" for n, t in named)
    of = lambda types: ", ".join(f"tensor<{t}>" for t in types)  # noqa: E731
    return parse(f"""module attributes {{irc.signature = ({of(inputs)}) -> ({of(outputs)})}} {{
  func.func @main({listed}, %arena: memref<{arena}xi8>) {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c7 = arith.constant 7 : index
    %c8 = arith.constant 8 : index
    %f0 = arith.constant 0.0 : f32
{body}
    return
  }}
}}""")


WHOLE = """
    %v = vector.transfer_read %in0[%c0], %f0 {in_bounds = [true]} : memref<8xf32>, vector<8xf32>
    vector.transfer_write %v, %out0[%c0] {in_bounds = [true]} : vector<8xf32>, memref<8xf32>"""
X = np.arange(8, dtype=np.float32)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_give_native_bits_in_any_order(name: str) -> None:
    module = module_of(name)
    inputs = arguments(module)
    native = compile_module(module)
    wants = native(*inputs)
    orders: list[Any] = [None, lambda n: reversed(range(n))]
    for order in orders:
        gots = emulate(native.stages.kernel, *inputs, order=order)
        for want, got in zip(wants, gots, strict=True):
            assert not (difference := explain_difference(want, got)), difference


TICKETS = """
    scf.forall (%i, %j) in (4, 2) {
      %two = arith.constant 2 : index
      %row = arith.muli %i, %two : index
      %at = arith.addi %row, %j : index
      %x = memref.load %in0[%at] : memref<8xf32>
      %y = arith.addf %x, %x : f32
      memref.store %y, %out0[%at] : memref<8xf32>
    }"""


def shuffled(seed: int) -> Callable[[int], list[int]]:
    return lambda n: random.Random(seed).sample(range(n), n)


@pytest.mark.parametrize("order", [None, lambda n: reversed(range(n)), shuffled(1), shuffled(2)])
def test_tickets_run_in_any_order(order: Any) -> None:
    (got,) = emulate(kernel(TICKETS), X, order=order)
    assert got.tolist() == (2 * X).tolist()


MISTAKES: dict[str, tuple[str, str]] = {
    "load outside": (
        r"'memref.load' reaches index 8 of dimension 0, outside memref<8xf32> in argument 0",
        "%x = memref.load %in0[%c8] : memref<8xf32>"),
    "store outside": (
        r"'memref.store' reaches index 8 of dimension 0, outside memref<8xf32> in result 0",
        "memref.store %f0, %out0[%c8] : memref<8xf32>"),
    "tile outside": (
        r"'vector.transfer_read' reaches index 8 of dimension 0",
        "%v = vector.transfer_read %in0[%c1], %f0 {in_bounds = [true]} : memref<8xf32>, vector<8xf32>"),
    "negative index": (
        r"'memref.load' reaches index -1 of dimension 0",
        "%n = arith.constant -1 : index\n %x = memref.load %in0[%n] : memref<8xf32>"),
    "past the memory": (
        r"'memref.load' reaches past the 32 bytes of argument 0 through memref<4xf32>",
        """%m = memref.reinterpret_cast %in0 to offset: [6], sizes: [4], strides: [1]
             : memref<8xf32> to memref<4xf32, strided<[1], offset: 6>>
           %three = arith.constant 3 : index
           %x = memref.load %m[%three] : memref<4xf32, strided<[1], offset: 6>>"""),
    "subview outside": (
        r"'memref.subview' takes 4 from index 7 by 1 of dimension 0, outside memref<8xf32>",
        "%m = memref.subview %in0[%c7] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>"),
    "view outside": (
        r"'memref.view' sees bytes 8 to 72, outside memref<64xi8> in the arena",
        "%m = memref.view %arena[%c8][] : memref<64xi8> to memref<16xf32>"),
    "misaligned view": (
        r"'memref.view' sees memref<4xf32> at byte 7, misaligned for its elements",
        "%m = memref.view %arena[%c7][] : memref<64xi8> to memref<4xf32>"),
    "misaligned load": (
        r"'vector.load' says 64 bytes of alignment at \[0\] of memref<8xf32> in argument 0, which has 4",
        "%v = vector.load %in0[%c0] {alignment = 64 : i64} : memref<8xf32>, vector<8xf32>"),
    "unwritten arena": (
        r"'memref.load' reads what nothing has written, memref<16xf32> in the arena",
        "%m = memref.view %arena[%c0][] : memref<64xi8> to memref<16xf32>\n %x = memref.load %m[%c1] : memref<16xf32>"),
    "unwritten stack": (
        r"'vector.transfer_read' reads what nothing has written, memref<4xf32> in a buffer on the stack",
        """%m = memref.alloca() : memref<4xf32>
           memref.store %f0, %m[%c0] : memref<4xf32>
           %v = vector.transfer_read %m[%c0], %f0 {in_bounds = [true]} : memref<4xf32>, vector<2xf32>"""),
    "a stack buffer is fresh in every turn": (
        r"'memref.load' reads what nothing has written",
        """scf.for %i = %c0 to %c8 step %c1 {
             %m = memref.alloca() : memref<1xf32>
             %first = arith.cmpi eq, %i, %c0 : index
             scf.if %first {
               memref.store %f0, %m[%c0] : memref<1xf32>
             }
             %x = memref.load %m[%c0] : memref<1xf32>
           }"""),
    "unwritten result": (
        r"28 bytes of result 0 are never written", "memref.store %f0, %out0[%c0] : memref<8xf32>"),
    "constant input": (
        r"'memref.store' writes argument 0, which is constant", "memref.store %f0, %in0[%c0] : memref<8xf32>"),
    "two tickets write": (
        r"'memref.store' in ticket 1 writes what ticket 0 wrote in result 0",
        "scf.forall (%i) in (2) {\n memref.store %f0, %out0[%c0] : memref<8xf32>\n }"),
    "a ticket reads another's": (
        r"'memref.load' in ticket 1 reads what ticket 0 wrote in result 0",
        """scf.forall (%i) in (2) {
             %j = arith.subi %c1, %i : index
             memref.store %f0, %out0[%i] : memref<8xf32>
             %x = memref.load %out0[%c0] : memref<8xf32>
           }"""),
    "a ticket overwrites what another read": (
        r"'memref.store' in ticket 1 writes what another ticket read in the arena",
        """%m = memref.view %arena[%c0][] : memref<64xi8> to memref<16xf32>
           memref.store %f0, %m[%c1] : memref<16xf32>
           scf.forall (%i) in (2) {
             %x = memref.load %m[%c1] : memref<16xf32>
             memref.store %x, %m[%i] : memref<16xf32>
           }"""),
    "division by zero": (
        r"'arith.divsi' divides by zero", "%x = arith.divsi %c1, %c0 : index"),
    "lowest integer by -1": (
        r"'arith.remsi' divides the lowest integer by -1",
        "%l = arith.constant -128 : i8\n %m = arith.constant -1 : i8\n %x = arith.remsi %l, %m : i8"),
    "wide shift": (
        r"'arith.shli' shifts by 8, which is not less than the width",
        "%l = arith.constant 8 : i8\n %x = arith.shli %l, %l : i8"),
    "float out of range": (
        r"'arith.fptosi' converts 300.0 to i8",
        "%l = arith.constant 300.0 : f32\n %x = arith.fptosi %l : f32 to i8"),
    "wrong static offset": (
        r"'memref.cast' gives memref<8xf32> in argument 0 with strides \[1\] and offset 0, which is no",
        "%m = memref.cast %in0 : memref<8xf32> to memref<8xf32, strided<[1], offset: 3>>"),
    "position outside a tile": (
        r"'vector.extract' names position \[8\] of a tile of \[8\]",
        "%v = arith.constant dense<0.0> : vector<8xf32>\n %x = vector.extract %v[%c8] : f32 from vector<8xf32>"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    message, body = MISTAKES[name]
    with pytest.raises(EmulationError, match=message):
        emulate(kernel(body), X)


def test_a_mistake_names_its_line() -> None:
    module = parse(
        str(kernel(f'{WHOLE}\n memref.store %f0, %out0[%c8] : memref<8xf32> loc("model.py":12:5)')),
        "kernel.mlir",
    )
    with pytest.raises(EmulationError) as caught:
        emulate(module, X)
    assert caught.value.span is not None
    assert (caught.value.span.file, caught.value.line, caught.value.column) == ("model.py", 12, 5)


def test_right_kernels_pass() -> None:
    (got,) = emulate(kernel(WHOLE), X)
    assert got.tolist() == X.tolist()


def test_masked_lanes_are_not_touched() -> None:
    """A tile may reach past the end where nothing is read or written there."""
    body = """
    %three = arith.constant 3 : index
    %m = vector.create_mask %three : vector<8xi1>
    %v = vector.transfer_read %in0[%c7], %f0 {in_bounds = [false]} : memref<8xf32>, vector<8xf32>
    %w = vector.transfer_read %in0[%c0], %f0, %m {in_bounds = [true]} : memref<8xf32>, vector<8xf32>
    %s = arith.addf %v, %w : vector<8xf32>
    vector.transfer_write %s, %out0[%c0] {in_bounds = [true]} : vector<8xf32>, memref<8xf32>"""
    (got,) = emulate(kernel(body), X)
    assert got.tolist() == [7, 1, 2, 0, 0, 0, 0, 0]


def test_the_offset_of_a_cast_counts_from_the_memory() -> None:
    body = f"""
    %a = memref.reinterpret_cast %in0 to offset: [4], sizes: [2], strides: [1] : memref<8xf32> to memref<2xf32, strided<[1], offset: 4>>
    %b = memref.reinterpret_cast %a to offset: [1], sizes: [2], strides: [3]
      : memref<2xf32, strided<[1], offset: 4>> to memref<2xf32, strided<[3], offset: 1>>
    %x = memref.load %b[%c1] : memref<2xf32, strided<[3], offset: 1>>
    {WHOLE}
    memref.store %x, %out0[%c0] : memref<8xf32>"""
    assert emulate(kernel(body), X)[0].tolist() == [4, 1, 2, 3, 4, 5, 6, 7]


def test_halving() -> None:
    """Element i meets element i + h, h half the extent rounded up; an odd middle element passes alone; acc comes last."""
    body = """
    %t = vector.transfer_read %in0[%c0], %f0 {in_bounds = [true]} : memref<8xf32>, vector<5xf32>
    %acc = memref.load %in0[%c7] : memref<8xf32>
    %r = vector.multi_reduction <add>, %t, %acc [0] : vector<5xf32> to f32
    %all = vector.broadcast %r : f32 to vector<8xf32>
    vector.transfer_write %all, %out0[%c0] {in_bounds = [true]} : vector<8xf32>, memref<8xf32>"""
    x = np.float32([1e8, 1, -1e8, 1, 3, 0, 0, 0.5])
    first, second = x[0] + x[3], x[1] + x[4]
    assert emulate(kernel(body), x)[0][0] == ((first + x[2]) + second) + x[7]


def test_unknown_ops_are_refused_by_name() -> None:
    module = parse(
        """module attributes {irc.signature = (tensor<8xf32>) -> (tensor<8xf32>)} {
  func.func @main(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<1xi8>) {
    "other.op"(%x) : (memref<8xf32>) -> ()
    return
  }
}"""
    )
    with pytest.raises(UnsupportedError, match=r"the emulator does not take the op other\.op"):
        emulate(module, X)


def test_arrays_must_fit() -> None:
    with pytest.raises(IrcError, match="argument 0 is float64"):
        emulate(kernel(WHOLE), X.astype(np.float64))
    with pytest.raises(IrcError, match="takes 1 arrays"):
        emulate(kernel(WHOLE))


STRUCTURE = {
    "func.func", "func.return", "memref.global", "scf.condition", "scf.forall.in_parallel", "scf.yield", "vector.yield",
}  # fmt: skip
REFUSED = {"vector.mask"}


def test_every_op_that_has_code_can_be_emulated() -> None:
    """But for what is part of another op."""
    dialects = ("arith", "func", "math", "memref", "scf", "vector")
    kernel_ops = {n: c for n, c in all_operations().items() if not issubclass(c, Carried)}
    known = {name for name, cls in kernel_ops.items() if cls.dialect in dialects}
    assert known - {cls.name for cls in HANDLERS} - STRUCTURE == REFUSED


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_arena_shares_nothing_that_is_still_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every buffer at a place of its own, the same bits, and nothing is read before it is written."""

    def apart(buffers: Sequence[Buffer]) -> int:
        total = 0
        for b in buffers:
            b.index = total
            total += b.nbytes
        return total

    module = module_of(name)
    inputs = arguments(module)
    wants = compile_module(module)(*inputs)
    monkeypatch.setattr(plan, "assign_offsets", apart)
    fused = compile_module(module).stages.kernel
    for want, got in zip(wants, emulate(fused, *inputs), strict=True):
        assert not (difference := explain_difference(want, got)), difference

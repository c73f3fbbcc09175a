"""The interpreter: calls, refusals, and errors that name the op."""

from __future__ import annotations

import numpy as np
import pytest

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.errors import IrcError, UnsupportedError
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.locations import FileLineCol
from irc.ir.operation import Value
from irc.ir.types import TensorType, f32

VECTOR = TensorType((2,), f32)


def function(name: str, body, visibility: str | None = None) -> Func:
    return Func.of(name, Builder().region([VECTOR], body).block, visibility=visibility)


def negate(b: Builder, x: Value) -> None:
    b.emit(Return([b.emit(S.Negate(x))]))


def test_call() -> None:
    def main(b: Builder, x: Value) -> None:
        once = b.emit(Call([x], callee="f", result_types=[VECTOR]))
        b.emit(Return([b.emit(Call([b.emit(S.Add(once, x))], callee="f", result_types=[VECTOR])), once]))

    module = Module.of([function("main", main), function("f", negate, "private")])
    zero, negated = interpret(module, np.float32([1, 2]))
    assert zero.tolist() == [0, 0]
    assert negated.tolist() == [-1, -2]


def test_composite() -> None:
    def main(b: Builder, x: Value) -> None:
        op = S.Composite([x], name="my.negate", decomposition="f", result_types=[VECTOR])
        b.emit(Return([b.emit(op)]))

    module = Module.of([function("main", main), function("f", negate, "private")])
    assert interpret(module, np.float32([1, 2]))[0].tolist() == [-1, -2]


def test_custom_call_is_refused_by_name() -> None:
    def main(b: Builder, x: Value) -> None:
        op = S.CustomCall([x], call_target_name="lapack_sgetrf", result_types=[VECTOR])
        b.emit(Return([b.emit(op)]))

    with pytest.raises(UnsupportedError, match="custom_call @lapack_sgetrf"):
        interpret(Module.of([function("main", main)]), np.float32([1, 2]))


def test_failure_names_op_and_line() -> None:
    def main(b: Builder, x: Value) -> None:
        with b.at(FileLineCol("model.py", 7, 3)):
            # create checks nothing: three elements cannot be two.
            bad = b.emit(S.Reshape.create([x], [TensorType((3,), f32)], {}))
        b.emit(Return([bad]))

    with pytest.raises(IrcError, match=r"stablehlo\.reshape") as caught:
        interpret(Module.of([function("main", main)]), np.float32([1, 2]))
    assert (caught.value.line, caught.value.column) == (7, 3)


@pytest.mark.parametrize(
    "arrays", [[], [np.float64([1, 2])], [np.float32([1, 2, 3])], [np.float32([1, 2])] * 2], ids=len
)
def test_inputs_must_fit(arrays: list) -> None:
    with pytest.raises(IrcError):
        interpret(Module.of([function("main", negate)]), *arrays)


def test_reduction_follows_the_tree_of_the_contract() -> None:
    """Blocks of 4096, 64 lanes within a block, then halves: written out element by element."""

    def fold(x: list[np.float32]) -> np.float32:
        if len(x) > 4096:
            return fold([fold(x[i : i + 4096]) for i in range(0, len(x), 4096)])
        lanes: list[np.float32 | None] = [None] * 64
        for i, v in enumerate(x):
            lane = lanes[i % 64]
            lanes[i % 64] = v if lane is None else lane + v
        half = 32
        while half:
            for i in range(half):
                a, b = lanes[i], lanes[i + half]
                lanes[i] = b if a is None else a if b is None else a + b
            half //= 2
        assert lanes[0] is not None
        return lanes[0]

    def main(b: Builder, x: Value, init: Value) -> None:
        body = b.region([init.type] * 2, lambda c, p, q: c.emit(S.Return([c.emit(S.Add(p, q))])))
        b.emit(Return([b.emit(S.Reduce([x], [init], dimensions=(0,), regions=[body]))]))

    rng = np.random.default_rng(0)
    for n in (1, 5, 63, 64, 65, 127, 200, 4096, 4097, 9000):
        x = rng.standard_normal(n).astype(np.float32)
        region = Builder().region([TensorType((n,), f32), TensorType((), f32)], main)
        (ours,) = interpret(Module.of([Func.of("main", region.block)]), x, np.float32(0.25))
        assert ours.tobytes() == (np.float32(0.25) + fold(list(x))).tobytes(), n

"""Shape inference: what is known of arguments reaches everything that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from pass_programs import const, function, hard_array, names, program, scalar_region, tensor

from irc.dialects import func
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.stablehlo import DotDimensionNumbers
from irc.errors import IrcError, VerifyError
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import Type, i1, i32
from irc.passes.hooks import explain_difference
from irc.passes.manager import run_pipeline
from irc.passes.shape_inference import refined

ANY, ANY2 = tensor(None), tensor(None, None)
S0 = tensor(element=i32)


def inferred(module: Module, *types: Type, run: bool = True) -> Module:
    """For arguments of these types: everything is known, verified, and means the same (where `module` says its shapes)."""
    after = refined(module, types)
    after.verify()
    for op in after.walk():
        for result in op.results:
            assert getattr(result.type, "is_static", True), op
    if not run:
        return after
    arrays = [hard_array(t, i) for i, t in enumerate(types)]  # type: ignore[arg-type]
    for want, got in zip(interpret(module, *arrays), interpret(after, *arrays), strict=True):
        assert not (difference := explain_difference(want, got)), difference
    return after


def results(module: Module) -> list[Type]:
    return list(module.symbols["main"].type.results)  # type: ignore[attr-defined]


def test_through_ops() -> None:
    def body(b: Builder, x: Value, w: Value) -> list[Value]:
        y = b.emit(
            S.DotGeneral(b.emit(S.Tanh(x)), w, dot_dimension_numbers=DotDimensionNumbers((), (), (1,), (0,)))
        )
        zero = const(b, 0.0, tensor())
        total = b.emit(S.Reduce([y], [zero], dimensions=(0,), regions=[scalar_region(b, S.Add)]))
        spread = b.emit(S.BroadcastInDim(total, broadcast_dimensions=(1,), result_types=[tensor(2, None)]))
        flat = b.emit(S.Reshape(b.emit(S.Transpose(y, permutation=(1, 0))), result_types=[tensor(None)]))
        return [spread, b.emit(S.Concatenate([flat, flat], dimension=0))]

    after = inferred(program([ANY2, tensor(3, None)], body), tensor(4, 3), tensor(3, 5), run=False)
    assert results(after) == [tensor(2, 5), tensor(40)]


def test_sizes_computed_from_extents_become_constants() -> None:
    def body(b: Builder, x: Value) -> Value:
        n = b.emit(S.GetDimensionSize(x, dimension=0))
        twice = b.emit(S.Multiply(n, const(b, 2, S0)))
        shape = b.emit(
            S.Concatenate(
                [b.emit(S.Reshape(v, result_types=[tensor(1, element=i32)])) for v in (twice, n)], dimension=0
            )
        )
        both = b.emit(S.Concatenate([x, x], dimension=0))
        wide = b.emit(S.DynamicBroadcastInDim(both, shape, broadcast_dimensions=(0,), result_types=[ANY2]))
        return b.emit(S.Add(wide, b.emit(S.DynamicIota(shape, iota_dimension=1, result_types=[ANY2]))))

    after = inferred(program([ANY], body), tensor(3))
    assert results(after) == [tensor(6, 3)]
    assert names(run_pipeline(after, "canonicalize,cse,dce")) == [
        "concatenate",
        "broadcast_in_dim",
        "constant",
        "add",
    ]


def test_through_calls_one_copy_for_each_type() -> None:
    helper = function("helper", [ANY], lambda b, x: b.emit(S.Tanh(x)), "private")

    def call(b: Builder, x: Value) -> Value:
        return b.emit(func.Call([x], callee="helper", result_types=[ANY]))

    after = inferred(
        program([ANY, ANY], lambda b, x, y: [call(b, x), call(b, y), call(b, x)], helper),
        tensor(2),
        tensor(3),
    )
    assert results(after) == [tensor(2), tensor(3), tensor(2)]
    assert list(after.symbols) == ["main", "helper", "helper_0"]
    assert [op.callee for op in after.walk() if isinstance(op, func.Call)] == ["helper", "helper_0", "helper"]


def test_a_public_function_keeps_its_own_type() -> None:
    public = function("public", [ANY], lambda b, x: b.emit(S.Tanh(x)))

    def body(b: Builder, x: Value) -> Value:
        return b.emit(func.Call([x], callee="public", result_types=[ANY]))

    after = refined(program([ANY], body, public), [tensor(2)])
    assert after.symbols["public"].type.inputs == (ANY,)  # type: ignore[attr-defined]
    assert after.symbols["public_0"].sym_visibility == "private"  # type: ignore[attr-defined]
    assert results(after) == [tensor(2)]


def loop(b: Builder, x: Value, step: Any) -> Value:
    """`for i in range(2): x = step(x)`."""
    types = [S0, x.type]

    def condition(r: Builder, i: Value, _: Value) -> None:
        r.emit(S.Return([r.emit(S.Compare(i, const(r, 2, S0), comparison_direction="LT"))]))

    def body(r: Builder, i: Value, v: Value) -> None:
        r.emit(S.Return([r.emit(S.Add(i, const(r, 1, S0))), step(r, v)]))

    return b.emit(S.While([const(b, 0, S0), x], regions=[b.region(types, condition), b.region(types, body)]))[
        1
    ]


def test_through_a_loop_that_keeps_its_shape() -> None:
    def body(b: Builder, x: Value) -> Value:
        def step(r: Builder, v: Value) -> Value:
            return r.emit(S.Concatenate([r.emit(S.Slice(v, start_indices=(0,), limit_indices=(1,), strides=(1,))),
                                         r.emit(S.Tanh(r.emit(S.Slice(v, start_indices=(1,), limit_indices=(4,), strides=(1,)))))],
                                        dimension=0))  # fmt: skip

        return loop(b, x, step)

    assert results(inferred(program([ANY], body), tensor(4))) == [tensor(4)]


def test_a_loop_that_grows_stays_unknown_there() -> None:
    def body(b: Builder, x: Value) -> Value:
        return loop(b, x, lambda r, v: r.emit(S.Concatenate([v, v], dimension=0)))

    before = program([ANY2], body)
    after = refined(before, [tensor(2, 3)])
    after.verify()
    assert results(after) == [tensor(None, 3)]
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert interpret(after, array)[0].shape == interpret(before, array)[0].shape == (8, 3)


def test_branches_know_what_both_know() -> None:
    def body(b: Builder, p: Value, x: Value) -> list[Value]:
        def choose(*steps: Any) -> Value:
            regions = [b.region([], lambda r, s=s: r.emit(S.Return([s(r)]))) for s in steps]
            return b.emit(S.If(p, regions=regions))

        return [
            choose(lambda r: r.emit(S.Tanh(x)), lambda r: r.emit(S.Abs(x))),
            choose(lambda r: r.emit(S.Tanh(x)), lambda r: r.emit(S.Concatenate([x, x], dimension=0))),
        ]

    after = refined(program([tensor(element=i1), ANY2], body), [tensor(element=i1), tensor(2, 3)])
    after.verify()
    assert results(after) == [tensor(2, 3), tensor(None, 3)]


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ([tensor(4)], r"@main takes 2 arguments, not 1"),
        ([tensor(4), tensor(5)], r"requires compatible types"),
        ([tensor(4, 1), tensor(4)], r"tensor<\?xf32> where tensor<4x1xf32>"),
        ([tensor(4, element=i32), tensor(4)], r"tensor<\?xf32> where tensor<4xi32>"),
    ],
)
def test_types_that_do_not_fit_are_refused(types: Sequence[Type], message: str) -> None:
    module = program([ANY, ANY], lambda b, x, y: b.emit(S.Add(x, y)))
    with pytest.raises((IrcError, VerifyError), match=message):
        refined(module, types)


def test_a_known_program_is_left_as_it_is() -> None:
    module = program([tensor(4)], lambda b, x: loop(b, x, lambda r, v: r.emit(S.Tanh(v))))
    assert run_pipeline(module, "shape_inference") is module


def test_recursion_ends() -> None:
    def body(b: Builder, x: Value) -> Value:
        return b.emit(func.Call([x], callee="again", result_types=[ANY]))

    refined(program([ANY], body, function("again", [ANY], body, "private")), [tensor(2)]).verify()

"""Dead code, common subexpressions, inlining: what goes, what stays, and that the meaning does."""

from __future__ import annotations

from typing import Any

import pytest
from pass_programs import F23, assert_same_meaning, const, function, names, program, scalar_region, tensor

from irc.dialects import func
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.ir.attributes import StringAttr
from irc.ir.builder import Builder
from irc.ir.locations import FileLineCol
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import i1, i32
from irc.passes.manager import run_pipeline

B0, I0 = tensor(element=i1), tensor(element=i32)
HERE, THERE = FileLineCol("a.py", 1, 1), FileLineCol("a.py", 2, 1)


def ops(module: Module, name: str) -> list[Operation]:
    return [op for op in module.walk() if op.name == f"stablehlo.{name}"]


def checked(module: Module, pipeline: str) -> Module:
    after = run_pipeline(module, pipeline)
    assert_same_meaning(module, after)
    return after


class Effect(S.Add, name="test.effect"):
    """An addition that also does something."""

    pure = False


# Dead code


def test_unused_ops_go_and_used_ones_are_the_same_objects() -> None:
    def body(b: Builder, x: Value, y: Value) -> Value:
        b.emit(S.Tanh(b.emit(S.Add(x, y))))
        return b.emit(S.Multiply(x, y))

    before = program([F23, F23], body)
    after = checked(before, "dce")
    assert names(after) == ["multiply"]
    assert ops(after, "multiply") == ops(before, "multiply")
    assert run_pipeline(after, "dce") is after


def test_effects_stay_also_in_callees_and_regions() -> None:
    helper = function("effect", [F23], lambda b, x: b.emit(Effect(x, x)), "private")

    def body(b: Builder, x: Value, p: Value) -> Value:
        b.emit(func.Call([x], callee="effect", result_types=[F23]))
        branch = b.region([], lambda r: r.emit(S.Return([r.emit(Effect(x, x))])))
        b.emit(S.If(p, regions=[branch, branch]))
        return x

    after = checked(program([F23, B0], body, helper), "dce")
    assert names(after) == ["call", "if"]


def counting(b: Builder, x: Value, y: Value, body: Any) -> tuple[Value, ...]:
    """`for i in range(3): x, y = body(x, y)`; the results of the loop (i, x, y)."""
    types = [I0, x.type, y.type]

    def condition(r: Builder, i: Value, *_: Value) -> None:
        r.emit(S.Return([r.emit(S.Compare(i, const(r, 3, I0), comparison_direction="LT"))]))

    def step(r: Builder, i: Value, u: Value, v: Value) -> None:
        r.emit(S.Return([r.emit(S.Add(i, const(r, 1, I0))), *body(r, u, v)]))

    regions = [b.region(types, condition), b.region(types, step)]
    return b.emit(S.While([const(b, 0, I0), x, y], regions=regions))


def test_a_carried_value_that_feeds_only_itself_goes() -> None:
    def body(b: Builder, x: Value, y: Value) -> Value:
        return counting(b, x, y, lambda r, u, v: [r.emit(S.Tanh(u)), r.emit(S.Add(v, u))])[1]

    after = checked(program([F23, F23], body), "dce")
    (loop,) = ops(after, "while")
    assert len(loop.results) == 2 and not ops(after, "add")[1:]


def test_a_carried_value_that_another_needs_stays() -> None:
    def body(b: Builder, x: Value, y: Value) -> Value:
        return counting(b, x, y, lambda r, u, v: [r.emit(S.Tanh(u)), r.emit(S.Add(v, u))])[2]

    before = program([F23, F23], body)
    assert checked(before, "dce") is before


def test_a_value_the_condition_needs_stays() -> None:
    def body(b: Builder, x: Value, y: Value) -> Value:
        return counting(b, x, y, lambda r, u, v: [u, v])[1]

    (loop,) = ops(checked(program([F23, F23], body), "dce"), "while")
    assert [r.type for r in loop.results] == [I0, F23]


def test_a_loop_nobody_looks_at_goes() -> None:
    def body(b: Builder, x: Value, y: Value) -> Value:
        counting(b, x, y, lambda r, u, v: [r.emit(S.Tanh(u)), v])
        return y

    assert names(checked(program([F23, F23], body), "dce")) == []


def test_unused_results_of_branches_go() -> None:
    def body(b: Builder, x: Value, p: Value) -> Value:
        def branch(cls: Any) -> Any:
            return b.region([], lambda r: r.emit(S.Return([r.emit(S.Tanh(x)), r.emit(cls(x))])))

        return b.emit(S.If(p, regions=[branch(S.Abs), branch(S.Negate)]))[1]

    after = checked(program([F23, B0], body), "dce")
    assert len(ops(after, "if")[0].results) == 1 and not ops(after, "tanh")


def test_private_functions_nobody_calls_go_public_ones_stay() -> None:
    def helper(name: str, visibility: str | None, callee: str = "") -> func.Func:
        def body(b: Builder, x: Value) -> Value:
            return b.emit(func.Call([x], callee=callee, result_types=[F23])) if callee else b.emit(S.Tanh(x))

        return function(name, [F23], body, visibility)

    others = [
        helper("public", None, "used"),
        helper("used", "private"),
        helper("unused", "private", "only_from_unused"),
        helper("only_from_unused", "private"),
    ]
    after = checked(program([F23], lambda b, x: x, *others), "dce")
    assert list(after.symbols) == ["main", "public", "used"]


# Common subexpressions


def test_equal_ops_merge_and_locations_join() -> None:
    def body(b: Builder, x: Value) -> Value:
        b.location = HERE
        u = b.emit(S.Tanh(x))
        b.location = THERE
        return b.emit(S.Add(b.emit(S.Negate(u)), b.emit(S.Negate(b.emit(S.Tanh(x))))))

    before = program([F23], body)
    after = checked(before, "cse")
    assert names(after) == ["tanh", "negate", "add"]
    assert str(ops(after, "tanh")[0].location) == 'fused["a.py":1:1, "a.py":2:1]'
    assert [str(op.location) for op in ops(before, "tanh")] == ['"a.py":1:1', '"a.py":2:1']


def test_attributes_types_and_operand_order_tell_ops_apart() -> None:
    def body(b: Builder, x: Value, y: Value) -> list[Value]:
        square = tensor(3, 3)
        wide = [b.emit(S.BroadcastInDim(x, broadcast_dimensions=(d,), result_types=[square])) for d in (0, 1)]
        return [*wide, b.emit(S.Subtract(x, y)), b.emit(S.Subtract(y, x)), const(b, 0.0), const(b, -0.0)]

    before = program([tensor(3), tensor(3)], body)
    assert checked(before, "cse") is before


def test_ops_with_regions_merge_when_the_regions_are_alike() -> None:
    def total(b: Builder, x: Value, op: Any) -> Value:
        zero = const(b, 0.0, tensor())
        return b.emit(S.Reduce([x], [zero], dimensions=(1,), regions=[scalar_region(b, op)]))

    def body(b: Builder, x: Value) -> list[Value]:
        return [total(b, x, S.Add), total(b, x, S.Add), total(b, x, S.Maximum)]

    after = checked(program([F23], body), "cse")
    assert len(ops(after, "reduce")) == 2


def test_branches_see_what_is_outside_and_not_each_other() -> None:
    def body(b: Builder, x: Value, p: Value) -> list[Value]:
        outside = b.emit(S.Tanh(x))

        def branch() -> Any:
            return b.region(
                [], lambda r: r.emit(S.Return([r.emit(S.Add(r.emit(S.Tanh(x)), r.emit(S.Abs(x))))]))
            )

        return [outside, b.emit(S.If(p, regions=[branch(), branch()]))]

    after = checked(program([F23, B0], body), "cse")
    assert len(ops(after, "tanh")) == 1 and len(ops(after, "abs")) == 2


def test_reduction_bodies_stay_closed_and_loop_bodies_keep_their_constants() -> None:
    def body(b: Builder, x: Value) -> list[Value]:
        one = const(b, 1.0, tensor())

        def step(r: Builder, u: Value, v: Value) -> None:
            r.emit(S.Return([r.emit(S.Add(r.emit(S.Add(u, v)), const(r, 1.0, tensor())))]))

        region = b.region([tensor()] * 2, step)
        looped = counting(b, x, x, lambda r, u, v: [r.emit(S.Add(u, const(r, 1.0))), v])[1]
        return [b.emit(S.Reduce([x], [one], dimensions=(1,), regions=[region])), looped, const(b, 1.0)]

    before = program([F23], body)
    after = checked(before, "cse")
    constants = [len([op for op in f.walk() if isinstance(op, S.Constant)]) for f in (before, after)]
    assert constants[0] == constants[1]


@pytest.mark.parametrize("wrap", [S.OptimizationBarrier, None], ids=["barrier", "effect"])
def test_barriers_and_effects_are_not_merged(wrap: Any) -> None:
    def body(b: Builder, x: Value) -> Value:
        def again() -> Value:
            return b.emit(S.OptimizationBarrier([x]) if wrap else Effect(x, x))

        return b.emit(S.Add(b.emit(S.Tanh(again())), b.emit(S.Tanh(again()))))

    before = program([F23], body)
    assert run_pipeline(before, "cse") is before


# Inlining


def call(b: Builder, name: str, *values: Value) -> Value:
    return b.emit(func.Call(values, callee=name, result_types=[F23]))


def test_private_functions_are_inlined_through_each_other() -> None:
    inner = function("inner", [F23], lambda b, x: b.emit(S.Tanh(x)), "private")
    outer = function("outer", [F23], lambda b, x: call(b, "inner", call(b, "inner", x)), "private")
    after = checked(
        program([F23], lambda b, x: b.emit(S.Add(call(b, "outer", x), call(b, "inner", x))), outer, inner),
        "inline",
    )
    assert names(after) == ["tanh", "tanh", "tanh", "add"] and list(after.symbols) == ["main"]
    results = [r for op in after.walk() for r in op.results]
    assert len({id(r) for r in results}) == len(results)


def test_calls_inside_regions_are_inlined() -> None:
    inner = function("inner", [F23], lambda b, x: b.emit(S.Tanh(x)), "private")

    def body(b: Builder, x: Value, p: Value) -> Value:
        branches = [b.region([], lambda r: r.emit(S.Return([call(r, "inner", x)]))) for _ in range(2)]
        return b.emit(S.If(p, regions=branches))

    after = checked(program([F23, B0], body, inner), "inline")
    assert not [op for op in after.walk() if isinstance(op, func.Call)]


def test_locations_say_where_it_was_called() -> None:
    def callee(b: Builder, x: Value) -> Value:
        b.location = HERE
        return b.emit(S.Tanh(x))

    def body(b: Builder, x: Value) -> Value:
        b.location = THERE
        return call(b, "inner", x)

    after = checked(program([F23], body, function("inner", [F23], callee, "private")), "inline")
    assert str(ops(after, "tanh")[0].location) == 'callsite("a.py":1:1 at "a.py":2:1)'


def test_calls_of_recursive_functions_and_fusions_stay() -> None:
    def recursive(b: Builder, x: Value) -> Value:
        return call(b, "recursive", x)

    fused = function("fused", [F23], lambda b, x: b.emit(S.Tanh(x)), "private")
    fused = func.Func.of(
        "fused",
        Block(fused.arguments, fused.block.operations),
        visibility="private",
        attributes={"irc.kind": StringAttr("loop")},
    )
    others = [
        fused,
        function("recursive", [F23], recursive, "private"),
    ]

    def body(b: Builder, x: Value, p: Value) -> list[Value]:
        never = b.region([], lambda r: r.emit(S.Return([call(r, "recursive", x)])))
        also = b.region([], lambda r: r.emit(S.Return([x])))
        no = b.emit(S.And(p, b.emit(S.Not(p))))
        return [call(b, "fused", x), b.emit(S.If(no, regions=[never, also]))]

    before = program([F23, B0], body, *others)
    assert checked(before, "inline") is before


def test_a_public_function_is_inlined_and_stays() -> None:
    callee = function("public", [F23], lambda b, x: b.emit(S.Abs(x)))
    after = checked(program([F23], lambda b, x: call(b, "public", x), callee), "inline")
    assert [op.name for op in after.symbols["main"].block.operations] == ["stablehlo.abs", "func.return"]
    assert "public" in after.symbols


def test_functions_that_call_each_other_end() -> None:
    def ping(b: Builder, x: Value) -> Value:
        return call(b, "pong", x)

    def pong(b: Builder, x: Value) -> Value:
        return call(b, "ping", x)

    others = [function("ping", [F23], ping, "private"), function("pong", [F23], pong, "private")]
    after = run_pipeline(program([F23], lambda b, x: call(b, "ping", x), *others), "inline")
    assert [op for op in after.walk() if isinstance(op, func.Call)]

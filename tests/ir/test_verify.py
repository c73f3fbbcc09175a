"""The verifier on modules that no text can say, and on control flow: each broken rule is named, with its label."""

from __future__ import annotations

import pytest

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module, parse
from irc.errors import VerifyError
from irc.ir.attributes import DenseArrayAttr, IntegerAttr, StringAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import TensorType, f32, i1, i32, i64

T = TensorType((2,), f32)


def function(operations: list[Operation], arguments: list[Value], name: str = "main") -> func.Func:
    return func.Func.of(name, Block(arguments, operations))


def broken(module: Module) -> VerifyError:
    with pytest.raises(VerifyError) as caught:
        module.verify()
    return caught.value


def test_a_use_before_the_definition() -> None:
    x = Value(T)
    first = hlo.Add(x, x)
    second = hlo.Add(first.result, x)
    error = broken(Module.of([function([second, first, func.Return([second.result])], [x])]))
    assert error.constraint == "dominance"
    assert "'stablehlo.add' op uses operand #0" in error.message


def test_a_value_of_another_function() -> None:
    x, y = Value(T), Value(T)
    there = hlo.Add(x, x)
    here = hlo.Add(there.result, y)
    module = Module.of(
        [
            function([there, func.Return([there.result])], [x], "f"),
            function([here, func.Return([here.result])], [y], "g"),
        ]
    )
    assert broken(module).constraint == "dominance"


def test_a_value_of_a_region_that_has_ended() -> None:
    b = Builder()
    x = Value(T)
    inside: list[Value] = []

    def body(inner: Builder) -> None:
        inside.append(inner.emit(hlo.Add(x, x)))
        inner.emit(hlo.Return(inside[-1:]))

    p = b.emit(hlo.Constant.of(True, i1))
    b.emit(hlo.If(p, regions=[b.region([], body), b.region([], body)], result_types=[T]))
    outside = b.emit(hlo.Negate(inside[0]))
    b.emit(func.Return([outside]))
    assert broken(Module.of([function(b.operations, [x])])).constraint == "dominance"


def test_a_block_that_does_not_end() -> None:
    x = Value(T)
    add = hlo.Add(x, x)
    f = func.Func.create(
        (), (), dict(function([func.Return([x])], [x]).attributes), [Region([Block([x], [add])])]
    )
    error = broken(Module.of([f]))
    assert error.constraint == "terminator"
    assert "ends a block of 'func.func' and is not a terminator" in error.message


def test_an_op_after_the_end() -> None:
    x = Value(T)
    end = func.Return([x])
    f = func.Func.create(
        (), (), dict(function([end], [x]).attributes), [Region([Block([x], [end, hlo.Add(x, x)])])]
    )
    assert "must be the last operation in its block" in broken(Module.of([f])).message


@pytest.mark.parametrize(
    ("attributes", "constraint", "message"),
    [
        ({}, "attributes", "requires attribute 'dimension'"),
        (
            {"dimension": IntegerAttr(0, i32)},
            "attributes",
            "failed to satisfy constraint: 64-bit signless integer attribute, found 0 : i32",
        ),
        ({"dimension": StringAttr("0")}, "attributes", 'found "0"'),
    ],
)
def test_attributes_of_the_wrong_kind(attributes: dict, constraint: str, message: str) -> None:  # type: ignore[type-arg]
    x = Value(T)
    op = hlo.Concatenate.create([x, x], [TensorType((4,), f32)], attributes)
    error = broken(Module.of([function([op, func.Return([op.result])], [x])]))
    assert error.constraint == constraint
    assert message in error.message


def test_operands_that_are_too_many() -> None:
    x = Value(T)
    op = hlo.Add.create([x, x, x], [T], {})
    error = broken(Module.of([function([op, func.Return([op.result])], [x])]))
    assert error.constraint == "operands"
    assert "requires 2 operands, found 3" in error.message


def test_regions_that_are_missing() -> None:
    x = Value(T)
    op = hlo.While.create([x], [T], {}, [])
    error = broken(Module.of([function([op, func.Return([op.result])], [x])]))
    assert error.constraint == "regions"


def test_a_malformed_op_is_an_error_of_the_op() -> None:
    x = Value(T)
    op = hlo.Slice.create(
        [x], [T], {k: DenseArrayAttr(i64, ()) for k in ("start_indices", "limit_indices", "strides")}
    )
    error = broken(Module.of([function([op, func.Return([op.result])], [x])]))
    assert "stablehlo.slice" in error.message


BLOCKS = """
"func.func"() <{{function_type = (i1) -> (), sym_name = "main"}}> ({{
^bb0(%c: i1):
  "test.branch"(%c)[^left, ^right] : (i1) -> ()
^left:
  %x = "test.make"() : () -> i32
  "test.jump"()[^joined] : () -> ()
^right:
  {right}
  "test.jump"()[^joined] : () -> ()
^joined:
  {joined}
  "test.end"() : () -> ()
}}) : () -> ()
"""


def test_a_value_of_a_block_that_may_not_have_run() -> None:
    parse(BLOCKS.format(right='"test.use"(%c) : (i1) -> ()', joined='"test.use"(%c) : (i1) -> ()'))
    for right, joined in (('"test.use"(%x) : (i32) -> ()', ""), ("", '"test.use"(%x) : (i32) -> ()')):
        with pytest.raises(VerifyError, match="dominance"):
            parse(BLOCKS.format(right=right, joined=joined))

"""`gradient` on a recorded list of ops, and what a caller relies on: residuals, dependence, locations,
errors."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from autodiff_harness import program_for

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError, UnsupportedError
from irc.interpreter import interpret
from irc.ir.attributes import ArrayAttr, DictionaryAttr, StringAttr
from irc.ir.builder import Builder
from irc.ir.locations import FileLineCol, FusedLoc
from irc.ir.operation import Block, Value
from irc.ir.types import TensorType, f64
from irc.passes.autodiff import gradient, jvp, residuals, value_and_grad
from irc.passes.expression import Expr, Scope, exp, reduce_sum, sin

VECTOR = TensorType((3,), f64)
X = np.array([0.5, -1.0, 2.0])


class Recorded:
    """loss = sum(sin(exp(x)) * y), op by op, as a frontend records it; `z` is used by nothing."""

    def __init__(self) -> None:
        self.arguments = [Value(VECTOR, None, i) for i in range(3)]
        self.forward = Builder()
        x, y, _ = map(Scope(self.forward).of, self.arguments)
        self.forward.location = FileLineCol("net.py", 3, 1)
        self.inner = exp(x)
        self.forward.location = FileLineCol("net.py", 4, 1)
        self.product = sin(self.inner) * y
        self.loss = reduce_sum(self.product, (0,))
        self.reverse = Builder()

    def gradient(self, outputs: list[Value], wrt: list[Value]) -> list[Value | None]:
        scope = Scope(self.reverse)
        seeds = [scope.constant(1, o.type).value for o in outputs]
        return gradient(self.reverse, outputs, seeds, wrt, self.forward.operations)

    def run(self, results: list[Value]) -> list[np.ndarray]:
        operations = [*self.forward.operations, *self.reverse.operations, func.Return(results)]
        return interpret(Module.of([Func.of("main", Block(self.arguments, operations))]), X, X * 2, X)


def test_inputs_and_intermediate_values() -> None:
    r = Recorded()
    x, y, z = r.arguments
    wrt = [x, r.inner.value, y, z, r.loss.value]
    found = r.gradient([r.loss.value], wrt)
    assert found[3] is None
    gx, g_inner, gy, g_loss = r.run([v for v in found if v is not None])
    np.testing.assert_allclose(g_inner, np.cos(np.exp(X)) * X * 2)
    np.testing.assert_allclose(gx, g_inner * np.exp(X))
    np.testing.assert_allclose(gy, np.sin(np.exp(X)))
    assert g_loss == 1


def test_several_outputs_add_up() -> None:
    r = Recorded()
    (g,) = r.gradient([r.loss.value, r.inner.value], [r.arguments[0]])
    assert g is not None
    np.testing.assert_allclose(*r.run([g]), np.exp(X) * (np.cos(np.exp(X)) * X * 2 + 1))


def test_residuals_are_what_the_reverse_reads_of_the_forward() -> None:
    r = Recorded()
    r.gradient([r.loss.value], [r.arguments[0]])
    assert residuals(r.reverse.operations, r.forward.operations) == [r.inner.value]
    again = Recorded()
    again.gradient([again.loss.value], [again.arguments[1]])
    sine = again.product.op.operands[0]
    assert residuals(again.reverse.operations, again.forward.operations) == [sine]


def test_only_the_gradients_asked_for_are_made() -> None:
    r = Recorded()
    r.gradient([r.loss.value], [r.arguments[1]])
    assert [op.name for op in r.reverse.operations] == [
        "stablehlo.constant",
        "stablehlo.broadcast_in_dim",
        "stablehlo.multiply",
    ]


def test_nothing_is_made_where_nothing_depends() -> None:
    r = Recorded()
    r.gradient([r.inner.value], [r.arguments[1]])
    assert [op.name for op in r.reverse.operations] == ["stablehlo.constant"]


def test_each_op_points_at_the_line_it_came_from() -> None:
    r = Recorded()
    r.gradient([r.loss.value], [r.arguments[0]])
    locations = [op.location for op in r.reverse.operations[1:]]
    assert all(isinstance(loc, FusedLoc) and loc.metadata == '"grad of"' for loc in locations)
    assert [loc.locations[0].line for loc in locations] == [4, 4, 4, 4, 3]


def test_the_gradient_of_an_argument_nothing_depends_on_is_zeros() -> None:
    module = program_for(lambda x, y: reduce_sum(x, (0,)), [X, X])
    np.testing.assert_array_equal(interpret(value_and_grad(module), X, X)[2], [0, 0, 0])


def test_attributes_of_arguments_and_results_stay() -> None:
    main = program_for(lambda x: reduce_sum(x * x, (0,)), [X]).symbols["main"]
    named = DictionaryAttr((("irc.name", StringAttr("loss")),))
    main = main.with_attributes(res_attrs=ArrayAttr((named,)), arg_attrs=ArrayAttr((named,)))
    after = value_and_grad(Module.of([main])).symbols["main"]
    assert after.result_attribute(0, "irc.name") == StringAttr("loss")
    assert after.result_attribute(1, "irc.name") is None
    assert after.argument_attribute(0, "irc.name") == StringAttr("loss")


def test_what_has_no_gradient_is_said_at_once() -> None:
    module = program_for(lambda x, i: x * 2, [X, np.zeros(3, np.int32)])
    with pytest.raises(IrcError, match="result 0, a tensor<3xf64>, which is not a floating-point scalar"):
        value_and_grad(module)
    scalar = program_for(lambda x, i: reduce_sum(x, (0,)), [X, np.zeros(3, np.int32)])
    with pytest.raises(IrcError, match="argument 1, a tensor<3xi32>"):
        value_and_grad(scalar, wrt=[1])
    with pytest.raises(IrcError, match="argument 7 is asked for; @main has 2"):
        value_and_grad(scalar, wrt=[7])
    with pytest.raises(IrcError, match="no function @other"):
        value_and_grad(scalar, entry="other")
    assert len(value_and_grad(scalar).symbols["main"].returned) == 2


def test_a_call_of_nothing_is_refused() -> None:
    def body(x: Expr) -> Expr:
        made = func.Call([x.value], callee="elsewhere", result_types=[x.type])
        return reduce_sum(x.scope.emit(made), (0,))

    with pytest.raises(UnsupportedError, match=r"@elsewhere.*call-vjp"):
        value_and_grad(program_for(body, [X]))


def test_an_unknown_extent_is_refused_where_it_matters() -> None:
    arguments = [Value(TensorType((None,), f64), None, 0)]
    builder = Builder(FileLineCol("net.py", 5, 2))
    x = Scope(builder).of(arguments[0])
    scalar = TensorType((), f64)

    def before(b: Builder, p: Value, q: Value) -> None:
        b.emit(hlo.Return([b.emit(hlo.Compare(p, q, comparison_direction="LT", compare_type="FLOAT"))]))

    region = builder.region([scalar, scalar], before)
    ordered = x.scope.emit(hlo.Sort([x.value], dimension=0, regions=[region]))
    builder.emit(func.Return([reduce_sum(ordered * ordered, (0,)).value]))
    with pytest.raises(UnsupportedError, match="extents") as refusal:
        value_and_grad(Module.of([Func.of("main", Block(arguments, builder.operations))]))
    assert refusal.value.line == 5


def test_forward_mode_of_chosen_arguments() -> None:
    module = jvp(program_for(lambda x, y: x * sin(y), [X, X]), wrt=[1])
    assert len(module.symbols["main"].arguments) == 3
    np.testing.assert_allclose(interpret(module, X, X, np.ones(3))[1], X * np.cos(X))


PRINTED = """
import numpy as np
import irc.dialects
from irc.dialects.builtin import print_module
from irc.ir.types import TensorType, f64
from test_gradient_control import rnn
from autodiff_harness import program_for
from irc.passes.autodiff import vjp
print(print_module(vjp(vjp(program_for(rnn, [np.ones((4, 3)), np.ones(3), np.ones((3, 3))])))))
"""


def test_the_text_does_not_depend_on_hashes() -> None:
    here = os.path.dirname(__file__)
    texts = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": here}
        command = [sys.executable, "-c", PRINTED]
        texts.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert texts[0] == texts[1] and "stablehlo.while" in texts[0]

"""A recorded loop, branch or sort whose gradient is taken runs once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from autodiff_harness import program_for
from test_gradient_control import branch, loop, rnn
from test_gradient_indexing import sort

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.interpreter import interpret
from irc.ir.operation import Value
from irc.passes.autodiff import gradient
from irc.passes.expression import Expr, exp, reduce_sum, sin, tanh
from irc.passes.manager import run_pipeline

RNG = np.random.default_rng(41)
X = RNG.standard_normal(3)


def recorded(body: Callable[..., Any], *arrays: np.ndarray) -> Module:
    """`body`, its sum, and the gradient taken of the recorded ops."""

    def main(*arguments: Expr) -> Sequence[Expr]:
        made = body(*arguments)
        results = [made] if isinstance(made, Expr) else list(made)
        loss = reduce_sum(results[0], range(results[0].rank))
        scope, wrt = loss.scope, [a.value for a in arguments if a.element is loss.element]
        one = scope.constant(1, loss.type).value
        forward = list(scope.builder.operations)
        found = gradient(scope.builder, [loss.value], [one], wrt, forward)
        return [loss, *results, *(scope.of(g) for g in found if isinstance(g, Value))]

    return program_for(main, list(arrays))


def count(module: Module, cls: type) -> int:
    return sum(isinstance(op, cls) for op in module.symbols["main"].block.operations)


def in_a_branch(x: Expr, p: Expr) -> Sequence[Expr]:
    return branch(p, lambda s: [sin(tanh(s.of(x.value)))], lambda s: [exp(s.of(x.value))])


def in_a_loop(x: Expr, y: Expr) -> Sequence[Expr]:
    return loop([x * 2], lambda i, a: [sin(a) * a.scope.of(y.value)])


PROGRAMS = [
    (hlo.While, rnn, (RNG.standard_normal((4, 3)), X, RNG.standard_normal((3, 3)))),
    (hlo.While, in_a_loop, (X, X + 1)),
    (hlo.If, in_a_branch, (X, np.array(True))),
    (hlo.Sort, lambda x, y: sort(0, x * y, y), (X, X + 1)),
]


@pytest.mark.parametrize("cls, body, arrays", PROGRAMS, ids=["scan", "loop", "branch", "sort"])
def test_the_forward_runs_once(cls: type, body: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> None:
    module = recorded(body, *arrays)
    after = run_pipeline(module, "subsume")
    after.verify()
    assert count(after, cls) == count(module, cls) - 1
    for got, want in zip(interpret(after, *arrays), interpret(module, *arrays), strict=True):
        np.testing.assert_array_equal(got, want)


def test_what_differs_stays() -> None:
    def twice(x: Expr, y: Expr) -> Sequence[Expr]:
        (a,) = loop([x], lambda i, a: [sin(a)])
        b, c = loop([x, y], lambda i, a, b: [tanh(a), b * a])
        (d, e) = loop([x, a], lambda i, a, b: [sin(a), b * a])
        return a, b, c, d, e

    module = program_for(twice, [X, X])
    assert run_pipeline(module, "subsume") is module


def test_what_reads_the_first_cannot_take_its_place() -> None:
    def twice(x: Expr) -> Sequence[Expr]:
        (a,) = loop([x], lambda i, a: [sin(a)])
        start = a * 2
        return loop([x, start], lambda i, a, b: [sin(a), b * a])

    module = program_for(lambda x: [twice(x)[1]], [X])
    assert run_pipeline(module, "subsume") is module

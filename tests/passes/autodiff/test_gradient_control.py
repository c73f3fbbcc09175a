"""Branches, counted loops and calls, nested in each other; what is kept between forward and reverse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from autodiff_harness import check, check_module, program_for

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import TensorType, f64, i32, i64
from irc.passes.autodiff import jvp, loops, value_and_grad, vjp
from irc.passes.expression import (
    Expr,
    Scope,
    dynamic_slice,
    dynamic_update_slice,
    exp,
    reduce_sum,
    reshape,
    sin,
    tanh,
)

RNG = np.random.default_rng(13)
X = RNG.standard_normal(3)
Y = RNG.standard_normal(3)
COUNTER = TensorType((), i32)


def scalar(x: Expr, value: int) -> Expr:
    return x.scope.constant(value, COUNTER)


def loop(
    starts: Sequence[Expr],
    body: Callable[..., Sequence[Expr]],
    start: int = 0,
    stop: int = 4,
    step: int = 1,
    test: str = "LT",
) -> tuple[Expr, ...]:
    """`for i in range(start, stop, step)`; `body(i, *values)` returns the next values."""
    scope = starts[0].scope
    first = scope.constant(start, COUNTER)
    types = [COUNTER, *(v.type for v in starts)]

    def condition(b: Builder, i: Value, *_: Value) -> None:
        inner = Scope(b)
        compared = hlo.Compare(
            i, inner.constant(stop, COUNTER).value, comparison_direction=test, compare_type="SIGNED"
        )
        b.emit(hlo.Return([b.emit(compared)]))

    def iteration(b: Builder, i: Value, *values: Value) -> None:
        inner = Scope(b)
        after = body(inner.of(i), *map(inner.of, values))
        b.emit(hlo.Return([(inner.of(i) + step).value, *(v.value for v in after)]))

    builder = scope.builder
    made = hlo.While(
        [first.value, *(v.value for v in starts)],
        regions=[builder.region(types, condition), builder.region(types, iteration)],
    )
    builder.emit(made)
    return tuple(map(scope.of, made.results[1:]))


def branch(predicate: Expr, *branches: Callable[[Scope], Sequence[Expr]]) -> tuple[Expr, ...]:
    """`if` for a truth value, `case` for an integer; each branch makes its ops in the scope it is given."""
    builder = predicate.scope.builder

    def region(make: Callable[[Scope], Sequence[Expr]]) -> Any:
        return builder.region([], lambda b: b.emit(hlo.Return([v.value for v in make(Scope(b))])) and None)

    cls = hlo.Case if predicate.element is i32 else hlo.If
    made = cls(predicate.value, regions=[region(make) for make in branches])
    builder.emit(made)
    return tuple(map(predicate.scope.of, made.results))


def within(scope: Scope, *values: Expr) -> tuple[Expr, ...]:
    """Values from outside, read in an inner scope."""
    return tuple(scope.of(v.value) for v in values)


def count(module: Module, cls: type) -> int:
    return sum(isinstance(op, cls) for op in module.walk())


@pytest.mark.parametrize("holds", [True, False])
def test_if(holds: bool) -> None:
    def body(x: Expr, y: Expr, p: Expr) -> Sequence[Expr]:
        def yes(scope: Scope) -> Sequence[Expr]:
            a, b = within(scope, x, y)
            return sin(a * b) * a, a

        def no(scope: Scope) -> Sequence[Expr]:
            (b,) = within(scope, y)
            return exp(b), scope.constant(2.0, b.type)

        u, v = branch(p, yes, no)
        return [u * v * x]

    check(body, X, Y, np.array(holds))


@pytest.mark.parametrize("index", [0, 1, 2, 7])
def test_case(index: int) -> None:
    def body(x: Expr, i: Expr) -> Sequence[Expr]:
        y = tanh(x)
        branches = [
            lambda s: [sin(s.of(y.value)) * s.of(x.value)],
            lambda s: [s.of(y.value)],
            lambda s: [exp(sin(s.of(x.value)))],
        ]
        return branch(i, *branches)

    check(body, X, np.array(index, np.int32))


def test_a_branch_returns_only_what_the_reverse_reads() -> None:
    def body(x: Expr, p: Expr) -> Sequence[Expr]:
        return branch(p, lambda s: [sin(tanh(s.of(x.value)))], lambda s: [s.of(x.value) * 2])

    module = vjp(program_for(body, [X, np.array(True)]))
    forward = next(op for op in module.walk() if isinstance(op, hlo.If))
    assert len(forward.results) == 2  # the result, and tanh: cos reads it, and its own slope does
    assert count(module, hlo.If) == 2


@pytest.mark.parametrize(
    "start, stop, step, test",
    [
        (0, 4, 1, "LT"),
        (3, 10, 2, "LT"),
        (1, 4, 1, "LE"),
        (5, 0, -2, "GT"),
        (4, 1, -1, "GE"),
        (2, 8, 3, "NE"),
        (0, 1, 1, "LT"),
    ],
)
def test_loops_count_as_they_say(start: int, stop: int, step: int, test: str) -> None:
    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        return loop([x], lambda i, a: [sin(a) * a.scope.of(y.value)], start, stop, step, test)

    check(body, X, Y, tolerance=1e-5)


def test_a_loop_that_never_runs() -> None:
    check(lambda x: loop([x], lambda i, a: [sin(a)], 0, 0), X)


def test_the_counter_is_recomputed() -> None:
    def body(x: Expr) -> Sequence[Expr]:
        def iteration(i: Expr, a: Expr) -> Sequence[Expr]:
            n = i.scope.emit(hlo.Convert(i.value, result_types=[TensorType((), f64)]))
            return [
                a * i.scope.emit(hlo.BroadcastInDim(n.value, broadcast_dimensions=(), result_types=[a.type]))
            ]

        return loop([x], iteration, 3, 12, 4)

    module = check(body, X)
    assert len(next(op for op in module.walk() if isinstance(op, hlo.While)).results) == 2


def rnn(xs: Expr, h: Expr, w: Expr) -> Sequence[Expr]:
    """A scan as frontends make it: inputs sliced, outputs written by the counter, weights carried."""
    trips = xs.shape[0]
    outputs = xs.scope.constant(0, xs.type)

    def iteration(i: Expr, h: Expr, xs: Expr, w: Expr, out: Expr) -> Sequence[Expr]:
        zero = scalar(i, 0)
        x = reshape(dynamic_slice(xs, [i, zero], (1, xs.shape[1])), (xs.shape[1],))
        numbers = hlo.DotDimensionNumbers(lhs_contracting_dimensions=(0,), rhs_contracting_dimensions=(0,))
        h = tanh(x + h.scope.emit(hlo.DotGeneral(h.value, w.value, dot_dimension_numbers=numbers)))
        return h, xs, w, dynamic_update_slice(out, reshape(h, (1, h.shape[0])), [i, zero])

    h, _, _, out = loop([h, xs, w, outputs], iteration, 0, trips)
    return h, out


def test_a_recurrent_network() -> None:
    check(rnn, RNG.standard_normal((4, 3)), X, RNG.standard_normal((3, 3)), tolerance=1e-5)


def test_a_scan_keeps_one_stack_and_slices_its_inputs_again() -> None:
    module = vjp(program_for(rnn, [np.ones((4, 3)), X, np.ones((3, 3))]))
    forward, reverse = (op for op in module.walk() if isinstance(op, hlo.While))
    stacks = [t for t in forward.result_types if t.shape[:1] == (4,)]
    # inputs, outputs, and the hidden state before and after each step
    assert [t.shape for t in stacks] == [(4, 3)] * 4
    assert len(reverse.body.arguments) < len(forward.body.arguments)


def test_nested_loops() -> None:
    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        def outer(i: Expr, a: Expr) -> Sequence[Expr]:
            b, _ = loop([a, sin(a)], lambda j, u, v: [u * v.scope.of(y.value), v + sin(u)], 0, 3)
            return [tanh(b) * a]

        return loop([x], outer, 0, 2)

    check(body, X, Y, tolerance=1e-5)


def test_a_branch_in_a_loop_and_a_loop_in_a_branch() -> None:
    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        def iteration(i: Expr, a: Expr) -> Sequence[Expr]:
            def odd(scope: Scope) -> Sequence[Expr]:
                (b,) = within(scope, a)
                return loop([b], lambda j, u: [u * sin(u.scope.of(y.value))], 0, 2)

            return branch(i > 1, odd, lambda s: [exp(sin(s.of(a.value)))])

        return loop([x], iteration, 0, 3)

    check(body, X, Y, tolerance=1e-5)


def test_an_inner_gradient_with_respect_to_what_is_captured() -> None:
    """Captured values and those carried unchanged collect cotangents over all iterations."""

    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        def iteration(i: Expr, a: Expr, z: Expr) -> Sequence[Expr]:
            return [a + z * a.scope.of(x.value), z]

        return loop([y, x], iteration, 0, 5)

    check(body, X, Y)


def test_sort_in_a_loop_is_replaced_inside() -> None:
    def body(x: Expr) -> Sequence[Expr]:
        def iteration(i: Expr, a: Expr) -> Sequence[Expr]:
            types = [TensorType((), f64)] * 2

            def before(b: Builder, p: Value, q: Value) -> None:
                b.emit(
                    hlo.Return([b.emit(hlo.Compare(p, q, comparison_direction="LT", compare_type="FLOAT"))])
                )

            region = a.scope.builder.region(types, before)
            return [sin(a.scope.emit(hlo.Sort([a.value], dimension=0, regions=[region]))) * a]

        return loop([x], iteration, 0, 3)

    check(body, X, order=1)


def until_large(x: Expr, body: Callable[..., Expr], limit: float = 50.0) -> Expr:
    """Repeats `body` until the sum of squares is above `limit`."""
    scope = x.scope

    def small(b: Builder, a: Value) -> None:
        b.emit(hlo.Return([(reduce_sum(Scope(b).of(a) * Scope(b).of(a), (0,)) < limit).value]))

    def once(b: Builder, a: Value) -> None:
        b.emit(hlo.Return([body(Scope(b).of(a)).value]))

    regions = [scope.builder.region([x.type], small), scope.builder.region([x.type], once)]
    return scope.emit(hlo.While([x.value], regions=regions))


@pytest.mark.parametrize("room", [1, 2, 3, 1000])
def test_a_loop_of_unknown_length(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven iterations, with room for `room` of their states."""
    monkeypatch.setattr(loops, "CHECKPOINT_BYTES", room * 24)

    def body(x: Expr, y: Expr) -> Expr:
        return until_large(x, lambda a: a * (sin(a.scope.of(y.value)) + 1.5))

    x, y = np.array([0.3, -0.2, 0.4]), np.array([0.3, 0.6, 0.2])
    check(body, x, y, tolerance=1e-5)


def test_an_unknown_length_inside_a_known_one_and_none_at_all() -> None:
    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        def iteration(i: Expr, a: Expr) -> Sequence[Expr]:
            return [sin(until_large(a, lambda b: b * 2 + b.scope.of(y.value), 5.0))]

        return loop([x], iteration, 0, 2)

    check(body, np.array([0.3, -0.2, 0.4]), np.array([0.3, 0.6, 0.2]), tolerance=1e-5)
    check(lambda x: until_large(x * 100, lambda a: a * 2), X, order=1)


def test_a_loop_without_derivatives_is_left_alone() -> None:
    def body(x: Expr) -> Sequence[Expr]:
        start = x.scope.constant(1, TensorType((), i64))

        def small(b: Builder, n: Value) -> None:
            b.emit(hlo.Return([(Scope(b).of(n) < 100).value]))

        def double(b: Builder, n: Value) -> None:
            b.emit(hlo.Return([(Scope(b).of(n) * 2).value]))

        builder = x.scope.builder
        regions = [builder.region([start.type], small), builder.region([start.type], double)]
        n = x.scope.emit(hlo.While([start.value], regions=regions))
        wide = x.scope.emit(hlo.Convert(n.value, result_types=[TensorType((), f64)]))
        return [
            sin(x)
            * x.scope.emit(hlo.BroadcastInDim(wide.value, broadcast_dimensions=(), result_types=[x.type]))
        ]

    module = check(body, X, order=1, tolerance=1e-4)
    assert count(module, hlo.While) == 1


def function(
    name: str, body: Callable[..., Sequence[Expr]], *types: TensorType, visibility: str | None = None
) -> Func:
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    builder = Builder()
    results = body(*map(Scope(builder).of, arguments))
    builder.emit(func.Return([r.value for r in results]))
    return Func.of(name, Block(arguments, builder.operations), visibility=visibility)


def call(name: str, type: TensorType, *operands: Expr) -> Expr:
    scope = operands[0].scope
    return scope.emit(func.Call([o.value for o in operands], callee=name, result_types=[type]))


def test_calls_in_a_loop_and_in_each_other() -> None:
    type = TensorType((3,), f64)
    inner = function("inner", lambda x: [sin(x) * x], type, visibility="private")
    outer = function("outer", lambda x, y: [call("inner", type, x * y) + x], type, type, visibility="private")

    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        return loop(
            [call("outer", type, x, y)], lambda i, a: [call("outer", type, a, a.scope.of(y.value))], 0, 2
        )

    main = function("main", body, type, type)
    check_module(Module.of([main, outer, inner]), [X, Y], tolerance=1e-5)


def test_an_optimization_barrier_keeps_both_sides_apart() -> None:
    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        a, b = x.scope.emit(hlo.OptimizationBarrier([sin(x).value, y.value]))
        return [a * b]

    module = check(body, X, Y)
    assert count(module, hlo.OptimizationBarrier) == 2


def test_tangents_of_a_scan_need_no_stacks() -> None:
    module = jvp(program_for(rnn, [np.ones((4, 3)), X, np.ones((3, 3))]))
    (made,) = (op for op in module.walk() if isinstance(op, hlo.While))
    assert len(made.results) == 5 + 4  # the counter does not move


def test_value_and_grad_of_a_scan_as_in_jax() -> None:
    jax = pytest.importorskip("jax")

    def ours(xs: Expr, h: Expr, w: Expr) -> Sequence[Expr]:
        h, out = rnn(xs, h, w)
        return [reduce_sum(out * out, (0, 1)) + reduce_sum(h, (0,))]

    def theirs(xs, h, w):  # type: ignore[no-untyped-def]
        def step(h, x):  # type: ignore[no-untyped-def]
            h = jax.numpy.tanh(x + h @ w)
            return h, h

        h, out = jax.lax.scan(step, h, xs)
        return (out * out).sum() + h.sum()

    arrays = [RNG.standard_normal(s).astype(np.float32) for s in ((6, 3), (3,), (3, 3))]
    value, *gradients = interpret(value_and_grad(program_for(ours, arrays)), *arrays)
    wanted, wanted_gradients = jax.value_and_grad(theirs, (0, 1, 2))(*arrays)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    for got, want in zip(gradients, wanted_gradients, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

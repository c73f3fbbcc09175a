"""Special functions as compiled code computes them, against the reference's own ways, and at their edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from irc.dialects import chlo, special
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.driver import compile_module
from irc.ir.builder import Builder
from irc.ir.operation import Operation, Value
from irc.ir.types import tensor_of

Array = np.ndarray[Any, Any]
INF, NAN = np.inf, np.nan


def compiled(op: type[Operation], *inputs: Array) -> Array:
    def body(b: Builder, *arguments: Value) -> None:
        b.emit(Return([b.emit(op(*arguments))]))

    region = Builder().region([tensor_of(x) for x in inputs], body)
    return np.asarray(compile_module(Module.of([Func.of("main", region.block)]))(*inputs)[0])


def spread(low: float, high: float) -> Array:
    return np.random.default_rng(5).uniform(low, high, 400)


RANGES: list[tuple[type[Operation], Callable[..., Array], Array]] = [
    (chlo.Lgamma, special.lgamma, np.concatenate([spread(-9.4, 14), spread(0, 3), spread(10, 1e6)])),
    (chlo.Digamma, special.digamma, np.concatenate([spread(-9.4, 14), spread(0, 2), spread(10, 1e6)])),
    (
        chlo.BesselI1e,
        special.bessel_i1e,
        np.concatenate([spread(-20, 20), spread(7.9, 8.1), spread(10, 1e6)]),
    ),
]


@pytest.mark.parametrize(("op", "exact", "x"), RANGES, ids=lambda v: getattr(v, "name", None))
def test_function_of_one_number(op: type[Operation], exact: Callable[..., Array], x: Array) -> None:
    # Where a function crosses 0 its error is that of the numbers it is the difference of.
    np.testing.assert_allclose(compiled(op, x), exact(x), rtol=2e-13, atol=4e-14)
    narrow = x.astype(np.float32)
    wide = np.asarray(exact(narrow.astype(np.float64)))
    np.testing.assert_allclose(compiled(op, narrow), wide.astype(np.float32), rtol=2e-7, atol=1e-12)


def test_lgamma_is_exact_about_its_zeros() -> None:
    x = np.array([0.9921875, 1.0009765625, 1.99609375, 2.0009765625])
    exact = [0.004559888861804559, -0.0005629031799912047, -0.0016465768332272093, 0.00041318279306425424]
    np.testing.assert_allclose(compiled(chlo.Lgamma, x), exact, rtol=1e-15)
    np.testing.assert_allclose(special.lgamma(x), exact, rtol=1e-15)


@pytest.mark.parametrize("order", [1.5, 2.0, 3.0, 8.25])
def test_zeta(order: float) -> None:
    q = spread(0.1, 30)
    x = np.full_like(q, order)
    np.testing.assert_allclose(compiled(chlo.Zeta, x, q), special.zeta(x, q), rtol=1e-13)


@pytest.mark.parametrize("order", [0.0, 1.0, 2.0, 5.0])
def test_polygamma(order: float) -> None:
    x = spread(0.1, 30)
    n = np.full_like(x, order)
    np.testing.assert_allclose(
        compiled(chlo.Polygamma, n, x), special.polygamma(n, x), rtol=1e-12, atol=1e-13
    )


EDGES: dict[Any, list[tuple[tuple[float, ...], float]]] = {
    chlo.Lgamma: [
        ((0,), INF),
        ((-3,), INF),
        ((INF,), INF),
        ((-INF,), INF),
        ((1,), 0),
        ((2,), 0),
        ((NAN,), NAN),
    ],
    chlo.Digamma: [((0,), NAN), ((-3,), NAN), ((INF,), INF), ((-INF,), NAN), ((NAN,), NAN)],
    chlo.BesselI1e: [((0,), 0), ((INF,), 0), ((NAN,), NAN)],
    chlo.Zeta: [
        ((1, 2), INF),
        ((0.5, 2), NAN),
        ((2, INF), 0),
        ((INF, 1), 1),
        ((INF, 2), 0),
        ((2, -1), INF),
        ((3, -1), NAN),
        ((2.5, -0.5), NAN),
        ((NAN, 1), NAN),
    ],
    chlo.Polygamma: [((-1, 2), NAN), ((0.5, 2), NAN), ((0, -1), NAN), ((1, NAN), NAN)],
}


@pytest.mark.parametrize("op", EDGES, ids=lambda op: op.name)
def test_edges(op: type[Operation]) -> None:
    inputs = [np.array(column, np.float64) for column in zip(*(x for x, _ in EDGES[op]), strict=True)]
    np.testing.assert_array_equal(compiled(op, *inputs), [y for _, y in EDGES[op]])

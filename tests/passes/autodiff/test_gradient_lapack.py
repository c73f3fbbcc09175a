"""Custom calls to LAPACK: gradients against finite differences, and through each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiff_harness import check, program_for

from irc.dialects import stablehlo as hlo
from irc.driver import compile_module
from irc.errors import UnsupportedError
from irc.ir.attributes import DictionaryAttr, IntegerAttr
from irc.ir.types import ComplexType, TensorType, f64, i32, ui8
from irc.passes.autodiff import vjp
from irc.passes.expression import Expr

RNG = np.random.default_rng(41)
A = RNG.standard_normal((2, 3, 3)) + 2 * np.eye(3)
TALL = RNG.standard_normal((4, 3))
DEFINITE = A @ A.swapaxes(-1, -2) + 2 * np.eye(3)


def call(routine: str, operands: list[Expr], results: list[tuple[Any, ...]], **given: str) -> Any:
    """`custom_call @lapack_d..._ffi`; results are shapes, of f64, or (shape, element)."""
    config = DictionaryAttr(tuple((k, IntegerAttr(ord(v), ui8)) for k, v in sorted(given.items())))
    types = [
        TensorType(r[0], r[1]) if len(r) == 2 and isinstance(r[0], tuple) else TensorType(r, f64)
        for r in results
    ]
    return operands[0].scope.emit(
        hlo.CustomCall(
            [o.value for o in operands],
            call_target_name=f"lapack_d{routine}_ffi",
            result_types=types,
            attributes={"mhlo.backend_config": config},
        )
    )


def status(x: Any) -> tuple[Any, ...]:
    return (tuple(x.shape[:-2]), i32)


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_potrf_and_the_triangle_it_copies(uplo: str) -> None:
    check(lambda a: call("potrf", [a], [a.shape, status(a)], uplo=uplo)[0], DEFINITE, tolerance=1e-5)


@pytest.mark.parametrize("side, uplo, trans, diag", [("L", "L", "N", "N"), ("R", "U", "T", "U")])
def test_trsm(side: str, uplo: str, trans: str, diag: str) -> None:
    def body(a: Expr, b: Expr) -> Expr:
        return call("trsm", [a, b], [b.shape], side=side, uplo=uplo, trans_x=trans, diag=diag)

    b = RNG.standard_normal((2, 3, 2) if side == "L" else (2, 2, 3))
    check(body, A, b, tolerance=1e-5)


@pytest.mark.parametrize("matrix", [A, TALL, TALL.T], ids=["square", "tall", "wide"])
def test_getrf(matrix: np.ndarray) -> None:
    def body(a: Expr) -> Expr:
        pivots = ((*a.shape[:-2], min(a.shape[-2:])), i32)
        return call("getrf", [a], [a.shape, pivots, status(a)])[0]

    check(body, matrix, tolerance=1e-4, step=1e-6)


def reflections(a: Expr) -> list[Expr]:
    packed, factors = call("geqrf", [a], [a.shape, (3,)])
    return [packed, call("orgqr", [packed, factors], [a.shape])]


def test_geqrf_and_orgqr() -> None:
    """Their gradient runs the loops that code is generated for; the reference calls another implementation."""
    check(reflections, TALL, order=1, same_bits=False)


def test_compiled_results_keep_their_bits() -> None:
    module = program_for(reflections, [TALL])
    before = compile_module(module)(TALL)
    after = compile_module(vjp(module))(TALL, np.ones((4, 3)), np.ones((4, 3)))
    for x, y in zip(before, after, strict=False):
        np.testing.assert_array_equal(x, y)


def test_syevd() -> None:
    def body(a: Expr) -> Any:
        return call("syevd", [a], [a.shape, a.shape[:-1], status(a)], mode="V", uplo="L")[:2]

    check(body, DEFINITE, tolerance=1e-5)


@pytest.mark.parametrize("matrix", [A[0], TALL, TALL.T], ids=["square", "tall", "wide"])
@pytest.mark.parametrize("mode", ["S", "N"])
def test_gesdd(matrix: np.ndarray, mode: str) -> None:
    def body(a: Expr) -> Any:
        m, n = a.shape
        k = min(m, n)
        vectors = [(m, k), (k, n)] if mode == "S" else [(m, m), (n, n)]
        return call("gesdd", [a], [(m, n), (k,), *vectors, status(a)], mode=mode)[1 : 4 if mode == "S" else 2]

    check(body, matrix, order=1 if mode == "S" else 2, tolerance=1e-5)


def test_geev_values() -> None:
    def body(a: Expr) -> Any:
        vectors = (a.shape, ComplexType(f64))
        made = call(
            *("geev", [a], [a.shape[:-1], a.shape[:-1], vectors, vectors, status(a)]),
            compute_left="N",
            compute_right="N",
        )
        return made[:2]

    turning = np.array([[1.0, 2.0, 0.1], [-2.0, 1.5, 0.3], [0.2, 0.4, 4.0]])
    check(body, turning, order=1)


def test_gtsv() -> None:
    def body(below: Expr, diagonal: Expr, above: Expr, b: Expr) -> Any:
        vector = diagonal.shape
        return call("gtsv", [below, diagonal, above, b], [vector, vector, vector, b.shape, ((), i32)])[3]

    below, above = RNG.standard_normal((2, 4))
    check(body, below, RNG.standard_normal(4) + 4, above, RNG.standard_normal((4, 2)), tolerance=1e-5)


def test_vectors_of_a_general_matrix_are_refused() -> None:
    def body(a: Expr) -> Any:
        vectors = (a.shape, ComplexType(f64))
        return call("geev", [a], [a.shape[:-1], a.shape[:-1], vectors, vectors, status(a)])[3]

    with pytest.raises(UnsupportedError, match="of its values, not of its vectors"):
        vjp(program_for(body, [A[0]]))

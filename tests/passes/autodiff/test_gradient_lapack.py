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
from irc.passes.autodiff.rules.lapack import scaled_columns
from irc.passes.autodiff.rules.linalg import adjoint, matmul
from irc.passes.expression import Expr, convert, imag, make_complex, real

RNG = np.random.default_rng(41)
A = RNG.standard_normal((2, 3, 3)) + 2 * np.eye(3)
TALL = RNG.standard_normal((4, 3))
DEFINITE = A @ A.swapaxes(-1, -2) + 2 * np.eye(3)


def call(
    routine: str, operands: list[Expr], results: list[tuple[Any, ...]], kind: str = "d", **given: str
) -> Any:
    """`custom_call @lapack_d..._ffi`; results are shapes, of f64, or (shape, element)."""
    config = DictionaryAttr(tuple((k, IntegerAttr(ord(v), ui8)) for k, v in sorted(given.items())))
    types = [
        TensorType(r[0], r[1]) if len(r) == 2 and isinstance(r[0], tuple) else TensorType(r, f64)
        for r in results
    ]
    return operands[0].scope.emit(
        hlo.CustomCall(
            [o.value for o in operands],
            call_target_name=f"lapack_{kind}{routine}_ffi",
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


C128 = ComplexType(f64)
PARTS = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3))


def hermitian(x: Expr, y: Expr) -> Expr:
    """(x + iy) (x + iy)^H + 3."""
    z = make_complex(x, y)
    return matmul(z, adjoint(z)) + z.scope.constant(3 * np.eye(3), z.type)


def parts(z: Expr) -> list[Expr]:
    return [real(z), imag(z)]


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_potrf_of_complex_matrices(uplo: str) -> None:
    def body(x: Expr, y: Expr) -> list[Expr]:
        a = hermitian(x, y)
        return parts(call("potrf", [a], [(a.shape, C128), status(a)], "z", uplo=uplo)[0])

    check(body, *PARTS, tolerance=1e-4, order=1)


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_heevd(uplo: str) -> None:
    """The vectors' phases are nobody's: what is checked does not depend on them."""

    def body(x: Expr, y: Expr) -> list[Expr]:
        a = hermitian(x, y)
        v, w, _ = call("heevd", [a], [(a.shape, C128), (3,), status(a)], "z", uplo=uplo)
        return [w, *parts(matmul(scaled_columns(v, convert(w * w * w, C128)), adjoint(v)))]

    check(body, *PARTS, tolerance=1e-3, order=1)


def test_gesdd_of_complex_matrices() -> None:
    def body(x: Expr, y: Expr) -> list[Expr]:
        a = make_complex(x, y)
        square = (a.shape, C128)
        _, s, u, vt, _ = call("gesdd", [a], [square, (3,), square, square, status(a)], "z", mode="S")
        return [s, *parts(matmul(scaled_columns(u, convert(s * s, C128)), vt))]

    check(body, *PARTS, tolerance=1e-4, order=1)


def test_geev_of_complex_matrices() -> None:
    def body(x: Expr, y: Expr) -> list[Expr]:
        a = make_complex(x, y)
        vectors = (a.shape, C128)
        config = {"compute_left": "N", "compute_right": "N"}
        return parts(call("geev", [a], [((3,), C128), vectors, vectors, status(a)], "z", **config)[0])

    check(body, *PARTS, tolerance=1e-4, order=1)

"""Custom calls to LAPACK: compiled loops, and the reference, against what factorizations are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.driver import compile_module
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.ir.attributes import DictionaryAttr, IntegerAttr
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TensorType, element_of, tensor_of, ui8

Array = np.ndarray[Any, Any]
KINDS = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}
RUNS = {"compiled": lambda m, *x: compile_module(m)(*x), "reference": interpret}


def call(how: str, target: str, results: list[tuple[Any, Any]], *inputs: Array, **given: str) -> list[Array]:
    """What `custom_call @target` gives, results being (shape, dtype) pairs."""
    settings = DictionaryAttr(tuple((k, IntegerAttr(ord(v), ui8)) for k, v in sorted(given.items())))
    types = [TensorType(tuple(shape), element_of(dtype)) for shape, dtype in results]

    def body(b: Builder, *arguments: Value) -> None:
        op = S.CustomCall(
            list(arguments),
            call_target_name=target,
            result_types=types,
            attributes={"mhlo.backend_config": settings},
        )
        made = b.emit(op)
        b.emit(Return([made] if isinstance(made, Value) else list(made)))

    region = Builder().region([tensor_of(x) for x in inputs], body)
    return [np.asarray(x) for x in RUNS[how](Module.of([Func.of("main", region.block)]), *inputs)]


def matrices(dtype: Any, *shape: int) -> Array:
    rng = np.random.default_rng([7, *shape])
    made = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        made = made + 1j * rng.standard_normal(shape)
    return made.astype(dtype)


def adjoint(x: Array) -> Array:
    return np.conj(np.swapaxes(x, -1, -2))


def near(found: Array, exact: Array, dtype: Any) -> None:
    scale = max(1.0, float(np.abs(exact).max(initial=0)))
    np.testing.assert_allclose(found, exact, 0, 100 * float(np.finfo(dtype).eps) * scale)


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 3, 4, 4), (1, 1)], ids=str)
def test_lu(how: str, kind: str, shape: tuple[int, ...]) -> None:
    dtype = KINDS[kind]
    a = matrices(dtype, *shape)
    *batch, m, n = shape
    k = min(m, n)
    lu, pivots, info = call(
        how, f"lapack_{kind}getrf_ffi", [(shape, dtype), ((*batch, k), np.int32), (batch, np.int32)], a
    )
    assert not info.any()
    for at in np.ndindex(*batch):
        moved = a[at].copy()
        for j, p in enumerate(pivots[at] - 1):
            assert j <= p < m
            moved[[j, p]] = moved[[p, j]]
        lower, upper = np.tril(lu[at], -1)[:, :k] + np.eye(m, k), np.triu(lu[at])[:k]
        assert np.abs(np.tril(lu[at], -1)).max(initial=0) <= 1.5
        near(lower @ upper, moved, dtype)


@pytest.mark.parametrize("how", RUNS)
def test_lu_of_a_singular_matrix_says_where(how: str) -> None:
    a = np.array([[1.0, 2, 3], [2, 4, 7], [1, 2, 9]])
    results = [((3, 3), np.float64), ((3,), np.int32), ((), np.int32)]
    assert int(call(how, "lapack_dgetrf_ffi", results, a)[2]) == 2


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", "LR")
@pytest.mark.parametrize("uplo", "LU")
@pytest.mark.parametrize("trans", "NTC")
def test_triangular_solve(how: str, kind: str, side: str, uplo: str, trans: str) -> None:
    dtype = KINDS[kind]
    a = matrices(dtype, 2, 3, 3) + 4 * np.eye(3, dtype=dtype)
    b = matrices(dtype, 2, 3, 3)[:, :, :2] if side == "L" else matrices(dtype, 2, 2, 3)
    target = f"lapack_{kind}trsm_ffi"
    (x,) = call(how, target, [(b.shape, dtype)], a, b, side=side, uplo=uplo, trans_x=trans, diag="N")
    matrix = (np.tril if uplo == "L" else np.triu)(a)
    matrix = {"N": matrix, "T": np.swapaxes(matrix, -1, -2), "C": adjoint(matrix)}[trans]
    near(matrix @ x if side == "L" else x @ matrix, b, dtype)


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("uplo", "LU")
def test_cholesky(how: str, kind: str, uplo: str) -> None:
    dtype = KINDS[kind]
    half = matrices(dtype, 2, 4, 4)
    a = half @ adjoint(half) + 4 * np.eye(4, dtype=dtype)
    a[1] -= 100 * np.eye(4, dtype=dtype)
    target = f"lapack_{kind}potrf_ffi"
    made, info = call(how, target, [(a.shape, dtype), ((2,), np.int32)], a, uplo=uplo)
    factor = (np.tril if uplo == "L" else np.triu)(made[0])
    near(factor @ adjoint(factor) if uplo == "L" else adjoint(factor) @ factor, a[0], dtype)
    assert info.tolist() == [0, 1]


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3)], ids=str)
def test_qr(how: str, kind: str, shape: tuple[int, ...]) -> None:
    dtype = KINDS[kind]
    a = matrices(dtype, *shape)
    *batch, m, n = shape
    k = min(m, n)
    packed, factors = call(how, f"lapack_{kind}geqrf_ffi", [(shape, dtype), ((*batch, k), dtype)], a)
    name = "orgqr" if kind in "sd" else "ungqr"
    columns = np.ascontiguousarray(packed[..., :k])
    (q,) = call(how, f"lapack_{kind}{name}_ffi", [((*batch, m, k), dtype)], columns, factors)
    near(adjoint(q) @ q, np.broadcast_to(np.eye(k), (*batch, k, k)), dtype)
    near(q @ np.triu(packed[..., :k, :]), a, dtype)


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("target", ["lapack_dsyevd_ffi", "lapack_zheevd_ffi"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 7, 7)], ids=str)
@pytest.mark.parametrize("uplo", "LU")
def test_eigenvalues(how: str, target: str, shape: tuple[int, ...], uplo: str) -> None:
    dtype = np.complex128 if "z" in target else np.float64
    half = matrices(dtype, *shape)
    a = half + adjoint(half)
    given = (np.tril if uplo == "L" else np.triu)(a)
    results = [(shape, dtype), (shape[:-1], np.float64), (shape[:-2], np.int32)]
    v, w, info = call(how, target, results, given, uplo=uplo, mode="V")
    assert not info.any()
    assert (np.diff(w) >= 0).all()
    near(adjoint(v) @ v, np.broadcast_to(np.eye(shape[-1]), shape), np.float64)
    near(a @ v, v * w[..., None, :], np.float64)


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("kind", "dz")
@pytest.mark.parametrize("mode", "AS")
@pytest.mark.parametrize("rank", ["full", "deficient"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (6, 3), (3, 6), (2, 5, 4)], ids=str)
def test_singular_values(how: str, kind: str, mode: str, rank: str, shape: tuple[int, ...]) -> None:
    dtype = KINDS[kind]
    a = matrices(dtype, *shape)
    *batch, m, n = shape
    k = min(m, n)
    if rank == "deficient":
        a[..., -1, :] = a[..., 0, :]
    left, right = (m, n) if mode == "A" else (k, k)
    shapes = [(*batch, m, left), (*batch, right, n)]
    results = [(shape, dtype), ((*batch, k), np.float64), *((s, dtype) for s in shapes), (batch, np.int32)]
    _, s, u, vt, info = call(how, f"lapack_{kind}gesdd_ffi", results, a, mode=mode)
    assert not info.any()
    assert (np.diff(s) <= 0).all()
    near(adjoint(u) @ u, np.broadcast_to(np.eye(left), (*batch, left, left)), np.float64)
    near(vt @ adjoint(vt), np.broadcast_to(np.eye(right), (*batch, right, right)), np.float64)
    near((u[..., :k] * s[..., None, :]) @ vt[..., :k, :], a, np.float64)


@pytest.mark.parametrize("how", RUNS)
def test_tridiagonal_system(how: str) -> None:
    diagonal, below, above = (matrices(np.float64, 2, 5) + shift for shift in (0, 4, 8))
    b = matrices(np.float64, 2, 5, 3)
    vectors = [((2, 5), np.float64)] * 3
    results = [*vectors, (b.shape, np.float64), ((2,), np.int32)]
    x = call(how, "lapack_dgtsv_ffi", results, below, diagonal, above, b)[3]
    places = np.arange(5)
    matrix = np.zeros((2, 5, 5))
    matrix[:, places, places] = diagonal
    matrix[:, places[1:], places[:-1]] = below[:, 1:]
    matrix[:, places[:-1], places[1:]] = above[:, :-1]
    near(matrix @ x, b, np.float64)


GENERAL = {
    "random": lambda n, dtype: matrices(dtype, n, n),
    "zeros": lambda n, dtype: np.zeros((n, n), dtype),
    "one of many vectors": lambda n, dtype: np.eye(n, dtype=dtype),
    "a triangle with one value": lambda n, dtype: np.triu(np.ones((n, n), dtype)),
    "a turn": lambda n, dtype: np.roll(np.eye(n, dtype=dtype), 1, 0),
    "ones": lambda n, dtype: np.ones((n, n), dtype),
}


@pytest.mark.parametrize(
    ("how", "kind", "what", "shape"),
    [
        ("reference", "d", "random", (4,)),
        *(("compiled", kind, "random", (5,)) for kind in KINDS),
        *(("compiled", "d", what, (6,)) for what in GENERAL),
        *(("compiled", "z", "random", (n,)) for n in (1, 2, 3, 24)),
        ("compiled", "s", "random", (2, 3, 4)),
    ],
)
def test_general_eigenvalues(how: str, kind: str, what: str, shape: tuple[int, ...]) -> None:
    *batch, n = shape
    dtype = KINDS[kind]
    a = matrices(dtype, *batch, n, n) if batch else GENERAL[what](n, dtype)
    wide = np.complex64 if np.finfo(dtype).eps > 1e-10 else np.complex128
    half, whole = ((*batch, n), dtype), ((*batch, n, n), wide)
    halves = [half] if np.dtype(dtype).kind == "c" else [half, half]
    results = [*halves, whole, whole, (tuple(batch), np.int32)]
    *parts, left, right, info = call(how, f"lapack_{kind}geev_ffi", results, a)
    values = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
    assert not info.any()
    near(a @ right, right * values[..., None, :], dtype)
    near(adjoint(left) @ a, values[..., :, None] * adjoint(left), dtype)
    near(np.linalg.norm(right, axis=-2), np.ones((*batch, n)), dtype)
    near(values.sum(-1), np.trace(a, axis1=-2, axis2=-1), dtype)


def test_what_has_no_loops_is_refused_by_name() -> None:
    a = matrices(np.float64, 2, 2)
    with pytest.raises(UnsupportedError, match="custom_call @lapack_dgees_ffi"):
        call("compiled", "lapack_dgees_ffi", [(a.shape, np.float64)], a)

"""What the custom calls to LAPACK mean that JAX's programs contain: matrices in the last two dimensions, any number of
batch dimensions before them; characters among the parameters are those of LAPACK's interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.targets import meaning
from irc.ir.attributes import DictionaryAttr
from irc.ir.operation import Operation


def targets(*routines: str) -> tuple[str, ...]:
    """The names that JAX gives to routines, for each type of number that has them."""
    kinds = {"or": "sd", "un": "cz", "sy": "sd", "he": "cz"}
    return tuple(f"lapack_{k}{r}_ffi" for r in routines for k in kinds.get(r[:2], "sdcz"))


def parameters(op: Operation) -> dict[str, str]:
    """The characters that the call passes: `uplo`, `side`, `diag`, `trans_x`, `mode`."""
    for key in ("mhlo.backend_config", "backend_config"):
        given = op.attributes.get(key)
        if isinstance(given, DictionaryAttr):
            numbers = {k: getattr(v, "value", None) for k, v in given.value}
            return {k: chr(n) for k, n in numbers.items() if isinstance(n, int) and 0 < n < 128}
    return {}


def _wide(a: Array) -> Array:
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)


def _each(function: Callable[..., tuple[Array, ...]], *arrays: Array) -> tuple[Array, ...]:
    """A function of matrices, on every one of a batch."""
    batch = arrays[0].shape[:-2]
    made = [function(*(a[i] for a in arrays)) for i in np.ndindex(batch)]
    return tuple(np.stack(parts).reshape((*batch, *parts[0].shape)) for parts in zip(*made, strict=True))


def _typed(op: Operation, results: tuple[Array, ...]) -> tuple[Array, ...]:
    """Results rounded once to what the op gives."""
    types: list[Any] = [r.type for r in op.results]
    return tuple(
        np.asarray(x).astype(t.element.numpy).reshape(t.static_shape)
        for x, t in zip(results, types, strict=True)
    )


@meaning(*targets("getrf"))
def lu(op: Operation, a: Array) -> tuple[Array, ...]:
    """Factors L and U in one matrix with rows exchanged, the exchanges counted from 1, the first zero pivot or 0."""
    return _typed(op, _each(_lu, _wide(a)))


def _lu(a: Array) -> tuple[Array, ...]:
    a = a.copy()
    m, n = a.shape
    pivots, info = np.zeros(min(m, n), np.int32), np.int32(0)
    for j in range(min(m, n)):
        size = np.abs(a[j:, j].real) + np.abs(a[j:, j].imag)
        best = j + int(np.argmax(size))
        pivots[j] = best + 1
        a[[j, best]] = a[[best, j]]
        if a[j, j] == 0:
            info = info or np.int32(j + 1)
        else:
            a[j + 1 :, j] /= a[j, j]
        a[j + 1 :, j + 1 :] -= np.outer(a[j + 1 :, j], a[j, j + 1 :])
    return a, pivots, np.asarray(info)


@meaning(*targets("potrf"))
def cholesky(op: Operation, a: Array) -> tuple[Array, ...]:
    """A triangular factor in the triangle `uplo`, the rest as it was, and the first minor that is not positive or 0."""
    lower = parameters(op).get("uplo", "L") == "L"

    def one(a: Array) -> tuple[Array, ...]:
        half = np.tril(a) if lower else np.conj(np.triu(a)).T
        whole = half + np.conj(np.tril(half, -1)).T
        for n in range(1, len(a) + 1):
            try:
                np.linalg.cholesky(whole[:n, :n])
            except np.linalg.LinAlgError:
                return np.full_like(a, np.nan), np.asarray(n)
        made = np.linalg.cholesky(whole)
        rest = np.triu(a, 1) if lower else np.tril(a, -1)
        return (made if lower else np.conj(made).T) + rest, np.asarray(0)

    return _typed(op, _each(one, _wide(a)))


@meaning(*targets("trsm"))
def triangular_solve(op: Operation, a: Array, b: Array) -> tuple[Array, ...]:
    """x with op(a) x = b (`side` L) or x op(a) = b."""
    given = parameters(op)
    matrix = (np.tril if given.get("uplo") == "L" else np.triu)(_wide(a))
    if given.get("diag") == "U":
        places = range(a.shape[-1])
        matrix[..., places, places] = 1
    turned = {"T": lambda x: np.swapaxes(x, -1, -2), "C": lambda x: np.conj(np.swapaxes(x, -1, -2))}
    matrix = turned.get(given.get("trans_x", "N"), lambda x: x)(matrix)
    if given.get("side") == "L":
        return _typed(op, (np.linalg.solve(matrix, _wide(b)),))
    solved = np.linalg.solve(np.swapaxes(matrix, -1, -2), np.swapaxes(_wide(b), -1, -2))
    return _typed(op, (np.swapaxes(solved, -1, -2),))


@meaning(*targets("geqrf"))
def qr(op: Operation, a: Array) -> tuple[Array, ...]:
    """R above Householder's vectors, whose first component is 1 and not kept, and their factors."""

    def one(a: Array) -> tuple[Array, ...]:
        packed, factors = np.linalg.qr(a, mode="raw")
        return packed.T, factors

    return _typed(op, _each(one, _wide(a)))


@meaning(*targets("orgqr", "ungqr"))
def householder_product(op: Operation, packed: Array, factors: Array) -> tuple[Array, ...]:
    """The first columns of the product of Householder's reflections."""

    def one(packed: Array, factors: Array) -> tuple[Array, ...]:
        m, n = packed.shape
        made = np.eye(m, n, dtype=packed.dtype)
        for i in reversed(range(factors.shape[-1])):
            v = np.where(np.arange(m) > i, packed[:, i], np.arange(m) == i)
            made = made - factors[0, i] * np.outer(v, np.conj(v) @ made)
        return (made,)

    return _typed(op, _each(one, _wide(packed), _wide(factors)[..., None, :]))


@meaning(*targets("syevd", "heevd"))
def eigh(op: Operation, a: Array) -> tuple[Array, ...]:
    """Eigenvectors in columns (the matrix, where only values are asked for), eigenvalues in ascending order, and 0."""

    lower = parameters(op).get("uplo", "L") == "L"

    def one(a: Array) -> tuple[Array, ...]:
        values, vectors = np.linalg.eigh(a, UPLO="L" if lower else "U")
        return vectors, values, np.asarray(0)

    return _typed(op, _each(one, _wide(a)))


@meaning(*targets("gesdd"))
def svd(op: Operation, a: Array) -> tuple[Array, ...]:
    """The matrix, singular values in descending order, left vectors in columns, right ones in rows, and 0. `mode` A: all
    vectors; S: those of singular values; N: none, and what stands there is not said."""
    mode = parameters(op).get("mode", "A")

    def one(a: Array) -> tuple[Array, ...]:
        u, s, vh = np.linalg.svd(a, full_matrices=mode != "S")
        shapes: list[Any] = [r.type.static_shape[-2:] for r in op.results[2:4]]
        return a, s, u[:, : shapes[0][1]], vh[: shapes[1][0]], np.asarray(0)

    return _typed(op, _each(one, _wide(a)))


@meaning(*targets("geev"))
def eig(op: Operation, a: Array) -> tuple[Array, ...]:
    """Eigenvalues (of a real matrix their parts apart), left and right eigenvectors in columns, and 0."""

    def one(a: Array) -> tuple[Array, ...]:
        values, right = np.linalg.eig(a.astype(np.complex128))
        left = np.conj(np.linalg.inv(right)).T
        left = left / np.linalg.norm(left, axis=0)
        parts = (values,) if a.dtype.kind == "c" else (values.real, values.imag)
        return (*parts, left, right, np.asarray(0))

    return _typed(op, _each(one, _wide(a)))


@meaning(*targets("gtsv"))
def tridiagonal_solve(
    op: Operation, below: Array, diagonal: Array, above: Array, b: Array
) -> tuple[Array, ...]:
    """The three diagonals, x with the tridiagonal matrix times x = b, and 0. The first of `below` and the last of
    `above` are no elements of it."""
    n = diagonal.shape[-1]
    matrix = np.zeros((*diagonal.shape, n), _wide(diagonal).dtype)
    places = np.arange(n)
    matrix[..., places, places] = diagonal
    matrix[..., places[1:], places[:-1]] = below[..., -(n - 1) :] if n > 1 else 0
    matrix[..., places[:-1], places[1:]] = above[..., : n - 1]
    info = np.zeros(diagonal.shape[:-1], np.int32)
    return _typed(op, (below, diagonal, above, np.linalg.solve(matrix, _wide(b)), info))

"""Expanded ops against NumPy: what compiled code computes, whichever way it goes for a length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.driver import compile_module
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import tensor_of

Array = np.ndarray[Any, Any]


def run(build: Any, *inputs: Array) -> list[Array]:
    """What compiled code gives for a @main of the ops that `build(b, *arguments)` emits."""

    def body(b: Builder, *arguments: Value) -> None:
        made = build(b, *arguments)
        b.emit(Return([made] if isinstance(made, Value) else list(made)))

    region = Builder().region([tensor_of(x) for x in inputs], body)
    return compile_module(Module.of([Func.of("main", region.block)]))(*inputs)


TRANSFORMS = {"FFT": np.fft.fftn, "IFFT": np.fft.ifftn, "RFFT": np.fft.rfftn, "IRFFT": np.fft.irfftn}
# One matrix; both factors short; a prime by a matrix; a long prime; a short and a long factor; three dimensions.
LENGTHS = [(1,), (5,), (48,), (97,), (131,), (2 * 131,), (6, 8, 10)]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("kind", TRANSFORMS)
def test_fourier_transform(kind: str, lengths: tuple[int, ...]) -> None:
    rng = np.random.default_rng([3, *lengths])
    shape = (2, *lengths[:-1], lengths[-1] // 2 + 1 if kind == "IRFFT" else lengths[-1])
    x = rng.standard_normal(shape)
    if kind != "RFFT":
        x = x + 1j * rng.standard_normal(shape)
    x = x.astype(np.float32 if kind == "RFFT" else np.complex64)

    def build(b: Builder, v: Value) -> Any:
        return b.emit(S.Fft(v, fft_type=kind, fft_length=lengths))

    (found,) = run(build, x)
    axes = tuple(range(1, 1 + len(lengths)))
    exact = TRANSFORMS[kind](x.astype(np.float64 if kind == "RFFT" else np.complex128), s=lengths, axes=axes)
    assert found.shape == exact.shape
    assert np.abs(found - exact).max() <= 2e-6 * np.abs(exact).max()


def hermitian(batch: int, n: int, dtype: Any) -> Array:
    rng = np.random.default_rng([n, batch])
    m = rng.standard_normal((batch, n, n))
    if np.dtype(dtype).kind == "c":
        m = m + 1j * rng.standard_normal((batch, n, n))
    return (m @ np.conj(np.swapaxes(m, -1, -2)) + n * np.eye(n)).astype(dtype)


def near(found: Array, exact: Array) -> None:
    tolerance = 50 * float(np.finfo(found.dtype).eps)
    np.testing.assert_allclose(found, exact, tolerance, tolerance * float(np.abs(exact).max()))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_cholesky_reads_one_triangle(dtype: str, lower: bool) -> None:
    a = hermitian(3, 21, dtype)
    half = a + (np.triu if lower else np.tril)(np.full_like(a, np.nan), 1 if lower else -1)
    (found,) = run(lambda b, v: b.emit(S.Cholesky(v, lower=lower)), half)
    exact = np.linalg.cholesky(a.astype(np.complex128))
    near(found, exact if lower else np.conj(np.swapaxes(exact, -1, -2)))


@pytest.mark.parametrize("transpose", ["NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("lower", [True, False])
def test_triangular_solve_reads_one_triangle(lower: bool, left: bool, transpose: str) -> None:
    triangle = (np.tril if lower else np.triu)(hermitian(2, 13, np.complex128))
    given = triangle + (np.triu if lower else np.tril)(np.full_like(triangle, np.nan), 1 if lower else -1)
    right = np.random.default_rng(5).standard_normal((2, 13, 4) if left else (2, 4, 13)) + 0j

    def build(b: Builder, x: Value, y: Value) -> Any:
        flags = {"left_side": left, "lower": lower, "unit_diagonal": False, "transpose_a": transpose}
        return b.emit(S.TriangularSolve(x, y, **flags))

    (found,) = run(build, given, right)
    turned = triangle if transpose == "NO_TRANSPOSE" else np.swapaxes(triangle, -1, -2)
    turned = np.conj(turned) if transpose == "ADJOINT" else turned
    near(turned @ found if left else found @ turned, right)

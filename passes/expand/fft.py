"""Fourier transforms as contractions with constant matrices.

A length n1 * n2 is n2 transforms of n1, a turn of every element, and n1 transforms of n2 (Cooley and Tukey); short
lengths are one product with the matrix of roots of unity; a long prime is a convolution of a power of two (Bluestein)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope
from irc.passes.split_complex.number import Number

rules = RewriteSet()

SHORT = 32
"""Lengths up to this are one product with a matrix."""
LONGEST_MATRIX = 128
"""Primes up to this are, too."""


@rules.rewrite("a Fourier transform = products with roots of unity", hlo.Fft)
def _fft(op: Any, b: Rewriter) -> Value | None:
    source, target, lengths = op.operand.type, op.result.type, op.fft_length
    if not source.is_static or not target.is_static:
        return None
    scope = Scope(b)
    if source.size == 0 or target.size == 0:
        return scope.constant(0, target).value
    x = scope.of(op.operand)
    axes = range(source.rank - len(lengths), source.rank)
    match op.fft_type:
        case "RFFT":
            z = _along(Number.like(x), axes[-1], -1, real=True)
            z = _cut(z, target.static_shape[-1])
            for axis in axes[:-1]:
                z = _along(z, axis, -1)
        case "IRFFT":
            z = Number(E.real(x), E.imag(x))
            for axis in axes[:-1]:
                z = _along(z, axis, 1)
            z = _along(_mirrored(z, lengths[-1]), axes[-1], 1)
            return (z.re * (1.0 / np.prod(lengths))).value
        case kind:
            z = Number(E.real(x), E.imag(x))
            for axis in axes:
                z = _along(z, axis, -1 if kind == "FFT" else 1)
            if kind == "IFFT":
                factor = 1.0 / np.prod(lengths)
                z = Number(z.re * factor, z.im * factor)
    return E.make_complex(z.re, z.im).value


def _along(z: Number, axis: int, sign: int, real: bool = False) -> Number:
    """The transform along one axis; `real`: z has no imaginary part."""
    order = [d for d in range(z.re.rank) if d != axis] + [axis]
    made = _transform(_transposed(z, order), sign, real)
    return _transposed(made, E.inverse(order))


def _transform(z: Number, sign: int, real: bool = False) -> Number:
    """The transform along the last axis, without a factor."""
    *rest, n = z.re.shape
    first = _factor(n)
    if first == n:
        by_matrix = n <= LONGEST_MATRIX
        return _by_matrix(z, sign, real) if by_matrix else _by_convolution(z, sign)
    second = n // first
    last = len(rest)
    swap = [*range(last), last + 1, last]
    # element second * i + j; the result's is k + first * l
    z = _transposed(_reshaped(z, (*rest, first, second)), swap)
    z = _transform(z, sign, real) * _roots(z, sign * np.outer(np.arange(second), np.arange(first)), n)
    z = _transform(_transposed(z, swap), sign)
    return _reshaped(_transposed(z, swap), (*rest, n))


def _factor(n: int) -> int:
    """The length of the first transforms: n itself where it is not taken apart."""
    if n <= SHORT:
        return n
    found = max((d for d in range(2, SHORT + 1) if n % d == 0), default=0)
    return found or next((d for d in range(SHORT + 1, int(n**0.5) + 1) if n % d == 0), n)


def _by_matrix(z: Number, sign: int, real: bool) -> Number:
    """One real product: both parts side by side, times the matrix of both parts of every root."""
    *rest, n = z.re.shape
    turns = _unit(sign * np.outer(np.arange(n), np.arange(n)), n)
    matrix = np.hstack([turns.real, turns.imag])
    operand = z.re
    if not real:
        matrix = np.vstack([matrix, np.hstack([-turns.imag, turns.real])])
        operand = E.concatenate([z.re, z.im], len(rest))
    table = z.re.scope.constant(matrix, TensorType(matrix.shape, z.re.element))
    numbers = hlo.DotDimensionNumbers(
        lhs_contracting_dimensions=(len(rest),), rhs_contracting_dimensions=(0,)
    )
    both = z.re.scope.emit(hlo.DotGeneral(operand.value, table.value, dot_dimension_numbers=numbers))
    return Number(_slice_last(both, 0, n), _slice_last(both, n, 2 * n))


def _by_convolution(z: Number, sign: int) -> Number:
    """With c(k) = exp(sign pi i k² / n), the result is c(k) times the convolution of z c with 1 / c."""
    *rest, n = z.re.shape
    size = 1 << (2 * n - 2).bit_length()
    squares = np.arange(n) ** 2
    chirp = _unit(sign * squares, 2 * n)
    kernel = np.zeros(size, np.complex128)
    kernel[:n] = np.conj(chirp)
    kernel[size - n + 1 :] = np.conj(chirp[:0:-1])
    spectrum = np.fft.fft(kernel) / size
    turned = z * _roots(z, sign * squares, 2 * n)
    low, high = [0] * (len(rest) + 1), [0] * len(rest) + [size - n]
    padded = Number(E.pad(turned.re, low, high, low), E.pad(turned.im, low, high, low))
    forward = _transform(padded, -1)
    back = _transform(forward * _constant(forward, spectrum), 1)
    return _cut(back, n) * _roots(z, sign * squares, 2 * n)


def _unit(turns: np.ndarray[Any, Any], n: int) -> np.ndarray[Any, Any]:
    """exp(2 pi i turns / n), each from its angle below pi / 4, so that quarters are exact."""
    eighth, rest = np.divmod(8 * (turns % n) + n, 2 * n)
    angle = (rest - n) * (np.pi / (4 * n))
    return np.array([1, 1j, -1, -1j])[eighth % 4] * (np.cos(angle) + 1j * np.sin(angle))


def _roots(like: Number, turns: np.ndarray[Any, Any], n: int) -> Number:
    return _constant(like, _unit(turns, n))


def _constant(like: Number, values: np.ndarray[Any, Any]) -> Number:
    """Complex constants along the last dimensions, in the shape of `like`."""
    shape, element, scope = like.re.shape, like.re.element, like.re.scope
    dims = range(len(shape) - values.ndim, len(shape))

    def part(array: np.ndarray[Any, Any]) -> Expr:
        return E.broadcast(scope.constant(array, TensorType(values.shape, element)), shape, dims)

    return Number(part(values.real), part(values.imag))


def _mirrored(z: Number, n: int) -> Number:
    """All of a spectrum of which half is given: the rest is its mirror image, conjugated."""
    last = z.re.rank - 1
    count = n - z.re.shape[-1]
    if count == 0:
        return z
    again = [E.reverse(_slice_last(p, 1, 1 + count), (last,)) for p in (z.re, z.im)]
    return Number(E.concatenate([z.re, again[0]], last), E.concatenate([z.im, -again[1]], last))


def _cut(z: Number, n: int) -> Number:
    return Number(_slice_last(z.re, 0, n), _slice_last(z.im, 0, n))


def _slice_last(x: Expr, start: int, limit: int) -> Expr:
    *rest, _ = x.shape
    return E.slice(x, (*(0 for _ in rest), start), (*rest, limit))


def _transposed(z: Number, order: Sequence[int]) -> Number:
    return Number(E.transpose(z.re, order), E.transpose(z.im, order))


def _reshaped(z: Number, shape: Sequence[int]) -> Number:
    return Number(E.reshape(z.re, shape), E.reshape(z.im, shape))

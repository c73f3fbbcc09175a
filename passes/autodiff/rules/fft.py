"""Gradients of Fourier transforms: transposes of the matrices they multiply by."""

from __future__ import annotations

from math import prod

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.ir.types import ComplexType, TensorType
from irc.passes.autodiff.registry import defvjp
from irc.passes.expression import Expr, broadcast, conj, convert, pad, real


def transform(x: Expr, kind: str, lengths: tuple[int, ...]) -> Expr:
    return x.scope.emit(hlo.Fft(x.value, fft_type=kind, fft_length=lengths))


def fft_vjp(g: Expr, ans: Expr, x: Expr) -> Expr:
    """The matrices of FFT and IFFT are symmetric. RFFT is FFT of reals, cut; IRFFT counts the frequencies
    it was not given, the conjugates of those between the first and the middle one, by doubling these."""
    kind, lengths = ans.op.fft_type, ans.op.fft_length
    match kind:
        case "RFFT":
            missing = [0] * (g.rank - 1) + [lengths[-1] - g.shape[-1]]
            none = [0] * g.rank
            return real(transform(pad(g, none, missing, none), "FFT", lengths))
        case "IRFFT":
            n = lengths[-1]
            weights = [1 if k == 0 or 2 * k == n else 2 for k in range(x.shape[-1])]
            vector = TensorType((x.shape[-1],), g.element)
            scale = g.scope.constant(np.asarray(weights) / prod(lengths), vector)
            wide = convert(broadcast(scale, x.shape, [x.rank - 1]), ComplexType(g.element))
            return conj(transform(g, "RFFT", lengths)) * wide
    return transform(g, kind, lengths)


defvjp(hlo.Fft, fft_vjp)

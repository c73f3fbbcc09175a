"""Samples of batch normalisation and Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.types import ComplexType, f32, f64
from samples.case import breaks, random, tensor, value, works

X, VECTORS = random(4, 5, 3), [random(3, seed=i) for i in range(4)]
POSITIVE = np.abs(VECTORS[3]) + np.float32(0.5)


def norm(op: Any, feature: int = 2, **more: Any) -> Any:
    return lambda b, *xs: b.emit(op(*xs, epsilon=1e-3, feature_index=feature, **more))


works("stablehlo.batch_norm_inference", "last", norm(S.BatchNormInference), X, *VECTORS[:3], POSITIVE)
works("stablehlo.batch_norm_training", "last", norm(S.BatchNormTraining), X, *VECTORS[:2])
works("stablehlo.batch_norm_training", "first", norm(S.BatchNormTraining, 0), random(3, 6, 2), *VECTORS[:2])
works(
    "stablehlo.batch_norm_grad",
    "last",
    norm(S.BatchNormGrad),
    X,
    *VECTORS[:2],
    POSITIVE,
    random(4, 5, 3, seed=9),
)


def broken_norm(op: Any, label: str, shapes: Any, wrong: Any = None, feature: int = 1, **more: Any) -> None:
    """`shapes` of the operands; `wrong` is an operand number whose element type is another."""
    given = [value(*s, of=f64 if i == wrong else f32) for i, s in enumerate(shapes)]
    breaks(op.name, label, lambda: op(*given, epsilon=1e-3, feature_index=feature, **more))


V, X2 = (3,), (2, 3)
for op, shapes in (
    (S.BatchNormInference, [X2, V, V, V, V]),
    (S.BatchNormTraining, [X2, V, V]),
    (S.BatchNormGrad, [X2, V, V, V, X2]),
):
    broken_norm(op, "C1", shapes, feature=2)
    broken_norm(op, "C2", shapes, wrong=1)
for at, label in enumerate(("C3", "C4", "C5", "C6"), 1):
    broken_norm(S.BatchNormInference, label, [X2, *((4,) if i == at else V for i in range(1, 5))])
broken_norm(S.BatchNormInference, "C7", [X2, V, V, V, V], result_types=[tensor(2, 4)])
broken_norm(S.BatchNormTraining, "C3", [X2, (4,), V])
broken_norm(S.BatchNormTraining, "C4", [X2, V, (4,)])
broken_norm(S.BatchNormTraining, "C5", [X2, V, V], result_types=[tensor(2, 3), tensor(4), tensor(3)])
broken_norm(S.BatchNormTraining, "C6", [X2, V, V], result_types=[tensor(2, 3), tensor(3), tensor(4)])
broken_norm(S.BatchNormTraining, "C7", [X2, V, V], result_types=[tensor(2, 4), tensor(3), tensor(3)])
broken_norm(S.BatchNormGrad, "C3", [X2, V, V, V, (2, 4)])
broken_norm(S.BatchNormGrad, "C4", [X2, V, (4,), V, X2])
broken_norm(S.BatchNormGrad, "C5", [X2, (4,), V, V, X2])

# fft

C64 = ComplexType(f32)


def fft(kind: str, *lengths: int) -> Any:
    return lambda b, x: b.emit(S.Fft(x, fft_type=kind, fft_length=lengths))


works("stablehlo.fft", "fft", fft("FFT", 8), random(3, 8, dtype=np.complex64))
works("stablehlo.fft", "ifft", fft("IFFT", 4, 6), random(4, 6, dtype=np.complex64))
works("stablehlo.fft", "rfft", fft("RFFT", 9), random(2, 9))
works("stablehlo.fft", "rfft2", fft("RFFT", 3, 8), random(2, 3, 8))
works("stablehlo.fft", "irfft", fft("IRFFT", 8), random(2, 5, dtype=np.complex64))


def broken_fft(label: str, kind: str, operand: Any, lengths: Any, **more: Any) -> None:
    breaks("stablehlo.fft", label, lambda: S.Fft(operand, fft_type=kind, fft_length=lengths, **more))


broken_fft("C1", "FFT", value(4, of=C64), (4, 4))
broken_fft("C2", "FFT", value(4), (4,))
broken_fft("C3", "FFT", value(2, 2, 2, 2, of=C64), (2, 2, 2, 2))
broken_fft("C4", "RFFT", value(4), (5,))
broken_fft("C5", "IRFFT", value(4, of=C64), (5,))

"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo.base import COMPLEX, FLOAT, TensorOp, element_kind, same_dim, shape_text
from irc.dialects.stablehlo.numerics import Array
from irc.ir.fields import I64_ARRAY, Attr, Operand, Result, enum
from irc.ir.types import ComplexType, Dim, Type

FFT_TYPE = enum("stablehlo", "fft_type", ("FFT", "IFFT", "RFFT", "IRFFT"))


class Fft(TensorOp, name="stablehlo.fft"):
    """The discrete Fourier transform of the last dimensions; RFFT takes reals and keeps half, IRFFT undoes it.

    C1: lengths are at most as many as dimensions.
    C2: FFT, IFFT and IRFFT take complex elements, RFFT real ones; IRFFT gives real ones, the others complex ones.
    C3: there are 1 to 3 lengths.
    C4: lengths are the last extents of the real side (of both, for FFT and IFFT).
    C5: extents stay, but for the last of RFFT (n / 2 + 1) and IRFFT (n, from n / 2 + 1)."""

    assembly = (
        "$operand `,` `type` `=` $fft_type `,` `length` `=` $fft_length attr-dict `:` "
        "functional-type(operands, results)"
    )
    quantized = ""
    domain = (*FLOAT, *COMPLEX)
    result_labels = ("C5", "C2")
    operand = Operand()
    fft_type = Attr(FFT_TYPE)
    fft_length = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, kind, lengths = self.operand.type, self.fft_type, self.fft_length
        n = len(lengths)
        self.check(1 <= n <= 3, "C3", f"rank must be between 1 and 3, but got {n}.")
        takes, real = ("float", True) if kind == "RFFT" else ("complex", False)
        message = (
            f"RFFT requires f32 or f64 input type, but is given '{type.element}'."
            if real
            else f"FFT/IFFT/IRFFT take a complex tensor as input, but is given '{type}'."
        )
        self.check(element_kind(type.element) == takes, "C2", message)
        message = f"operand rank must not be less than fft rank of {n} for operand of type '{type}'."
        self.check(n <= type.rank, "C1", message)
        shape: list[Dim] = list(type.shape)
        inner = lengths[:-1] if kind == "IRFFT" else lengths
        fits = all(map(same_dim, shape[len(shape) - n :], inner))
        got = f"to be compatible with fft_length. Got: {shape_text(shape)} but wanted {shape_text(lengths)}"
        which = "non-final dimensions" if kind == "IRFFT" else "innermost dimensions"
        self.check(fits, "C4", f"{kind} requires {which} {got}.")
        if kind == "RFFT":
            shape[-1] = lengths[-1] // 2 + 1 if lengths[-1] else 0
            return [type.with_shape(tuple(shape)).with_element(ComplexType(type.element))]
        if kind == "IRFFT":
            half = lengths[-1] // 2 + 1 if lengths[-1] else 0
            message = "IRFFT requires innermost dimension to be compatible with fft_length[-1]/2+1. Got: "
            got = f"{message}{shape[-1]} but fft_length is {shape_text(lengths)}."
            self.check(same_dim(shape[-1], half), "C5", got)
            shape[-1] = lengths[-1]
            return [type.with_shape(tuple(shape)).with_element(type.element.element)]
        return [type]

    def evaluate(self, x: Array) -> Array:
        transform: Any = {
            "FFT": np.fft.fftn,
            "IFFT": np.fft.ifftn,
            "RFFT": np.fft.rfftn,
            "IRFFT": np.fft.irfftn,
        }
        type = self.result.type
        if 0 in x.shape:
            return np.zeros(type.static_shape, type.element.numpy)
        lengths = self.fft_length
        wide = x.astype(np.float64 if x.dtype.kind == "f" else np.complex128)
        axes = range(x.ndim - len(lengths), x.ndim)
        return np.asarray(
            transform[self.fft_type](wide, s=lengths, axes=tuple(axes)).astype(type.element.numpy)
        )

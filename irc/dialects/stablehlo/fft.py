"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo.base import COMPLEX, FLOAT, TensorOp, element_kind, same_dim
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
        self.check(n <= type.rank, "C1", f"transforms {n} dimensions of {type}")
        takes = "float" if kind == "RFFT" else "complex"
        self.check(element_kind(type.element) == takes, "C2", f"{kind} of {type}")
        self.check(1 <= n <= 3, "C3", f"transforms {n} dimensions")
        shape: list[Dim] = list(type.shape)
        inner = lengths[:-1] if kind == "IRFFT" else lengths
        fits = all(map(same_dim, shape[len(shape) - n :], inner))
        self.check(fits, "C4", f"{kind} of {type} with lengths {list(lengths)}")
        if kind == "RFFT":
            shape[-1] = lengths[-1] // 2 + 1 if lengths[-1] else 0
            return [type.with_shape(tuple(shape)).with_element(ComplexType(type.element))]
        if kind == "IRFFT":
            half = lengths[-1] // 2 + 1 if lengths[-1] else 0
            self.check(same_dim(shape[-1], half), "C5", f"{kind} of {type} with lengths {list(lengths)}")
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

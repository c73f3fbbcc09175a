"""Padding, enlarging and shuffling of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordError
from irc.frontends.lowering import convolution as C
from irc.frontends.lowering import shape as S
from irc.frontends.recorder.storage import located
from irc.frontends.torch.nn.functional.convolution import per_dimension
from irc.frontends.torch.tensor import Tensor, emit


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None,
    **options: Any,
) -> Tensor:  # fmt: skip
    """Enlarges by whole factors, mode "nearest"."""
    n = input.dim() - 2
    if mode != "nearest":
        raise located(RecordError(f"interpolate(mode={mode!r}) is not there: 'nearest' is"))
    factors = (
        per_dimension(scale_factor, n)
        if scale_factor is not None
        else tuple(o // e for o, e in zip(per_dimension(size, n), input.shape[2:], strict=True))
    )
    if scale_factor is not None and any(f != int(f) for f in np.atleast_1d(scale_factor)):
        raise located(RecordError("interpolate by a factor that is not a whole number is not there"))
    return emit(C.upsample_nearest, (input,), factors)


upsample = interpolate


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    return emit(S.pixel_shuffle, (input,), upscale_factor)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Places added around the last dimensions: pairs (before, after), last dimension first."""
    if len(pad) % 2 or len(pad) // 2 > input.dim():
        raise located(
            RecordError(f"Padding length {len(pad)} does not fit a tensor of {input.dim()} dimensions")
        )
    low, high = [0] * input.dim(), [0] * input.dim()
    for i in range(len(pad) // 2):
        low[-1 - i], high[-1 - i] = int(pad[2 * i]), int(pad[2 * i + 1])
    if mode == "constant":
        return emit(S.pad, (input,), tuple(low), tuple(high), 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise located(RecordError(f"Unrecognised padding mode {mode}"))
    return emit(S.pad_edge, (input,), tuple(low), tuple(high), mode)

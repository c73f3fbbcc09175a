"""Convolutions and transposed convolutions of (N, C, ...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordError, RecordValueError, ShapeError
from irc.frontends.explain import tensor_note
from irc.frontends.lowering import convolution as C
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.pointwise import need_tensor
from irc.frontends.torch.tensor import Tensor, emit


def per_dimension(value: Any, n: int) -> tuple[int, ...]:
    """A number for each of n dimensions, from one for all or from as many."""
    out = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    return tuple(map(int, out * n if len(out) == 1 else out))


def conv_padding(padding: Any, kernel: Sequence[int], dilation: Sequence[int], strides: Sequence[int]) -> Any:
    """Pairs of places before and after, from an int, a tuple, "valid" or "same"."""
    n = len(kernel)
    if padding == "valid":
        return ((0, 0),) * n
    if padding == "same":
        if any(s != 1 for s in strides):
            raise located(RecordError("padding='same' is not supported for strided convolutions"))
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    if isinstance(padding, str):
        raise located(
            RecordValueError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
        )
    return tuple((p, p) for p in per_dimension(padding, n))


def _convolve(
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    x = need_tensor(input, f"conv{n}d")
    if x.dim() == n + 1:
        return _convolve(n, x.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)
    if x.dim() != n + 2:
        raise located(
            RecordError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to conv{n}d, but got input of size: {list(x.shape)}"
            )
        )
    strides, dilations = per_dimension(stride, n), per_dimension(dilation, n)
    pads = conv_padding(padding, weight.shape[2:], dilations, strides)
    _check_convolution(n, x, weight, pads, dilations, groups)
    operands = (x, weight) if bias is None else (x, weight, bias)
    return emit(C.convolution, operands, strides, pads, dilations, groups)


def _check_convolution(n: int, x: Tensor, weight: Tensor, pads: Any, dilation: Any, groups: int) -> None:
    channels = weight.shape[1] * groups
    if x.shape[1] != channels:
        note = f"nn.Conv{n}d({x.shape[1]}, {weight.shape[0]}, ...) takes this input"
        if x.shape[-1] == channels:
            note = f"the channels come last here: write x.permute(0, {n + 1}, {', '.join(map(str, range(1, n + 1)))})"
        raise located(
            ShapeError(
                f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
                f"{channels} channels, but got {x.shape[1]} channels instead",
                notes=(tensor_note("the input", x._read()), note),
            )
        )
    padded = [e + a + b for e, (a, b) in zip(x.shape[2:], pads, strict=True)]
    wanted = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
    if any(a < b for a, b in zip(padded, wanted, strict=True)):
        raise located(
            ShapeError(
                f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
                f"({' x '.join(map(str, wanted))}). Kernel size can't be greater than actual input size"
            )
        )
    if x.dtype is not weight.dtype:
        a, b = dtypes.SCALAR_TYPE_NAMES[x.dtype], dtypes.SCALAR_TYPE_NAMES[weight.dtype]
        raise located(RecordError(f"Input type ({a}) and weight type ({b}) should be the same"))


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlation of (N, C, H, W) with weights (O, C/groups, kH, kW)."""
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def _convolve_transposed(
    n: int, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, output_padding: Any, groups: int,
    dilation: Any,
) -> Tensor:  # fmt: skip
    if x.dim() == n + 1:
        made = _convolve_transposed(
            n, x.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation
        )
        return made.squeeze(0)
    if x.shape[1] != weight.shape[0]:
        raise located(
            ShapeError(
                f"Given transposed=1, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
                f"{weight.shape[0]} channels, but got {x.shape[1]} channels instead"
            )
        )
    operands = (x, weight) if bias is None else (x, weight, bias)
    pads = tuple((p, p) for p in per_dimension(padding, n))
    return emit(
        C.transposed_convolution,
        operands,
        per_dimension(stride, n),
        pads,
        per_dimension(output_padding, n),
        per_dimension(dilation, n),
        groups,
    )


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    return _convolve_transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """The transpose of conv2d: weights (C, O/groups, kH, kW)."""
    return _convolve_transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)

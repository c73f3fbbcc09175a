"""torch.nn.functional: what layers compute, as functions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordError, RecordIndexError, RecordValueError, ShapeError
from irc.frontends.explain import tensor_note
from irc.frontends.lowering import convolution as C
from irc.frontends.lowering import elementwise as W
from irc.frontends.lowering import linalg as P
from irc.frontends.lowering import losses as L
from irc.frontends.lowering import normalization as N
from irc.frontends.lowering import shape as S
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.random import keep_mask
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.creation import ones, ones_like, rand_like, zeros_like
from irc.frontends.torch.indexing import embedding_rows
from irc.frontends.torch.pointwise import (
    masked_fill,
    need_tensor,
    promoted,
    sigmoid,
    tanh,
    to_dtype,
    where,
    write,
)
from irc.frontends.torch.products import matmul
from irc.frontends.torch.reductions import log_softmax, normalize, softmax
from irc.frontends.torch.tensor import Tensor, emit, emit_all, method, wrap
from irc.ir.types import i64
from irc.passes.expression import select

__all__ = ["log_softmax", "normalize", "sigmoid", "softmax", "tanh"]


# Linear maps.


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias; weight is (out_features, in_features)."""
    x, w = need_tensor(input, "linear"), weight
    if x.dim() == 0 or x.shape[-1] != w.shape[-1]:
        raise located(_linear_error(x, w))
    if x.dtype is not w.dtype:
        a, b = dtypes.SCALAR_TYPE_NAMES[x.dtype], dtypes.SCALAR_TYPE_NAMES[w.dtype]
        raise located(
            RecordError(
                f"mat1 and mat2 must have the same dtype, but got {a} and {b}",
                notes=((f"write x.to({w.dtype!r})"),) if not x.dtype.is_floating_point else (),
            )
        )
    return emit(P.linear, (x, w) if bias is None else (x, w, bias))


def _linear_error(x: Tensor, w: Tensor) -> ShapeError:
    rows = math.prod(x.shape[:-1])
    given, wanted = x.shape[-1] if x.dim() else 0, w.shape[-1]
    fixes = [f"nn.Linear({given}, {w.shape[0]}) takes this input"] if given else []
    per_sample = math.prod(x.shape[1:])
    if x.dim() > 2 and per_sample == wanted:
        fixes = [f"flatten the input first: x.view(x.size(0), -1) has the {wanted} values a sample"]
    if w.dim() == 2 and given == w.shape[0]:
        fixes.append("the weight is (out_features, in_features): it looks transposed")
    return ShapeError(
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{given} and {wanted}x{w.shape[0]})",
        notes=(
            tensor_note("the input", x._read()),
            f"its last extent is {given}, and the weight wants {wanted}",
            *fixes,
        ),
    )


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return emit(P.bilinear, (input1, input2, weight) if bias is None else (input1, input2, weight, bias))


def _tuple(value: Any, n: int) -> tuple[int, ...]:
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
    return tuple((p, p) for p in _tuple(padding, n))


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
    strides, dilations = _tuple(stride, n), _tuple(dilation, n)
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
    pads = tuple((p, p) for p in _tuple(padding, n))
    return emit(
        C.transposed_convolution,
        operands,
        _tuple(stride, n),
        pads,
        _tuple(output_padding, n),
        _tuple(dilation, n),
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


# Pooling.


def pool_padding(
    extents: Sequence[int], kernel: Sequence[int], strides: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[tuple[int, int], ...]:  # fmt: skip
    """Places before and after; `ceil_mode` adds places behind, so that no element is left out."""
    out = []
    for n, k, s, p, d in zip(extents, kernel, strides, padding, dilation, strict=True):
        if p > k // 2:
            raise located(
                RecordError(
                    f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k}"
                )
            )
        reach = d * (k - 1) + 1
        if n + 2 * p < reach and not ceil_mode:
            raise located(
                RecordError(
                    f"Given input size: ({'x'.join(map(str, extents))}). Output size is too small: a window of {reach} does "
                    f"not fit into {n + 2 * p}"
                )
            )
        behind = p
        if ceil_mode:
            places = -(-(n + 2 * p - reach) // s) + 1
            if (places - 1) * s >= n + p:
                places -= 1
            behind = max(p, (places - 1) * s + reach - n - p)
        out.append((p, behind))
    return tuple(out)


def _max_pool(
    n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    return_indices: bool,
) -> Tensor:  # fmt: skip
    x = need_tensor(input, f"max_pool{n}d")
    if return_indices:
        raise located(RecordError(f"max_pool{n}d with return_indices=True is not there"))
    if x.dim() == n + 1:
        wide = _max_pool(n, x.unsqueeze(0), kernel_size, stride, padding, dilation, ceil_mode, False)
        return wide.squeeze(0)
    kernel, dil = _tuple(kernel_size, n), _tuple(dilation, n)
    strides = kernel if stride is None or stride == [] else _tuple(stride, n)
    pads = pool_padding(x.shape[2:], kernel, strides, _tuple(padding, n), dil, ceil_mode)
    return emit(C.max_pool, (x,), kernel, strides, pads, dil)


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:  # fmt: skip
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:  # fmt: skip
    """The largest element of each window; stride is the kernel's size by default."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _avg_pool(
    n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:  # fmt: skip
    x = need_tensor(input, f"avg_pool{n}d")
    if x.dim() == n + 1:
        return _avg_pool(
            n, x.unsqueeze(0), kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        ).squeeze(0)
    kernel = _tuple(kernel_size, n)
    strides = kernel if stride is None or stride == [] else _tuple(stride, n)
    given = _tuple(padding, n)
    pads = pool_padding(x.shape[2:], kernel, strides, given, (1,) * n, ceil_mode)
    counted = tuple((p, p) for p in given) if count_include_pad else ((0, 0),) * n
    return emit(C.average_pool, (x,), kernel, strides, pads, counted, divisor_override)


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _adaptive(n: int, input: Tensor, output_size: Any, average: bool) -> Tensor:
    if input.dim() == n + 1:
        return _adaptive(n, input.unsqueeze(0), output_size, average).squeeze(0)
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * n
    sizes = tuple(e if o is None else int(o) for e, o in zip(input.shape[2:], given, strict=True))
    return emit(C.adaptive_pool, (input,), sizes, average)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(1, input, output_size, True)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(2, input, output_size, True)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(1, input, output_size, False)


def adaptive_max_pool2d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(2, input, output_size, False)


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None,
    **options: Any,
) -> Tensor:  # fmt: skip
    """Enlarges by whole factors, mode "nearest"."""
    n = input.dim() - 2
    if mode != "nearest":
        raise located(RecordError(f"interpolate(mode={mode!r}) is not there: 'nearest' is"))
    factors = (
        _tuple(scale_factor, n)
        if scale_factor is not None
        else tuple(o // e for o, e in zip(_tuple(size, n), input.shape[2:], strict=True))
    )
    if scale_factor is not None and any(f != int(f) for f in np.atleast_1d(scale_factor)):
        raise located(RecordError("interpolate by a factor that is not a whole number is not there"))
    return emit(C.upsample_nearest, (input,), factors)


upsample = interpolate


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    return emit(S.pixel_shuffle, (input,), upscale_factor)


# Activations.


def _activation(input: Tensor, inplace: bool, made: Tensor) -> Tensor:
    return write(input, made) if inplace else made


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0)."""
    return _activation(input, inplace, emit(W.relu, (need_tensor(input, "relu"),)))


def relu_(input: Tensor) -> Tensor:
    return relu(input, True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.hardtanh, (input,), min_val, max_val))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.leaky_relu, (input,), negative_slope))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    return emit(W.prelu, (input, weight))


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.elu, (input,), alpha, 1.0, 1.0))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.elu, (input,), alpha, 1.0, 1 / alpha))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Klambauer et al. 2017."""
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return _activation(input, inplace, emit(W.elu, (input,), alpha, scale, 1.0))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    if approximate not in ("none", "tanh"):
        raise located(RecordError("approximate argument must be either none or tanh."))
    return emit(W.gelu, (input,), approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.silu, (input,)))


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.mish, (input,)))


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.hardsigmoid, (input,)))


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, emit(W.hardswish, (input,)))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return emit(W.softplus, (input,), beta, threshold)


def softsign(input: Tensor) -> Tensor:
    return emit(W.softsign, (input,))


def logsigmoid(input: Tensor) -> Tensor:
    return emit(W.log_sigmoid, (input,))


def tanhshrink(input: Tensor) -> Tensor:
    return input - tanh(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    return _activation(input, inplace, where(input > threshold, input, value))


def softmin(input: Tensor, dim: int | None = None) -> Tensor:
    return softmax(-input, dim)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """One half times the sigmoid of the other."""
    a, b = input.chunk(2, dim)
    return a * sigmoid(b)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, dim: int = -1) -> Tensor:
    noise = -(-rand_like_open(logits).log()).log()
    y = softmax((logits + noise) / tau, dim)
    if not hard:
        return y
    index = y.argmax(dim)
    chosen = one_hot(index, y.shape[dim]).to(y.dtype).movedim(-1, dim)
    return chosen - y.detach() + y


def rand_like_open(x: Tensor) -> Tensor:
    """Uniform numbers in (0, 1]."""
    return 1 - rand_like(x)


# Dropout.


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training: each element zero with probability p, the others over 1 - p."""
    return _dropped(input, tuple(input.shape), p, training, inplace)


def _dropped(input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    if not 0 <= p <= 1:
        raise located(RecordValueError(f"dropout probability has to be between 0 and 1, but got {p}"))
    if not training or p == 0:
        return input
    if p == 1:
        return _activation(input, inplace, input * 0)
    mask = wrap(keep_mask(shape, p))
    return _activation(input, inplace, emit(_keep, (input, mask), 1 / (1 - p)))


def _keep(scope: Any, x: Any, mask: Any, scale: float) -> Any:
    """x times the scale where the mask holds, 0 elsewhere."""
    return select(W.spread(mask, x.shape), x * scale, 0)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return _channel_dropout(input, p, training, inplace)


dropout2d = dropout3d = dropout1d


def _channel_dropout(x: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    shape = (*x.shape[:2], *(1,) * (x.dim() - 2))
    return _dropped(x, shape, p, training, inplace)


feature_dropout = dropout1d


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and spread behind selu (Klambauer et al. 2017)."""
    if not training or p == 0:
        return input
    alpha = -1.7580993408473766
    a = 1 / math.sqrt((alpha**2 * p + 1) * (1 - p))
    mask = wrap(keep_mask(tuple(input.shape), p))
    return emit(_alpha_keep, (input, mask), alpha, a, -a * alpha * p)


def _alpha_keep(scope: Any, x: Any, mask: Any, alpha: float, a: float, b: float) -> Any:
    return select(mask, x, alpha) * a + b


# Normalisation.


def affine_operands(weight: Tensor | None, bias: Tensor | None) -> tuple[Tensor, ...]:
    """Scale and shift, or neither; one that is missing does nothing."""
    if weight is None and bias is None:
        return ()
    if bias is None:
        assert weight is not None
        bias = zeros_like(weight)
    return (ones_like(bias) if weight is None else weight, bias)


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Each channel normalised: in training by its own statistics, which move the running ones; else by those."""
    x = need_tensor(input, "batch_norm")
    affine = affine_operands(weight, bias)
    if not training:
        assert running_mean is not None and running_var is not None
        return emit(N.batch_norm_infer, (x, running_mean, running_var, *affine), eps)
    if x.numel() // x.shape[1] <= 1:
        raise located(
            RecordValueError(
                f"Expected more than 1 value per channel when training, got input size {x.shape}"
            )
        )
    y, mean, variance = emit_all(N.batch_norm_train, (x, *affine), eps)
    for held, new in ((running_mean, mean), (running_var, variance)):
        if held is not None:
            held._write(emit(N.running, (held.detach(), new.detach()), momentum)._read())
    return y


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Each channel of each sample normalised by itself."""
    affine = affine_operands(weight, bias)
    return emit(N.group_norm, (input, *affine), input.shape[1], eps)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalised over the last dimensions."""
    shape = tuple(normalized_shape)
    if tuple(input.shape[-len(shape) :]) != shape:
        raise located(
            ShapeError(
                f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but got "
                f"input of size{list(input.shape)}",
                notes=(f"nn.LayerNorm({list(input.shape[-len(shape) :])}) takes this input",),
            )
        )
    affine = affine_operands(weight, bias) if weight is None else [v for v in (weight, bias) if v is not None]
    return emit(N.layer_norm, (input, *affine), len(shape), eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    small = float(np.finfo(input.dtype.numpy).eps) if eps is None else eps
    return emit(
        N.rms_norm, (input,) if weight is None else (input, weight), len(tuple(normalized_shape)), small
    )


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    if input.shape[1] % num_groups:
        raise located(
            RecordError(
                f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
                f"{list(input.shape)} and num_groups={num_groups}"
            )
        )
    affine = affine_operands(weight, bias)
    return emit(N.group_norm, (input, *affine), num_groups, eps)


# Look-ups.


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the class of each index; without `num_classes` the indices are looked at."""
    if tensor.dtype is not dtypes.int64:
        raise located(RecordError("one_hot is only applicable to index tensor of type LongTensor."))
    classes = int(tensor.max()) + 1 if num_classes == -1 else num_classes
    return emit(L.one_hot, (tensor,), classes, i64)


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows of `weight` that the indices name."""
    if max_norm is not None:
        raise located(RecordError("embedding with max_norm is not there"))
    rows = embedding_rows(weight, input)
    if padding_idx is not None and weight.requires_grad:
        # The row at padding_idx is read, and never trained.
        pads = (input == (padding_idx + weight.shape[0] if padding_idx < 0 else padding_idx)).unsqueeze(-1)
        return where(pads, rows.detach(), rows)
    return rows


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, mode: str = "mean", **options: Any
) -> Tensor:
    """Rows of `weight`, combined along the last dimension of 2D indices."""
    if input.dim() != 2 or offsets is not None:
        raise located(RecordError("embedding_bag takes 2D indices here: bags of one length, without offsets"))
    rows = embedding_rows(weight, input)
    match mode:
        case "sum":
            return rows.sum(1)
        case "max":
            return rows.max(1).values
    return rows.mean(1)


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


# Losses.


def check_reduction(reduction: str, size_average: Any = None, reduce: Any = None) -> str:
    """One of "none", "mean", "sum"."""
    if size_average is not None or reduce is not None:
        warnings.warn(
            "size_average and reduce args will be deprecated, please use reduction instead.", stacklevel=4
        )
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise located(RecordValueError(f"{reduction} is not a valid value for reduction"))
    return reduction


def _pair(input: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    x, y = need_tensor(input, name), need_tensor(target, name, "target", 2)
    if x.shape != y.shape:
        shape = W.broadcast_shape(tuple(x.shape), tuple(y.shape))
        warnings.warn(
            f"Using a target size ({y.shape}) that is different to the input size ({x.shape}). This will likely lead to "
            "incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )
        x, y = x.expand(*shape), y.expand(*shape)
    d = promoted(x, y)
    return to_dtype(x, d), to_dtype(y, d)


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of (input - target)^2."""
    return emit(
        L.squared_error, _pair(input, target, "mse_loss"), check_reduction(reduction, size_average, reduce)
    )


def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The mean of |input - target|."""
    return emit(
        L.absolute_error, _pair(input, target, "l1_loss"), check_reduction(reduction, size_average, reduce)
    )


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    how = check_reduction(reduction, size_average, reduce)
    return emit(L.smooth_absolute_error, _pair(input, target, "smooth_l1_loss"), how, beta)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    return emit(L.huber, _pair(input, target, "huber_loss"), check_reduction(reduction), delta)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of probabilities."""
    x, y = (
        need_tensor(input, "binary_cross_entropy"),
        need_tensor(target, "binary_cross_entropy", "target", 2),
    )
    if x.shape != y.shape:
        raise located(
            RecordValueError(
                f"Using a target size ({y.shape}) that is different to the input size ({x.shape}) is deprecated. Please ensure "
                "they have the same size.",
                notes=_target_notes(x, y),
            )
        )
    if x.dtype is not y.dtype:
        a, b = dtypes.SCALAR_TYPE_NAMES[x.dtype], dtypes.SCALAR_TYPE_NAMES[y.dtype]
        raise located(RecordError(f"Found dtype {b} but expected {a}", notes=("write target.float()",)))
    operands = (x, y) if weight is None else (x, y, weight)
    return emit(L.binary_cross_entropy, operands, check_reduction(reduction, size_average, reduce))


def _target_notes(x: Tensor, y: Tensor) -> tuple[str, ...]:
    if x.numel() == y.numel() and x.dim() == y.dim() + 1 and x.shape[-1] == 1:
        return ("write input.squeeze(-1), or target.unsqueeze(-1)",)
    return ()


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Of logits: sigmoid and loss in one, without overflow."""
    if input.shape != target.shape:
        raise located(
            RecordValueError(
                f"Target size ({target.shape}) must be the same as input size ({input.shape})",
                notes=_target_notes(input, target),
            )
        )
    x, y = _pair(input, target, "binary_cross_entropy_with_logits")
    weights = [w for w in (weight, pos_weight) if w is not None]
    how = check_reduction(reduction, size_average, reduce)
    flags = (weight is not None, pos_weight is not None)
    return emit(L.binary_cross_entropy_logits, (x, y, *weights), *flags, how)


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of log-probabilities and class indices."""
    how = check_reduction(reduction, size_average, reduce)
    return _likelihood(input, target, weight, ignore_index, how, 0.0, "nll_loss")


def _likelihood(
    x: Tensor, target: Tensor, weight: Tensor | None, ignored: int, how: str, smoothing: float, name: str
) -> Tensor:
    _check_classes(x, target, ignored, name)
    operands = (x, target) if weight is None else (x, target, weight)
    return emit(L.negative_log_likelihood, operands, ignored, smoothing, how)


def _check_classes(x: Tensor, target: Tensor, ignored: int, name: str) -> None:
    if target.dtype is not dtypes.int64:
        kind = dtypes.SCALAR_TYPE_NAMES.get(target.dtype, str(target.dtype))
        raise located(
            RecordError(
                f"expected scalar type Long but found {kind}",
                notes=("class indices are int64: write target.long()",),
            )
        )
    wanted = (*x.shape[:1], *x.shape[2:]) if x.dim() > 1 else ()
    if tuple(target.shape) != wanted:
        if target.dim() and x.dim() > 1 and target.shape[0] != x.shape[0]:
            raise located(
                RecordValueError(
                    f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({target.shape[0]}).",
                    notes=(tensor_note("the input", x._read()), tensor_note("the target", target._read())),
                )
            )
        hint = ("write target.squeeze(1)",) if target.numel() == x.shape[0] else ()
        raise located(
            RecordError(
                f"{name}: the target of an input of size {list(x.shape)} has size {list(wanted)}, not {list(target.shape)}",
                notes=hint,
            )
        )
    labels = target._read().array
    if labels is not None and labels.size and not recorder.graph.tracing:
        classes = x.shape[1] if x.dim() > 1 else x.shape[0]
        bad = (labels != ignored) & ((labels < 0) | (labels >= classes))
        if bad.any():
            raise located(
                RecordIndexError(
                    f"Target {int(labels[bad].reshape(-1)[0])} is out of bounds.",
                    notes=(f"there are {classes} classes: 0 ... {classes - 1}",),
                )
            )


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Of logits (N, C, ...) and class indices (N, ...) or probabilities (N, C, ...)."""
    x, y = need_tensor(input, "cross_entropy_loss"), need_tensor(target, "cross_entropy_loss", "target", 2)
    how = check_reduction(reduction, size_average, reduce)
    logp = log_softmax(x, 1 if x.dim() > 1 else 0)
    if x.shape == y.shape and y.dtype.is_floating_point:
        operands = (logp, y) if weight is None else (logp, y, weight)
        return emit(L.soft_cross_entropy, operands, label_smoothing, how)
    return _likelihood(logp, y, weight, ignore_index, how, label_smoothing, "cross_entropy")


def kl_div(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target (log target - input): input is a logarithm."""
    batch = input.shape[0] if input.dim() else 1
    return emit(L.divergence, (input, target), reduction, log_target, batch)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    return _reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    return _reduced(where(target == 1, input, (margin - input).clamp(min=0)), reduction)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along a dimension."""
    dot = (x1 * x2).sum(dim)
    return dot / (x1.norm(2, dim).clamp(min=eps) * x2.norm(2, dim).clamp(min=eps))


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    cos = cosine_similarity(input1, input2, 1)
    return _reduced(where(target == 1, 1 - cos, (cos - margin).clamp(min=0)), reduction)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    return _reduced((near - far + margin).clamp(min=0), reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, eps: float = 1e-8, reduction: str = "mean"
) -> Tensor:
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    return _reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    v = var.clamp(min=eps)
    return _reduced(0.5 * (v.log() + (input - target) ** 2 / v), reduction)


# Attention.


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query key^T / sqrt(d) + mask) value."""
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query, key.transpose(-2, -1)) * factor
    if is_causal:
        below = ones(query.shape[-2], key.shape[-2], dtype=dtypes.bool_).tril()
        scores = masked_fill(scores, ~below, -math.inf)
    if attn_mask is not None:
        scores = (
            masked_fill(scores, ~attn_mask, -math.inf)
            if attn_mask.dtype is dtypes.bool_
            else scores + attn_mask
        )
    weights = softmax(scores, -1)
    return matmul(dropout(weights, dropout_p) if dropout_p else weights, value)


for _function in (relu, relu_, prelu):
    method(_function.__name__)(_function)

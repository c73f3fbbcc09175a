"""Normalisation over batches, groups, samples and last dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from irc.frontends.errors import RecordError, RecordValueError, ShapeError
from irc.frontends.lowering import normalization as N
from irc.frontends.recorder.storage import located
from irc.frontends.torch.creation import ones_like, zeros_like
from irc.frontends.torch.pointwise import need_tensor
from irc.frontends.torch.tensor import Tensor, emit, emit_all


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
        return emit(N.batch_norm_infer, (x, running_mean, running_var, *affine), 1, eps, bool(affine))
    if x.numel() // x.shape[1] <= 1:
        raise located(
            RecordValueError(
                f"Expected more than 1 value per channel when training, got input size {x.shape}"
            )
        )
    y, mean, variance = emit_all(N.batch_norm_train, (x, *affine), 1, eps, bool(affine), True)
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
    dims = tuple(range(input.dim() - len(shape), input.dim()))
    return emit(N.layer_norm, (input, *affine), dims, eps, weight is not None or bias is not None)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Over the root of the mean square of the last dimensions (Zhang and Sennrich 2019)."""
    small = float(np.finfo(input.dtype.numpy).eps) if eps is None else eps
    dims = tuple(range(input.dim() - len(tuple(normalized_shape)), input.dim()))
    return emit(N.rms_norm, (input,) if weight is None else (input, weight), dims, small)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Channels in groups, each normalised over itself and space (Wu and He 2018)."""
    if input.shape[1] % num_groups:
        raise located(
            RecordError(
                f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
                f"{list(input.shape)} and num_groups={num_groups}"
            )
        )
    affine = affine_operands(weight, bias)
    return emit(N.group_norm, (input, *affine), num_groups, eps)

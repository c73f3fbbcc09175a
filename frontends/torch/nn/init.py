"""torch.nn.init: PyTorch's initialisations, written in place."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import initial as L
from irc.frontends.recorder.random import generator as _generator
from irc.frontends.recorder.storage import located
from irc.frontends.source import noted
from irc.frontends.torch import creation
from irc.frontends.torch.creation import eye, rand, randn
from irc.frontends.torch.grad_mode import no_grad
from irc.frontends.torch.in_place import copy_, fill_
from irc.frontends.torch.pointwise import where
from irc.frontends.torch.tensor import Tensor, wrap


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity wants its inputs' spread scaled."""
    match nonlinearity:
        case "linear" | "sigmoid" | "conv1d" | "conv2d" | "conv3d" | "conv_transpose1d" | "conv_transpose2d":
            return 1.0
        case "tanh":
            return 5.0 / 3
        case "relu":
            return math.sqrt(2.0)
        case "leaky_relu":
            return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
        case "selu":
            return 3.0 / 4
    raise located(RecordValueError(f"Unsupported nonlinearity {nonlinearity}"))


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many values come in and go out of a unit of a weight: (out, in, kernel...)."""
    if tensor.dim() < 2:
        raise located(
            RecordValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans


def _fan(tensor: Tensor, mode: str) -> int:
    fan_in, fan_out = fans(tensor)
    if mode not in ("fan_in", "fan_out"):
        raise located(RecordValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']"))
    return fan_in if mode == "fan_in" else fan_out


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    with no_grad(), noted("initial", values=f"U({a:.4g}, {b:.4g})"):
        return creation.uniform_(tensor, a, b)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    with no_grad(), noted("initial", values=f"N({mean:.4g}, {std:.4g})"):
        return creation.normal_(tensor, mean, std)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Normal numbers between a and b, by the inverse of the distribution function."""
    with no_grad(), noted("initial", values=f"N({mean:.4g}, {std:.4g}) from {a:.4g} to {b:.4g}"):
        statics = (mean, std, (a - mean) / std, (b - mean) / std)
        return copy_(tensor, _drawn(tensor, L.truncated_normal, *statics).clamp(a, b))


def _drawn(tensor: Tensor, lower: Any, *statics: Any) -> Tensor:
    """Numbers of the tensor's shape and dtype, from the global generator."""
    return wrap(
        _generator.apply(lower, (tuple(tensor.shape), tensor.dtype.element, *statics), tensor._read().place)
    )


def constant_(tensor: Tensor, val: float) -> Tensor:
    with no_grad():
        return fill_(tensor, val)


def zeros_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    with no_grad():
        return copy_(tensor, eye(*tensor.shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Glorot and Bengio 2010, uniform."""
    fan_in, fan_out = fans(tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Glorot and Bengio 2010, normal."""
    fan_in, fan_out = fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """He et al. 2015, uniform."""
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """He et al. 2015, normal."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)))


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """A matrix of shape[0] rows, which are orthonormal, or its columns where there are fewer."""
    if tensor.dim() < 2:
        raise located(RecordValueError("Only tensors with 2 or more dimensions are supported"))
    with no_grad():
        return copy_(tensor, _drawn(tensor, L.orthogonal, float(gain), 1))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal numbers, a share of each column zero."""
    with no_grad():
        value = randn(tuple(tensor.shape)) * std
        return copy_(tensor, where(rand(tuple(tensor.shape)) < sparsity, 0.0, value))


kaiming_uniform, kaiming_normal = kaiming_uniform_, kaiming_normal_
xavier_uniform, xavier_normal, uniform, normal, constant = (
    xavier_uniform_, xavier_normal_, uniform_, normal_, constant_,
)  # fmt: skip

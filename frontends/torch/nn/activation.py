"""Activations as layers."""

from __future__ import annotations

from typing import Any, ClassVar

from irc.frontends.torch.creation import ones
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import Parameter
from irc.frontends.torch.tensor import Tensor


class _Activation(Module):
    """A layer that applies one function; `options` are its arguments by name with their defaults."""

    options: ClassVar[dict[str, Any]] = {}
    shown: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        given = dict(zip(self.options, args, strict=False)) | kwargs
        for name, value in {**self.options, **given}.items():
            if name not in self.options:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{name}'"
                )
            setattr(self, name, value)

    def extra_repr(self) -> str:
        parts = [f"{name}={getattr(self, name)!r}" for name in self.shown]
        if getattr(self, "inplace", False):
            parts.append("inplace=True")
        return ", ".join(parts)


class ReLU(_Activation):
    """max(x, 0)."""

    options: ClassVar[dict[str, Any]] = {"inplace": False}

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class ReLU6(ReLU):
    """x between 0 and 6."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, self.inplace)


class Hardtanh(_Activation):
    """x between two bounds, -1 and 1 by default."""

    options: ClassVar[dict[str, Any]] = {"min_val": -1.0, "max_val": 1.0, "inplace": False}
    shown = ("min_val", "max_val")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class LeakyReLU(_Activation):
    """x above 0, negative_slope * x below."""

    options: ClassVar[dict[str, Any]] = {"negative_slope": 0.01, "inplace": False}
    shown = ("negative_slope",)

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(_Activation):
    """x above 0, alpha (exp(x) - 1) below."""

    options: ClassVar[dict[str, Any]] = {"alpha": 1.0, "inplace": False}
    shown = ("alpha",)

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


class CELU(ELU):
    """x above 0, alpha (exp(x / alpha) - 1) below (Barron 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class SELU(_Activation):
    """Klambauer et al. 2017."""

    options: ClassVar[dict[str, Any]] = {"inplace": False}

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class GELU(_Activation):
    """x times the normal distribution function (Hendrycks and Gimpel 2016); `approximate` is "none" or "tanh"."""

    options: ClassVar[dict[str, Any]] = {"approximate": "none"}
    shown = ("approximate",)

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)


class SiLU(_Activation):
    """x sigmoid(x)."""

    options: ClassVar[dict[str, Any]] = {"inplace": False}

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Mish(_Activation):
    """x tanh(softplus(x)) (Misra 2019)."""

    options: ClassVar[dict[str, Any]] = {"inplace": False}

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class Hardsigmoid(_Activation):
    """x / 6 + 1 / 2 between 0 and 1."""

    options: ClassVar[dict[str, Any]] = {"inplace": False}

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Activation):
    """x times Hardsigmoid (Howard et al. 2019)."""

    options: ClassVar[dict[str, Any]] = {"inplace": False}

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class Softplus(_Activation):
    """log(1 + exp(beta x)) / beta; x where beta x is over the threshold."""

    options: ClassVar[dict[str, Any]] = {"beta": 1.0, "threshold": 20.0}
    shown = ("beta", "threshold")

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


class Threshold(_Activation):
    """x above the threshold, `value` elsewhere."""

    options: ClassVar[dict[str, Any]] = {"threshold": 0.0, "value": 0.0, "inplace": False}
    shown = ("threshold", "value")

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(Module):
    """tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class LogSigmoid(Module):
    """log(sigmoid(x)), without overflow."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class Softmax(_Activation):
    """exp(x) over its sum along a dimension."""

    options: ClassVar[dict[str, Any]] = {"dim": None}
    shown = ("dim",)

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


class LogSoftmax(Softmax):
    """log(softmax(x)) along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmin(Softmax):
    """softmax(-x) along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, -3)


class GLU(_Activation):
    """One half times the sigmoid of the other (Dauphin et al. 2017)."""

    options: ClassVar[dict[str, Any]] = {"dim": -1}
    shown = ("dim",)

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)


class PReLU(Module):
    """max(x, 0) + weight min(x, 0), with a trained weight."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(ones(num_parameters) * init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"

"""nn.Linear, nn.Bilinear and nn.Identity."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn import init
from irc.frontends.torch.nn.lazy import Lazy, fresh
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import UninitializedParameter, is_lazy
from irc.frontends.torch.size import placed
from irc.frontends.torch.tensor import Tensor


class Identity(Module):
    """Gives its input back; takes and ignores any arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x weight^T + bias; weight (out_features, in_features), uniform in +-1/sqrt(in_features)."""

    @placed
    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = fresh(out_features, in_features, dtype=dtype)
        if bias:
            self.bias = fresh(out_features, dtype=dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )


class LazyLinear(Lazy, Linear):
    """Linear whose in_features is the first input's last extent."""

    settled = Linear

    @placed
    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        Module.__init__(self)
        self.in_features, self.out_features = 0, out_features
        self.weight = UninitializedParameter()
        if bias:
            self.bias = fresh(out_features, dtype=dtype)
        else:
            self.register_parameter("bias", None)

    def _learn(self, input: Tensor) -> None:
        self.in_features = input.shape[-1]
        if is_lazy(self.weight):
            self.weight.materialize((self.out_features, self.in_features))
            self.reset_parameters()


class Bilinear(Module):
    """y = x1 A x2 + b."""

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = fresh(out_features, in1_features, in2_features)
        bound = 1 / math.sqrt(in1_features)
        init.uniform_(self.weight, -bound, bound)
        if bias:
            self.bias = fresh(out_features)
            init.uniform_(self.bias, -bound, bound)
        else:
            self.register_parameter("bias", None)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

"""nn.Conv1d, Conv2d, Conv3d, their transposes, and the lazy ones."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn import init
from irc.frontends.torch.nn.functional.convolution import conv_padding
from irc.frontends.torch.nn.lazy import Lazy, fresh
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import UninitializedParameter, is_lazy
from irc.frontends.torch.size import placed
from irc.frontends.torch.tensor import Tensor


def _tuple(value: Any, n: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


class _Conv(Module):
    """Weights (out, in/groups, kernel...), uniform in +-1/sqrt(fan_in)."""

    n = 2
    transposed = False

    @placed
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._describe(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode
        )
        if in_channels:
            self.weight = fresh(*self._weight_shape(), dtype=dtype)
        else:
            self.weight = UninitializedParameter()
        if bias:
            self.bias = fresh(out_channels, dtype=dtype)
        else:
            self.register_parameter("bias", None)
        if in_channels:
            self.reset_parameters()

    def _describe(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
        groups: int, padding_mode: str,
    ) -> None:  # fmt: skip
        if groups <= 0 or in_channels % groups or out_channels % groups:
            what = "in_channels" if groups > 0 and in_channels % groups else "out_channels"
            raise located(RecordValueError(f"{what} must be divisible by groups"))
        n = self.n
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = _tuple(kernel_size, n), _tuple(stride, n)
        self.padding = padding if isinstance(padding, str) else _tuple(padding, n)
        self.dilation, self.padding_mode = _tuple(dilation, n), padding_mode
        self.output_padding = (0,) * n

    def _weight_shape(self) -> tuple[int, ...]:
        a, b = self.out_channels, self.in_channels // self.groups
        if self.transposed:
            a, b = self.in_channels, self.out_channels // self.groups
        return (a, b, *self.kernel_size)

    def reset_parameters(self) -> None:
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init.fans(self.weight)
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.n - 1]
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            mode = {"replicate": "replicate", "reflect": "reflect", "circular": "circular"}[self.padding_mode]
            pairs = conv_padding(padding, self.kernel_size, self.dilation, self.stride)
            input = F.pad(input, [p for pair in reversed(pairs) for p in pair], mode)
            padding = 0
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        ]
        n = self.n
        if self.padding != (0,) * n:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * n:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * n:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class Conv1d(_Conv):
    """(N, C, L) with weights (O, C/groups, k)."""

    n = 1


class Conv2d(_Conv):
    """(N, C, H, W) with weights (O, C/groups, kH, kW)."""

    n = 2


class Conv3d(_Conv):
    """(N, C, D, H, W) with weights (O, C/groups, kD, kH, kW)."""

    n = 3


class _ConvTranspose(_Conv):
    """The transpose of a convolution; weights (in, out/groups, kernel...)."""

    transposed = True

    @placed
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.output_padding = _tuple(output_padding, self.n)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        convolve = (F.conv_transpose1d, F.conv_transpose2d)[self.n - 1]
        return convolve(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_ConvTranspose):
    """The transpose of Conv1d: weights (C, O/groups, k)."""

    n = 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of Conv2d: weights (C, O/groups, kH, kW)."""

    n = 2


class _LazyConv(Lazy, _Conv):
    """A convolution whose in_channels is the first input's."""

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(0, out_channels, kernel_size, *args, **kwargs)

    def _learn(self, input: Tensor) -> None:
        self.in_channels = input.shape[-self.n - 1]
        if is_lazy(self.weight):
            self.weight.materialize(self._weight_shape())
            self.reset_parameters()


class LazyConv1d(_LazyConv):
    """Conv1d whose in_channels are the first input's."""

    n, settled = 1, Conv1d


class LazyConv2d(_LazyConv):
    """Conv2d whose in_channels are the first input's."""

    n, settled = 2, Conv2d


class LazyConvTranspose2d(Lazy, ConvTranspose2d):
    """ConvTranspose2d whose in_channels are the first input's."""

    settled = ConvTranspose2d

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        ConvTranspose2d.__init__(self, 0, out_channels, kernel_size, *args, **kwargs)

    _learn = _LazyConv._learn

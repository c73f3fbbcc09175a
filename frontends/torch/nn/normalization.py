"""nn.BatchNorm, LayerNorm, GroupNorm, InstanceNorm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import normalization as N
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.creation import ones, tensor, zeros
from irc.frontends.torch.grad_mode import no_grad
from irc.frontends.torch.in_place import copy_
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn.functional.normalization import affine_operands
from irc.frontends.torch.nn.lazy import Lazy
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import Parameter, UninitializedParameter, is_lazy
from irc.frontends.torch.size import placed
from irc.frontends.torch.tensor import Tensor, emit, emit_all


class _Norm(Module):
    """Scale, shift, and running statistics of channels."""

    ranks: tuple[int, ...] = ()

    @placed
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, wanted, fill in (("weight", affine, ones), ("bias", affine and bias, zeros)):
            parameter = Parameter(fill(num_features)) if num_features else UninitializedParameter()
            self.register_parameter(name, parameter if wanted else None)
        if track_running_stats:
            self.register_buffer("running_mean", zeros(num_features))
            self.register_buffer("running_var", ones(num_features))
            self.register_buffer("num_batches_tracked", tensor(0, dtype=dtypes.int64))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)

    def reset_running_stats(self) -> None:
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        if self.affine:
            with no_grad():
                self.weight.fill_(1)
                if self.bias is not None:
                    self.bias.zero_()

    def _check(self, x: Tensor) -> None:
        if x.dim() not in self.ranks:
            wanted = " or ".join(f"{r}D" for r in self.ranks)
            raise located(RecordValueError(f"expected {wanted} input (got {x.dim()}D input)"))
        if x.shape[1] != self.num_features:
            raise located(
                RecordValueError(
                    f"running_mean should contain {x.shape[1]} elements not {self.num_features}",
                    notes=(
                        f"nn.{type(self).__name__}({x.shape[1]}) takes this input of {'x'.join(map(str, x.shape))}",
                    ),
                )
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Norm):
    """Normalises each channel over batch and space."""

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        use_own = self.training or not self.track_running_stats
        if not use_own:
            return F.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        if not (self.training and self.track_running_stats):
            return F.batch_norm(input, None, None, self.weight, self.bias, True, 0.0, self.eps)
        with no_grad():
            self.num_batches_tracked.add_(1)
        if self.momentum is None:
            return self._averaged(input)
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, True, self.momentum, self.eps
        )

    def _averaged(self, x: Tensor) -> Tensor:
        """With the plain mean of all statistics so far as the running ones."""
        affine = affine_operands(self.weight, self.bias)
        y, mean, variance = emit_all(N.batch_norm_train, (x, *affine), 1, self.eps, bool(affine), True)
        with no_grad():
            for held, new in ((self.running_mean, mean), (self.running_var, variance)):
                count = self.num_batches_tracked
                copy_(held, emit(N.cumulative_average, (held, new.detach(), count)))
        return y


class BatchNorm1d(_BatchNorm):
    """Of (N, C) or (N, C, L)."""

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Of (N, C, H, W)."""

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Of (N, C, D, H, W)."""

    ranks = (5,)


class _LazyBatchNorm(Lazy, _BatchNorm):
    """Batch normalisation whose num_features is the first input's."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        _Norm.__init__(self, 0, eps, momentum, affine, track_running_stats)

    def _learn(self, input: Tensor) -> None:
        n = self.num_features = input.shape[1]
        for parameter, fill in ((self.weight, ones), (self.bias, zeros)):
            if is_lazy(parameter):
                parameter.materialize((n,))
                parameter.data = fill(n)
        if self.track_running_stats:
            self.running_mean, self.running_var = zeros(n), ones(n)


class LazyBatchNorm1d(_LazyBatchNorm):
    """BatchNorm1d whose num_features is the first input's."""

    settled = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm):
    """BatchNorm2d whose num_features is the first input's."""

    settled = BatchNorm2d


class _InstanceNorm(_Norm):
    """Normalises each channel of each sample."""

    @placed
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        return F.instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample of (N, C, L) normalised by itself."""

    ranks = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample of (N, C, H, W) normalised by itself."""

    ranks = (4,)


class LayerNorm(Module):
    """Normalises over the last dimensions."""

    @placed
    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)
        if elementwise_affine:
            self.weight = Parameter(ones(*shape, dtype=dtype))
            if bias:
                self.bias = Parameter(zeros(*shape, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Over the root of the mean square along the last dimensions."""

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", None)
        if elementwise_affine:
            self.weight = Parameter(ones(*shape))

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalises groups of channels of each sample."""

    @placed
    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", Parameter(ones(num_channels)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels)) if affine and bias else None)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"

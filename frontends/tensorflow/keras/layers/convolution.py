"""Convolutions: (N, ..., C) with kernels (..., in, out); data_format="channels_first" takes (N, C, ...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import convolution as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.array_ops import pad, reshape, transpose
from irc.frontends.tensorflow.convolution import conv_transpose, padding_of
from irc.frontends.tensorflow.keras import activations, initializers
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.layers.weighted import KernelAndBias
from irc.frontends.tensorflow.tensor import emit


def extents(value: Any, n: int, name: str) -> tuple[int, ...]:
    """One number for each spatial dimension."""
    given = (value,) * n if isinstance(value, int) else tuple(int(v) for v in value)
    if len(given) != n:
        raise located(
            RecordValueError(
                f"The `{name}` argument must be a tuple of {n} integers. Received {name}={value}, including {len(given)}"
            )
        )
    return given


def channels_first(data_format: str | None) -> bool:
    """Whether channels are the second dimension."""
    if data_format not in (None, "channels_last", "channels_first"):
        raise located(
            RecordValueError(
                f"The `data_format` argument must be one of {{'channels_first', 'channels_last'}}. Received: {data_format}"
            )
        )
    return data_format == "channels_first"


def to_last(x: Any) -> Any:
    """(N, C, ...) as (N, ..., C)."""
    return transpose(x, (0, *range(2, x.ndim), 1))


def to_first(x: Any) -> Any:
    """(N, ..., C) as (N, C, ...)."""
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


class BaseConv(KernelAndBias):
    """A convolution of `rank` spatial dimensions."""

    rank = 2

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, groups: int = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **options)
        n = self.rank
        self.filters, self.groups, self.use_bias = filters, groups, use_bias
        self.kernel_size, self.strides = (
            extents(kernel_size, n, "kernel_size"),
            extents(strides, n, "strides"),
        )
        self.dilation_rate = extents(dilation_rate, n, "dilation_rate")
        self.padding = padding.lower()
        if self.padding not in ("valid", "same") and not (n == 1 and self.padding == "causal"):
            raise located(
                RecordValueError(
                    "The `padding` argument must be one of {'valid', 'same'"
                    + (", 'causal'" if n == 1 else "")
                    + f"}}. Received: {padding}"
                )
            )
        if filters is not None and filters <= 0:
            raise located(
                RecordValueError(
                    f"Invalid value for argument `filters`. Expected a strictly positive value. Received filters={filters}."
                )
            )
        self.data_format = data_format or "channels_last"
        self._first = channels_first(data_format)
        self.activation = activations.get(activation)
        self._tell(
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
        )
        self.input_spec = InputSpec(min_ndim=n + 2, max_ndim=n + 2)

    @property
    def _axis(self) -> int:
        return 1 if self._first else -1

    def _channels(self, input_shape: Sequence[int | None]) -> int:
        channels = input_shape[self._axis]
        if channels is None:
            raise located(
                RecordValueError(
                    f"The channel dimension of the inputs should be defined. Received: {tuple(input_shape)}"
                )
            )
        if channels % self.groups or (self.filters or 0) % self.groups:
            raise located(
                RecordValueError(
                    "The number of input channels and of filters must be evenly divisible by the number of groups. Received "
                    f"groups={self.groups}, but the input has {channels} channels and there are {self.filters} filters."
                )
            )
        return channels

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self._add_weights(self._kernel_shape(channels), self._outputs(channels))
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._axis: channels})

    def _advice(self, shape: tuple[int | None, ...]) -> tuple[str, ...]:
        names = ("length", "height, width", "depth, height, width")[self.rank - 1]
        order = f"(batch, channels, {names})" if self._first else f"(batch, {names}, channels)"
        if len(shape) == self.rank + 1 and not self._first:
            return (
                f"it takes {order}: where there is one channel, give x[..., tf.newaxis]",
                "a single sample is a batch of one: x[tf.newaxis, ...]",
            )
        if len(shape) != self.rank + 2:
            return (f"it takes {order}",)
        channels = self.input_spec.axes.get(self._axis)
        if not self._first and shape[1] == channels:
            back = (0, *range(2, self.rank + 2), 1)
            return (f"the channels come first here: give tf.transpose(x, {list(back)})",)
        return (f"its kernel is made for inputs of {channels} channels",)

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _outputs(self, channels: int) -> int:
        return self.filters

    def _add_weights(self, shape: tuple[int, ...], outputs: int, name: str = "kernel") -> None:
        self._kernel = self._add_kernel(shape, name)
        setattr(self, name, self._kernel)
        self._add_bias((outputs,))

    def call(self, inputs: Any) -> Any:
        x = to_last(inputs) if self._first else inputs
        y = self.activation(self._convolved(x, self._kernel, self.groups))
        return to_first(y) if self._first else y

    def _convolved(self, x: Any, kernel: Any, groups: int) -> Any:
        size = x._read().type.shape[1:-1]
        padding: Any = self.padding
        if padding == "causal":
            padding = [(self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)]
        pads = padding_of(padding, size, self.kernel_size, self.strides, self.dilation_rate)
        self._check_fits(size, pads)
        operands = (x, kernel) if self.bias is None else (x, kernel, self.bias)
        return emit(
            L.convolution_last,
            operands,
            self.strides,
            pads,
            self.dilation_rate,
            groups,
            op=f"Conv{self.rank}D",
        )

    def _check_fits(self, size: Sequence[int], pads: Any) -> None:
        for n, k, d, (a, b) in zip(size, self.kernel_size, self.dilation_rate, pads, strict=True):
            if n + a + b < d * (k - 1) + 1:
                raise located(
                    RecordValueError(
                        f"Computed output size would be negative. Received: inputs of spatial size {tuple(size)}, kernel_size="
                        f"{self.kernel_size}, dilation_rate={self.dilation_rate}",
                        notes=("padding='same' keeps the size",),
                    )
                )

    def get_config(self) -> dict[str, Any]:
        own = {
            "filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides, "padding": self.padding,
            "data_format": self.data_format, "dilation_rate": self.dilation_rate, "groups": self.groups,
            "activation": activations.serialize(self.activation), "use_bias": self.use_bias,
        }  # fmt: skip
        return {**super().get_config(), **own}


class Conv1D(BaseConv):
    """(N, T, C) with kernels (k, in, out)."""

    rank = 1


class Conv2D(BaseConv):
    """(N, H, W, C) with kernels (kh, kw, in, out)."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        *args: Any,
        **options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, *args, **options)


class Conv3D(BaseConv):
    """(N, D, H, W, C) with kernels (kd, kh, kw, in, out)."""

    rank = 3


class DepthwiseConv2D(BaseConv):
    """Each channel with `depth_multiplier` filters of its own."""

    def __init__(
        self, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", depthwise_regularizer: Any = None,
        depthwise_constraint: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            None, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,  # type: ignore[arg-type]
            depthwise_initializer, bias_initializer, depthwise_regularizer, kernel_constraint=depthwise_constraint, **options,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self._add_weights(
            (*self.kernel_size, channels, self.depth_multiplier), channels * self.depth_multiplier
        )
        self.depthwise_kernel = self._kernel
        self.input_spec = InputSpec(min_ndim=4, axes={self._axis: channels})

    def call(self, inputs: Any) -> Any:
        x = to_last(inputs) if self._first else inputs
        kh, kw, c, m = self._kernel._read().type.static_shape
        y = self.activation(self._convolved(x, reshape(self._kernel, (kh, kw, 1, c * m)), c))
        return to_first(y) if self._first else y


class SeparableConv2D(BaseConv):
    """A depthwise convolution, then one of 1 x 1."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = (1, 1), depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            depthwise_initializer, **options,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.pointwise_initializer = initializers.get(pointwise_initializer)

    def build(self, input_shape: Any) -> None:
        channels, m = self._channels(input_shape), self.depth_multiplier
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, m), self.kernel_initializer, name="depthwise_kernel"
        )
        self.pointwise_kernel = self.add_weight(
            (1, 1, channels * m, self.filters), self.pointwise_initializer, name="pointwise_kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, name="bias")
        self.input_spec = InputSpec(min_ndim=4, axes={self._axis: channels})

    def call(self, inputs: Any) -> Any:
        x = to_last(inputs) if self._first else inputs
        kh, kw, c, m = self.depthwise_kernel._read().type.static_shape
        pads = padding_of(
            self.padding, x._read().type.shape[1:-1], self.kernel_size, self.strides, self.dilation_rate
        )
        deep = reshape(self.depthwise_kernel, (kh, kw, 1, c * m))
        x = emit(L.convolution_last, (x, deep), self.strides, pads, self.dilation_rate, c)
        operands = (x, self.pointwise_kernel) if self.bias is None else (x, self.pointwise_kernel, self.bias)
        y = self.activation(emit(L.convolution_last, operands, (1, 1), ((0, 0), (0, 0)), (1, 1), 1))
        return to_first(y) if self._first else y


class BaseConvTranspose(BaseConv):
    """The gradient of a convolution as a layer: kernels are (..., out, in)."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, *args: Any, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            1,
            activation,
            *args,
            **options,
        )
        self.output_padding = (
            None if output_padding is None else extents(output_padding, self.rank, "output_padding")
        )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def _size(self, n: int, i: int) -> int:
        """The output's extent along spatial dimension i."""
        k, s, d = self.kernel_size[i], self.strides[i], self.dilation_rate[i]
        reach = d * (k - 1) + 1
        if self.output_padding is not None:
            around = reach // 2 if self.padding == "same" else 0
            return (n - 1) * s + reach - 2 * around + self.output_padding[i]
        return n * s if self.padding == "same" else n * s + max(reach - s, 0)

    def call(self, inputs: Any) -> Any:
        x = to_last(inputs) if self._first else inputs
        shape = x._read().type.shape
        size = tuple(self._size(n, i) for i, n in enumerate(shape[1:-1]))
        y = conv_transpose(
            x,
            self._kernel,
            (shape[0], *size, self.filters),
            self.strides,
            self.padding,
            self.dilation_rate,
            self.rank,
        )
        y = self.activation(y if self.bias is None else y + self.bias)
        return to_first(y) if self._first else y


class Conv1DTranspose(BaseConvTranspose):
    """(N, T, C) with kernels (k, out, in)."""

    rank = 1


class Conv2DTranspose(BaseConvTranspose):
    """(N, H, W, C) with kernels (kh, kw, out, in)."""

    rank = 2


class Conv3DTranspose(BaseConvTranspose):
    """(N, D, H, W, C) with kernels (kd, kh, kw, out, in)."""

    rank = 3


class _Padding(Layer):
    """Zeros around the spatial dimensions."""

    rank = 2

    def __init__(self, padding: Any = 1, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        n = self.rank
        given = ((padding, padding),) * n if isinstance(padding, int) else tuple(padding)
        if n == 1 and given and isinstance(given[0], int):
            given = (given,)
        self.padding = tuple((p, p) if isinstance(p, int) else tuple(p) for p in given)
        self._first = channels_first(data_format)
        self.input_spec = InputSpec(ndim=n + 2)
        self.built = True

    def _around(self) -> list[tuple[int, ...]]:
        return [(0, 0), (0, 0), *self.padding] if self._first else [(0, 0), *self.padding, (0, 0)]

    def call(self, inputs: Any) -> Any:
        return pad(inputs, self._around())


class ZeroPadding1D(_Padding):
    """Zeros before and after the time of (N, T, C)."""

    rank = 1


class ZeroPadding2D(_Padding):
    """Zeros around the height and width of (N, H, W, C)."""

    rank = 2


class ZeroPadding3D(_Padding):
    """Zeros around the depth, height and width of (N, D, H, W, C)."""

    rank = 3

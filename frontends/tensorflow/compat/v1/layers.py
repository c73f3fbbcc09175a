"""tf.layers: layers whose weights are variables of the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.points import RUNNING, kind_of_variance, share_of_new
from irc.frontends.recorder.storage import located
from irc.frontends.source import noted
from irc.frontends.tensorflow import array_ops, linalg, pointwise
from irc.frontends.tensorflow import nn as eager
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call, prepared
from irc.frontends.tensorflow.compat.v1.control_flow import either
from irc.frontends.tensorflow.compat.v1.graph import GraphKeys, get_default_graph
from irc.frontends.tensorflow.compat.v1.initializers import Ones, Zeros, initializer_of
from irc.frontends.tensorflow.compat.v1.nn import dropout as nn_dropout
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.compat.v1.variable_scope import get_variable, variable_scope
from irc.frontends.tensorflow.compat.v1.variables import Variable


class Layer:
    """Base: `build(shape)` makes variables at the first call, `call(inputs)` computes."""

    default = "layer"

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        _reuse: Any = None,
        _scope: Any = None,
        **kwargs: Any,
    ) -> None:
        self.trainable = trainable
        self.dtype = dtype
        self.built = False
        self._given_name = name
        self._reuse = _reuse
        self._scope = _scope
        self._weights: list[Variable] = []
        self.losses: list[Any] = []
        self.updates: list[Any] = []

    @property
    def name(self) -> str:
        """Its name, which its variables and operations stand under."""
        scope = self._scope
        return str(getattr(scope, "name", scope) or self._given_name or self.default)

    @property
    def weights(self) -> list[Variable]:
        """Its variables, those that are trained first."""
        return list(self._weights)

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """Its variables that are trained."""
        return [v for v in self._weights if v.trainable]

    trainable_variables = trainable_weights

    def build(self, input_shape: Any) -> None:
        """Makes the layer's variables."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The results for some inputs; override it."""
        return inputs

    def add_weight(
        self,
        name: str,
        shape: Any,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> Any:
        """A variable of the layer, in its variable scope."""
        made = get_variable(
            name,
            shape,
            self.dtype,
            initializer_of(initializer),
            regularizer,
            trainable and self.trainable,
            constraint=constraint,
        )
        if made not in self._weights:
            self._weights.append(made)
        return made

    add_variable = add_weight

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not mode.in_graph and not isinstance(prepared(inputs), GraphTensor):
            raise located(
                RecordValueError(
                    "tf.layers are for graphs", notes=("tf.keras.layers are for eager execution",)
                )
            )
        inputs = as_tensor(inputs)
        if self.dtype is None:
            self.dtype = inputs.dtype
        given = self._scope if self._scope is not None else self._given_name
        reuse = True if self.built else self._reuse
        with variable_scope(given, self.default, reuse=reuse) as scope:
            self._scope = scope
            if not self.built:
                self.build(inputs.shape)
                self.built = True
            return self.call(inputs, *args, **kwargs)

    apply = __call__


def _last(shape: Any, what: str) -> int:
    extent = None if shape.rank is None else shape.as_list()[-1]
    if extent is None:
        raise located(
            RecordValueError(f"The last dimension of the inputs to `{what}` should be defined. Found `None`.")
        )
    return int(extent)


def _activated(value: Any, activation: Any) -> Any:
    return value if activation is None else activation(value)


class Dense(Layer):
    """activation(inputs @ kernel + bias)."""

    default = "dense"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        self.units, self.activation, self.use_bias = int(units), activation, use_bias
        self._kernel = (kernel_initializer, kernel_regularizer, kernel_constraint)
        self._bias = (bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        first, regular, constraint = self._kernel
        self.kernel = self.add_weight(
            "kernel", [_last(input_shape, "Dense"), self.units], first, regular, True, constraint
        )
        first, regular, constraint = self._bias
        self.bias = (
            self.add_weight("bias", [self.units], first, regular, True, constraint) if self.use_bias else None
        )

    def call(self, inputs: Any) -> Any:
        if inputs.shape.rank in (None, 2):
            value = call(linalg.matmul, (inputs, self.kernel), "MatMul")
        else:
            value = call(linalg.tensordot, (inputs, self.kernel, 1), "Tensordot")
        if self.bias is not None:
            value = call(eager.bias_add, (value, self.bias), "BiasAdd")
        return _activated(value, self.activation)


def _pair(value: Any, n: int) -> tuple[int, ...]:
    return (int(value),) * n if isinstance(value, int) else tuple(int(v) for v in value)


class _Conv(Layer):
    """Base of the convolutions in `rank` spatial dimensions."""

    rank = 2
    default = "conv2d"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        if data_format != "channels_last":
            raise located(RecordValueError(f"{type(self).__name__} takes data_format='channels_last' (NHWC)"))
        self.filters, self.activation, self.use_bias = int(filters), activation, use_bias
        self.kernel_size, self.strides = _pair(kernel_size, self.rank), _pair(strides, self.rank)
        self.padding, self.dilation_rate = padding.upper(), _pair(dilation_rate, self.rank)
        self._kernel = (kernel_initializer, kernel_regularizer, kernel_constraint)
        self._bias = (bias_initializer, bias_regularizer, bias_constraint)

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, channels, self.filters]

    def build(self, input_shape: Any) -> None:
        if input_shape.rank not in (None, self.rank + 2):
            raise located(
                RecordValueError(
                    f"Input 0 of layer {self.name} is incompatible with the layer: expected ndim={self.rank + 2}, found "
                    f"ndim={input_shape.rank}. Full shape received: {input_shape}"
                )
            )
        first, regular, constraint = self._kernel
        shape = self._kernel_shape(_last(input_shape, type(self).__name__))
        self.kernel = self.add_weight("kernel", shape, first, regular, True, constraint)
        first, regular, constraint = self._bias
        self.bias = (
            self.add_weight("bias", [self.filters], first, regular, True, constraint)
            if self.use_bias
            else None
        )

    def _convolved(self, inputs: Any) -> Any:
        function = (eager.conv1d, eager.conv2d, eager.conv3d)[self.rank - 1]
        strides = self.strides[0] if self.rank == 1 else list(self.strides)
        if self.rank == 3:
            strides = [1, *self.strides, 1]
        dilations = list(self.dilation_rate) if self.rank < 3 else [1, *self.dilation_rate, 1]
        kwargs = {"strides": strides, "padding": self.padding, "dilations": dilations}
        return call(function, (inputs, self.kernel), f"Conv{self.rank}D", None, kwargs)

    def call(self, inputs: Any) -> Any:
        value = self._convolved(inputs)
        if self.bias is not None:
            value = call(eager.bias_add, (value, self.bias), "BiasAdd")
        return _activated(value, self.activation)


class Conv1D(_Conv):
    """(N, W, C) with kernels (kw, in, out)."""

    rank, default = 1, "conv1d"


class Conv2D(_Conv):
    """(N, H, W, C) with kernels (kh, kw, in, out)."""

    rank, default = 2, "conv2d"


class Conv3D(_Conv):
    """(N, D, H, W, C) with kernels (kd, kh, kw, in, out)."""

    rank, default = 3, "conv3d"


class Conv2DTranspose(_Conv):
    """The gradient of a convolution as a layer."""

    rank, default = 2, "conv2d_transpose"

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def _convolved(self, inputs: Any) -> Any:
        return call(
            _transposed, (inputs, self.kernel, self.filters, self.strides, self.padding), "conv2d_transpose"
        )


def _transposed(x: Any, kernel: Any, filters: int, strides: Sequence[int], padding: str) -> Any:
    b, *spatial, _ = x.shape.as_list()
    windows = kernel.shape.as_list()[:2]
    extra = [0 if padding == "SAME" else max(w - s, 0) for w, s in zip(windows, strides, strict=True)]
    out = [n * s + e for n, s, e in zip(spatial, strides, extra, strict=True)]
    return eager.conv2d_transpose(x, kernel, [b, *out, filters], list(strides), padding)


class BatchNormalization(Layer):
    """Normalises over all dimensions but one, by the batch while training and by moving averages otherwise.

    `training` is a Python bool or a boolean tensor. The moving averages' updates go into the collection UPDATE_OPS."""

    default = "batch_normalization"

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = Zeros,
        gamma_initializer: Any = Ones,
        moving_mean_initializer: Any = Zeros,
        moving_variance_initializer: Any = Ones,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        if renorm:
            raise located(RecordValueError("batch renormalization is not there"))
        self.axis, self.momentum, self.epsilon, self.fused = axis, momentum, epsilon, fused
        self.center, self.scale = center, scale
        self._beta, self._gamma = (beta_initializer, beta_regularizer), (gamma_initializer, gamma_regularizer)
        self._moving = (moving_mean_initializer, moving_variance_initializer)

    def build(self, input_shape: Any) -> None:
        rank = input_shape.rank
        place = self.axis[0] if isinstance(self.axis, (list, tuple)) else self.axis
        if rank is None or place % rank != rank - 1:
            raise located(RecordValueError("batch_normalization takes inputs with channels last (axis=-1)"))
        shape = [_last(input_shape, "BatchNormalization")]
        self.gamma = self.add_weight("gamma", shape, *self._gamma) if self.scale else None
        self.beta = self.add_weight("beta", shape, *self._beta) if self.center else None
        self.moving_mean = self.add_weight("moving_mean", shape, self._moving[0], trainable=False)
        self.moving_variance = self.add_weight("moving_variance", shape, self._moving[1], trainable=False)

    def call(self, inputs: Any, training: Any = False) -> Any:
        def by_batch() -> list[Any]:
            mean, variance = call(_batch_moments, (inputs,), "moments")
            return [self._normal(inputs, mean, variance), mean, variance]

        def by_average() -> list[Any]:
            mean, variance = (as_tensor(v) for v in (self.moving_mean, self.moving_variance))
            return [self._normal(inputs, mean, variance), mean, variance]

        if training is False:
            with noted("BatchNorm of given statistics", eps=self.epsilon):
                return by_average()[0]
        with noted("BatchNorm", eps=self.epsilon, running_variance=kind_of_variance(self._is_fused(inputs))):
            out, mean, variance = either(training, by_batch, by_average)
        with noted(RUNNING, momentum=share_of_new(1.0 - self.momentum)):
            self._update(inputs, mean, variance, training)
        return out

    def _is_fused(self, inputs: Any) -> bool:
        """Whether TensorFlow takes its fused kernel, which corrects the variance that the average follows."""
        return self.fused is not False and inputs.shape.rank == 4

    def _normal(self, inputs: Any, mean: Any, variance: Any) -> Any:
        arguments = (inputs, mean, variance, self.beta, self.gamma, self.epsilon)
        return call(eager.batch_normalization, arguments, "batchnorm")

    def _update(self, inputs: Any, mean: Any, variance: Any, training: Any) -> None:
        """Moves the averages; outside of training they move by nothing."""
        share: Any = 1.0 - self.momentum
        if isinstance(prepared(training), GraphTensor):
            share = call(pointwise.cast, (training, self.dtype), "Cast") * share
        if self._is_fused(inputs):
            variance = call(_unbiased, (variance, inputs), "mul")
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            made = average.assign_sub((average - value) * share, name="AssignMovingAvg")
            get_default_graph().add_to_collection(GraphKeys.UPDATE_OPS, made)
            self.updates.append(made)


def _batch_moments(x: Any) -> Any:
    return eager.moments(x, list(range(x.ndim - 1)))


def _unbiased(variance: Any, x: Any) -> Any:
    """TensorFlow's fused kernel averages the unbiased variance."""
    n = math.prod(x.shape.as_list()[:-1])
    return variance * (n / max(n - 1, 1))


class Dropout(Layer):
    """Each element zero with probability `rate` while training."""

    default = "dropout"

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(True, name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = False) -> Any:
        return either(
            training,
            lambda: nn_dropout(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed),
            lambda: call(array_ops.identity, (inputs,), "Identity"),
        )


class Flatten(Layer):
    """All dimensions after the first as one."""

    default = "flatten"

    def call(self, inputs: Any) -> Any:
        return call(_flattened, (inputs,), "Reshape")


def _flattened(x: Any) -> Any:
    shape = x.shape.as_list()
    return array_ops.reshape(x, [shape[0], math.prod(shape[1:])])


class _Pooling(Layer):
    rank = 2
    average = False
    default = "max_pooling2d"

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(True, name, **kwargs)
        if data_format != "channels_last":
            raise located(RecordValueError(f"{type(self).__name__} takes data_format='channels_last' (NHWC)"))
        self.pool_size, self.strides = _pair(pool_size, self.rank), _pair(strides, self.rank)
        self.padding = padding.upper()

    def call(self, inputs: Any) -> Any:
        kind = "avg" if self.average else "max"
        function = getattr(eager, f"{kind}_pool{self.rank}d")
        arguments = (inputs, list(self.pool_size), list(self.strides), self.padding)
        return call(function, arguments, "AvgPool" if self.average else "MaxPool")


class MaxPooling1D(_Pooling):
    """The largest element of each window of (N, W, C)."""

    rank, default = 1, "max_pooling1d"


class MaxPooling2D(_Pooling):
    """The largest element of each window of (N, H, W, C)."""

    rank, default = 2, "max_pooling2d"


class AveragePooling1D(_Pooling):
    """The mean of each window of (N, W, C)."""

    rank, average, default = 1, True, "average_pooling1d"


class AveragePooling2D(_Pooling):
    """The mean of each window of (N, H, W, C)."""

    rank, average, default = 2, True, "average_pooling2d"


def _functional(cls: Any) -> Callable[..., Any]:
    """The function that makes a layer and calls it once."""

    def run(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        reuse, name = kwargs.pop("reuse", None), kwargs.pop("name", None)
        more = {"training": kwargs.pop("training")} if "training" in kwargs else {}
        layer = cls(*args, name=name, _reuse=reuse, **kwargs)
        return layer(inputs, **more)

    run.__name__ = run.__qualname__ = cls.default
    run.__doc__ = cls.__doc__
    return run


dense = _functional(Dense)
conv1d = _functional(Conv1D)
conv2d = _functional(Conv2D)
conv3d = _functional(Conv3D)
conv2d_transpose = _functional(Conv2DTranspose)
batch_normalization = _functional(BatchNormalization)
dropout = _functional(Dropout)
flatten = _functional(Flatten)
max_pooling1d = _functional(MaxPooling1D)
max_pooling2d = _functional(MaxPooling2D)
average_pooling1d = _functional(AveragePooling1D)
average_pooling2d = _functional(AveragePooling2D)

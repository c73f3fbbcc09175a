"""BatchNormalization, LayerNormalization, GroupNormalization, and Normalization by statistics of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import normalization as N
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.array_ops import reshape, transpose
from irc.frontends.tensorflow.keras import initializers
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.layers.weighted import ScaleAndShift
from irc.frontends.tensorflow.pointwise import maximum, sqrt
from irc.frontends.tensorflow.recording import nothing_kept
from irc.frontends.tensorflow.tensor import convert_to_tensor, emit, emit_all


class BatchNormalization(ScaleAndShift):
    """Each channel normalised over the batch while training, by moving statistics otherwise.

    A frozen one (`trainable = False`) uses the moving statistics in training, too."""

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, synchronized: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.axis = axis[0] if isinstance(axis, (list, tuple)) else int(axis)
        self.momentum, self.epsilon, self.center, self.scale = float(momentum), float(epsilon), center, scale
        self._tell(
            (gamma_initializer, gamma_regularizer, gamma_constraint),
            (beta_initializer, beta_regularizer, beta_constraint),
        )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[self.axis],)
        self._add_affine(shape, self.scale, self.center)
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        affine = self._affine
        statics = (self.axis % inputs.ndim, self.epsilon, self.gamma is not None)
        if not (training and self.trainable):
            return emit(
                N.batch_norm_infer, [inputs, self.moving_mean, self.moving_variance, *affine], *statics
            )
        y, mean, variance = emit_all(N.batch_norm_train, [inputs, *affine], *statics, False)
        with nothing_kept():
            for held, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                held.assign(emit(N.running, (held, new), 1.0 - self.momentum))
        return y

    def get_config(self) -> dict[str, Any]:
        own = {
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
        }
        return {**super().get_config(), **own}


class LayerNormalization(ScaleAndShift):
    """Each sample normalised over some axes, the last one by default."""

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, rms_scaling: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.epsilon, self.center, self.scale = float(epsilon), center and not rms_scaling, scale
        self.rms_scaling = rms_scaling
        self._tell(
            (gamma_initializer, gamma_regularizer, gamma_constraint),
            (beta_initializer, beta_regularizer, beta_constraint),
        )
        self.supports_masking = True

    def _axes(self, rank: int) -> tuple[int, ...]:
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        return tuple(sorted(a % rank for a in given))

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape[a] for a in self._axes(len(input_shape)))
        self._add_affine(shape, self.scale or self.rms_scaling, self.center)

    def call(self, inputs: Any) -> Any:
        affine = self._affine
        axes = self._axes(inputs.ndim)
        if self.rms_scaling:
            return emit(N.rms_norm, [inputs, *affine], axes, self.epsilon)
        return emit(N.layer_norm, [inputs, *affine], axes, self.epsilon, self.gamma is not None)

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "epsilon": self.epsilon, "center": self.center, "scale": self.scale}
        return {**super().get_config(), **own}


class RMSNormalization(LayerNormalization):
    """Over the root of the mean square along the last axis."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **options: Any) -> None:
        super().__init__(axis, epsilon, center=False, rms_scaling=True, **options)

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape[a] for a in self._axes(len(input_shape)))
        self.gamma = self.add_weight(shape, "ones", name="scale")


class GroupNormalization(Layer):
    """Channels in groups, each normalised over itself and space."""

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if axis not in (-1, 1):
            raise located(
                RecordValueError(f"GroupNormalization along axis {axis} is not there: -1 and 1 are")
            )
        self.groups, self.axis, self.epsilon, self.center, self.scale = (
            groups,
            axis,
            float(epsilon),
            center,
            scale,
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        channels = input_shape[self.axis]
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise located(
                RecordValueError(
                    f"Number of groups ({self.groups}) must be a multiple of the number of channels ({channels})."
                )
            )
        self.gamma = self.add_weight((channels,), "ones", name="gamma", trainable=self.scale)
        self.beta = self.add_weight((channels,), "zeros", name="beta", trainable=self.center)

    def call(self, inputs: Any) -> Any:
        last = self.axis == -1
        x = transpose(inputs, (0, inputs.ndim - 1, *range(1, inputs.ndim - 1))) if last else inputs
        y = emit(N.group_norm, (x, self.gamma, self.beta), self.groups, self.epsilon)
        return transpose(y, (0, *range(2, y.ndim), 1)) if last else y


class Normalization(Layer):
    """(x - mean) / deviation, by statistics that `adapt` takes of the data (or that are given)."""

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        self.axis = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        self.invert = invert
        self._statistics: tuple[Any, Any] | None = None
        if (mean is None) != (variance is None):
            raise located(
                RecordValueError("When setting values directly, both `mean` and `variance` must be set.")
            )
        if mean is not None:
            self._statistics = np.asarray(mean, np.float32), np.asarray(variance, np.float32)

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape[a] for a in self.axis)
        given = self._statistics or (np.zeros(shape, np.float32), np.ones(shape, np.float32))
        mean, variance = (np.broadcast_to(v, shape) for v in given)
        self.adapt_mean = self.add_weight(shape, initializers.Constant(mean), trainable=False, name="mean")
        self.adapt_variance = self.add_weight(
            shape, initializers.Constant(variance), trainable=False, name="variance"
        )

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Takes the mean and variance of an array, or of the batches of a data set."""
        if isinstance(data, np.ndarray) or hasattr(data, "numpy"):
            x = np.asarray(data, np.float64)
        else:
            x = np.concatenate([np.asarray(b[0] if isinstance(b, tuple) else b, np.float64) for b in data])
        x = x[:, None] if x.ndim == 1 else x
        if not self.built:
            self._build((None, *x.shape[1:]))
        kept = tuple(a % x.ndim for a in self.axis)
        over = tuple(d for d in range(x.ndim) if d not in kept)
        for variable, value in ((self.adapt_mean, x.mean(over)), (self.adapt_variance, x.var(over))):
            variable.assign(np.asarray(value, np.float32))

    @property
    def mean(self) -> Any:
        """The mean, of the extents of the kept axes."""
        return self.adapt_mean.value

    @property
    def variance(self) -> Any:
        """The variance, of the extents of the kept axes."""
        return self.adapt_variance.value

    def call(self, inputs: Any) -> Any:
        x = convert_to_tensor(inputs)
        kept = tuple(a % x.ndim for a in self.axis)
        shape = tuple(n if d in kept else 1 for d, n in enumerate(x._read().type.shape))
        mean, variance = reshape(self.adapt_mean, shape), reshape(self.adapt_variance, shape)
        deviation = maximum(sqrt(variance), 1e-7)
        return mean + x * deviation if self.invert else (x - mean) / deviation

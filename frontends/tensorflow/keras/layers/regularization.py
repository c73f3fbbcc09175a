"""Layers that are noise while training: Dropout and its kin."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nn
from irc.frontends.tensorflow import random as R
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec
from irc.frontends.tensorflow.keras.layers.layer import Layer


class Dropout(Layer):
    """While training each element is 0 with probability `rate`, the others over 1 - rate."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **options: Any) -> None:
        super().__init__(**options)
        if not 0 <= rate <= 1:
            raise located(
                RecordValueError(
                    f"Invalid value received for argument `rate`. Expected a float value between 0 and 1. Received: rate={rate}"
                )
            )
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.supports_masking = self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        return nn.dropout(inputs, self.rate, self._noise(inputs))

    def _noise(self, inputs: Any) -> Any:
        return self.noise_shape


class _SpatialDropout(Dropout):
    """Drops whole channels."""

    rank = 1

    def __init__(self, rate: float, seed: Any = None, **options: Any) -> None:
        super().__init__(rate, seed=seed, **options)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _noise(self, inputs: Any) -> Any:
        n, *_, c = inputs._read().type.shape
        return (n, *(1,) * self.rank, c)


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of (N, T, C)."""

    rank = 1


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of (N, H, W, C)."""

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of (N, D, H, W, C)."""

    rank = 3


class GaussianNoise(Layer):
    """Adds normal noise while training."""

    def __init__(self, stddev: float, seed: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.stddev = stddev
        self.supports_masking = self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.stddev:
            return inputs
        return inputs + R.normal(inputs._read().type.shape, 0.0, self.stddev, inputs.dtype)


class GaussianDropout(Layer):
    """Multiplies by normal noise around 1 while training."""

    def __init__(self, rate: float, seed: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate
        self.supports_masking = self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        deviation = (self.rate / (1.0 - self.rate)) ** 0.5
        return inputs * R.normal(inputs._read().type.shape, 1.0, deviation, inputs.dtype)

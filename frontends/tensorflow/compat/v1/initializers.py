"""First values of variables: callables that give a graph tensor of a shape and dtype."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import initial as L
from irc.frontends.recorder import random as R
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import creation, dtypes
from irc.frontends.tensorflow.compat.v1.actions import Random
from irc.frontends.tensorflow.compat.v1.calls import call, constant
from irc.frontends.tensorflow.tensor import Tensor, wrap

Shape = Sequence[int]


def _draw(lower: Any, shape: Shape, dtype: Any, *statics: float) -> Tensor:
    """Numbers from the generator of now, by a lowering that Keras's initializers use as well."""
    element = dtypes.as_dtype(dtype).element
    return wrap(R.generator.apply(lower, (tuple(int(n) for n in shape), element, *statics)))


class Initializer:
    """Base: `initializer(shape, dtype)`."""

    dtype: Any = dtypes.float32

    def __call__(self, shape: Shape, dtype: Any = None, partition_info: Any = None) -> Any:
        return self._made([int(n) for n in shape], dtypes.as_dtype(dtype or self.dtype))

    def _made(self, shape: Shape, dtype: Any) -> Any:
        message = (
            f"{type(self).__name__} makes no values: an initializer defines __call__(self, shape, dtype)"
        )
        raise located(RecordValueError(message))

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)


class Zeros(Initializer):
    """Zeros."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtype

    def _made(self, shape: Shape, dtype: Any) -> Any:
        return call(creation.zeros, (shape, dtype), "zeros", "Initializer/zeros")


class Ones(Initializer):
    """Ones."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtype

    def _made(self, shape: Shape, dtype: Any) -> Any:
        return call(creation.ones, (shape, dtype), "ones", "Initializer/ones")


class Constant(Initializer):
    """One value everywhere, or the values of an array."""

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False) -> None:
        self.value, self.dtype = value, dtype

    def _made(self, shape: Shape, dtype: Any) -> Any:
        array = np.asarray(self.value)
        if array.ndim == 0:
            return constant(self.value, dtype, shape, "Initializer/Const")
        return constant(np.resize(array, shape), dtype, None, "Initializer/Const")


class RandomInitializer(Initializer, ABC):
    """Base of those that draw: `_numbers(shape)` gives the lowering and its static arguments."""

    kind = "random"

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.seed, self.dtype = seed, dtype

    @abstractmethod
    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        """The lowering, and its static arguments."""

    def _made(self, shape: Shape, dtype: Any) -> Any:
        lower, statics = self._numbers(shape)
        return call(
            _draw,
            (lower, shape, dtype, *statics),
            self.kind,
            f"Initializer/{self.kind}",
            {"seed": self.seed},
            Random,
        )


class RandomUniform(RandomInitializer):
    """Uniform numbers between minval and maxval."""

    kind = "random_uniform"

    def __init__(
        self, minval: float = 0.0, maxval: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        super().__init__(seed, dtype)
        self.minval, self.maxval = minval, maxval

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.uniform, (float(self.minval), float(self.maxval))


class RandomNormal(RandomInitializer):
    """Normal numbers of a mean and a standard deviation."""

    kind = "random_normal"

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        super().__init__(seed, dtype)
        self.mean, self.stddev = mean, stddev

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.normal, (float(self.mean), float(self.stddev))


class TruncatedNormal(RandomNormal):
    """Normal, within two deviations of the mean."""

    kind = "truncated_normal"

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.truncated_normal, (float(self.mean), float(self.stddev))


class Orthogonal(RandomInitializer):
    """Orthonormal columns, or rows where there are fewer."""

    kind = "orthogonal"

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(seed, dtype)
        self.gain = gain

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        if len(shape) < 2:
            raise located(RecordValueError("The tensor to initialize must be at least two-dimensional"))
        return L.orthogonal, (float(self.gain),)


class VarianceScaling(RandomInitializer):
    """Numbers whose spread is set by how many inputs or outputs a unit has."""

    kind = "variance_scaling"

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        super().__init__(seed, dtype)
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise located(RecordValueError(f"Invalid `mode` argument: {mode}"))
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise located(RecordValueError(f"Invalid `distribution` argument: {distribution}"))
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.variance_scaling(shape, self.scale, self.mode, self.distribution)


class GlorotUniform(VarianceScaling):
    """Glorot and Bengio 2010, uniform."""

    kind = "random_uniform"

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class GlorotNormal(VarianceScaling):
    """Glorot and Bengio 2010, normal within two deviations."""

    kind = "truncated_normal"

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


def _scaling(scale: float, distribution: str) -> Callable[..., Initializer]:
    def made(seed: Any = None) -> Initializer:
        return VarianceScaling(scale, "fan_in", distribution, seed)

    return made


he_normal = _scaling(2.0, "truncated_normal")
he_uniform = _scaling(2.0, "uniform")
lecun_normal = _scaling(1.0, "truncated_normal")
lecun_uniform = _scaling(1.0, "uniform")


def xavier_initializer(uniform: bool = True, seed: Any = None, dtype: Any = dtypes.float32) -> Initializer:
    """Glorot and Bengio 2010."""
    return (GlorotUniform if uniform else GlorotNormal)(seed, dtype)


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: Any = None,
    dtype: Any = dtypes.float32,
) -> Initializer:
    """tf.contrib.layers.variance_scaling_initializer: He et al. 2015 by default."""
    return VarianceScaling(factor, mode.lower(), "uniform" if uniform else "truncated_normal", seed, dtype)


def initializer_of(given: Any) -> Any:
    """An initializer, its class, or a function, as something to call."""
    return given() if isinstance(given, type) and issubclass(given, Initializer) else given

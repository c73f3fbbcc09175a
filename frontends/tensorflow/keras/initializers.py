"""keras.initializers: callables that give a tensor of a shape and dtype.

One with a seed gives the same numbers at every call; one without takes a fresh seed from the global generator, which
`keras.utils.set_random_seed` and `tf.random.set_seed` start again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import initial as L
from irc.frontends.recorder.random import Generator, host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.keras.naming import snake_case
from irc.frontends.tensorflow.recording import nothing_kept
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor, from_array, wrap

Shape = Sequence[int]


class Initializer:
    """Base: `initializer(shape, dtype)`."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        raise located(RecordValueError(f"{type(self).__name__} has no __call__(shape, dtype)"))

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)

    def clone(self) -> Any:
        """Another one of the same arguments."""
        return type(self).from_config(self.get_config())


def _dtype(given: Any) -> dtypes.DType:
    return dtypes.float32 if given is None else dtypes.as_dtype(given)


class Constant(Initializer):
    """One value everywhere, or the values of an array."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        filled = np.broadcast_to(np.asarray(self.value), tuple(shape)).astype(_dtype(dtype).numpy)
        return from_array(np.ascontiguousarray(filled))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return from_array(np.zeros(tuple(shape), _dtype(dtype).numpy))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return from_array(np.ones(tuple(shape), _dtype(dtype).numpy))


class Identity(Initializer):
    """A square matrix with `gain` on its diagonal."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise located(
                RecordValueError(
                    f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape}"
                )
            )
        rows, columns = shape
        return from_array((np.eye(rows, columns) * self.gain).astype(_dtype(dtype).numpy))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """Base of those that draw: `_numbers(shape)` gives the lowering and its static arguments."""

    def __init__(self, seed: Any = None) -> None:
        self.seed = seed

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        raise located(RecordValueError(f"{type(self).__name__} says nothing of its numbers"))

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        element, shape = _dtype(dtype).element, tuple(map(int, shape))
        lower, statics = self._numbers(shape)
        with nothing_kept():
            return wrap(stream(self.seed).apply(lower, (shape, element, *statics)))

    def get_config(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}


def stream(seed: Any = None) -> Generator:
    """The generator of a seed: a number, a SeedGenerator, or None for a fresh one."""
    found = getattr(seed, "_generator", None)
    if found is not None:
        return found
    return Generator(int(host_generator().integers(1, 2**31)) if seed is None else int(seed))


class RandomNormal(RandomInitializer):
    """Normal numbers of a mean and a standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.normal, (float(self.mean), float(self.stddev))


class TruncatedNormal(RandomInitializer):
    """Normal, within two deviations of the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.truncated_normal, (float(self.mean), float(self.stddev))


class RandomUniform(RandomInitializer):
    """Uniform numbers between minval and maxval."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.uniform, (float(self.minval), float(self.maxval))


class Orthogonal(RandomInitializer):
    """Orthonormal columns, or rows where there are fewer."""

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        if len(shape) < 2:
            raise located(
                RecordValueError(
                    f"The tensor to initialize must be at least two-dimensional. Received: shape={tuple(shape)} of rank "
                    f"{len(shape)}."
                )
            )
        return L.orthogonal, (float(self.gain),)


class VarianceScaling(RandomInitializer):
    """Numbers whose spread is set by how many inputs or outputs a unit has."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ) -> None:
        super().__init__(seed)
        if scale <= 0.0:
            raise located(
                RecordValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
            )
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise located(
                RecordValueError(
                    f"Invalid `mode` argument: {mode}. Please use one of ('fan_in', 'fan_out', 'fan_avg')"
                )
            )
        distribution = "truncated_normal" if distribution.lower() == "normal" else distribution.lower()
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise located(RecordValueError(f"Invalid `distribution` argument: {distribution}."))
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def _numbers(self, shape: Shape) -> tuple[Any, tuple[float, ...]]:
        return L.variance_scaling(shape, self.scale, self.mode, self.distribution)


def _scaling(name: str, scale: float, mode: str, distribution: str, doc: str) -> Any:
    def __init__(self: Any, seed: Any = None) -> None:
        VarianceScaling.__init__(self, scale, mode, distribution, seed)

    def get_config(self: Any) -> dict[str, Any]:
        return {"seed": self.seed}

    members = {"__init__": __init__, "get_config": get_config, "__doc__": doc, "__module__": __name__}
    return type(name, (VarianceScaling,), members)


GlorotUniform = _scaling("GlorotUniform", 1.0, "fan_avg", "uniform", "Glorot and Bengio 2010, uniform.")
GlorotNormal = _scaling("GlorotNormal", 1.0, "fan_avg", "truncated_normal", "Glorot and Bengio 2010, normal.")
HeUniform = _scaling("HeUniform", 2.0, "fan_in", "uniform", "He et al. 2015, uniform.")
HeNormal = _scaling("HeNormal", 2.0, "fan_in", "truncated_normal", "He et al. 2015, normal.")
LecunUniform = _scaling("LecunUniform", 1.0, "fan_in", "uniform", "LeCun et al. 1998, uniform.")
LecunNormal = _scaling("LecunNormal", 1.0, "fan_in", "truncated_normal", "LeCun et al. 1998, normal.")

ALL: dict[str, Callable[..., Any]] = {
    snake_case(c.__name__): c
    for c in (
        Constant, Zeros, Ones, Identity, RandomNormal, TruncatedNormal, RandomUniform, Orthogonal, VarianceScaling,
        GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal,
    )
}  # fmt: skip
ALL["normal"], ALL["uniform"], ALL["one"], ALL["zero"] = RandomNormal, RandomUniform, Ones, Zeros

constant, zeros, ones, identity = Constant, Zeros, Ones, Identity
random_normal, truncated_normal, random_uniform, orthogonal = (
    RandomNormal,
    TruncatedNormal,
    RandomUniform,
    Orthogonal,
)
variance_scaling, glorot_uniform, glorot_normal = VarianceScaling, GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal


def get(identifier: Any) -> Any:
    """An initializer from a name, a class, a callable or an array; None stays None."""
    if identifier is None or isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str):
        found = ALL.get(snake_case(identifier))
        if found is None:
            raise located(RecordValueError(f"Could not interpret initializer identifier: {identifier}"))
        return found()
    if isinstance(identifier, dict):
        return get(identifier["class_name"]).from_config(identifier.get("config", {}))
    if isinstance(identifier, type):
        return identifier()
    if isinstance(identifier, (np.ndarray, Tensor)):
        return lambda shape, dtype=None: convert_to_tensor(identifier)
    if callable(identifier):
        return identifier
    raise located(RecordValueError(f"Could not interpret initializer identifier: {identifier}"))

"""keras.random: with a seed, the same numbers at each call; with a SeedGenerator, other ones at each."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow import random as T
from irc.frontends.tensorflow.array_ops import expand_dims
from irc.frontends.tensorflow.creation import ones_like
from irc.frontends.tensorflow.indexing import argsort, gather
from irc.frontends.tensorflow.pointwise import cast, log, negative, where
from irc.frontends.tensorflow.reductions import argmax
from irc.frontends.tensorflow.tensor import convert_to_tensor


class SeedGenerator:
    """Where random numbers come from: each draw moves it on."""

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        self.seed, self.draws = seed, 0

    def next(self) -> tuple[int, int] | None:
        """The two numbers of the next draw; None: the library's own generator."""
        self.draws += 1
        return None if self.seed is None else (int(self.seed), self.draws)


def _seed(seed: Any) -> tuple[int, int] | None:
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return None if seed is None else (int(seed), 0)


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal random numbers."""
    d, two = dtypes.as_dtype(dtype or "float32"), _seed(seed)
    return (
        T.normal(shape, mean, stddev, d) if two is None else T.stateless_normal(shape, two, mean, stddev, d)
    )


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Uniform random numbers."""
    d, two = dtypes.as_dtype(dtype or "float32"), _seed(seed)
    return (
        T.uniform(shape, minval, maxval, d)
        if two is None
        else T.stateless_uniform(shape, two, minval, maxval, d)
    )


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Uniform random whole numbers, below maxval."""
    return uniform(shape, minval, maxval, dtype, seed)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Class numbers drawn from rows of logits."""
    rows = convert_to_tensor(logits)
    drawn = uniform((*rows.shape[:-1], num_samples, rows.shape[-1]), 1e-20, 1.0, seed=seed)
    # Gumbel's trick: the largest of the logits with such noise is a draw.
    noisy = expand_dims(rows, -2) - log(negative(log(drawn)))
    return cast(argmax(noisy, -1), dtypes.as_dtype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices along an axis in another order."""
    x = convert_to_tensor(x)
    return gather(x, argsort(uniform((int(x.shape[axis]),), seed=seed)), axis=axis)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """A share of the elements is 0, the others are scaled up."""
    x = convert_to_tensor(inputs)
    keep = uniform(noise_shape or tuple(x.shape), seed=seed) >= rate
    return x * where(keep, ones_like(x) / (1.0 - rate), 0.0)

"""tf.random: draws from one recorded generator, whose state is a value like any other."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import creation as C
from irc.frontends.recorder import random as R
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.random import draw, host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import missing
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.array_ops import expand_dims, extents
from irc.frontends.tensorflow.errors import OperatorNotAllowedInGraphError
from irc.frontends.tensorflow.indexing import argsort, gather
from irc.frontends.tensorflow.pointwise import cast, log
from irc.frontends.tensorflow.reductions import argmax
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor, from_array, wrap
from irc.ir.types import i64


def set_seed(seed: int) -> None:
    """Starts all random numbers again."""
    R.generator.seed(int(seed))


def _draw(generator: Any, distribution: str, shape: Any, d: Any, *statics: Any) -> Tensor:
    if generator is None:
        return wrap(draw(distribution, extents(shape), d.element, statics))
    return wrap(generator.apply(_LOWERINGS[distribution], (extents(shape), d.element, *statics)))


_LOWERINGS = {
    "uniform": C.uniform,
    "normal": C.normal,
    "integer": C.integer,
    "truncated": C.truncated_normal,
}


def _scaled(made: Tensor, scale: Any, offset: Any) -> Tensor:
    made = made if isinstance(scale, (int, float)) and scale == 1 else made * scale
    return made if isinstance(offset, (int, float)) and offset == 0 else made + offset


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None, *, _from: Any = None,
) -> Tensor:  # fmt: skip
    """Normal random numbers."""
    made = _draw(_own(seed, _from), "normal", shape, dtypes.as_dtype(dtype))
    return _scaled(made, stddev, mean)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None, *, _from: Any = None,
) -> Tensor:  # fmt: skip
    """Normal random numbers within two standard deviations."""
    source = _own(seed, _from) or R.generator
    made = _draw(source, "truncated", shape, dtypes.as_dtype(dtype))
    return _scaled(made, stddev, mean)


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None, *, _from: Any = None,
) -> Tensor:  # fmt: skip
    """Uniform random numbers from minval up to maxval (1 for floats), which is left out."""
    d = dtypes.as_dtype(dtype)
    source = _own(seed, _from)
    if d.is_integer:
        if maxval is None:
            raise located(RecordValueError(f"Must specify maxval for integer dtype {d.name}"))
        low, high = int(minval), int(maxval)
        if low >= high:
            raise located(RecordValueError(f"Need minval < maxval, got {low} >= {high}"))
        return cast(wrap((source or R.generator).apply(C.integer, (extents(shape), i64, low, high))), d)
    made = _draw(source, "uniform", shape, d)
    high = 1 if maxval is None else maxval
    return _scaled(made, high - minval if not (minval == 0 and high == 1) else 1, minval)


def _own(seed: Any, given: Any) -> Any:
    """The generator a draw is from: one given, or the global one. An operation's own seed makes a stream of its own."""
    if given is not None or seed is None:
        return given
    key = int(seed)
    found = _SEEDED.get(key)
    if found is None or found[0] != R.generator.initial:
        mixed = (R.generator.initial * 1_000_003 + key) & 0xFFFFFFFFFFFFFFFF
        found = _SEEDED[key] = (R.generator.initial, R.Generator(mixed))
    return found[1]


_SEEDED: dict[int, Any] = {}


def shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The slices along the first dimension in a random order: the order of random keys."""
    x = convert_to_tensor(value)
    keys = _draw(_own(seed, None), "uniform", (x.shape[0],), dtypes.float32)
    return gather(x, argsort(keys, stable=True))


def categorical(
    logits: Any, num_samples: int, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Class numbers drawn with the probabilities of unnormalised logarithms (rows): Gumbel's maximum."""
    x = convert_to_tensor(logits)
    n, classes = x._read().type.shape
    draws = _draw(_own(seed, None), "uniform", (n, int(num_samples), classes), x.dtype)
    noise = -log(-log(draws + 1e-20) + 1e-20)
    return argmax(expand_dims(x, 1) + noise, -1, dtype or dtypes.int64)


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None
) -> Tensor:
    """Gamma random numbers, drawn on the host."""
    _refuse_while_traced("tf.random.gamma")
    d = dtypes.as_dtype(dtype)
    made = host_generator().gamma(np.asarray(alpha), size=extents(shape) + np.shape(alpha))
    return from_array((made / (1.0 if beta is None else np.asarray(beta))).astype(d.numpy))


def poisson(shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None) -> Tensor:
    """Poisson random numbers, drawn on the host."""
    _refuse_while_traced("tf.random.poisson")
    made = host_generator().poisson(np.asarray(lam), size=extents(shape) + np.shape(lam))
    return from_array(made.astype(dtypes.as_dtype(dtype).numpy))


def _refuse_while_traced(name: str) -> None:
    if recorder.graph.tracing:
        raise located(
            OperatorNotAllowedInGraphError(
                f"{name} inside a traced function would give the same numbers at every call",
                notes=("draw outside and pass it in",),
            )
        )


def _key_of(seed: Any) -> Any:
    words = [int(w) & 0xFFFFFFFF for w in np.asarray(seed).reshape(-1)]
    return R.Generator((words[0] << 32 | words[-1]) & 0xFFFFFFFFFFFFFFFF)


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: Any = None,
    alg: Any = None,
) -> Tensor:
    """Normal random numbers that depend on the seed (two integers) alone."""
    return normal(shape, mean, stddev, dtype, _from=_key_of(seed))


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: Any = None,
    alg: Any = None,
) -> Tensor:
    """Uniform random numbers that depend on the seed (two integers) alone."""
    return uniform(shape, minval, maxval, dtype, _from=_key_of(seed))


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: Any = None,
    alg: Any = None,
) -> Tensor:
    """Normal numbers within two deviations, the same for the same `seed` (two integers)."""
    return truncated_normal(shape, mean, stddev, dtype, _from=_key_of(seed))


class Generator:
    """A stream of its own."""

    def __init__(self, seed: int) -> None:
        self._stream = R.Generator(seed)

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """A generator that starts from a seed."""
        return cls(int(seed))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that starts from the system's entropy."""
        return cls(int(np.random.SeedSequence().entropy) & 0xFFFFFFFFFFFFFFFF)  # type: ignore[arg-type]

    def reset_from_seed(self, seed: int) -> None:
        """Starts again from a seed."""
        self._stream.seed(int(seed))

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: Any = None
    ) -> Tensor:
        """Normal random numbers of this generator."""
        return normal(shape, mean, stddev, dtype, _from=self._stream)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: Any = None
    ) -> Tensor:
        """Normal random numbers within two deviations, of this generator."""
        return truncated_normal(shape, mean, stddev, dtype, _from=self._stream)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: Any = None
    ) -> Tensor:
        """Uniform random numbers of this generator, as tf.random.uniform gives them."""
        return uniform(shape, minval, maxval, dtype, _from=self._stream)

    def split(self, count: int = 1) -> list[Generator]:
        """`count` generators with streams of their own, the same for the same generator."""
        return [Generator(self._stream.initial * 1_000_003 + i + 1) for i in range(count)]


class _Global(Generator):
    def __init__(self) -> None:
        self._stream = R.generator


def get_global_generator() -> Generator:
    """The generator that operations without a seed draw from."""
    return _Global()


def dropout_mask(shape: tuple[int, ...], rate: float, seed: int | None = None) -> Any:
    """A recorded mask that is false with probability `rate`."""
    return (_own(seed, None) or R.generator).apply(C.keep_mask, (shape, rate))


__getattr__ = missing("tf.random", globals())

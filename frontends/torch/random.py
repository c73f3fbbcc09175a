"""torch.random: seeds and generators."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.random import Generator as _Stream
from irc.frontends.recorder.random import generator as _generator
from irc.frontends.recorder.storage import located
from irc.frontends.torch.tensor import Tensor, wrap


class Generator:
    """A stream of its own for orders of data (`DataLoader(generator=)`, `randperm(generator=)`)."""

    def __init__(self, device: Any = None) -> None:
        self._generator = _Stream(0)

    def manual_seed(self, seed: int) -> Generator:
        self._generator.seed(int(seed))
        return self

    def initial_seed(self) -> int:
        return self._generator.initial

    def seed(self) -> int:
        return self._generator.initial


def manual_seed(seed: int) -> Any:
    """Starts all random numbers again."""
    if not isinstance(seed, int):
        raise located(RecordTypeError(f"manual_seed expected a long, but got {type(seed).__name__}"))
    _generator.seed(seed)
    return default_generator


def seed() -> int:
    return _generator.initial


initial_seed = seed


def get_rng_state() -> Tensor:
    """The state of the generator: a copy."""
    return wrap(_generator.storage._value.alias()).clone()


def set_rng_state(state: Tensor) -> None:
    _generator.storage.write(state.clone()._read())


class _Default(Generator):
    """The global stream."""

    def __init__(self) -> None:
        self._generator = _generator


default_generator = _Default()

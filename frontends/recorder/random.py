"""Random numbers: one generator whose state is a recorded value, and a host generator for orders of data.

Every draw takes the state and leaves the next one, so that a program's draws depend on the seed and their order alone,
and a compiled function carries the state like any other."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.frontends.lowering import creation
from irc.frontends.recorder.graph import apply, constant, recorder
from irc.frontends.recorder.storage import Storage
from irc.frontends.recorder.value import Recorded
from irc.ir.types import TensorType, ui64

STATE = TensorType((2,), ui64)


class Generator:
    """A stream of random numbers: `seed(n)` starts it again."""

    def __init__(self, seed: int) -> None:
        self.storage = Storage(_state(seed))
        self.initial = seed
        self.host = np.random.Generator(np.random.Philox(key=seed & 0xFFFFFFFFFFFFFFFF))

    def seed(self, seed: int) -> None:
        self.initial = seed
        self.storage.write(_state(seed))
        self.host = np.random.Generator(np.random.Philox(key=seed & 0xFFFFFFFFFFFFFFFF))

    def apply(self, lower: Any, statics: tuple[Any, ...], place: str | None = None) -> Recorded:
        """Draws by `lower(scope, state, *statics) -> (state, values)`, at a place: the state goes there. The numbers are the
        same on every device."""
        place = recorder.forced or recorder.making if place is None else place
        state, values = apply(lower, (self.storage._value,), statics, place)
        self.storage.write(state)
        return values


def _state(seed: int) -> Recorded:
    key = (seed * creation.GOLDEN + 1) & 0xFFFFFFFFFFFFFFFF
    return constant(np.array([key, 0], np.uint64), STATE)


DEFAULT_SEED = 67280421310721
"""Without `manual_seed` every process draws the same numbers (PyTorch seeds from the system here)."""

generator = Generator(DEFAULT_SEED)

_DISTRIBUTIONS = {
    "uniform": creation.uniform,
    "normal": creation.normal,
    "integer": creation.integer,
}


def draw(distribution: str, shape: tuple[int, ...], element: Any, statics: tuple[Any, ...] = ()) -> Recorded:
    """Random numbers of a distribution by name, from the global generator."""
    return generator.apply(_DISTRIBUTIONS[distribution], (shape, element, *statics))


def keep_mask(shape: tuple[int, ...], p: float, place: str) -> Recorded:
    """A mask at a place that is false with probability p."""
    return generator.apply(creation.keep_mask, (shape, p), place)


def host_generator(given: Any = None) -> np.random.Generator:
    """The NumPy generator that orders of data come from: the given Generator's, or the global one's."""
    source = given if isinstance(given, Generator) else getattr(given, "_generator", generator)
    return source.host

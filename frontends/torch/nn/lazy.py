"""Parameters about to be initialised, and modules that know their shapes at the first call."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.torch.creation import empty
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import Parameter
from irc.frontends.torch.tensor import Tensor


def fresh(*shape: int, dtype: Any = None) -> Parameter:
    """A parameter that is about to be initialised."""
    return Parameter(empty(*shape, dtype=dtype))


class Lazy(Module):
    """A layer that learns an extent from its first input, and is its `settled` class then."""

    settled: type[Module]

    def _learn(self, input: Tensor) -> None:
        raise located(RecordValueError(f"{type(self).__name__} does not say what it learns"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._learn(args[0])
        self.__class__ = self.settled  # type: ignore[assignment]
        return self(*args, **kwargs)

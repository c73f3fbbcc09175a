"""Parameters and buffers of modules."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordError
from irc.frontends.recorder.storage import located
from irc.frontends.torch.creation import empty
from irc.frontends.torch.tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module trains: it requires a gradient, and `module.parameters()` finds it."""

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        data = empty(0) if data is None else data
        if not isinstance(data, Tensor):
            raise located(RecordError(f"Parameter data must be a Tensor, not {type(data).__name__}"))
        self._hold(data._read().alias())
        self._strides = data._strides
        if requires_grad:
            self.requires_grad_(True)

    def __reduce__(self) -> Any:
        rebuild, (_, array, requires_grad) = super().__reduce__()
        return rebuild, (Parameter, array, requires_grad)


class UninitializedParameter(Parameter):
    """A parameter of a lazy module, before the first input says what shape it has."""

    def __init__(self, requires_grad: bool = True) -> None:
        super().__init__(None, requires_grad)

    def materialize(self, shape: tuple[int, ...]) -> None:
        """Gets its shape, and becomes an ordinary parameter."""
        self.data = empty(*shape)
        self.__class__ = Parameter  # type: ignore[assignment]


class Buffer(Tensor):
    """A tensor that belongs to a module's state and is not trained."""

    def __init__(self, data: Tensor, *, persistent: bool = True) -> None:
        self._hold(data._read().alias())
        self.persistent = persistent


def is_lazy(parameter: Any) -> bool:
    return isinstance(parameter, UninitializedParameter)

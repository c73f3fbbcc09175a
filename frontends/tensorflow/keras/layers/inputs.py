"""What a layer is called with: the parameters of its `call`, what its input has to be, the calls under way."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any


class Calls:
    """The calls of layers that are under way: whether they train."""

    __slots__ = ("training",)

    def __init__(self) -> None:
        self.training: bool | None = None


calls = Calls()


class Parameters:
    """The parameters of a `call` method."""

    __slots__ = ("defaults", "names", "takes_any")

    def __init__(self, function: Any) -> None:
        found = list(inspect.signature(function).parameters.values())[1:]
        kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        self.names = [p.name for p in found if p.kind not in kinds]
        self.defaults = {p.name: p.default for p in found if p.default is not inspect.Parameter.empty}
        self.takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found)

    def has(self, name: str) -> bool:
        """Whether there is a parameter of this name."""
        return name in self.names


@cache
def parameters_of(function: Any) -> Parameters:
    """The parameters of a method, looked at once."""
    return Parameters(function)


class InputSpec:
    """What the input of a layer has to be: `ndim`, `min_ndim`, and extents of some axes."""

    def __init__(
        self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
        min_ndim: int | None = None, axes: Mapping[int, int] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        self.dtype, self.shape, self.max_ndim, self.min_ndim = dtype, shape, max_ndim, min_ndim
        self.ndim = len(shape) if shape is not None else ndim
        self.axes = dict(axes or {})

    def problem(self, shape: Sequence[int | None]) -> str | None:
        """What does not fit, in Keras's words."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return f"expected ndim={self.ndim}, found ndim={rank}. Full shape received: {tuple(shape)}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return (
                f"expected min_ndim={self.min_ndim}, found ndim={rank}. Full shape received: {tuple(shape)}"
            )
        for axis, extent in self.axes.items():
            if extent is not None and shape[axis] not in (extent, None):
                return (
                    f"expected axis {axis} of input shape to have value {extent}, but received input with shape "
                    f"{tuple(shape)}"
                )
        return None

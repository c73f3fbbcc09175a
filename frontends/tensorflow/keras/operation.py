"""Functions that are nodes of a model where they are called on symbolic tensors: keras.ops, and Python's operators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.symbolic import is_symbolic


class Operation(Layer):
    """A function as a layer without weights."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        super().__init__(autocast=False, **options)
        self.function = function
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        return self.function(*args, **kwargs)


@functools.cache
def _kind(name: str) -> type[Operation]:
    """The class of a function's nodes, by which summaries call it: `expand_dims` is ExpandDims."""
    words = "".join(word.capitalize() for word in name.strip("_").split("_"))
    return type(words, (Operation,), {})


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for symbolic tensors too."""

    @functools.wraps(function)
    def made(*args: Any, **kwargs: Any) -> Any:
        if is_symbolic(args, kwargs):
            return _kind(function.__name__)(function)(*args, **kwargs)
        return function(*args, **kwargs)

    return made

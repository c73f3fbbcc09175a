"""Labels and predictions brought to one dtype and one rank."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow.array_ops import reshape
from irc.frontends.tensorflow.pointwise import cast
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor


def floats(value: Any, d: Any) -> Any:
    """A tensor of this floating dtype."""
    made = value if isinstance(value, TensorBase) else convert_to_tensor(value)
    return made if made.dtype is d else cast(made, d)


def same_rank(x: Any, y: Any, *, expand: bool = True) -> tuple[Any, Any]:
    """Both without a last extent of one that only one of them has."""
    if x.ndim == y.ndim + 1 and x.shape[-1] == 1:
        if y.ndim == 1 and expand:
            return x, reshape(y, (*y.shape, 1))
        return reshape(x, tuple(x.shape[:-1])), y
    if y.ndim == x.ndim + 1 and y.shape[-1] == 1:
        if x.ndim == 1 and expand:
            return reshape(x, (*x.shape, 1)), y
        return x, reshape(y, tuple(y.shape[:-1]))
    return x, y


def labels(function: Any, y_true: Any, d: Any) -> Any:
    """Labels as a function wants them: class numbers stay integers, all others are floats."""
    if getattr(function, "takes_class_numbers", False):
        return y_true if isinstance(y_true, TensorBase) else convert_to_tensor(y_true)
    return floats(y_true, d)

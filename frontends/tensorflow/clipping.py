"""Clipping by norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.tensorflow.pointwise import add_n, maximum, minimum, sqrt, square
from irc.frontends.tensorflow.reductions import norm, reduce_sum
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """t, scaled down where its norm is over clip_norm."""
    x = convert_to_tensor(t)
    size = norm(x, axis=axes, keepdims=True)
    return x * clip_norm / maximum(size, clip_norm)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The norm of all tensors together."""
    return sqrt(add_n([reduce_sum(square(convert_to_tensor(t))) for t in t_list if t is not None]))


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """All tensors scaled by one factor, so that their norm together is at most clip_norm; and the norm."""
    size = global_norm(t_list) if use_norm is None else convert_to_tensor(use_norm)
    scale = clip_norm * minimum(1.0 / size, 1.0 / clip_norm)
    return [None if t is None else convert_to_tensor(t) * scale for t in t_list], size

"""torch.nn.utils."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from irc.frontends.torch.grad_mode import no_grad
from irc.frontends.torch.in_place import copy_
from irc.frontends.torch.joining import cat, stack
from irc.frontends.torch.nn.utils import rnn
from irc.frontends.torch.pointwise import clamp_max
from irc.frontends.torch.reductions import norm
from irc.frontends.torch.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "rnn", "vector_to_parameters"]


def _gradients(parameters: Any) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in given if p.grad is not None]


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: Any = None,
) -> Tensor:
    """Scales gradients so that the norm of all together is at most max_norm; gives the norm before."""
    with no_grad():
        gradients = _gradients(parameters)
        order = math.inf if norm_type == "inf" else float(norm_type)
        total = norm(stack([norm(g, order) for g in gradients]), order)
        factor = clamp_max(max_norm / (total + 1e-6), 1.0)
        for g in gradients:
            g.mul_(factor)
    return total


clip_grad_norm = clip_grad_norm_


def clip_grad_value_(parameters: Any, clip_value: float, foreach: Any = None) -> None:
    """Each gradient between -clip_value and clip_value."""
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    with no_grad():
        at = 0
        for p in parameters:
            n = p.numel()
            copy_(p, vec[at : at + n].reshape(p.shape))
            at += n

"""Dropout of elements and of channels."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import elementwise as W
from irc.frontends.recorder.random import keep_mask
from irc.frontends.recorder.storage import located
from irc.frontends.torch.nn.functional.activation import written
from irc.frontends.torch.tensor import Tensor, emit, wrap
from irc.passes.expression import select


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training: each element zero with probability p, the others over 1 - p."""
    return _dropped(input, tuple(input.shape), p, training, inplace)


def _dropped(input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    if not 0 <= p <= 1:
        raise located(RecordValueError(f"dropout probability has to be between 0 and 1, but got {p}"))
    if not training or p == 0:
        return input
    if p == 1:
        return written(input, inplace, input * 0)
    mask = wrap(keep_mask(shape, p, input._read().place))
    return written(input, inplace, emit(W.keep, (input, mask), 1 / (1 - p)))


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return _channel_dropout(input, p, training, inplace)


dropout2d = dropout3d = dropout1d


def _channel_dropout(x: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    shape = (*x.shape[:2], *(1,) * (x.dim() - 2))
    return _dropped(x, shape, p, training, inplace)


feature_dropout = dropout1d


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and spread behind selu (Klambauer et al. 2017)."""
    if not training or p == 0:
        return input
    alpha = -1.7580993408473766
    a = 1 / math.sqrt((alpha**2 * p + 1) * (1 - p))
    mask = wrap(keep_mask(tuple(input.shape), p, input._read().place))
    return emit(_alpha_keep, (input, mask), alpha, a, -a * alpha * p)


def _alpha_keep(scope: Any, x: Any, mask: Any, alpha: float, a: float, b: float) -> Any:
    return select(mask, x, alpha) * a + b

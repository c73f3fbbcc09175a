"""Attention."""

from __future__ import annotations

import math

from irc.frontends.torch import dtypes
from irc.frontends.torch.creation import ones
from irc.frontends.torch.nn.functional.regularization import dropout
from irc.frontends.torch.pointwise import masked_fill
from irc.frontends.torch.products import matmul
from irc.frontends.torch.reductions import softmax
from irc.frontends.torch.tensor import Tensor


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query key^T / sqrt(d) + mask) value."""
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * factor, key.transpose(-2, -1))
    if is_causal:
        below = ones(query.shape[-2], key.shape[-2], dtype=dtypes.bool_).tril()
        scores = masked_fill(scores, ~below, -math.inf)
    if attn_mask is not None:
        scores = (
            masked_fill(scores, ~attn_mask, -math.inf)
            if attn_mask.dtype is dtypes.bool_
            else scores + attn_mask
        )
    weights = softmax(scores, -1)
    return matmul(dropout(weights, dropout_p) if dropout_p else weights, value)

"""nn.MultiheadAttention."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn import init
from irc.frontends.torch.nn.lazy import fresh
from irc.frontends.torch.nn.linear import Linear
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.pointwise import masked_fill
from irc.frontends.torch.products import matmul
from irc.frontends.torch.size import placed
from irc.frontends.torch.tensor import Tensor


class MultiheadAttention(Module):
    """Vaswani et al. 2017: heads of softmax(q k^T / sqrt(d)) v side by side, then a linear map."""

    @placed
    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if embed_dim % num_heads:
            raise located(RecordValueError("embed_dim must be divisible by num_heads"))
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = (
            embed_dim,
            num_heads,
            dropout,
            batch_first,
        )
        self.head_dim = embed_dim // num_heads
        self.in_proj_weight = fresh(3 * embed_dim, embed_dim, dtype=dtype)
        self.register_parameter("in_proj_bias", fresh(3 * embed_dim, dtype=dtype) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        init.xavier_uniform_(self.in_proj_weight)
        if bias:
            init.zeros_(self.in_proj_bias)
            assert self.out_proj.bias is not None
            init.zeros_(self.out_proj.bias)

    def _projected(self, x: Tensor, part: int) -> Tensor:
        """(N, L, E) through one third of the projection, as (N, heads, L, head_dim)."""
        rows = slice(part * self.embed_dim, (part + 1) * self.embed_dim)
        bias = None if self.in_proj_bias is None else self.in_proj_bias[rows]
        y = F.linear(x, self.in_proj_weight[rows], bias)
        return y.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        batched = query.dim() == 3
        given = [x if batched else x.unsqueeze(0 if self.batch_first else 1) for x in (query, key, value)]
        q, k, v = (x if self.batch_first else x.transpose(0, 1) for x in given)
        q, k, v = self._projected(q, 0), self._projected(k, 1), self._projected(v, 2)
        scores = matmul(q * (1 / math.sqrt(self.head_dim)), k.transpose(-2, -1))
        if attn_mask is not None:
            mask = attn_mask.unflatten(0, (-1, self.num_heads)) if attn_mask.dim() == 3 else attn_mask
            hides = mask.dtype is dtypes.bool_
            scores = masked_fill(scores, mask, float("-inf")) if hides else scores + mask
        if key_padding_mask is not None:
            pads = key_padding_mask if batched else key_padding_mask.unsqueeze(0)
            scores = masked_fill(scores, pads.unsqueeze(1).unsqueeze(2), float("-inf"))
        weights = F.softmax(scores, -1)
        out = matmul(F.dropout(weights, self.dropout, self.training), v)
        y = self.out_proj(out.transpose(1, 2).flatten(2))
        y = y if self.batch_first else y.transpose(0, 1)
        y = y if batched else y.squeeze(0 if self.batch_first else 1)
        if not need_weights:
            return y, None
        shown = weights.mean(1) if average_attn_weights else weights
        return y, shown if batched else shown.squeeze(0)

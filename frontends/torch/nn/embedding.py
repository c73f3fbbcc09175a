"""nn.Embedding and nn.EmbeddingBag."""

from __future__ import annotations

from typing import Any

from irc.frontends.torch.creation import randn
from irc.frontends.torch.in_place import fill_
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn import init
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import Parameter
from irc.frontends.torch.size import placed
from irc.frontends.torch.tensor import Tensor


class Embedding(Module):
    """A table of rows, normal at first; reads the rows that the indices name."""

    @placed
    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
        _freeze: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx, self.max_norm = padding_idx, max_norm
        if _weight is None:
            self.weight = Parameter(randn(num_embeddings, embedding_dim, dtype=dtype), not _freeze)
            if padding_idx is not None:
                fill_(self.weight.detach()[padding_idx], 0)
        else:
            self.weight = Parameter(_weight, not _freeze)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **options: Any) -> Embedding:
        rows, width = embeddings.shape
        return cls(rows, width, _weight=embeddings, _freeze=freeze, **options)

    def reset_parameters(self) -> None:
        init.normal_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm)

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text + (f", padding_idx={self.padding_idx}" if self.padding_idx is not None else "")


class EmbeddingBag(Module):
    """Rows of a table combined, bag by bag (2D indices)."""

    def __init__(self, num_embeddings: int, embedding_dim: int, mode: str = "mean", **options: Any) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.mode = num_embeddings, embedding_dim, mode
        self.weight = Parameter(randn(num_embeddings, embedding_dim))

    def forward(self, input: Tensor, offsets: Tensor | None = None) -> Tensor:
        return F.embedding_bag(input, self.weight, offsets, self.mode)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}"

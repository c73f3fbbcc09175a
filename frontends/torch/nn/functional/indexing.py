"""Look-ups of rows, and classes as vectors."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordError
from irc.frontends.lowering import losses as L
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.indexing import embedding_rows
from irc.frontends.torch.pointwise import where
from irc.frontends.torch.tensor import Tensor, emit
from irc.ir.types import i64


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the class of each index; without `num_classes` the indices are looked at."""
    if tensor.dtype is not dtypes.int64:
        raise located(RecordError("one_hot is only applicable to index tensor of type LongTensor."))
    classes = int(tensor.max()) + 1 if num_classes == -1 else num_classes
    return emit(L.one_hot, (tensor,), classes, i64)


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows of `weight` that the indices name."""
    if max_norm is not None:
        raise located(RecordError("embedding with max_norm is not there"))
    rows = embedding_rows(weight, input)
    if padding_idx is not None and weight.requires_grad:
        # The row at padding_idx is read, and never trained.
        pads = (input == (padding_idx + weight.shape[0] if padding_idx < 0 else padding_idx)).unsqueeze(-1)
        return where(pads, rows.detach(), rows)
    return rows


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, mode: str = "mean", **options: Any
) -> Tensor:
    """Rows of `weight`, combined along the last dimension of 2D indices."""
    if input.dim() != 2 or offsets is not None:
        raise located(RecordError("embedding_bag takes 2D indices here: bags of one length, without offsets"))
    rows = embedding_rows(weight, input)
    match mode:
        case "sum":
            return rows.sum(1)
        case "max":
            return rows.max(1).values
    return rows.mean(1)

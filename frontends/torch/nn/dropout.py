"""Dropout as layers."""

from __future__ import annotations

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.tensor import Tensor


class Dropout(Module):
    """Each element zero with probability p in training, the others over 1 - p."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise located(RecordValueError(f"dropout probability has to be between 0 and 1, but got {p}"))
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Drops whole channels of (N, C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout1d):
    """Drops whole channels of (N, C, H, W)."""


class Dropout3d(Dropout1d):
    """Drops whole channels of (N, C, D, H, W)."""


class AlphaDropout(Dropout):
    """Dropout that keeps mean and spread behind SELU."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)

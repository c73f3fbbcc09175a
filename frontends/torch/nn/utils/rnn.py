"""torch.nn.utils.rnn: sequences of different lengths in one tensor."""

from __future__ import annotations

from collections.abc import Sequence

from irc.frontends.torch.joining import stack
from irc.frontends.torch.nn.functional import pad
from irc.frontends.torch.tensor import Tensor


def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0
) -> Tensor:
    """Sequences (L, ...) filled up to the longest, and stacked."""
    longest = max(s.shape[0] for s in sequences)
    filled = [
        pad(s, [*[0, 0] * (s.dim() - 1), 0, longest - s.shape[0]], value=padding_value) for s in sequences
    ]
    return stack(filled, 0 if batch_first else 1)

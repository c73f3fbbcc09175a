"""torch.distributions: Categorical."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.torch.creation import rand
from irc.frontends.torch.reductions import argmax, log_softmax
from irc.frontends.torch.tensor import Tensor


class Categorical:
    """Classes with probabilities along the last dimension, or with logits."""

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: Any = None
    ) -> None:
        if (probs is None) is (logits is None):
            raise located(RecordValueError("Either `probs` or `logits` must be specified, but not both."))
        given = (probs / probs.sum(-1, keepdim=True)).log() if probs is not None else logits
        assert given is not None
        self.logits = log_softmax(given, -1)

    @property
    def probs(self) -> Tensor:
        return self.logits.exp()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Classes drawn by the largest of logits plus Gumbel noise (Gumbel 1954)."""
        shape = (*tuple(sample_shape), *self.logits.shape)
        noise = -(-(1 - rand(shape)).log()).log()
        return argmax(self.logits.detach() + noise, -1)

    def log_prob(self, value: Tensor) -> Tensor:
        shape = (*value.shape, self.logits.shape[-1])
        return self.logits.expand(*shape).gather(-1, value.long().unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        p = self.probs
        return -(p * self.logits.clamp(min=-1e30)).sum(-1)

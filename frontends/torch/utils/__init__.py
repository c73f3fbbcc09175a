"""torch.utils."""

from irc.frontends.torch.utils import data

__all__ = ["data"]

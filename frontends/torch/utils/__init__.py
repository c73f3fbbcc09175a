"""torch.utils."""

from irc.frontends.torch.utils import data, dlpack

__all__ = ["data", "dlpack"]

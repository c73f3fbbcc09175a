"""torch.utils.dlpack."""

from irc.frontends.torch.dlpack import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]

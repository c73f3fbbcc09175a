"""torch.accelerator: the GPU, where there is one."""

from __future__ import annotations

from irc.frontends.torch.cuda import device_count, is_available
from irc.frontends.torch.size import device

__all__ = ["current_accelerator", "device_count", "is_available"]


def current_accelerator(check_available: bool = False) -> device | None:
    """Its device, or None."""
    return device("cuda") if is_available() else None

"""torch.cuda: there is no GPU here, and everything that asks is told so."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordError
from irc.frontends.recorder.storage import located


def is_available() -> bool:
    return False


def is_bf16_supported() -> bool:
    return False


def device_count() -> int:
    return 0


def is_initialized() -> bool:
    return False


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


manual_seed_all = manual_seed


def synchronize(device: Any = None) -> None:
    """Nothing to wait for."""


def empty_cache() -> None:
    """Nothing to give back."""


def current_device() -> int:
    raise located(RecordError("there is no CUDA device: torch.cuda.is_available() is False"))


get_device_name = set_device = current_device


def memory_allocated(device: Any = None) -> int:
    return 0


max_memory_allocated = memory_reserved = memory_allocated

"""torch.cuda: the GPU, where there is one."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordError
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.places import device_named
from irc.frontends.recorder.places import is_available as is_here
from irc.frontends.recorder.random import generator
from irc.frontends.recorder.storage import located


def is_available() -> bool:
    return is_here("cuda")


def is_bf16_supported() -> bool:
    return is_available()


def device_count() -> int:
    """The first one is used, and counted."""
    return int(is_available())


def is_initialized() -> bool:
    return is_available()


def manual_seed(seed: int) -> None:
    """Starts all random numbers again: there is one stream for all devices."""
    generator.seed(int(seed))


manual_seed_all = manual_seed


def synchronize(device: Any = None) -> None:
    """Computes what is pending, and waits for it."""
    flush()
    if is_available():
        device_named("cuda").wait()


def empty_cache() -> None:
    """Nothing to do: memory is the driver's pool."""


def current_device() -> int:
    """The first device's number."""
    if not is_available():
        raise located(RecordError("there is no CUDA device: torch.cuda.is_available() is False"))
    return 0


def set_device(device: Any) -> None:
    """Accepted for the first device."""
    if current_device() != (getattr(device, "index", device) or 0):
        raise located(RecordError("irc runs on the first CUDA device"))


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability."""
    current_device()
    found: Any = device_named("cuda")
    return found.capability


def get_device_name(device: Any = None) -> str:
    """What the driver calls it."""
    current_device()
    found: Any = device_named("cuda")
    return str(found.device.name)


def memory_allocated(device: Any = None) -> int:
    """Not counted: 0."""
    return 0


max_memory_allocated = memory_reserved = memory_allocated

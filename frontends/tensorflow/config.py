"""tf.config: the CPU, and the GPU where there is one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

from irc.frontends.recorder.places import is_available
from irc.frontends.tensorflow.function import functions_run_eagerly, run_functions_eagerly


class PhysicalDevice(NamedTuple):
    """A device by name."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU, and the GPU where there is one."""
    return _devices("physical_device", device_type)


def list_logical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of a type."""
    return _devices("device", device_type)


def _devices(prefix: str, wanted: str | None) -> list[PhysicalDevice]:
    there = ["CPU", "GPU"] if wanted != "CPU" and is_available("cuda") else ["CPU"]
    return [PhysicalDevice(f"/{prefix}:{word}:0", word) for word in there if wanted in (None, word)]


get_visible_devices = list_physical_devices


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Accepted: there is one device."""


experimental = SimpleNamespace(
    list_physical_devices=list_physical_devices,
    set_memory_growth=lambda device, enable: None,
    enable_tensor_float_32_execution=lambda enabled: None,
)

__all__ = [
    "experimental", "functions_run_eagerly", "get_visible_devices", "list_logical_devices", "list_physical_devices",
    "run_functions_eagerly", "set_visible_devices",
]  # fmt: skip

"""tf.config: one CPU, and no GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

from irc.frontends.tensorflow.function import functions_run_eagerly, run_functions_eagerly


class PhysicalDevice(NamedTuple):
    """A device by name."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU; no GPU is there."""
    return [PhysicalDevice("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of a type: the CPU is the only one."""
    return [PhysicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


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

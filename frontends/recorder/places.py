"""Where values live: the host's memory, or a device's, by name.

A program that names no device never comes here. What IRC_TARGET names is the host to it: its values may lie there, and are
at home all the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc import options
from irc.errors import UnsupportedError
from irc.ir.types import TensorType
from irc.runtime.devices import Device, DeviceArray

HOME = "cpu"
"""The place of everything that a program does not put elsewhere."""
DEVICES = ("cuda", "ptx-emulated")


def place_of(array: Any) -> str:
    """Where a computed value lives."""
    return as_place(array.device.name) if isinstance(array, DeviceArray) else HOME


def as_place(name: str) -> str:
    """The place that a device's name means."""
    return HOME if name == options.text("IRC_TARGET") else name


def device_named(name: str) -> Device:
    """A device by name. Raises UnsupportedError where it is not here."""
    from irc.codegen.gpu.devices import device_of  # noqa: PLC0415 - loads LLVM: only when a device is asked for

    return device_of(name)


def is_available(name: str) -> bool:
    """Whether a device is here."""
    if name == HOME:
        return True
    try:
        device_named(name)
    except UnsupportedError:
        return False
    return True


def put(array: Any, type: TensorType, place: str) -> Any:
    """A computed array at a place: itself where it is there, else a copy."""
    if place == place_of(array):
        return array
    host = on_host(array)
    return host if place == HOME else DeviceArray.of(device_named(place), host, type)


def on_host(array: Any) -> Any:
    """A computed array where NumPy can read it: itself, or a copy of what is on a device."""
    return array.numpy() if isinstance(array, DeviceArray) else array


def seen(array: Any) -> np.ndarray[Any, Any] | None:
    """The array where the host can look at it for nothing: None for what is not computed, or on a device."""
    return None if isinstance(array, DeviceArray) else array

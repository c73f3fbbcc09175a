"""The names that programs for a GPU are compiled under, and what they run on."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from irc.codegen.gpu.target import DEFAULT, EMULATED, PROCESSORS
from irc.errors import UnsupportedError
from irc.ir.types import tensor_of
from irc.runtime.cuda import cuda_device
from irc.runtime.devices import Device, DeviceArray

TARGETS = ("cuda", EMULATED, *PROCESSORS)
"""`cuda`: the GPU of this machine. `ptx-emulated`: an interpreter. A processor: PTX for it, run by a driver."""


def processor_of(target: str) -> str:
    """The processor that a target's code is made for. Raises UnsupportedError where `cuda` finds none."""
    if target == "cuda":
        found = cuda_device().capability
        if found < (8, 0):
            raise UnsupportedError(f"GPUs before compute capability 8.0 are not supported; this is {found}")
        return "sm_90a" if found == (9, 0) else "sm_80"
    return DEFAULT if target == EMULATED else target


def device_of(target: str) -> Device:
    """The device of a target, one a process. Raises UnsupportedError where there is no driver, or no such target."""
    if target not in TARGETS:
        raise UnsupportedError(f"there is no device '{target}' (devices: cuda, {EMULATED})")
    return _emulated() if target == EMULATED else cuda_device()


@functools.cache
def _emulated() -> Device:
    # Only who asks for the interpreter pays for loading it.
    from irc.codegen.gpu.emulated import EmulatedDevice  # noqa: PLC0415

    return EmulatedDevice()


def to_device(array: Any, device: str) -> DeviceArray:
    """A copy of an array in the memory of a device: `cuda`, or `ptx-emulated`. Programs compiled for that target take it
    where it is, and `numpy()` brings it back."""
    if isinstance(array, DeviceArray) and array.device is device_of(device):
        return array.copy()
    host = np.asarray(array)
    return DeviceArray.of(device_of(device), host, tensor_of(host))

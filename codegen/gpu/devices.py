"""The names that programs for a GPU are compiled under, and what they run on."""

from __future__ import annotations

from irc.codegen.gpu.execution import Device
from irc.codegen.gpu.target import DEFAULT, PROCESSORS
from irc.errors import UnsupportedError
from irc.runtime.cuda import CudaDevice, capability

EMULATED = "ptx-emulated"
TARGETS = ("cuda", EMULATED, *PROCESSORS)
"""`cuda`: the GPU of this machine. `ptx-emulated`: an interpreter. A processor: PTX for it, run by a driver."""


def processor_of(target: str) -> str:
    """The processor that a target's code is made for. Raises UnsupportedError where `cuda` finds none."""
    if target == "cuda":
        found = capability()
        if found < (8, 0):
            raise UnsupportedError(f"GPUs before compute capability 8.0 are not supported; this is {found}")
        return "sm_90a" if found == (9, 0) else "sm_80"
    return DEFAULT if target == EMULATED else target


def device_of(target: str, ptx: str) -> Device:
    """The device of a target with the kernels of a text of PTX. Raises UnsupportedError where there is no driver."""
    if target == EMULATED:
        # Only who asks for the interpreter pays for loading it.
        from irc.codegen.gpu.emulated import EmulatedDevice  # noqa: PLC0415

        return EmulatedDevice(ptx)
    return CudaDevice(ptx)

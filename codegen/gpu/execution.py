"""Running a device's program: memories, launches in order, and what the host decides in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from irc.codegen.gpu.compile import DeviceProgram
from irc.codegen.gpu.program import Choose, Launch, Place, Repeat, Scalar, Step
from irc.runtime.signature import Signature

Array = np.ndarray[Any, Any]


class Device(Protocol):
    """What a program runs on: an accelerator, or an interpreter of its code. Addresses are numbers."""

    def upload(self, array: Array, name: str) -> int:
        """New memory with the bytes of an array."""

    def reserve(self, nbytes: int, name: str) -> int:
        """New memory."""

    def download(self, address: int, array: Array) -> None:
        """Fills an array from memory, after all launches so far."""

    def launch(self, kernel: str, blocks: int, threads: int, pointers: Sequence[int], shared: int) -> None:
        """Starts a kernel after all before it."""

    def release(self) -> None:
        """Gives the memory of this call back."""


@dataclass(frozen=True)
class _Call:
    device: Device
    bases: dict[tuple[str, int], int]

    def address(self, place: Place) -> int:
        return self.bases[place.memory, place.index] + place.offset

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Launch(kernel, blocks, threads, arguments, shared):
                    self.device.launch(kernel, blocks, threads, [self.address(a) for a in arguments], shared)
                case Repeat(condition, flag, body):
                    self.run(condition)
                    while self.read(flag):
                        self.run(body)
                        self.run(condition)
                case Choose(scalar, value, then, otherwise):
                    self.run(then if self.read(scalar) == value else otherwise)

    def read(self, scalar: Scalar) -> int:
        number = np.zeros((), f"i{scalar.nbytes}")
        self.device.download(self.address(scalar.place), number)
        return int(number)


def execute(program: DeviceProgram, device: Device, arrays: Sequence[Any]) -> list[Array]:
    """The results of the program on host arrays. Raises TypeError or ValueError for arguments of another type."""
    stamp = program.stamp
    signature = Signature(stamp.inputs, stamp.outputs, tuple((o, i) for i, o in stamp.donors))
    given = signature.convert(*arrays)
    donor_of = {o: i for i, o in stamp.donors}
    bases = {("arena", 0): device.reserve(max(stamp.arena_bytes, 1), "the arena")}
    for i, array in enumerate(given):
        bases["input", i] = device.upload(array, f"input {i}")
    for i, constant in enumerate(program.host.constants):
        bases["constant", i] = device.upload(constant, f"constant {i}")
    for o, type_ in enumerate(stamp.outputs):
        shared = bases["input", donor_of[o]] if o in donor_of else None
        bases["output", o] = device.reserve(type_.nbytes, f"output {o}") if shared is None else shared
    try:
        _Call(device, bases).run(program.host.steps)
        made = [np.empty(t.static_shape, t.element.numpy) for t in stamp.outputs]
        for o, array in enumerate(made):
            device.download(bases["output", o], array)
        return made
    finally:
        device.release()

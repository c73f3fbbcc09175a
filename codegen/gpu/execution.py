"""Running a device's program: memories, launches in order, and what the host decides in between."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from irc.codegen.gpu.compile import DeviceProgram
from irc.codegen.gpu.program import Choose, Launch, Place, Repeat, Require, Scalar, Step
from irc.runtime import failures
from irc.runtime.signature import Signature

Array = np.ndarray[Any, Any]


class Device(Protocol):
    """What a program runs on: an accelerator, or an interpreter of its code. Addresses are numbers."""

    lock: threading.Lock

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


class Bound:
    """A program with its memories on a device, filled with arguments: it can run, more than once where it keeps them.

    Raises TypeError or ValueError for arguments of another type."""

    def __init__(self, program: DeviceProgram, device: Device, arrays: Sequence[Any]) -> None:
        self.program, self.device = program, device
        stamp = program.stamp
        signature = Signature(stamp.inputs, stamp.outputs, tuple((o, i) for i, o in stamp.donors))
        given = signature.convert(*arrays)
        donor_of = {o: i for i, o in stamp.donors}
        self.bases = bases = {("arena", 0): device.reserve(max(stamp.arena_bytes, 1), "the arena")}
        for i, array in enumerate(given):
            bases["input", i] = device.upload(array, f"input {i}")
        for i, constant in enumerate(program.host.constants):
            bases["constant", i] = device.upload(constant, f"constant {i}")
        for o, type_ in enumerate(stamp.outputs):
            if o in donor_of:
                bases["output", o] = bases["input", donor_of[o]]
            else:
                bases["output", o] = device.reserve(type_.nbytes, f"output {o}")

    def run(self) -> None:
        """All steps; the last launches may still be under way."""
        self._steps(self.program.host.steps)

    def results(self) -> list[Array]:
        """What the last run left."""
        made = [np.empty(t.static_shape, t.element.numpy) for t in self.program.stamp.outputs]
        for o, array in enumerate(made):
            self.device.download(self.bases["output", o], array)
        return made

    def _steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Launch(kernel, blocks, threads, arguments, shared):
                    self.device.launch(kernel, blocks, threads, [self._address(a) for a in arguments], shared)
                case Repeat(condition, flag, body):
                    self._steps(condition)
                    while self._read(flag):
                        self._steps(body)
                        self._steps(condition)
                case Choose(scalar, value, then, otherwise):
                    self._steps(then if self._read(scalar) == value else otherwise)
                case Require(scalar, message):
                    if not self._read(scalar):
                        raise failures.error_of(message)

    def _address(self, place: Place) -> int:
        return self.bases[place.memory, place.index] + place.offset

    def _read(self, scalar: Scalar) -> int:
        number = np.zeros((), f"i{scalar.nbytes}")
        self.device.download(self._address(scalar.place), number)
        return int(number)


def execute(program: DeviceProgram, device: Device, arrays: Sequence[Any]) -> list[Array]:
    """The results of the program on host arrays, one call of a device at a time."""
    with device.lock:
        try:
            bound = Bound(program, device, arrays)
            bound.run()
            return bound.results()
        finally:
            device.release()

"""A program on a device: its kernels and memories there, launches in order, and what the host decides in between.

Launches that follow one another with no decision of the host between them are one graph of the device, where it has such a
thing and they run a second time. Arena and constants stay where they are, so most addresses in a graph never change; a
launch whose arrays are elsewhere than at the last call is updated in it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.gpu.compile import DeviceProgram
from irc.codegen.gpu.program import Choose, Launch, Place, Repeat, Require, Scalar, Step
from irc.ir.types import tensor_of
from irc.runtime import failures
from irc.runtime.devices import Array, Device, DeviceArray, Graph, Grid, Pointers
from irc.runtime.signature import Signature, check_type, short

Address = dict[tuple[str, int], int]
"""Where each memory of a program begins in one call."""


class Stretch:
    """Launches with nothing to decide in between."""

    def __init__(self, launches: Sequence[Launch]) -> None:
        self.launches = tuple(launches)
        self.grids = [Grid(s.kernel, s.blocks, s.threads, s.shared) for s in launches]
        self.runs = 0
        self.graph: Graph | None = None


@dataclass(frozen=True)
class Loop:
    """A `Repeat` in stretches."""

    condition: Sequence[Part]
    flag: Scalar
    body: Sequence[Part]


@dataclass(frozen=True)
class Branch:
    """A `Choose` in stretches."""

    scalar: Scalar
    value: int
    then: Sequence[Part]
    otherwise: Sequence[Part]


Part = Stretch | Loop | Branch | Require


def parts_of(steps: Sequence[Step]) -> list[Part]:
    """Steps with launches that follow one another put together."""
    made: list[Part] = []
    together: list[Launch] = []
    for step in (*steps, None):
        if isinstance(step, Launch):
            together.append(step)
            continue
        if together:
            made.append(Stretch(together))
            together = []
        match step:
            case Repeat(condition, flag, body):
                made.append(Loop(parts_of(condition), flag, parts_of(body)))
            case Choose(scalar, value, then, otherwise):
                made.append(Branch(scalar, value, parts_of(then), parts_of(otherwise)))
            case Require():
                made.append(step)
    return made


class LoadedProgram:
    """A program whose kernels, constants and arena are on a device; it can be called by several threads, one at a time."""

    def __init__(self, program: DeviceProgram, device: Device) -> None:
        stamp = program.stamp
        self.device = device
        self.kernels = device.load(program.ptx, program.target.cpu)
        self.parts = parts_of(program.host.steps)
        self.signature = Signature(stamp.inputs, stamp.outputs, tuple((o, i) for i, o in stamp.donors))
        self.donor_of = {o: i for i, o in stamp.donors}
        self.donated = frozenset(self.donor_of.values())
        self.arena = device.reserve(max(stamp.arena_bytes, 1), "the arena")
        self.constants = [
            DeviceArray.of(device, c, tensor_of(c), f"constant {i}")
            for i, c in enumerate(program.host.constants)
        ]
        self.lock = threading.Lock()

    def __call__(self, *arrays: Any) -> list[DeviceArray]:
        """The results, which stay on the device. Arrays of the host are copied there.

        A donated array of the device is written to and comes back as the result. Raises TypeError or ValueError for
        arguments of another type."""
        with self.lock:
            given = self.place(arrays)
            made = [
                given[self.donor_of[o]]
                if o in self.donor_of
                else DeviceArray.empty(self.device, t, f"output {o}")
                for o, t in enumerate(self.signature.outputs)
            ]
            self.run(self.addresses(given, made))
            return made

    def place(self, arrays: Sequence[Any]) -> list[DeviceArray]:
        """The arguments on the device."""
        self.signature.check_count(arrays, len(self.signature.inputs))
        made = [self._placed(i, a) for i, a in enumerate(arrays)]
        for i in sorted(self.donated):
            for other, array in enumerate(made):
                if other != i and array.block is made[i].block:
                    raise ValueError(
                        f"argument {other} shares memory with argument {i}, {short(made[i].type)}, which the program writes"
                    )
        return made

    def _placed(self, index: int, array: Any) -> DeviceArray:
        type = self.signature.inputs[index]
        if isinstance(array, DeviceArray) and array.device is self.device:
            check_type(index, type, array, array)
            return array
        return DeviceArray.of(self.device, self.signature.input(index, array), type, f"input {index}")

    def addresses(self, given: Sequence[DeviceArray], made: Sequence[DeviceArray]) -> Address:
        """Where this call's memories are."""
        found: Address = {("arena", 0): self.arena.address}
        for name, arrays in (("input", given), ("output", made), ("constant", self.constants)):
            found.update(((name, i), a.address) for i, a in enumerate(arrays))
        return found

    def run(self, bases: Address) -> None:
        """All steps; the last launches may still be under way."""
        self._run(self.parts, bases)

    def _run(self, parts: Sequence[Part], bases: Address) -> None:
        for part in parts:
            match part:
                case Stretch():
                    self._launch(part, bases)
                case Loop(condition, flag, body):
                    self._run(condition, bases)
                    while self._read(flag, bases):
                        self._run(body, bases)
                        self._run(condition, bases)
                case Branch(scalar, value, then, otherwise):
                    self._run(then if self._read(scalar, bases) == value else otherwise, bases)
                case Require(scalar, message):
                    if not self._read(scalar, bases):
                        raise failures.error_of(message)

    def _launch(self, stretch: Stretch, bases: Address) -> None:
        pointers: Pointers = [tuple(_at(p, bases) for p in s.arguments) for s in stretch.launches]
        if stretch.runs == 1 and len(stretch.grids) > 1:
            stretch.graph = self.kernels.graph(stretch.grids, pointers)
        stretch.runs += 1
        if stretch.graph is not None:
            stretch.graph.run(pointers)
            return
        for grid, given in zip(stretch.grids, pointers, strict=True):
            self.kernels.launch(grid, given)

    def _read(self, scalar: Scalar, bases: Address) -> int:
        number: Array = np.zeros((), f"i{scalar.nbytes}")
        self.device.read(_at(scalar.place, bases), number)
        return int(number)


def _at(place: Place, bases: Address) -> int:
    return bases[place.memory, place.index] + place.offset

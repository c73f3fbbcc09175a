"""The memory of one call, known before it runs: each buffer with its place, size, life and source line, and the peak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from irc.codegen.buffers import ALTERNATING, Buffer
from irc.ir.extents import at, typical
from irc.ir.locations import Location, described
from irc.runtime.signature import short

WIDTH = 40
"""Columns of the picture of lives."""


@dataclass(frozen=True)
class MemoryPlan:
    """`buffers` share the arena; inputs belong to the caller, and so do outputs, those that take over an input's buffer
    (donation) counted as inputs only. `steps` kernels and copies run, numbered from 1."""

    buffers: tuple[Buffer, ...]
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    constants: tuple[Buffer, ...]
    arena_bytes: int
    steps: int

    @property
    def input_bytes(self) -> int:
        return sum(b.type.nbytes for b in self.inputs)

    @property
    def output_bytes(self) -> int:
        return sum(b.type.nbytes for b in self.outputs)

    @property
    def constant_bytes(self) -> int:
        return sum(b.type.nbytes for b in self.constants)

    @property
    def new_bytes(self) -> int:
        """What a call needs beside its inputs: arena and outputs."""
        return self.arena_bytes + self.output_bytes

    @property
    def total_bytes(self) -> int:
        """Everything that is held while it runs."""
        return self.new_bytes + self.input_bytes + self.constant_bytes

    @property
    def peak(self) -> int:
        """The first step at which the arena holds most."""
        return max(range(1, self.steps + 1), key=lambda step: (typical(self._held(step)), -step), default=0)

    def at(self, sizes: Mapping[str, int]) -> MemoryPlan:
        """The plan for numbers in the place of named sizes."""
        buffers, inputs, outputs = (
            tuple(b.at(sizes) for b in part) for part in (self.buffers, self.inputs, self.outputs)
        )
        return MemoryPlan(buffers, inputs, outputs, self.constants, at(self.arena_bytes, sizes), self.steps)

    def holders(self, step: int) -> list[tuple[str, Location, int]]:
        """(where, its location, bytes) of the source lines whose values are held at a step, most first."""
        found: dict[str, tuple[Location, int]] = {}
        live = [b for b in self.buffers if b.first <= step <= b.last]
        for b in (*live, *self.inputs, *self.outputs, *self.constants):
            where = _where(b)
            location, nbytes = found.get(where, (b.location, 0))
            found[where] = (location, nbytes + b.type.nbytes)
        rows = [(where, location, nbytes) for where, (location, nbytes) in found.items()]
        return sorted(rows, key=lambda row: -typical(row[2]))

    def __str__(self) -> str:
        """The table, in the order of first use, and each value's life as a bar; the arrow marks the peak."""
        peak = self.peak
        mark = " " * self._column(peak) + "▼" if peak else ""
        lines = [f"{'bytes':>12} {'offset':>12}  {mark:<{WIDTH}}  steps      value"]
        for b in sorted(self.buffers, key=lambda b: (b.first, b.last, typical(b.index))):
            life = f"{b.first}-{b.last}"
            lines.append(
                f"{b.nbytes:>12} {b.index:>12}  {self._bar(b)}  {life:<9}  {short(b.type)}  {_where(b)}"
            )
        lines += self._totals(peak)
        return "\n".join(lines)

    def _totals(self, peak: int) -> list[str]:
        held = self._held(peak)
        return [
            f"{self.arena_bytes:>12} arena ({held} live at its peak, step {peak} of {self.steps})",
            f"{self.output_bytes:>12} outputs",
            f"{self.input_bytes:>12} inputs",
            f"{self.constant_bytes:>12} constants",
            f"{self.total_bytes:>12} in all",
        ]

    def _held(self, step: int) -> int:
        return sum(b.nbytes for b in self.buffers if b.first <= step <= b.last)

    def _column(self, step: int) -> int:
        return (step - 1) * WIDTH // max(self.steps, 1)

    def _bar(self, b: Buffer) -> str:
        first, last = self._column(b.first), self._column(b.last)
        return "·" * first + "█" * (last - first + 1) + "·" * (WIDTH - last - 1)


def _where(b: Buffer) -> str:
    if b.place == "input":
        return f"input {b.index}" + (f" ({b.name})" if b.name else "")
    if b.place == "output":
        return f"output {b.index}"
    return f"{described(b.location)} ({b.name})" if b.name == ALTERNATING else described(b.location)

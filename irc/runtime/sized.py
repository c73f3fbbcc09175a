"""A native program whose arguments have unknown extents: one piece of code, and an entry point for each set of sizes.

An entry point is a table of numbers (see `entry`): making one for new sizes compiles nothing. The last ones used are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from irc.ir.extents import Extent, at, names
from irc.ir.types import TensorType
from irc.runtime.copies import policy_of
from irc.runtime.executable import Array, NativeProgram, entry_points, linked
from irc.runtime.signature import Signature, short

KEPT = 64
"""Sets of sizes whose entry points are kept."""

Sizes = Mapping[str, int]
Call = Callable[..., Any]


class SizedProgram:
    """Like NativeProgram, for types whose extents are expressions over named sizes.

    `args` of the native function holds, after the outputs' pointers, one to the sizes, in the order in which the inputs'
    types name them. `admit(sizes)` is asked before memory is taken for new sizes; it raises where there is too little."""

    def __init__(
        self,
        object_code: bytes,
        inputs: Sequence[TensorType],
        outputs: Sequence[TensorType],
        *,
        arena_bytes: int = 0,
        symbol: str = "irc_main",
        donate: Mapping[int, int] | None = None,
        admit: Callable[[Sizes], None] | None = None,
        arguments: str | None = None,
        name: str = "irc_program",
    ) -> None:
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.donors = tuple(sorted((output, donor) for donor, output in (donate or {}).items()))
        self.arena_bytes = arena_bytes
        self.object_code = object_code
        self.name = name
        self.sizes = list(
            dict.fromkeys(n for t in self.inputs for extent in t.static_shape for n in names(extent))
        )
        self.code = linked(object_code, symbol)
        self.address = self.code.addresses[symbol]
        self.admit = admit
        self.policy = policy_of(arguments)
        self.varying = [i for i, t in enumerate(self.inputs) if not t.is_fixed]
        """The inputs whose shapes say the sizes."""
        self.entries: dict[tuple[Any, ...], tuple[Call, Call]] = {}

    def call(self, *arrays: Any) -> list[Array]:
        """The results. Raises TypeError and ValueError, naming the argument and dimension, for what does not fit."""
        try:
            call = self.entries[tuple([arrays[i].shape for i in self.varying])][0]
        except (KeyError, AttributeError, IndexError):
            call = self._entry(arrays)[0]
        found: list[Array] = call(*arrays)
        return found

    __call__ = call

    def into(self, *arrays: Any) -> None:
        """Writes the results to the arrays after the inputs."""
        self._entry(arrays[: len(self.inputs)])[1](*arrays)

    def _entry(self, arrays: Sequence[Any]) -> tuple[Call, Call]:
        if len(arrays) != len(self.inputs):
            raise TypeError(f"expected {len(self.inputs)} arguments, got {len(arrays)}")
        shapes = tuple([np.shape(a) for a in arrays])
        key = tuple([shapes[i] for i in self.varying])
        found = self.entries.get(key)
        return self._made(key, shapes) if found is None else found

    def _made(self, key: tuple[Any, ...], shapes: tuple[tuple[int, ...], ...]) -> tuple[Call, Call]:
        sizes = self.sizes_of(shapes)
        if self.admit is not None:
            self.admit(sizes)
        inputs, outputs = ([_at(t, sizes) for t in types] for types in (self.inputs, self.outputs))
        signature = Signature(tuple(inputs), tuple(outputs), self.donors, self.policy)
        told = tuple(sizes[name] for name in self.sizes)
        arena = at(self.arena_bytes, sizes)
        made = entry_points(self.code, self.address, signature, arena, self.name, sizes=told)
        while len(self.entries) >= KEPT:
            self.entries.pop(next(iter(self.entries)), None)
        self.entries[key] = made
        return made

    def sizes_of(self, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
        """The named sizes for arguments of these shapes. Raises ValueError, naming argument and dimension, where they are
        not what the inputs' types say; what is wrong besides is left to the entry point."""
        found: dict[str, tuple[int, str]] = {}
        pairs = [
            (i, t, s) for i, (t, s) in enumerate(zip(self.inputs, shapes, strict=False)) if t.rank == len(s)
        ]
        for i, t, shape in pairs:
            for d, (extent, given) in enumerate(zip(t.static_shape, shape, strict=True)):
                if not isinstance(extent, Extent) or names(extent) != [str(extent)]:
                    continue
                if given < 1:
                    raise ValueError(f"argument {i}: dimension {d} is {given}, but must be at least 1")
                known, where = found.setdefault(str(extent), (given, f"dimension {d} of argument {i}"))
                if known != given:
                    raise ValueError(
                        f"argument {i}: dimension {d} is {given}, but must be {known} like {where}"
                    )
        sizes = {name: found.get(name, (1, ""))[0] for name in self.sizes}
        for i, t, shape in pairs:
            for d, (extent, given) in enumerate(zip(t.static_shape, shape, strict=True)):
                if at(extent, sizes) != given:
                    said = f" ({extent})" if isinstance(extent, Extent) else ""
                    raise ValueError(
                        f"argument {i}: expected {short(t)}, but dimension {d} is {given} and must be {at(extent, sizes)}{said}"
                    )
        for number, output in enumerate(self.outputs):
            if any(at(n, sizes) < 0 for n in output.static_shape):
                raise ValueError(f"result {number}, {short(output)}, would have a negative extent")
        return sizes

    def __repr__(self) -> str:
        takes, gives = (", ".join(map(short, types)) for types in (self.inputs, self.outputs))
        return f"<{self.name}: ({takes}) -> [{gives}]>"


def program_of(
    object_code: bytes,
    inputs: Sequence[TensorType],
    outputs: Sequence[TensorType],
    *,
    arena_bytes: int = 0,
    donate: Mapping[int, int] | None = None,
    admit: Callable[[Sizes], None] | None = None,
    arguments: str | None = None,
) -> NativeProgram | SizedProgram:
    """The program of these types: its entry point is made now, or for each set of sizes where some are unknown."""
    if all(t.is_fixed for t in inputs):
        return NativeProgram(
            object_code, inputs, outputs, arena_bytes=arena_bytes, donate=donate, arguments=arguments
        )
    return SizedProgram(
        object_code, inputs, outputs, arena_bytes=arena_bytes, donate=donate, admit=admit, arguments=arguments
    )


def _at(t: TensorType, sizes: Sizes) -> TensorType:
    return t.with_shape(tuple(at(n, sizes) for n in t.static_shape))

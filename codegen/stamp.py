"""What calling a program needs to know beside its code, and how texts below MLIR carry it: one comment line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from irc.codegen.program import EXTENTS, SIGNATURE
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.attributes import ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr, TypeAttr
from irc.ir.extents import parsed_shape
from irc.ir.text import parse_type
from irc.ir.types import FunctionType, MemRefType, TensorType
from irc.passes.arguments import DONOR

_MARK = " irc.program "


@dataclass(frozen=True)
class ProgramStamp:
    """Tensor types of inputs and outputs, the arena's size, and which input's buffer each donated output takes over."""

    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    arena_bytes: int
    donors: tuple[tuple[int, int], ...]
    """(input, output) pairs."""

    @staticmethod
    def of(kernels: Module) -> ProgramStamp:
        """From the attributes of a module of kernels."""
        signature = kernels.attributes.get(SIGNATURE)
        main = kernels.symbols.get("main")
        if not (
            isinstance(signature, TypeAttr)
            and isinstance(signature.value, FunctionType)
            and isinstance(main, Func)
        ):
            raise IrcError(f"a module of kernels needs @main and the attribute '{SIGNATURE}'")
        inputs: Any = signature.value.inputs
        outputs: Any = signature.value.results
        (arena,) = [a.type.shape for a in main.arguments if isinstance(a.type, MemRefType)][-1]
        extents = kernels.attributes.get(EXTENTS)
        if isinstance(extents, ArrayAttr):
            texts = [text.value for text in extents.value if isinstance(text, StringAttr)]
            *shapes, (arena,) = map(parsed_shape, texts)
            types = [t.with_shape(s) for t, s in zip((*inputs, *outputs), shapes, strict=True)]
            inputs, outputs = tuple(types[: len(inputs)]), tuple(types[len(inputs) :])
        if arena is None:
            raise IrcError(f"a module of kernels of unknown extents needs the attribute '{EXTENTS}'")
        return ProgramStamp(inputs, outputs, arena, tuple(_donors(main)))

    def header(self, comment: str) -> str:
        """One line, begun by the text's comment sign."""
        fields = {
            "inputs": [str(t) for t in self.inputs],
            "outputs": [str(t) for t in self.outputs],
            "arena": self.arena_bytes,
            "donors": [list(pair) for pair in self.donors],
        }
        if not isinstance(self.arena_bytes, int) or not all(
            t.is_fixed for t in (*self.inputs, *self.outputs)
        ):
            fields["arena"] = str(self.arena_bytes)
            fields["extents"] = [", ".join(map(str, t.shape)) for t in (*self.inputs, *self.outputs)]
        return f"{comment}{_MARK}{json.dumps(fields)}\n"

    @staticmethod
    def read(text: str, comment: str) -> ProgramStamp | None:
        """The stamp that a text begins with, or None."""
        line = text.partition("\n")[0]
        if not line.startswith(comment + _MARK):
            return None
        fields = json.loads(line[len(comment + _MARK) :])
        inputs, outputs = (tuple(map(parse_type, fields[k])) for k in ("inputs", "outputs"))
        if "extents" in fields:
            pairs = zip((*inputs, *outputs), fields["extents"], strict=True)
            types = [t.with_shape(parsed_shape(shape)) for t, shape in pairs]
            inputs, outputs = tuple(types[: len(inputs)]), tuple(types[len(inputs) :])
            fields["arena"] = parsed_shape(fields["arena"])[0]
        return ProgramStamp(inputs, outputs, fields["arena"], tuple((i, o) for i, o in fields["donors"]))


def _donors(main: Func) -> list[tuple[int, int]]:
    arguments = main.attributes.get("irc.arguments")
    if not isinstance(arguments, ArrayAttr):
        return []
    found = []
    for i, entry in enumerate(arguments.value):
        donor = entry.get(DONOR) if isinstance(entry, DictionaryAttr) else None
        if isinstance(donor, IntegerAttr):
            found.append((i, donor.value))
    return found

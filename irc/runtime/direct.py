"""Calls of compiled functions without Python: tensors made of slots are read and made by a C function of generated code.

A frontend's tensor is a handle with a storage, whose value has an array. The function checks what the arguments' slots hold,
calls the program with their arrays, and makes a handle, a storage and a value for each result. One serves every signature:
what it needs stands in a table of words, as in `entry`."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.runtime import jit, numpy_abi
from irc.runtime.direct_text import DIRECT_TEXT, HEADER, SHAPES
from irc.runtime.entry import Table, builtin

_NEW: Any = object.__new__


@dataclass(frozen=True, slots=True)
class Layout:
    """The classes of a frontend's tensors, by the slots that are read and made.

    Handles have `_parent` and `_storage`; storages `_value`, `version` and `graph`; values `array`, `type`, `requires_grad`,
    `leaf`, `node`, `source`, `owner` and `index`; the recorder `graph`."""

    handle: type
    storage: type
    value: type
    recorder: Any

    def offsets(self) -> dict[str, int]:
        """Where each slot lies in its object."""
        slots = {
            "parent": (self.handle, "_parent"),
            "storage": (self.handle, "_storage"),
            "value": (self.storage, "_value"),
            "version": (self.storage, "version"),
            "storage_graph": (self.storage, "graph"),
            "recorder_graph": (type(self.recorder), "graph"),
        }
        for name in ("array", "type", "requires_grad", "leaf", "node", "source", "owner", "index"):
            slots[name] = (self.value, name)
        return {name: _offset(getattr(cls, slot)) for name, (cls, slot) in slots.items()}


def _offset(descriptor: Any) -> int:
    """A slot's offset: `d_member->offset` of its descriptor, checked on what a slot of our own says."""
    member = ctypes.c_size_t.from_address(id(descriptor) + 40).value
    return ctypes.c_ssize_t.from_address(member + 16).value


def is_made_of_slots(kind: Any) -> bool:
    """Whether objects of a class can be made by `object.__new__` and their slots filled."""
    return kind.__new__ is _NEW and _known()


class _Probe:
    __slots__ = ("first", "second")
    first: object
    second: object


@functools.cache
def _known() -> bool:
    """Whether this Python lays slots out as `_offset` reads them."""
    probe = _Probe()
    probe.first, probe.second = object(), object()
    places = [_offset(getattr(_Probe, name)) for name in ("first", "second")]
    if not all(0 < place < 256 for place in places):
        return False
    held = [ctypes.c_size_t.from_address(id(probe) + place).value for place in places]
    return held == [id(probe.first), id(probe.second)]


@functools.cache
def _load() -> int:
    names = ("PyType_GenericAlloc", "PyWeakref_NewRef", "PyList_GetItem", "PyTuple_New", "PyTuple_SetItem")
    found = {n: numpy_abi.address(getattr(ctypes.pythonapi, n)) for n in names}
    return jit.load(jit.assembled(DIRECT_TEXT), ["irc_direct"], {**numpy_abi.symbols(), **found})[
        "irc_direct"
    ]


def make_direct(
    layout: Layout,
    arguments: Sequence[tuple[type, Any, bool]],
    results: Sequence[tuple[type, Any]],
    call: Any,
    shape: str,
    otherwise: Any,
    sources: Sequence[tuple[Any, Any, int | None]] = (),
    forms: Sequence[Any] = (),
) -> Any:
    """`direct(*handles)`: what the function gives, or `otherwise` where an argument is not what it should be.

    `arguments` are classes, types and requires_grad; `results` classes and types; `call(*arrays)` gives a list of arrays;
    `shape` is one of SHAPES. After the arguments' arrays `call` gets those of `sources` (storages, types, and the very object
    that is the storage's version, or None for any version), then `forms`, arrays that go with those versions."""
    fields = {
        "arguments": len(arguments),
        "results": len(results),
        "sources": len(sources),
        "forms": len(forms),
        "call": id(call),
        "otherwise": id(otherwise),
        "recorder": id(layout.recorder),
        "new": id(_NEW),
        "storage_class": id(layout.storage),
        "value_class": id(layout.value),
        "false": id(False),
        "zero": id(0),
        "shape": SHAPES.index(shape),
        **layout.offsets(),
    }
    words = [fields[name] for name in HEADER]
    for kind, type_, requires_grad in arguments:
        words += [id(kind), id(type_), id(requires_grad)]
    for kind, type_ in results:
        words += [id(kind), id(type_)]
    for storage, type_, version in sources:
        words += [id(storage), id(type_), 0 if version is None else id(version)]
    words += [id(array) for array in forms]
    table = np.array(words, np.uint64).view(Table)
    table.keep = (layout, tuple(arguments), tuple(results), call, otherwise, tuple(sources), tuple(forms))
    return builtin("irc_direct", _load(), table, b"direct(*handles) -> what the function gives")

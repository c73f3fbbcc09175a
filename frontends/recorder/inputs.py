"""What a trace reads of the world at each replay: storages, gradients, numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.recorder.places import put
from irc.frontends.recorder.segment import literal_array
from irc.frontends.recorder.storage import Storage
from irc.frontends.recorder.value import Literal, Recorded


class GradientSlot:
    """The storage of a tensor's gradient, whichever it is at the moment."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def storage(self) -> Storage:
        return self.tensor._grad._storage

    @property
    def _value(self) -> Recorded:
        return self.tensor._grad._storage._value

    def write(self, value: Recorded) -> None:
        self.tensor._grad._storage.write(value)


Place = Storage | GradientSlot


class Source:
    """Where an input that is no argument comes from at each replay: a storage, a view, or a value kept for good."""

    __slots__ = ("copy", "copy_of", "holder", "is_storage", "kept", "requires_grad", "type")

    def __init__(
        self, value: Recorded, before: dict[Storage, Recorded], slots: dict[Storage, GradientSlot]
    ) -> None:
        """`before` are the values that storages had when the trace began, `slots` the storages that are gradients."""
        shown: Recorded | None = value
        holder = None
        while shown is not None and holder is None:
            holder = _holder(shown, before)
            shown = shown.source
        self.holder: Any = slots.get(holder, holder) if isinstance(holder, Storage) else holder
        self.is_storage = type(self.holder) is Storage
        self.kept = value if self.holder is None else None
        self.type = value.type
        self.requires_grad = value.requires_grad
        self.copy: Any = None
        self.copy_of: int | None = None

    def read(self) -> Recorded:
        if self.is_storage:
            held = self.holder._value
        elif self.kept is not None:
            return self.kept
        else:
            held = self.holder._value if isinstance(self.holder, GradientSlot) else self.holder._read()
        # What the trace read outside the gradient stays there.
        return held.alias() if held.requires_grad and not self.requires_grad else held

    def brought(self, value: Recorded, place: str) -> Any:
        """The array of its value of now at another place, copied there again only when it has changed."""
        version = self.holder.version if self.is_storage else None if self.kept is None else 0
        if version is None or version != self.copy_of:
            self.copy, self.copy_of = put(value.array, value.type, place), version
        return self.copy


def _holder(value: Recorded, before: dict[Storage, Recorded]) -> Any:
    """The storage or view that showed this value when the trace began."""
    holder = value.owner() if value.owner is not None else None
    if holder is None:
        return None
    current = holder._value is value or (isinstance(holder, Storage) and before.get(holder) is value)
    return holder if current else None


class Forms:
    """What a program makes of the tensors that its calls leave as they are (packed weights): made again when one of them
    has a new version, and in every call where another library may write to one."""

    __slots__ = ("kept", "made", "prepare", "versions")

    def __init__(self, prepare: Callable[..., list[Any]], kept: Sequence[tuple[int, Storage]]) -> None:
        """`prepare(*arrays)` gives the forms; `kept` are the arrays' places among a call's, and their storages."""
        self.prepare = prepare
        self.kept = list(kept)
        self.made: list[Any] = []
        self.versions: list[tuple[Storage, int]] = []

    def of(self, arrays: Sequence[Any]) -> list[Any]:
        """The forms for a call's arrays."""
        if not self.are_current:
            self.made = self.prepare(*(arrays[place] for place, _ in self.kept))
            self.versions = [(storage, storage.version) for _, storage in self.kept]
        return self.made

    @property
    def are_current(self) -> bool:
        """Whether the forms are those of the tensors of now, as far as irc can know."""
        same = bool(self.versions) and all(storage.version == version for storage, version in self.versions)
        return same and not self.are_shared

    @property
    def are_shared(self) -> bool:
        return any(storage._value.is_shared for _, storage in self.kept)


class LiveNumber:
    """A number that is read at each call, and its array, made again only when the number changes."""

    __slots__ = ("known", "literal", "place", "value")

    def __init__(self, literal: Literal, place: str) -> None:
        self.literal = literal
        self.place = place
        self.value = math.nan
        self.known: Any = None

    def array(self) -> Any:
        assert self.literal.live is not None
        value = self.literal.live()
        if value != self.value:
            self.value, self.known = value, put(literal_array(self.literal), self.literal.type, self.place)
        return self.known

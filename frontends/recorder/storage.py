"""Storages, and handles on them: what an eager tensor is besides a recorded value.

A view is (base, index map): reading it applies the map to its base's value of now, writing to it makes a new version of
the base. All handles on one storage see each write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

from irc.frontends.errors import RecordError, locate
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import apply, moved, recorder, refuse_look, same
from irc.frontends.recorder.places import on_host
from irc.frontends.recorder.segment import out_of_scope
from irc.frontends.recorder.template import Lowering
from irc.frontends.recorder.value import Operand, Recorded
from irc.frontends.source import Site
from irc.ir.types import TensorType


class Storage:
    """A place that holds one value at a time; `version` counts the writes."""

    __slots__ = ("__weakref__", "_value", "graph", "version")

    def __init__(self, value: Recorded) -> None:
        if value.owner is not None:
            value = value.alias()
        self._value = value
        value.owner = ref(self)
        self.version = 0
        self.graph = recorder.graph
        """The graph that was recording when it was made: a compiled function's own storages are none of its state."""

    def write(self, value: Recorded) -> None:
        graph = recorder.graph
        made_here = self.graph is graph and self._value.array is None and self._value.node is not None
        if graph.tracing and not made_here:
            # What the trace itself computed is not state; what came from outside, an argument or an array is.
            graph.written.setdefault(self, self._value)
        self._value = value
        value.owner = ref(self)
        self.version += 1


@dataclass(frozen=True, slots=True)
class IndexMap:
    """How a view shows its base: `forward` reads it, `update(base, new)` gives the base with the view's part replaced.

    Both are lowerings with static arguments and further operands (a dynamic index). A map without `update` is
    read-only; `detached` maps show the same elements outside the gradient."""

    forward: Lowering | None
    update: Lowering | None
    statics: tuple[Any, ...] = ()
    operands: tuple[Operand, ...] = ()
    detached: bool = False

    def read(self, base: Recorded) -> Recorded:
        if self.forward is None:
            return base.alias() if self.detached else apply(same, (base,))[0]
        return apply(self.forward, (base, *self.operands), self.statics)[0]

    def write(self, base: Recorded, new: Recorded) -> Recorded:
        if self.forward is None:
            return new.alias()
        if self.update is None:
            raise RecordError(
                "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
                "Please clone() the tensor before performing the operation."
            )
        return apply(self.update, (base, new, *self.operands), self.statics)[0]


class Handle:
    """Base of the frontends' tensors: a storage, or a view of another handle."""

    __slots__ = ("__weakref__", "_map", "_parent", "_storage", "_value", "_version")

    _storage: Storage
    _parent: Handle | None
    _map: IndexMap | None
    _value: Recorded
    _version: int

    def _hold(self, value: Recorded) -> None:
        """Becomes a tensor of its own around `value`."""
        self._storage = Storage(value)
        self._parent = None

    def _show(self, parent: Handle, index_map: IndexMap) -> None:
        """Becomes a view of `parent`."""
        self._parent = parent
        self._map = index_map
        self._storage = parent._storage
        self._version = -1

    def _read(self) -> Recorded:
        """The value of now."""
        storage = self._storage
        if self._parent is None:
            return storage._value
        if self._version != storage.version:
            assert self._map is not None
            value = self._map.read(self._parent._read())
            value = value.alias() if value.owner is not None else value
            self._remember(value)
        return self._value

    def _remember(self, value: Recorded) -> None:
        self._value = value
        value.owner = ref(self)
        self._version = self._storage.version

    def _write(self, value: Recorded) -> None:
        """Replaces the elements by `value`, a fresh value of the same type, here and in every handle on the storage: it goes
        to where that is."""
        if recorder.spread:
            value = moved(value, self._storage._value.place)
        if self._parent is None:
            before = self._storage._value
            if before.leaf is not None:
                value.requires_grad, value.leaf = True, before.leaf
            self._storage.write(value)
        else:
            assert self._map is not None
            self._parent._write(self._map.write(self._parent._read(), value))
            self._remember(value if value.owner is None else value.alias())

    def _look(self, what: str) -> Any:
        """The array of now on the host, computed if it is pending."""
        value = self._read()
        if value.array is None:
            if recorder.graph.tracing:
                raise refuse_look(what, value)
            flush()
            if value.array is None:
                raise out_of_scope(Site.here())
        return on_host(value.array)


def fresh(kinds: Sequence[Any], types: Sequence[TensorType], arrays: Iterable[Any]) -> list[Any]:
    """New tensors of these kinds around computed arrays: `_hold(Recorded(type, array=array))` of each, spelled out, since
    this is what a call of a compiled function spends its time on."""
    new, graph = object.__new__, recorder.graph
    made = []
    for kind, type, array in zip(kinds, types, arrays, strict=True):
        value = new(Recorded)
        value.type = type
        value.array = array
        value.node = value.leaf = value.source = None
        value.index = 0
        value.requires_grad = False
        storage = new(Storage)
        storage._value = value
        storage.version = 0
        storage.graph = graph
        value.owner = ref(storage)
        handle = kind.__new__(kind)
        handle._storage = storage
        handle._parent = None
        made.append(handle)
    return made


def located(error: Any) -> Any:
    """An error with the user's place of now, and what the frontend knows about it."""
    if error.span is None:
        recorder.explain(locate(error, Site.here()), ())
    return error

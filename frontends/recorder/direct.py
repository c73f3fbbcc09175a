"""A call of a compiled function like the last one: nothing but tensors, checked as their arrays are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import BuiltinFunctionType
from typing import Any

from irc.frontends.recorder.backend import counters
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import Handle, Storage
from irc.frontends.recorder.trace import Executed
from irc.frontends.recorder.value import Recorded

OTHERWISE = object()
"""What a direct call gives where the call is not one of its kind."""


class Direct:
    """A call with nothing but tensors, each of its own storage: their kinds and types are checked as their arrays are read.

    `expected` has the kind, the type, and whether it takes part in gradients, of each; `places` says where each is."""

    __slots__ = ("expected", "forced", "grad_enabled", "native", "pack", "places", "trace")

    def __init__(
        self, trace: Executed, arguments: Sequence[Handle], pack: Callable[[list[Handle]], Any], shape: str
    ) -> None:
        """`shape` says that the tensors are the result: `one`, a `tuple`, a `list`; empty where they are not."""
        values = [a._read() for a in arguments]
        self.trace, self.pack, self.grad_enabled = trace, pack, recorder.grad_enabled
        self.expected = [(type(a), v.type, v.requires_grad) for a, v in zip(arguments, values, strict=True)]
        self.places, self.forced = [v.place for v in values], recorder.forced
        self.native = self._native(shape)

    def _native(self, shape: str) -> Callable[..., Any] | None:
        """The call in generated code, where nothing but tensors of slots goes in and comes out."""
        from irc.runtime.direct import Layout, is_made_of_slots, make_direct  # noqa: PLC0415 - loads LLVM

        trace = self.trace
        able = shape and trace.is_steady and isinstance(trace.executable, BuiltinFunctionType)
        if trace.forms is not None and not trace.forms.are_current:
            return None
        if not able or not all(map(is_made_of_slots, trace.kinds)):
            return None
        layout = Layout(Handle, Storage, Recorded, recorder)
        results = [
            (kind, t) for kind, t in zip(trace.kinds, trace.own_types, strict=True) if kind is not None
        ]
        forms = () if trace.forms is None else trace.forms.made
        return make_direct(
            layout, self.expected, results, trace.executable, shape, OTHERWISE, trace.sources(), forms
        )

    def _is_beside(self, arguments: tuple[Any, ...]) -> bool:
        """Whether tensors are where they were."""
        places = [a._read().place if isinstance(a, Handle) else None for a in arguments]
        return self.forced == recorder.forced and places == self.places

    def call(self, arguments: tuple[Any, ...]) -> Any:
        """What the function gives; `OTHERWISE` where the call is not one of these."""
        trace = self.trace
        if (
            len(arguments) != len(self.expected)
            or recorder.grad_enabled is not self.grad_enabled
            or trace.epoch != recorder.epoch
            or trace.moves != recorder.moves
            or trace.missing_gradients
            or (recorder.spread and not self._is_beside(arguments))
        ):
            return OTHERWISE
        if self.native is not None:
            made = self.native(*arguments)
            if made is not OTHERWISE:
                counters.runs += 1
            return made
        arrays = []
        for argument, (kind, wanted, requires_grad) in zip(arguments, self.expected, strict=True):
            if type(argument) is not kind or argument._parent is not None:
                return OTHERWISE
            value = argument._storage._value
            array = value.array
            if (
                array is None
                or value.type is not wanted
                or value.requires_grad is not requires_grad
                or value.leaf is not None
            ):
                return OTHERWISE
            arrays.append(array)
        made = trace.call(arrays, arguments)
        return OTHERWISE if isinstance(made, str) else self.pack(made)

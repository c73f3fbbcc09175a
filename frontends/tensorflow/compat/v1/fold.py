"""Values that follow from shapes and constants, worked out while a program is recorded: extents, axes, rates.

They become static arguments of operations, never results: those come from the compiled program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.frontends.recorder.graph import needed
from irc.frontends.recorder.places import on_host
from irc.frontends.recorder.segment import Segment, external_array, root_of
from irc.frontends.recorder.storage import Storage
from irc.frontends.recorder.value import Recorded
from irc.interpreter import interpret

MOST_NODES = 64
MOST_KNOWN = 64
"""Integer results of at most so many elements are worked out, where they follow from shapes alone."""

MOST_ELEMENTS = 1024


def fold(value: Recorded, given: Callable[[Recorded], Any]) -> Any:
    """The array of a recorded value, where it is small and follows from constants and from what `given` says of
    placeholders; None where it does not."""
    if value.array is not None:
        return None if is_state(value) else on_host(value.array)
    if value.type.size > MOST_ELEMENTS:
        return None
    nodes = needed([value])
    if len(nodes) > MOST_NODES:
        return None
    if not nodes:
        return given(root_of(value))
    segment = Segment(nodes, [value])
    arrays = []
    for external in segment.externals:
        array = None if is_state(external) else on_host(external_array(external))
        if array is None and external.array is None:
            array = given(root_of(external))
        if array is None:
            return None
        arrays.append(array)
    module = segment.module([False] * len(segment.literals))
    return interpret(module, *arrays)[0]


def is_state(value: Recorded) -> bool:
    """Whether the value was there before the recording: a variable's, or the random generator's."""
    shown: Recorded | None = value
    while shown is not None:
        holder = shown.owner() if shown.owner is not None else None
        if holder is not None:
            storage = holder if isinstance(holder, Storage) else holder._storage
            if not storage.graph.tracing:
                return True
        shown = shown.source
    return False

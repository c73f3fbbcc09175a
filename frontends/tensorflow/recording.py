"""Which tapes record at this moment, and what they have recorded.

Without a recording tape an operation keeps no history. The nodes recorded under a tape belong to a session, which all
tapes that are nested in each other share; when the last of them is used up or gone, the session forgets the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irc.frontends.recorder.graph import apply, needed, recorder
from irc.frontends.recorder.template import Lowering
from irc.frontends.recorder.value import Node, Operand, Recorded


class Session:
    """The nodes recorded since the outermost tape began, and the values that tapes were told to watch."""

    __slots__ = ("nodes", "watched")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.watched: list[Recorded] = []

    def __del__(self) -> None:
        rerun = self._still_read()
        for node in self.nodes:
            node.freed = True
            if node.computed and node not in rerun:
                node.saved = {}
                node.inputs = ()
        for value in self.watched:
            value.requires_grad = False
            value.leaf = None

    def _still_read(self) -> dict[Node, None]:
        """Computed nodes that pending ones (a recorded gradient) have to be computed from again."""
        if not any(node.computed for node in self.nodes):
            return {}
        pending = (o for node in self.nodes if not node.computed for o in node.inputs)
        return dict.fromkeys(needed(o for o in pending if isinstance(o, Recorded)))


class Tapes:
    """The tapes that record now, outermost first, and their session."""

    __slots__ = ("recording", "session")

    def __init__(self) -> None:
        self.recording: list[Any] = []
        self.session: Session | None = None


tapes = Tapes()


def record(lower: Lowering, values: Sequence[Operand], statics: tuple[Any, ...]) -> list[Recorded]:
    """Records one operation, with history where a tape records."""
    before, session = recorder.grad_enabled, tapes.session
    recorder.grad_enabled = session is not None or recorder.differentiating
    try:
        if session is None:
            return apply(lower, values, statics)
        results = apply(lower, [_current(v) for v in values], statics)
        node = results[0].node
        if node is not None:
            session.nodes.append(node)
        return results
    finally:
        recorder.grad_enabled = before


def _current(value: Operand) -> Operand:
    """The value, outside the gradient where the tape that recorded it is gone."""
    if value.has_history and value.node.freed:  # type: ignore[union-attr]
        return value.alias()  # type: ignore[union-attr]
    return value


@contextmanager
def history_kept() -> Iterator[None]:
    """What is recorded inside, by whatever means, has history where a tape records and none elsewhere."""
    before, session, graph = recorder.grad_enabled, tapes.session, recorder.graph
    recorder.grad_enabled = session is not None or recorder.differentiating
    last = graph.pending[-1] if graph.pending else None
    try:
        yield
    finally:
        recorder.grad_enabled = before
        if session is not None:
            _collect(session, graph.pending, last)


def _collect(session: Session, pending: list[Node], last: Node | None) -> None:
    """Adds the nodes behind `last`."""
    made = []
    for node in reversed(pending):
        if node is last:
            break
        made.append(node)
    session.nodes += reversed(made)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """What is recorded inside has no history, whatever tapes record."""
    session, recording = tapes.session, tapes.recording
    before = recorder.grad_enabled, recorder.differentiating
    tapes.session, tapes.recording = None, []
    recorder.grad_enabled = recorder.differentiating = False
    try:
        yield
    finally:
        tapes.session, tapes.recording = session, recording
        recorder.grad_enabled, recorder.differentiating = before

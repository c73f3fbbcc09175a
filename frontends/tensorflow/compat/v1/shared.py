"""What the whole of TF1 shares in a process: which graph and session are the default, and whether calls are put into a
graph or carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _nothing() -> None:
    return None


class Mode:
    """`graphs` and `sessions` are the defaults, innermost last. While `running`, a graph's operations are being recorded,
    and the functions they call do what they do outside of graphs."""

    __slots__ = ("building", "default_graph", "eager", "graphs", "running", "sessions")

    def __init__(self) -> None:
        self.graphs: list[Any] = []
        self.sessions: list[Any] = []
        self.default_graph: Any = None
        self.eager = True
        self.running = False
        self.building: Callable[[], None] = _nothing
        """Called when the first graph is built: makes the namespace `tf` build graphs, too."""

    @property
    def in_graph(self) -> bool:
        """Whether a call made now becomes an operation of a graph."""
        return not self.running and (not self.eager or bool(self.graphs))


mode = Mode()

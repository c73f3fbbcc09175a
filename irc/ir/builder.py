"""Builder: collects operations in order, at one location, and makes the regions inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irc.ir.locations import UNKNOWN, Location
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import Type


class Builder:
    """Appends ops to a list.

    `b.emit(Add(x, y))` returns the op's result: the value itself when there is one, else the tuple of results."""

    def __init__(self, location: Location = UNKNOWN) -> None:
        self.operations: list[Operation] = []
        self.location = location

    def emit(self, op: Operation) -> Any:
        """Appends `op` (at the builder's location where it has none)."""
        if type(op.location) is Location and type(self.location) is not Location:
            op.location = self.location
            for result in op.results:
                result.location = self.location
        self.operations.append(op)
        return op.results[0] if len(op.results) == 1 else op.results

    @contextmanager
    def at(self, location: Location) -> Iterator[None]:
        """Ops emitted inside get this location."""
        before, self.location = self.location, location
        try:
            yield
        finally:
            self.location = before

    def nested(self) -> Builder:
        """A builder of the same kind for a region inside an op that is still being made."""
        return Builder(self.location)

    def region(
        self, argument_types: Sequence[Type], body: Callable[..., None], names: Sequence[str] = ()
    ) -> Region:
        """A one-block region. `body(builder, *arguments)` emits its ops, the terminator included."""
        arguments = [
            Value(t, None, i, names[i] if i < len(names) else "", self.location)
            for i, t in enumerate(argument_types)
        ]
        inner = self.nested()
        body(inner, *arguments)
        return Region([Block(arguments, inner.operations)])

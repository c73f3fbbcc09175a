"""Notes: which operation of a frontend made an op, and with which settings, as part of the op's location.

In the text a note is the metadata of a fused location: `fused<{eps = "1e-05", operation = "BatchNorm"}>["model.py":3:4]`.
MLIR reads it as it reads any attribute there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irc.errors import IrcError
from irc.ir.attribute_text import parse_attribute
from irc.ir.attributes import DictionaryAttr, StringAttr
from irc.ir.locations import CallSiteLoc, FusedLoc, Location, NameLoc

_OPERATION = "operation"
CALL = "call"
"""The setting that numbers the calls of an operation whose ops lie at several places."""


@dataclass(frozen=True, slots=True)
class Note:
    """An operation of a frontend by the name both families know it by, and its settings in words."""

    operation: str
    settings: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(operation: str, **settings: object) -> Note:
        """Settings by name (`_` stands for a space), numbers exactly."""
        return Note(operation, tuple(sorted((k.replace("_", " "), str(v)) for k, v in settings.items())))

    def at(self, location: Location) -> Location:
        """The location with this note."""
        entries = sorted(((_OPERATION, self.operation), *self.settings))
        return FusedLoc((location,), str(DictionaryAttr(tuple((k, StringAttr(v)) for k, v in entries))))

    def get(self, name: str) -> str | None:
        return dict(self.settings).get(name)


def _read(metadata: str) -> Note | None:
    try:
        found = parse_attribute(metadata)
    except IrcError:
        return None
    match found:
        case DictionaryAttr(value=entries):
            words = {k: v.value for k, v in entries if isinstance(v, StringAttr)}
            operation = words.pop(_OPERATION, None)
            return None if operation is None else Note(operation, tuple(sorted(words.items())))
    return None


def notes_of(location: Location) -> Iterator[tuple[Note, Location]]:
    """The notes of a location, each with the location that it is about."""
    match location:
        case FusedLoc(locations=parts, metadata=metadata):
            note = _read(metadata) if metadata else None
            for part in parts:
                inner = list(notes_of(part))
                if note is not None and not inner:
                    yield note, part
                yield from inner
        case NameLoc(child=child):
            yield from notes_of(child)
        case CallSiteLoc(callee=callee, caller=caller):
            yield from notes_of(callee)
            yield from notes_of(caller)


def note_of(location: Location) -> Note | None:
    """The first note of a location."""
    return next((note for note, _ in notes_of(location)), None)

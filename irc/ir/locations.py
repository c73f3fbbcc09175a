"""Where an op came from. Text and meaning are MLIR's builtin locations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from irc.errors import SourceSpan
from irc.ir.cursor import quote
from irc.ir.diagnostics import SourceText


@dataclass(frozen=True, slots=True)
class Location:
    """`loc(unknown)`, and the base of the others."""

    def __str__(self) -> str:
        return "unknown"


@dataclass(frozen=True, slots=True)
class FileLineCol(Location):
    """`"file.py":12:8` or, with an end column, `"file.py":12:8 to :20`. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        start = f"{quote(self.file)}:{self.line}:{self.column}"
        if not self.end_column:
            return start
        end = f"{self.end_line}" if self.end_line not in (0, self.line) else ""
        return f"{start} to {end}:{self.end_column}"


@dataclass(frozen=True, slots=True)
class NameLoc(Location):
    """`"net.fc1"(child)`: a module path or an argument name over a location."""

    name: str
    child: Location

    def __str__(self) -> str:
        quoted = quote(self.name)
        return quoted if type(self.child) is Location else f"{quoted}({self.child})"


@dataclass(frozen=True, slots=True)
class FusedLoc(Location):
    """`fused<"grad of">[a, b]`: one op made from several. `metadata` is an attribute's text or empty."""

    locations: tuple[Location, ...]
    metadata: str = ""

    def __str__(self) -> str:
        tag = f"<{self.metadata}>" if self.metadata else ""
        return f"fused{tag}[{', '.join(map(str, self.locations))}]"


@dataclass(frozen=True, slots=True)
class CallSiteLoc(Location):
    """`callsite(callee at caller)`."""

    callee: Location
    caller: Location

    def __str__(self) -> str:
        return f"callsite({self.callee} at {self.caller})"


@dataclass(frozen=True, slots=True)
class TextLoc(Location):
    """Where an op without a location of its own stands in the module text it was read from.

    Errors and debuggers use it like a file position; the printer takes it for unknown unless asked."""

    source: SourceText
    offset: int

    def __str__(self) -> str:
        return str(self.position())

    def position(self) -> FileLineCol:
        return FileLineCol(self.source.filename, *self.source.line_column(self.offset))


UNKNOWN = Location()


def fuse(*locations: Location, metadata: str = "") -> Location:
    """One location for an op made from several: duplicates and unknowns left out, nested fusions flattened."""
    seen: dict[Location, None] = {}
    for loc in locations:
        parts = loc.locations if isinstance(loc, FusedLoc) and loc.metadata == metadata else (loc,)
        seen.update((part, None) for part in parts if type(part) is not Location)
    if not seen:
        return UNKNOWN
    if len(seen) == 1 and not metadata:
        return next(iter(seen))
    return FusedLoc(tuple(seen), metadata)


def file_location(loc: Location) -> FileLineCol | None:
    """The first file position inside a location, or None."""
    match loc:
        case FileLineCol():
            return loc
        case TextLoc():
            return loc.position()
        case NameLoc(child=child):
            return file_location(child)
        case CallSiteLoc(callee=callee, caller=caller):
            return file_location(caller) or file_location(callee)
        case FusedLoc(locations=parts):
            return next((found for part in parts if (found := file_location(part))), None)
    return None


def described(loc: Location) -> str:
    """A location in a few words: the file's name, the line, and the module path it lies in (`cnn.py:15 net.conv1`)."""
    at = file_location(loc)
    line = f"{PurePath(at.file).name}:{at.line}" if at is not None else "unknown line"
    backward = "gradient of " if _is_gradient(loc) else ""
    name = _path(loc)
    return f"{backward}{line} {name}" if name else f"{backward}{line}"


def _is_gradient(loc: Location) -> bool:
    match loc:
        case FusedLoc(metadata=metadata, locations=parts):
            return "grad" in metadata or (bool(parts) and _is_gradient(parts[0]))
        case NameLoc(child=child):
            return _is_gradient(child)
    return False


def _path(loc: Location) -> str:
    """The first module path or name inside a location."""
    match loc:
        case NameLoc(name=name):
            return name
        case CallSiteLoc(callee=callee, caller=caller):
            return _path(caller) or _path(callee)
        case FusedLoc(locations=parts):
            return next((found for part in parts if (found := _path(part))), "")
    return ""


def span_of(loc: Location) -> SourceSpan | None:
    """The place in the user's text that an error about `loc` points at."""
    if isinstance(loc, TextLoc):
        return loc.source.word_span(loc.offset)
    at = file_location(loc)
    if at is None:
        return None
    end = at.end_column if at.end_line in (0, at.line) else 0
    return SourceSpan(at.file, at.line, at.column, end)

"""Where in the user's program something is recorded: the nearest frame that is not irc's own, and the modules being called.

Taking a site costs a few dictionary look-ups; lines, columns and module paths are worked out only when somebody asks."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary

import irc
from irc.errors import SourceSpan
from irc.ir.locations import UNKNOWN, FileLineCol, Location, NameLoc
from irc.ir.notes import CALL, Note

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOTS = tuple(
    root + os.sep
    for root in dict.fromkeys(
        (
            _HERE,
            *map(os.path.abspath, irc.__path__),
            *(os.path.join(os.path.dirname(_HERE), name) for name in ("passes", "codegen")),
        )
    )
)
_INTERNAL: dict[str, bool] = {}


def is_internal(filename: str) -> bool:
    """Whether a file is part of irc, or of the machinery between irc and the user's line."""
    known = _INTERNAL.get(filename)
    if known is None:
        path = os.path.abspath(filename)
        known = (
            path.startswith(_ROOTS)
            or os.path.basename(path) in ("contextlib.py", "functools.py")
            or (filename.startswith("<frozen "))
        )
        _INTERNAL[filename] = known
    return known


def user_frame(skip: int = 1) -> FrameType | None:
    """The innermost frame of the user's program."""
    frame: FrameType | None = sys._getframe(skip)
    while frame is not None:
        filename = frame.f_code.co_filename
        known = _INTERNAL.get(filename)
        if not (is_internal(filename) if known is None else known):
            return frame
        frame = frame.f_back
    return None


class Scope:
    """A module being called, inside another one or none. `owner.name_of(child)` names a child; the root's name is given."""

    __slots__ = ("batch", "module", "name", "outer")

    def __init__(self, module: Any, outer: Scope | None, name: str = "", batch: int | None = None) -> None:
        """`batch` is the leading extent of a root module's input."""
        self.module = module
        self.outer = outer
        self.name = name
        self.batch = batch

    @property
    def path(self) -> str:
        """`net.features.0`."""
        if self.outer is None:
            return self.name
        own = self.outer.module._child_path(self.module)
        return f"{self.outer.path}.{own or type(self.module).__name__.lower()}"

    @property
    def root(self) -> Scope:
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope


class Scopes:
    """The innermost scope at this moment; one per process, as recording is. `pinned` is the place of everything that is
    recorded while it is set: that of a graph's operation, made long before. `note` is what `noted` says of what is recorded
    now; `describe` is there while locations are to carry notes (`irc.frontends.points`): the note of an operation.
    `origins` says then where values that programs take as arguments were made."""

    __slots__ = ("calls", "current", "describe", "note", "origins", "pinned")

    def __init__(self) -> None:
        self.current: Scope | None = None
        self.pinned: Site | None = None
        self.note: Note | None = None
        self.calls = 0
        self.describe: Callable[[Any, tuple[Any, ...]], Note | None] | None = None
        self.origins: WeakKeyDictionary[Any, Location] = WeakKeyDictionary()


scopes = Scopes()


@contextmanager
def noted(operation: str, **settings: object) -> Iterator[None]:
    """What is recorded inside belongs to this operation of the frontend; the outermost note counts."""
    before = scopes.note
    if scopes.describe is not None and before is None:
        scopes.calls += 1
        scopes.note = Note.of(operation, **{CALL: scopes.calls}, **settings)
    try:
        yield
    finally:
        scopes.note = before


class Site:
    """A place in the user's program: code, instruction, and the scope it ran in; with the note that held there."""

    __slots__ = ("code", "instruction", "note", "scope")

    def __init__(
        self, code: CodeType | None, instruction: int, scope: Scope | None, note: Note | None = None
    ) -> None:
        self.code = code
        self.instruction = instruction
        self.scope = scope
        self.note = note

    @staticmethod
    def here() -> Site:
        """The place in the user's program that is running now."""
        if scopes.pinned is not None:
            return scopes.pinned
        frame: FrameType | None = sys._getframe(1)
        internal = _INTERNAL
        while frame is not None:
            filename = frame.f_code.co_filename
            known = internal.get(filename)
            if known is None:
                known = is_internal(filename)
            if not known:
                return Site(frame.f_code, frame.f_lasti, scopes.current, scopes.note)
            frame = frame.f_back
        return Site(None, 0, scopes.current)

    @staticmethod
    def making(thing: Any) -> Site:
        """The place that makes an object, for its `__init__` to ask: outside of its own class's."""
        frame = user_frame(2)
        while (
            frame is not None and frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is thing
        ):
            frame = frame.f_back
            while frame is not None and is_internal(frame.f_code.co_filename):
                frame = frame.f_back
        return Site(None, 0, None) if frame is None else Site(frame.f_code, frame.f_lasti, None)

    def expression(self) -> str:
        """The text of the expression, for notes; what is on its first line where it spans several."""
        span = self.span()
        if span is None:
            return ""
        line = linecache.getline(span.file, span.line).rstrip("\n")
        return line[span.column - 1 : span.end_column - 1] if span.end_column else line.strip()

    def position(self) -> FileLineCol | None:
        """File, line and columns of the expression."""
        if self.code is None:
            return None
        found = next(islice(self.code.co_positions(), self.instruction // 2, None), None)
        line, end_line, column, end_column = found or (None, None, None, None)
        if line is None:
            return FileLineCol(self.code.co_filename, self.code.co_firstlineno, 1)
        if column is None or end_column is None:
            return FileLineCol(self.code.co_filename, line, 1)
        column, end_column = _characters(self.code.co_filename, line, column, end_line, end_column)
        return FileLineCol(self.code.co_filename, line, column + 1, end_line or line, end_column + 1)

    def location(self) -> Location:
        """The location for the IR: the position under the module path."""
        at = self.position() or UNKNOWN
        found = NameLoc(self.scope.path, at) if self.scope is not None else at
        return self.note.at(found) if self.note is not None else found

    def span(self) -> SourceSpan | None:
        at = self.position()
        if at is None:
            return None
        if at.end_line in (0, at.line):
            return SourceSpan(at.file, at.line, at.column, at.end_column)
        return SourceSpan(at.file, at.line, at.column, len(linecache.getline(at.file, at.line).rstrip()) + 1)

    def brief(self) -> str:
        """`file.py:12`, for notes."""
        at = self.position()
        return f"{os.path.basename(at.file)}:{at.line}" if at else "an unknown place"


def _characters(file: str, line: int, column: int, end_line: int | None, end_column: int) -> tuple[int, int]:
    """Columns in characters: Python counts them in UTF-8 bytes."""
    text = linecache.getline(file, line)
    if text.isascii():
        return column, end_column
    raw = text.encode()
    column = len(raw[:column].decode(errors="replace"))
    if end_line in (None, line):
        end_column = len(raw[:end_column].decode(errors="replace"))
    return column, end_column


def frames_outward() -> Iterator[FrameType]:
    """The user's frames, innermost first."""
    frame = user_frame(2)
    while frame is not None:
        if not is_internal(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def name_in_frames(thing: Any) -> str | None:
    """The variable by which the user's innermost frames know `thing`."""
    for frame in frames_outward():
        for names in (frame.f_locals, frame.f_globals):
            for name, value in names.items():
                if value is thing and name != "self" and not name.startswith("_"):
                    return name
    return None

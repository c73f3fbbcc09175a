"""The errors irc raises, and how a location becomes the line and caret a user sees."""

from __future__ import annotations

import linecache
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A place in a text: a file name, a 1-based line, a 1-based column, and the column just past the end (0: unknown).

    ``text`` holds the line itself where the source is not a file that can be read again."""

    file: str
    line: int
    column: int
    end_column: int = 0
    text: str | None = None

    def caret(self) -> str:
        """The source line with a caret under the span; empty when the line cannot be found."""
        source = self.text if self.text is not None else linecache.getline(self.file, self.line).rstrip("\n")
        if not source.strip():
            return ""
        width = max(1, min(self.end_column, len(source) + 1) - self.column)
        blank = "".join("\t" if c == "\t" else " " for c in source[: self.column - 1])
        return f"    {source}\n    {blank}{'^' * width}"


class IrcError(Exception):
    """An error about the user's program. ``line``, ``column``, ``caret`` and ``constraint`` are for tools."""

    def __init__(
        self,
        message: str,
        *,
        span: SourceSpan | None = None,
        constraint: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.message = message
        self.span = span
        self.constraint = constraint
        self.notes = notes
        super().__init__(message)

    @property
    def line(self) -> int | None:
        return self.span.line if self.span else None

    @property
    def column(self) -> int | None:
        return self.span.column if self.span else None

    @property
    def caret(self) -> str:
        return self.span.caret() if self.span else ""

    def __str__(self) -> str:
        label = f" [{self.constraint}]" if self.constraint else ""
        where = f"{self.span.file}:{self.span.line}:{self.span.column}: " if self.span else ""
        lines = [f"{where}{self.message}{label}"]
        if self.caret:
            lines.append(self.caret)
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


class ParseError(IrcError):
    """A text that is not a module: what was expected, where."""


class VerifyError(IrcError):
    """An op, region or module that breaks a constraint of its specification."""


class UnsupportedError(IrcError):
    """A program that is right but has no lowering here; the message names what was refused."""


class TraceError(IrcError):
    """A Python program that cannot be recorded, with the line that stopped it."""


class FailedAssertionError(IrcError, AssertionError):
    """An assertion of the user's program that does not hold, found when it ran."""


class NonFiniteError(IrcError, ArithmeticError):
    """A program that made a NaN or an infinity, found when it ran and was asked to look (trap_nan)."""


class OutOfBoundsError(IrcError):
    """A kernel that reached outside a buffer: a fault of irc's own, found by bounds checks."""


class OutOfMemoryError(IrcError, MemoryError):
    """A program that needs more memory than it may take; nothing of it was run."""

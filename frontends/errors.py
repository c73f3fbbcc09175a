"""Errors about a recorded program: Python's own kinds, with the user's line, a caret and the module path."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

from irc import options
from irc.errors import IrcError, SourceSpan, TraceError
from irc.frontends.source import Site, is_internal


class RecordError(IrcError, RuntimeError):
    """What PyTorch and TensorFlow raise as RuntimeError or InvalidArgumentError."""


class ShapeError(RecordError):
    """Operands whose shapes do not go together."""


class RecordTypeError(IrcError, TypeError):
    """A wrong type or number of arguments."""


class RecordValueError(IrcError, ValueError):
    """An argument with a value that cannot be."""


class RecordIndexError(IrcError, IndexError):
    """An index or dimension out of range."""


class RecordAttributeError(IrcError, AttributeError):
    """A name that is not there."""


class RecordKeyError(IrcError, KeyError):
    """A key that is not there."""

    __str__ = IrcError.__str__


class NotThere(IrcError, AttributeError):
    """Something of the original framework that irc does not have; the message names it and says what to use."""


__all__ = [
    "NotThere",
    "RecordAttributeError",
    "RecordError",
    "RecordIndexError",
    "RecordKeyError",
    "RecordTypeError",
    "RecordValueError",
    "RecordWarning",
    "ShapeError",
    "TraceError",
    "install_hook",
    "locate",
    "warn",
]


class RecordWarning(UserWarning):
    """A warning about the user's program; its text has the line, a caret and notes, as an error's has."""


def warn(message: str, span: SourceSpan | None, notes: tuple[str, ...] = ()) -> None:
    """Warns at a place of the user's program: the one given, or the line being run."""
    span = span or Site.here().span() or SourceSpan("<unknown>", 0, 1)
    caret = span.caret()
    lines = [message, *([caret] if caret else []), *(f"  note: {note}" for note in notes)]
    warnings.warn_explicit("\n".join(lines), RecordWarning, span.file, span.line)


def _without_line(before: Callable[..., str]) -> Callable[..., str]:
    """Python's formatting of warnings; ours show their line themselves."""

    def formatted(message: Any, category: Any, filename: str, lineno: int, line: str | None = None) -> str:
        if category is RecordWarning:
            return f"{filename}:{lineno}: UserWarning: {message}\n"
        return before(message, category, filename, lineno, line)

    return formatted


def locate(error: IrcError, site: Site | None) -> IrcError:
    """Gives an error without a place the place `site`."""
    if error.span is None and site is not None:
        error.span = site.span()
    return error


def install_hook() -> None:
    """Makes an uncaught IrcError print the user's frames only; `IRC_TRACEBACK=1` keeps all of them."""
    before = sys.excepthook
    if getattr(before, "_irc", False) or options.flag("IRC_TRACEBACK"):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        if not isinstance(error, IrcError):
            return before(kind, error, trace)
        name = next((c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"), kind.__name__)
        name = kind.__name__ if name in ("Exception", "object") else name
        for file, line, function in _user_frames(trace):
            print(f'  File "{file}", line {line}, in {function}', file=sys.stderr)
        print(f"{name}: {error}", file=sys.stderr)

    hook._irc = True  # type: ignore[attr-defined]
    sys.excepthook = hook
    warnings.formatwarning = _without_line(warnings.formatwarning)


def _user_frames(trace: TracebackType | None) -> list[tuple[str, int, str]]:
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_internal(code.co_filename):
            found.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return found

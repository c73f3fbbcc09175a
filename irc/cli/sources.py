"""Texts from files or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from irc.errors import IrcError


def read(path: str) -> tuple[str, str]:
    """(text, what to call it in messages) of a file, or of standard input for `-`. Raises IrcError where it cannot be read."""
    if path == "-":
        return sys.stdin.read(), "<stdin>"
    try:
        return Path(path).read_text(encoding="utf-8"), path
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise IrcError(f"cannot read {path}: {reason}") from None

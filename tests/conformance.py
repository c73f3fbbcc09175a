"""Adapters of the conformance suites: `roundtrip` and `verify` take a program's text as its authors wrote it."""

from __future__ import annotations

from irc.dialects.builtin import parse
from irc.errors import IrcError


def roundtrip(text: str) -> str:
    """The text read and printed again. Nothing is verified: what suites call valid must come through."""
    return str(parse(text, verify=False))


def verify(text: str) -> str | None:
    """None when the text is a valid module, otherwise the diagnostics."""
    try:
        parse(text)
    except IrcError as e:
        return str(e)
    return None

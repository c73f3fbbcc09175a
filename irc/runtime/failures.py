"""What a program noted that should never be: the first message of an assertion that did not hold."""

from __future__ import annotations

import ctypes
import functools
import re
import threading

from irc.errors import FailedAssertionError, IrcError, OutOfBoundsError, SourceSpan
from irc.runtime import jit

SYMBOL = "irc_failed"
"""``void irc_failed(ptr message)``: keeps the first message, a zero-terminated text, until it is taken."""

_TEXT = f"""
@first = internal global ptr null, align 8

define void @{SYMBOL}(ptr %message) {{
  %pair = cmpxchg ptr @first, ptr null, ptr %message acq_rel monotonic
  ret void
}}

define ptr @irc_take_failure() {{
  %message = atomicrmw xchg ptr @first, ptr null acq_rel
  ret ptr %message
}}
"""


@functools.cache
def _load() -> dict[str, int]:
    return jit.load(jit.assembled(_TEXT), (SYMBOL, "irc_take_failure"))


def address() -> int:
    """The address of ``irc_failed``."""
    return _load()[SYMBOL]


def take() -> str | None:
    """The message of the first assertion that failed since this was last asked, in any thread; None if all held."""
    found = ctypes.PYFUNCTYPE(ctypes.c_char_p)(_load()["irc_take_failure"])()
    return None if found is None else found.decode()


LOCK = threading.Lock()
"""Who calls a program that asserts holds this until it has taken what failed: another thread's failure is not its own."""

OUTSIDE = "outside a buffer: "
"""What the message of a bounds check begins with."""

_LOCATED = re.compile(r"(.+):(\d+):(\d+): (.*)", re.DOTALL)


def asserted_by(object_code: bytes) -> bool:
    """Whether a program may note failures."""
    return SYMBOL.encode() in object_code


def located(message: str, span: SourceSpan | None) -> str:
    """The message of an assertion, with its place before it."""
    return message if span is None else f"{span.file}:{span.line}:{span.column}: {message}"


def error_of(message: str) -> IrcError:
    """The error that a message noted stands for."""
    if message.startswith(OUTSIDE):
        return OutOfBoundsError(message)
    found = _LOCATED.fullmatch(message)
    if found is None:
        return FailedAssertionError(message)
    return FailedAssertionError(found[4], span=SourceSpan(found[1], int(found[2]), int(found[3])))

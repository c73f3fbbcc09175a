"""What holds of any text whatever: it is read, or refused with a place; and what is read prints and reads back the same."""

from __future__ import annotations

import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from irc.dialects.builtin import parse, print_module
from irc.errors import IrcError

IRC = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finding:
    """Something that must not happen. `kind` names it for people, and findings of one kind and place are one."""

    kind: str
    place: str
    detail: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.place


class TooSlow(BaseException):
    """A case took longer than it may. No handler of ordinary errors stops it."""


@contextmanager
def limits(seconds: float, memory: int = 0) -> Iterator[None]:
    """Raises TooSlow in the main thread after `seconds`, MemoryError past `memory` bytes of address space (0: any)."""

    def expired(signum: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, expired)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def guarded(check: Callable[[], Finding | None], seconds: float, memory: int = 0) -> Finding | None:
    """What `check` finds; an exception that it lets out is a finding too."""
    try:
        with limits(seconds, memory):
            return check()
    except TooSlow as e:
        return Finding("hang", innermost(e), str(e))
    except Exception as e:
        return Finding(type(e).__name__, innermost(e), str(e)[:500])


def innermost(error: BaseException) -> str:
    """The last function of ours that an error went through. (Not the line: edits move it.)"""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(IRC))]
    frames = [f for f in frames if not f.filename.startswith(str(Path(__file__).parent))] or frames
    return f"{Path(frames[-1].filename).relative_to(IRC)}:{frames[-1].name}" if frames else "?"


def check_text(text: str) -> Finding | None:
    """Reads a text as a user would give it."""
    try:
        module = parse(text)
    except IrcError as e:
        if e.line is None or e.column is None:
            return Finding("no place", e.message[:60], str(e))
        return None
    return check_kept(module)


def check_kept(module: object) -> Finding | None:
    """Both printed forms of a module read back to it."""
    printed = str(module)
    for form, text in (("pretty", printed), ("generic", print_module(module, generic=True))):  # type: ignore[arg-type]
        try:
            again = str(parse(text))
        except IrcError as e:
            return Finding(f"{form} form not read", e.message[:60], f"{e}\n{text[:2000]}")
        if again != printed:
            return Finding(f"{form} form changes", first_difference(printed, again), text[:2000])
    return None


def first_difference(a: str, b: str) -> str:
    """The op of the first line that differs."""
    for x, y in zip(a.splitlines(), b.splitlines(), strict=False):
        if x != y:
            return next(
                (word for word in x.replace('"', " ").split() if "." in word and word[0] not in "%#@"), x[:40]
            )
    return "length"

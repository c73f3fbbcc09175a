"""What happens when irc itself fails: the module in work is made small and kept, with the command that replays it."""

from __future__ import annotations

import sys
import time
import zlib
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from irc import options
from irc.cli.failures import FINE, compiled, internal_error, outcome
from irc.cli.reduce import reading_failure
from irc.dialects.builtin import Module, parse, print_module
from irc.driver import Executable, Observer, observing
from irc.errors import IrcError
from irc.passes.manager import Hook, Pass
from irc.passes.reduce import reduced
from irc.passes.reduce_text import smallest_text

SECONDS = 20.0
"""How long a user waits for a smaller module."""
STATUS = 3


class InWork(Observer, Hook):
    """Knows the module that is being compiled."""

    def __init__(self) -> None:
        self.module: Module | None = None

    def hooks(self) -> Sequence[Hook]:
        return (self,)

    def begin(self, module: Module, passes: Sequence[Pass]) -> None:
        self.module = module

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        self.module = None


def watched(run: Callable[[Namespace], Any], arguments: Namespace) -> int:
    """Runs a command. Where irc itself fails in it, a reproducer is written and named, and the status is 3."""
    watch = InWork()
    try:
        with observing(watch):
            return int(run(arguments))
    except (IrcError, BrokenPipeError):
        raise
    except OSError as error:
        raise IrcError(str(error)) from error  # a file that is not there, say
    except Exception as error:
        found = _reproducer(watch, arguments, internal_error(error))
        if found is None and str(arguments.file).endswith(".py"):
            raise  # the program's own error, most likely
        print(f"internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print("  note: this is a fault of irc; IRC_TRACEBACK=1 shows where", file=sys.stderr)
        if found is not None:
            print(f"  note: {found[0]} holds a module that shows it", file=sys.stderr)
            print(f"  note: replay with: {found[1]}", file=sys.stderr)
        if options.flag("IRC_TRACEBACK"):
            raise
        return STATUS


def _reproducer(watch: InWork, arguments: Namespace, failure: str) -> tuple[Path, str] | None:
    """The file of a smaller module that fails in the same way, and the command; None where the failure is another's."""
    pipeline = arguments.passes if arguments.command == "opt" else None
    source = _source(arguments)
    if reading_failure(source) == failure:
        return _kept(smallest_text(source, lambda text: reading_failure(text) == failure), failure, "")
    module = watch.module
    if module is None and source and reading_failure(source) == FINE:
        module = parse(source, verify=False)
    failing = partial(compiled, pipeline=pipeline)
    if module is None or outcome(partial(failing, module)) != failure:
        return None
    deadline = time.monotonic() + SECONDS

    def fails(candidate: Module) -> bool:
        left = deadline - time.monotonic()
        return left > 0 and outcome(partial(failing, candidate), min(left, 2.0)) == failure

    passes = f" --passes '{pipeline}'" if pipeline is not None else ""
    return _kept(print_module(reduced(module, fails), locations=False), failure, passes)


def _kept(text: str, failure: str, passes: str) -> tuple[Path, str]:
    """The file that the text is written to, and the command that tries it again."""
    folder = Path(options.text("IRC_DUMP_DIR") or ".")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"irc-crash-{zlib.crc32(text.encode()):08x}.mlir"
    path.write_text(f"// {failure}\n{text}\n", encoding="utf-8")
    return path, f"irc reduce {path} --crash{passes} --limit 0"


def _source(arguments: Namespace) -> str:
    """The text the command was given; "" for a Python program, and for standard input, which is read."""
    path = Path(arguments.file)
    return path.read_text(encoding="utf-8") if path.is_file() and path.suffix != ".py" else ""

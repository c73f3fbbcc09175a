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
from irc.cli.failures import compiled, internal_error, outcome
from irc.dialects.builtin import Module, parse, print_module
from irc.driver import Executable, Observer, observing
from irc.passes.manager import Hook, Pass
from irc.passes.reduce import reduced

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
    except Exception as error:
        found = _reproducer(watch, arguments, internal_error(error))
        if found is None:
            raise
        path, command = found
        print(f"internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print(f"  note: this is a fault of irc; {path} holds a module that shows it", file=sys.stderr)
        print(f"  note: replay with: {command}", file=sys.stderr)
        if options.flag("IRC_TRACEBACK"):
            raise
        return STATUS


def _reproducer(watch: InWork, arguments: Namespace, failure: str) -> tuple[Path, str] | None:
    """The file of a smaller module that fails in the same way, and the command; None where the failure is another's."""
    pipeline = arguments.passes if arguments.command == "opt" else None
    module = watch.module if pipeline is None else _of_file(arguments)
    failing = partial(compiled, pipeline=pipeline)
    if module is None or outcome(partial(failing, module)) != failure:
        return None
    deadline = time.monotonic() + SECONDS

    def fails(candidate: Module) -> bool:
        left = deadline - time.monotonic()
        return left > 0 and outcome(partial(failing, candidate), min(left, 2.0)) == failure

    text = print_module(reduced(module, fails), locations=False)
    folder = Path(options.text("IRC_DUMP_DIR") or ".")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"irc-crash-{zlib.crc32(text.encode()):08x}.mlir"
    path.write_text(f"// {failure}\n{text}\n", encoding="utf-8")
    passes = f" --passes '{pipeline}'" if pipeline is not None else ""
    return path, f"irc reduce {path} --crash{passes} --limit 0"


def _of_file(arguments: Namespace) -> Module | None:
    text = Path(arguments.file).read_text(encoding="utf-8") if Path(arguments.file).is_file() else None
    return parse(text) if text is not None else None

"""The programs that a file compiles: a Python file is executed as `__main__`, a file of MLIR is compiled."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from irc.aliases import LIBRARIES, install_as
from irc.cli import sources
from irc.cli.arrays import tensor_type
from irc.cli.programs import run_program
from irc.driver import Executable, Observer, compile_text, observing
from irc.errors import IrcError
from irc.frontends.models import call_with, models_in
from irc.passes.hooks import Record, Timing
from irc.passes.manager import Hook

Program = tuple[Executable, Sequence[Hook]]
"""What was compiled, and the hooks of its passes."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares what says which file, and how it comes to compile something."""
    parser.add_argument("file", help="a Python program, or the text of a module")
    parser.add_argument("arguments", nargs="*", help="the program's arguments")
    parser.add_argument("--program", type=int, metavar="N", help="only the Nth compiled program, from 0")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="TYPE",
        help="an argument such as f32[32,3,32,32] for a model to be called with",
    )
    parser.add_argument("--model", metavar="NAME", help="which model of the file to call with --input")
    parser.add_argument(
        "--as", dest="frontend", choices=LIBRARIES, help="execute with irc in this library's place"
    )


class Collector(Observer):
    """Keeps every compiled program with what its passes recorded."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def hooks(self) -> Sequence[Hook]:
        return (Record(), Timing())

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        self.programs.append((executable, hooks))


def collected(
    arguments: argparse.Namespace, target: str = "cpu", names: dict[str, Any] | None = None
) -> list[Program]:
    """Every program that the file compiles; `names` takes a Python file's globals. Raises IrcError where there is none."""
    collector = Collector()
    with observing(collector):
        if not arguments.file.endswith(".py"):
            compile_text(*sources.read(arguments.file), target=target)
            return collector.programs
        if arguments.frontend:
            install_as(arguments.frontend)
        # What the program itself prints must not mix with what the command prints.
        with contextlib.redirect_stdout(sys.stderr):
            found = run_program(arguments.file, arguments.arguments)
            if names is not None:
                names.update(found)
            if arguments.input or not collector.programs:
                _call_a_model(found, arguments)
    return collector.programs


def chosen(programs: Sequence[Program], arguments: argparse.Namespace) -> list[tuple[int, Program]]:
    """The programs that --program asks for, with their numbers. Raises IrcError where there is none of that number."""
    found = list(enumerate(programs))
    if arguments.program is not None:
        found = found[arguments.program : arguments.program + 1]
    if not found:
        raise IrcError(
            f"{arguments.file} compiled {len(programs)} programs, there is no number {arguments.program}"
        )
    return found


def _call_a_model(names: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Calls the file's model on the types of --input; without them, says which models there are."""
    models = models_in(names)
    if not arguments.input:
        found = ", ".join(models) or "none"
        raise IrcError(
            f"{arguments.file} compiled nothing",
            notes=(
                f"models in it: {found}",
                "name an input to call one with: --input 'f32[32,3,32,32]' [--model NAME]",
            ),
        )
    name = arguments.model or next(iter(models), None)
    if name not in models:
        raise IrcError(f"{arguments.file} has no model '{name}' (models: {', '.join(models) or 'none'})")
    call_with(models[name], [tensor_type(t) for t in arguments.input])

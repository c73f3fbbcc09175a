"""The `irc` command: one module a subcommand, each with `add(parsers)` and `run(arguments) -> exit status`."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence

from irc import __version__, options
from irc.errors import IrcError

COMMANDS = {
    "dump": "show what became of a program, at any stage",
    "explain": "say why ops were fused or not, and what each kernel costs and takes",
    "bench": "time irc against what else is installed, on the same work",
    "diff": "compare two models, and list what they differ in",
    "opt": "run passes on a module's text",
    "run": "run a module's text, or a Python program under irc's frontend",
    "reduce": "make a module that fails small",
    "cache": "list what is kept on disk, say why a program was not, remove it",
    "ops": "list the ops, or print one op's reference page",
}

COMPILING = ("dump", "opt", "run")
"""Commands in which a fault of irc's own leaves a reproducer."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0, 1 for an error in the input, 2 for a wrong command line,
    3 for a fault of irc's own."""
    parser = argparse.ArgumentParser(
        prog="irc", description="A tensor compiler that a person can read.", epilog=_epilog()
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"irc {__version__}")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = list(sys.argv[1:] if argv is None else argv)
    named = next((a for a in given if not a.startswith("-")), None)
    for name, summary in COMMANDS.items():
        sub = parsers.add_parser(name, help=summary, description=summary)
        if name == named:
            importlib.import_module(f"irc.cli.{name}").add(sub)
    arguments = parser.parse_args(given)
    try:
        run = importlib.import_module(f"irc.cli.{arguments.command}").run
        if arguments.command in COMPILING:
            return int(importlib.import_module("irc.cli.crash").watched(run, arguments))
        return int(run(arguments))
    except IrcError as error:
        print(f"error: {error}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(f"  note: {note}", file=sys.stderr)
        if options.flag("IRC_TRACEBACK"):
            traceback.print_exc()
        return 1
    except BrokenPipeError:
        # The reader went away (`irc dump ... | head`): nothing more to say.
        sys.stderr.close()
        return 0


def _epilog() -> str:
    rows = "\n".join(f"  {name:<18} {meaning}" for name, meaning in options.documented().items())
    return f"environment:\n{rows}"

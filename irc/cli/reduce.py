"""`irc reduce FILE`: makes a module that fails small.

    irc reduce FILE --crash                        # compiling it ends in an internal error
    irc reduce FILE --crash --passes P             # these passes do
    irc reduce FILE --differs interpreter,native   # two ways to run it disagree
    irc reduce FILE --check CMD                    # a command fails on its file

The reduced text opens with the command that tries it again."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from irc.cli import sources
from irc.cli.failures import FINE, WAYS, command_status, compiled, difference, internal_error, outcome
from irc.dialects.builtin import Module, parse, print_module
from irc.errors import IrcError
from irc.passes.reduce import reduced
from irc.passes.reduce_text import smallest_text

BUDGET = 1000
PATIENCE, QUICK = 5, 2.0
"""How much longer than the whole module a part may take, and how long any may: loops that lose their counter never end."""
REPLAY = "// replay: "


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument("file", help="the text of a module; - is standard input")
    failure = parser.add_mutually_exclusive_group(required=True)
    failure.add_argument(
        "--crash", action="store_true", help="it ends in an internal error, or ends the process"
    )
    failure.add_argument("--differs", metavar="A,B", help=f"two of {', '.join(WAYS)} give other results")
    failure.add_argument(
        "--check", metavar="CMD", help="a command that fails on its file (in the place of {}, or last)"
    )
    parser.add_argument(
        "--passes", help="with --crash, the passes to run; with --differs, those of the way `passes`"
    )
    parser.add_argument("--tolerance", type=float, default=0.0, help="with --differs, of the largest element")
    parser.add_argument("--seed", type=int, default=0, help="of random arguments")
    parser.add_argument(
        "--limit", type=int, default=BUDGET, help="modules to try at most; 0 only says what fails"
    )
    parser.add_argument("-o", "--output", help="where to write the text; without it, standard output")


def run(arguments: argparse.Namespace) -> int:
    """Reduces the module and prints it; returns the exit status: 0, or 1 where nothing fails."""
    source, name = sources.read(arguments.file)
    try:
        module = parse(source, name, verify=False)
    except IrcError:
        raise
    except Exception:
        return _reduce_text(source, arguments)
    failing = failure_of(arguments)
    start = time.monotonic()
    wanted = outcome(partial(failing, module))
    seconds = PATIENCE * (time.monotonic() - start)
    if wanted == FINE:
        raise IrcError(f"{name} does not fail so: there is nothing to reduce")
    print(f"{wanted}: {count(module)} operations", file=sys.stderr)
    if arguments.limit:
        tried = 0

        def fails(candidate: Module) -> bool:
            nonlocal tried
            tried += 1
            return outcome(partial(failing, candidate), max(seconds, QUICK)) == wanted

        module = reduced(module, fails, arguments.limit)
        print(f"{count(module)} operations are left ({tried} modules were tried)", file=sys.stderr)
    write(print_module(module, locations=False), arguments)
    return 0


def failure_of(arguments: argparse.Namespace) -> Callable[[Module], str]:
    """What says how a module fails; "" for one that does not."""
    if arguments.check is not None:
        return partial(command_status, command=arguments.check)
    if arguments.crash:
        return partial(compiled, pipeline=arguments.passes)
    ways = arguments.differs.split(",")
    if len(ways) != 2 or any(way not in WAYS for way in ways):
        raise IrcError(f"--differs takes two of {', '.join(WAYS)}, not '{arguments.differs}'")
    return partial(
        difference,
        ways=ways,
        pipeline=arguments.passes or "",
        tolerance=arguments.tolerance,
        seed=arguments.seed,
    )


def _reduce_text(source: str, arguments: argparse.Namespace) -> int:
    """For a text on which the reader itself fails: an exception, so that no process of its own is needed."""
    wanted = reading_failure(source)
    print(f"{wanted}, while reading", file=sys.stderr)
    write(smallest_text(source, lambda candidate: reading_failure(candidate) == wanted), arguments)
    return 0


def reading_failure(text: str) -> str:
    """The exception, if it is no IrcError, that reading a text ends in."""
    try:
        parse(text, verify=False)
    except IrcError:
        return FINE
    except Exception as error:
        return internal_error(error)
    return FINE


def write(text: str, arguments: argparse.Namespace) -> None:
    """Prints the text, or writes it to the file asked for, with the command that tries it again."""
    whole = f"{REPLAY}{replay_command(arguments)}\n{text.rstrip()}\n"
    if arguments.output:
        Path(arguments.output).write_text(whole, encoding="utf-8")
        print(f"written to {arguments.output}; replay with: {replay_command(arguments)}", file=sys.stderr)
    else:
        print(whole, end="")


def replay_command(arguments: argparse.Namespace) -> str:
    """`irc reduce FILE ... --limit 0`: says what fails, and changes nothing."""
    words = ["irc", "reduce", arguments.output or "-"]
    words += ["--crash"] if arguments.crash else []
    for option in ("differs", "check", "passes"):
        value = getattr(arguments, option)
        words += [f"--{option}", value] if value is not None else []
    words += ["--tolerance", str(arguments.tolerance)] if arguments.tolerance else []
    words += ["--seed", str(arguments.seed)] if arguments.seed else []
    return shlex.join([*words, "--limit", "0"])


def count(module: Module) -> int:
    """How many ops a module holds."""
    return sum(1 for _ in module.walk()) - 1

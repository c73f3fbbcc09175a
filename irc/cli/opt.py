"""`irc opt FILE [--passes P]`: text in, passes, text out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from irc.cli import sources
from irc.cli.terminal import show
from irc.dialects.builtin import parse
from irc.driver import PIPELINE, remaining
from irc.ir.printer import print_operation
from irc.passes.hooks import (
    CompareEach,
    PrintTree,
    Record,
    Reproducer,
    Timing,
    VerifyEach,
    hooks_from_environment,
)
from irc.passes.manager import Hook, pass_names, run_pipeline


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument("file", nargs="?", default="-", help="MLIR text; - is standard input")
    parser.add_argument(
        "--passes",
        help=f"a pipeline; without it the one the text carries, else none (the compiler's is {PIPELINE})",
    )
    parser.add_argument("--list", action="store_true", help="list the passes")
    parser.add_argument("--timing", action="store_true", help="times of the passes on standard error")
    parser.add_argument("--rewrites", action="store_true", help="the rewrites that fired, on standard error")
    parser.add_argument("--verify-each", action="store_true", help="verify after every pass")
    parser.add_argument("--compare-each", action="store_true", help="interpret before and after every pass")
    parser.add_argument("--print-tree", metavar="DIR", help="the module after every pass, as numbered files")
    parser.add_argument("--generic", action="store_true", help="print ops in generic form")
    parser.add_argument("--no-loc", action="store_true", help="print no locations")


def run(arguments: argparse.Namespace) -> int:
    """Reads the module, runs the passes, prints it; returns the exit status."""
    if arguments.list:
        print("\n".join(pass_names()))
        return 0
    module = parse(*sources.read(arguments.file))
    timing, record = Timing(), Record()
    hooks: list[Hook] = [*hooks_from_environment(), timing, record]
    if arguments.verify_each:
        hooks.append(VerifyEach())
    if arguments.compare_each:
        hooks.append(CompareEach())
    if arguments.print_tree:
        hooks += [PrintTree(Path(arguments.print_tree)), Reproducer(Path(arguments.print_tree))]
    carried = "irc.pipeline" in module.attributes
    pipeline = arguments.passes if arguments.passes is not None else remaining(module) if carried else ""
    module = run_pipeline(module, pipeline, hooks)
    show(print_operation(module, locations=not arguments.no_loc, generic=arguments.generic))
    if arguments.timing:
        print(timing.report(), file=sys.stderr)
    if arguments.rewrites:
        print(record.report(), file=sys.stderr)
    return 0

"""`irc cache ls|why|gc`: the programs kept on disk."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time

from irc import options
from irc.aliases import LIBRARIES, install_as
from irc.cli import sources
from irc.cli.programs import run_program
from irc.driver import compile_text
from irc.errors import IrcError
from irc.runtime.available import parse_bytes, readable
from irc.runtime.disk_cache import DiskCache, disk_cache


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("ls", help="list what is kept, the one used last first")
    why = actions.add_parser("why", help="run or compile a file and say why each program was not on disk")
    why.add_argument("file", help="a Python program, or the text of a module")
    why.add_argument("--as", dest="frontend", choices=LIBRARIES, help="run with irc in this library's place")
    collect = actions.add_parser("gc", help="remove what was not used for longest")
    collect.add_argument("--keep", default="0", metavar="BYTES", help="how much may stay (default: nothing)")


def run(arguments: argparse.Namespace) -> int:
    """Runs one action; returns the exit status."""
    cache = disk_cache()
    if cache is None:
        raise IrcError(
            "no programs are kept on disk", notes=("see IRC_CACHE and IRC_CACHE_DIR in `irc --help`",)
        )
    match arguments.action:
        case "ls":
            _list(cache)
        case "gc":
            gone = cache.collect(parse_bytes(arguments.keep))
            print(f"removed {len(gone)} entries, {readable(sum(e.nbytes for e in gone))}")
        case _:
            _why(arguments)
    return 0


def _list(cache: DiskCache) -> None:
    entries = cache.entries()
    for entry in entries:
        fields = entry.fields
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.used))
        what = f"irc {fields['irc']}" if "irc" in fields else "runtime"
        kind = fields.get("is", "module")
        print(
            f"{when}  {readable(entry.nbytes):>10}  {kind:6} {fields['module'][:12]}  {fields['cpu']}  {what}"
        )
    total = sum(e.nbytes for e in entries)
    print(f"{len(entries)} entries, {readable(total)} of {readable(cache.limit)}, in {cache.folder}")


def _why(arguments: argparse.Namespace) -> None:
    options.log("cache")
    if not arguments.file.endswith(".py"):
        compile_text(*sources.read(arguments.file))
        return
    if arguments.frontend:
        install_as(arguments.frontend)
    # What the program itself prints must not mix with the answer.
    with contextlib.redirect_stdout(sys.stderr):
        run_program(arguments.file, [])

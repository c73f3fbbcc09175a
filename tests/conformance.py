"""The conformance suites: adapters that their harness calls, and a score of what the text layer reads.

    python tests/conformance.py [--verify] [ARCHIVE...]

reads and prints every program of the archives (by default all of `$IRC_CONFORMANCE`, else `../shared/conformance`), and
lists what was refused by cause. Adapters take a program's text as its authors wrote it, `interpret` its inputs too.

    python tests/conformance.py --scores [--whole] [--floors | --record] [--only WORDS]

runs the suites with their own harness and prints scores per suite and op family with failures by cause (`--whole`: every case
of every suite). With `--floors` the status is 1 where a score is below tests/conformance_floors.json."""

from __future__ import annotations

import argparse
import collections
import json
import os
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from conformance_scores import JOBS, WHOLE, below, record, report, scores

import irc.dialects  # noqa: F401
from irc import interpreter
from irc.dialects.builtin import parse
from irc.driver import compile_module
from irc.errors import IrcError


def roundtrip(text: str) -> str:
    """The text read and printed again. Nothing is verified: what suites call valid must come through."""
    return str(parse(text, verify=False))


def interpret(text: str, inputs: Any) -> list[Any]:
    """The results of @main by the reference."""
    return interpreter.interpret(parse(text), *inputs)


def native(text: str, inputs: Any) -> list[Any]:
    """The results of @main by generated code."""
    module = parse(text)
    return list(compile_module(module)(*(np.array(x, order="C") for x in inputs)))


def verify(text: str) -> str | None:
    """None when the text is a valid module, otherwise the diagnostics."""
    try:
        parse(text)
    except IrcError as e:
        return str(e)
    return None


def folder() -> Path:
    return Path(os.environ.get("IRC_CONFORMANCE") or Path(__file__).parents[2] / "shared" / "conformance")


def programs(archive: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of the programs that are valid."""
    if archive.suffix == ".jsonl":
        for line in archive.read_text().splitlines():
            case = json.loads(line)
            if case["expect"] == "accept":
                yield case["id"], case["text"]
        return
    with zipfile.ZipFile(archive) as z:
        for name in sorted(z.namelist()):
            if name.endswith(".mlir"):
                yield name.removesuffix(".mlir"), z.read(name).decode()


def cause(text: str, verified: bool) -> tuple[str | None, int]:
    """Why a program does not come through (None: it does), and how many ops it has."""
    try:
        module = parse(text, verify=False)
        if verified:
            module.verify()
        printed = str(module)
        if str(parse(printed, verify=False)) != printed:
            return "prints differently the second time", 0
    except IrcError as e:
        return e.message.splitlines()[0], 0
    return None, sum(1 for _ in module.walk())


def score(archive: Path, verified: bool) -> None:
    causes: dict[str, list[str]] = collections.defaultdict(list)
    kept = ops = 0
    start = time.process_time()
    for name, text in programs(archive):
        why, n = cause(text, verified)
        if why is None:
            kept, ops = kept + 1, ops + n
        else:
            causes[why].append(name)
    seconds = time.process_time() - start
    total = kept + sum(map(len, causes.values()))
    if total:
        print(
            f"{archive.name}: {kept} of {total} programs kept, {ops} ops in {seconds:.1f} s (read twice, printed twice)"
        )
    for why, names in sorted(causes.items(), key=lambda item: -len(item[1])):
        print(f"    {len(names)} {why} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})")


def print_scores(given: argparse.Namespace) -> int:
    """The scores; returns the exit status."""
    if not folder().is_dir():
        print(f"no conformance suites in {folder()}: nothing is scored")
        return 0
    jobs = [j for j in (WHOLE if given.whole else JOBS) if given.only in j.name]
    found = scores(jobs, folder())
    print(report(found, details=not given.floors))
    if given.record:
        record(found)
    short = below(found) if given.floors else []
    print("\n".join(short))
    return 1 if short else 0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    arguments.add_argument("--verify", action="store_true", help="verify the programs too")
    arguments.add_argument("--scores", action="store_true", help="run the suites")
    arguments.add_argument("--whole", action="store_true", help="every case of every suite")
    arguments.add_argument("--floors", action="store_true", help="fail below the recorded floors")
    arguments.add_argument("--record", action="store_true", help="make these scores the floors")
    arguments.add_argument("--only", default="", help="jobs whose name holds these words")
    arguments.add_argument("archives", nargs="*", type=Path)
    given = arguments.parse_args()
    if given.scores:
        return print_scores(given)
    names = given.archives or sorted(p for p in folder().iterdir() if p.suffix in (".zip", ".jsonl"))
    for archive in names:
        score(archive if archive.exists() else folder() / archive, given.verify)
    return 0


if __name__ == "__main__":
    sys.exit(main())
